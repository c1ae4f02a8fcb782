"""How often a classifier errs on attacked samples, beside FGSM, PGD and chance; and how large the changes are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import torch
from annotated_types import Gt
from torch import Generator, Tensor, nn

from zerosum.losses.adversarial_examples import fgsm, pgd, random_signs
from zerosum.metrics import intervals, probe
from zerosum.metrics.metric import Context, Metric, NotMeasurable
from zerosum.metrics.score import Score
from zerosum.modality import Image
from zerosum.roles import Attacks, has_role, in_role
from zerosum.run.sampling import device_of, eval_no_grad
from zerosum.util import checks, rng

if TYPE_CHECKING:
    from zerosum.data.dataset import Dataset

CHUNK = 250  # samples that FGSM and PGD change at once


def attackable(network: nn.Module, x: Tensor, y: Tensor, target: int | None = None) -> Tensor:
    """(N,) bool: which samples, (N, *shape) floats, a classifier takes for their classes y, (N,); of an attack with a
    target those of other classes alone.

    Raises:
        ArgumentError: labels that are not one a sample.
    """
    checks.whole("N", {"N": (len(x),)}, y=y)
    right = probe.predict(network, x, x.device).to(y.device) == y
    return right if target is None else right & (y != target)


def success(network: nn.Module, changed: Tensor, y: Tensor, target: int | None = None) -> float:
    """The share of changed samples, (N, *shape) floats, that a classifier takes for another class than y, (N,), or for
    the target; of samples that it took for their classes, as `attackable` says.

    Raises:
        ValueError: there are none; labels that are not one a sample.
    """
    if not len(changed):
        raise ValueError("there are no samples that the classifier gets right")
    checks.whole("N", {"N": (len(changed),)}, y=y)
    found = probe.predict(network, changed, changed.device).to(y.device)
    return float((found != y if target is None else found == target).double().mean())


def known_attacks(network: nn.Module, x: Tensor, y: Tensor, epsilon: float, steps: int, seed: int) -> dict[str, Tensor]:
    """Samples (N, *shape) as FGSM, so many steps of PGD, and signs by chance change them, by epsilon at most.

    FGSM and PGD go away from the classes y, (N,), to whichever.
    """
    draw = Generator(x.device).manual_seed(seed)
    both = list(zip(x.split(CHUNK), y.split(CHUNK), strict=True))
    return {
        "FGSM": torch.cat([fgsm(network, x, y, epsilon) for x, y in both]),
        "PGD": torch.cat([pgd(network, x, y, epsilon, steps=steps, generator=draw) for x, y in both]),
        "random signs": random_signs(x, epsilon, generator=draw),
    }


@dataclass(frozen=True)
class AttackSuccess(Metric):
    """The share of samples that the classifier errs on after the attack, of those that it gets right before."""

    count: Annotated[int, Gt(0), "samples that are attacked, at most"] = 1_000
    steps: Annotated[int, Gt(0), "of PGD"] = 20

    name = "attack-success"
    needs = "none"
    kind = Image
    has_references = False  # its own are other attacks
    needs_distinct = False
    truncates = False

    def why_not(self, context: Context) -> str:
        if context.run is None or not has_role(context.run.game, Attacks):
            return "it needs a run that attacks a classifier, such as one of advgan"
        samples = self._samples(context)
        if samples.y is None:
            return f"it needs data with classes, and {samples.name} has none"
        own = context.run.record.data.classes
        return "" if samples.classes == own else f"{samples.name} has other classes than the run, {', '.join(own)}"

    def fakes(self, context: Context) -> int:
        return min(self.count, len(self._samples(context)))

    def held_out(self, context: Context) -> str:
        return "" if context.test is None else f"{len(context.test)} of {context.test.fingerprint}"

    def warnings(self, context: Context) -> list[str]:
        if context.training is None or context.test is not None:
            return []
        return ["these are samples that the run learnt from: train with --held-out 0.1, or name others by --against"]

    def measure(self, context: Context) -> dict[str, Score]:
        run, data = context.run, self._samples(context)
        assert run is not None and data.y is not None
        role, device = in_role(run.game, Attacks), device_of(run.game)
        known = (data.y >= 0).nonzero()[:, 0]
        rows = known[rng.shuffled(len(known), context.seed)[: self.count]]
        x, y, network = data.modality.load(data.x[rows]).to(device), data.y[rows].to(device), role.classifier()
        with eval_no_grad(run.game, 0):
            right = attackable(network, x, y, role.target)
            if not bool(right.any()):
                raise NotMeasurable("attack-success needs samples that the classifier gets right, and there are none")
            x, y = x[right], y[right]
            changed = run.translate(x.cpu()).to(device)
            rates = {
                name: success(network, made, y, role.target)
                for name, made in known_attacks(network, x, y, role.epsilon, self.steps, context.seed).items()
            }
            rate = success(network, changed, y, role.target)
        change = (changed - x).flatten(1)
        largest, length = change.abs().amax(1), change.norm(dim=1)
        how = f"binomial, of {len(y):,} of {len(rows):,} samples"
        scores = {"success": Score(rate, "higher", intervals.of_share(rate, len(y)), how)}
        scores |= {name: Score(value, "none", intervals.of_share(value, len(y)), how) for name, value in rates.items()}
        norms = {"L-infinity": largest.mean(), "largest L-infinity": largest.max()}
        norms |= {"L2": length.mean(), "largest L2": length.max()}
        note = "of the change of a sample, of the range from -1 to 1"
        return scores | {name: Score(float(value), note=note) for name, value in norms.items()}

    def _samples(self, context: Context) -> Dataset:
        """Those that were held out, where there are any."""
        return context.data if context.test is None else context.test
