"""Metrics that need the run, not only its samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt

from zerosum import data
from zerosum.evaluation.protocol import Figure
from zerosum.metrics import bootstrap, discrimination, intervals, path_length
from zerosum.metrics.metric import Bench, Metric


@dataclass(frozen=True)
class Discriminator(Metric):
    """How well the run's own discriminator tells real samples from fakes: 1/2 if it cannot; Goodfellow et al., 2014.

    It says how the two players stand to each other, not how good the samples are. A critic without a threshold is to
    be read by `order`.
    """

    judged: Annotated[int, Gt(0), "samples of each side to judge, at most"] = 2000

    name = "discriminator"
    needs = "little"
    anchored = False

    def unfit(self, bench: Bench) -> str:
        if bench.run is None:
            return "it needs a run, whose discriminator is asked"
        if bench.run.record.data.classes not in ((), bench.data.classes):
            return f"it needs real data with the run's classes, and {bench.data.name} has others"
        return ""

    def measure(self, bench: Bench) -> dict[str, Figure]:
        assert bench.run is not None
        record = bench.run.record
        stream = data.Stream(
            bench.data,
            min(record.training.batch_size, len(bench.data)),
            seed=bench.seed,
            device=bench.device,
            batch=bench.run.game.batch,
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


@dataclass(frozen=True)
class PathLength(Metric):
    """Perceptual path length; Karras et al., 2019: how far samples move, in features, while z moves a little.

    Without truncation. Papers have distances by LPIPS, so numbers compare under one extractor only.
    """

    paths: Annotated[int, Gt(19), "how many"] = 2000

    name = "path-length"
    needs = "little"
    by_default = False
    anchored = False

    def unfit(self, bench: Bench) -> str:
        if bench.run is None:
            return "it needs a run, whose latent space is walked"
        extractor = bench.fake.extractor
        return f"{extractor.name} rounds to 8 bits, use --extractor random" if extractor.rounds else ""

    def uses_features(self, bench: Bench) -> bool:
        return True

    def measure(self, bench: Bench) -> dict[str, Figure]:
        assert bench.run is not None
        lengths = path_length.path_lengths_of(bench.run, bench.fake.extractor, self.paths, seed=bench.seed)
        interval = bootstrap.interval(path_length.trimmed_mean, lengths, repeats=200, seed=bench.seed)
        return {
            "length": Figure(path_length.trimmed_mean(lengths), "lower", interval, "from random halves of the paths")
        }
