"""Metrics that need the game, not only its samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt

from zerosum import data
from zerosum.metrics import discrimination, intervals
from zerosum.metrics.metric import Bench, Metric
from zerosum.metrics.protocol import Figure


@dataclass(frozen=True)
class Discriminator(Metric):
    """How well the run's own discriminator tells real samples from fakes: 1/2 if it cannot; Goodfellow et al., 2014.

    It says how the two players stand to each other, not how good the samples are. A critic without a threshold is to
    be read by `order`.
    """

    judged: Annotated[int, Gt(0), "samples of each side to judge, at most"] = 2000

    name = "discriminator"
    needs = "samples"
    anchored = False

    def unfit(self, bench: Bench) -> str:
        return "it needs a run, whose discriminator is asked" if bench.run is None else ""

    def measure(self, bench: Bench) -> dict[str, Figure]:
        assert bench.run is not None
        record = bench.run.record
        real = data.Dataset("real", bench.real.stored, bench.real.labels, bench.data.classes, bench.data.fingerprint)
        stream = data.Stream(
            real,
            min(record.training.batch_size, len(real)),
            seed=bench.seed,
            device=bench.device,
            labelled=bool(record.data.classes),
        )
        count = min(self.judged, bench.fewest)
        logits = discrimination.own_logits(bench.run.game, stream, count, bench.run.step, bench.seed)
        accuracy, on_real, on_fake, order = discrimination.discrimination(*logits)
        judged = len(logits[0]), len(logits[1])
        return {
            "accuracy": Figure(accuracy, "none", intervals.of_share(accuracy, sum(judged)), "binomial"),
            "real": Figure(on_real, "none", intervals.of_share(on_real, judged[0]), "binomial"),
            "fake": Figure(on_fake, "none", intervals.of_share(on_fake, judged[1]), "binomial"),
            "order": Figure(order, "none", note="no interval: pairs are not independent"),
        }
