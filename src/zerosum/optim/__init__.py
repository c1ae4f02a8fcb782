"""Optimisers, learning-rate decay and other schedules as frozen values: they describe, `build` makes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt, Le, Lt
from pydantic import Discriminator
from torch import Tensor
from torch.nn import Parameter

from zerosum.errors import ZerosumError
from zerosum.optim import sghmc, trpo
from zerosum.optim.schedule import ALWAYS, BURN_IN, NEVER, Cosine, Ramp, half_cosine
from zerosum.optim.scheduled import BurnInAdam, ScheduledSGD
from zerosum.options import Checked
from zerosum.util.switches import With

LearningRate = Annotated[float, Gt(0), "learning rate"]
Beta = Annotated[float, Ge(0), Lt(1)]

__all__ = [
    "ALWAYS",
    "BURN_IN",
    "NEVER",
    "SGD",
    "SGHMC",
    "TRPO",
    "Adam",
    "Cosine",
    "Decay",
    "DiscriminatorOptimizer",
    "GeneratorOptimizer",
    "Optimizer",
    "PolicyOptimizer",
    "RMSprop",
    "Ramp",
    "scheduled",
]

LEAST = 1e-8  # share of the first rate that is left where a rate that never reaches 0 is to end at 0
POWER = 0.75  # beta of Ganin et al., 2016, section 5.2.2, where a rate goes as (1 + alpha t)^-beta
PAPER = 11**-POWER  # where that ends, of their alpha of 10


def _falls(decay: Decay) -> bool:
    return decay.shape != "constant"


_IN_TIME = With("shape", _falls, unless="beta2_start")  # Adam's second beta goes by the same steps


@dataclass(frozen=True)
class Decay(Checked):
    """A learning-rate schedule: warm-up, then decay, as a factor of the learning rate."""

    shape: Annotated[
        Literal["constant", "linear", "cosine", "exponential", "inverse"],
        "learning-rate schedule; inverse: as (1 + a t)^-0.75",
    ] = "constant"
    warmup: Annotated[int, Ge(0), "linear warm-up steps"] = 0
    start: Annotated[int, Ge(0), _IN_TIME, "steps before the decay"] = 0
    steps: Annotated[
        int | None,
        Gt(0),
        _IN_TIME,
        With("images", lambda own: own.images is None),
        "steps of the decay; none: until training ends",
    ] = None
    images: Annotated[int | None, Gt(0), _IN_TIME, "samples of the decay, in place of its steps"] = None
    final: Annotated[
        float | None,
        Ge(0),
        Le(1),
        With("shape", _falls),
        "final learning rate, as a fraction; none: 0, of inverse 11^-0.75, as the paper has it",
    ] = None
    hold: Annotated[float, Ge(0), Lt(1), _IN_TIME, "share of all steps before the decay, beside `start`"] = 0.0

    def __call__(self, step: int, total: int, batch: int = 1) -> float:
        """The factor in [0, 1] for step `step` (from 0) of `total`, each of `batch` samples over all processes."""
        if step < self.warmup:
            return (step + 1) / self.warmup  # a rate of 0 would waste the first step
        if self.shape == "constant":
            return 1.0
        t = self.share(step, total, batch)
        if self.shape == "exponential":
            return math.exp(t * math.log(max(self.end, LEAST)))  # a geometric fall never reaches 0
        if self.shape == "inverse":  # nor does this one, and `final` is where it ends
            return float((1 + (max(self.end, LEAST) ** (-1 / POWER) - 1) * t) ** -POWER)
        return 1 + (self.end - 1) * (t if self.shape == "linear" else half_cosine(t))

    @property
    def end(self) -> float:
        """Where it ends, as a fraction."""
        if self.final is None:
            return PAPER if self.shape == "inverse" else 0.0
        return self.final

    def begins(self, total: int) -> int:
        """The step with which the decay begins."""
        return self.start + round(self.hold * total)

    def share(self, step: int, total: int, batch: int = 1) -> float:
        """How much of the decay lies behind step `step`, in [0, 1]."""
        return min(max((step - self.begins(total)) / self._length(total, batch), 0.0), 1.0)

    def stops(self, total: int, batch: int = 1) -> int | None:
        """The step from which on the rate is 0; None where it never is."""
        if self.shape not in ("linear", "cosine") or self.end:
            return None
        return self.begins(total) + math.ceil(self._length(total, batch))

    def _length(self, total: int, batch: int) -> float:
        return self.images / batch if self.images else self.steps or max(total - self.begins(total), 1)


@dataclass(frozen=True)
class Adam(Checked):
    """Adam; Kingma and Ba, 2015, Algorithm 1. GANs use a small or zero first beta, since the loss moves."""

    lr: LearningRate = 2e-4
    betas: Annotated[tuple[Beta, Beta], "decay rates of both moments"] = (0.5, 0.999)
    eps: Annotated[float, Gt(0), "added to the root of the second moment, for stability"] = 1e-8
    decay: Annotated[Decay, "learning-rate decay"] = Decay()
    beta2_start: Annotated[
        Beta | None,
        "second beta at the start, from where it goes by half a cosine while the rate decays; none: constant",
    ] = None
    kind: Literal["adam"] = "adam"

    def build(self, parameters: Iterable[Parameter]) -> torch.optim.Optimizer:
        own = list(parameters)
        rate, recordable = _rate(self.lr, own)
        if self.beta2_start is not None:
            return BurnInAdam(own, rate, self.betas[0], _rate(self.beta2_start, own)[0], self.eps)
        return torch.optim.Adam(own, rate, self.betas, self.eps, fused=_fusable(own), capturable=recordable)

    def beta2(self, step: int, total: int, batch: int = 1) -> float:
        """The second beta of step `step` (from 0) of `total`, each of `batch` samples over all processes."""
        if self.beta2_start is None:
            return self.betas[1]
        return self.beta2_start + (self.betas[1] - self.beta2_start) * half_cosine(self.decay.share(step, total, batch))


@dataclass(frozen=True)
class RMSprop(Checked):
    """RMSprop; Tieleman and Hinton, 2012, lecture 6.5. The optimiser of WGAN, whose critic dislikes momentum."""

    lr: LearningRate = 5e-5
    alpha: Annotated[Beta, "decay rate of the second moment"] = 0.99
    eps: Annotated[float, Gt(0), "added to the root of the second moment, for stability"] = 1e-8
    decay: Annotated[Decay, "learning-rate decay"] = Decay()
    kind: Literal["rmsprop"] = "rmsprop"

    def build(self, parameters: Iterable[Parameter]) -> torch.optim.Optimizer:
        own = list(parameters)
        rate, recordable = _rate(self.lr, own)
        return torch.optim.RMSprop(own, rate, self.alpha, self.eps, foreach=True, capturable=recordable)


@dataclass(frozen=True)
class SGD(Checked):
    """Stochastic gradient descent with momentum, as in Goodfellow et al., 2014, Algorithm 1."""

    lr: LearningRate = 0.1
    momentum: Annotated[Beta, "momentum"] = 0.5
    decay: Annotated[Decay, "learning-rate decay"] = Decay()
    momentum_end: Annotated[
        Beta | None, "momentum at the end of `momentum_steps`, to which it goes linearly; none: constant"
    ] = None
    momentum_steps: Annotated[
        int, Gt(0), With("momentum_end", lambda own: own.momentum_end is not None), "steps in which momentum changes"
    ] = 125_000
    kind: Literal["sgd"] = "sgd"

    def build(self, parameters: Iterable[Parameter]) -> torch.optim.Optimizer:
        own = list(parameters)
        rate = _rate(self.lr, own)[0]
        if self.momentum_end is not None:
            return ScheduledSGD(own, rate, _rate(self.momentum, own)[0])
        return torch.optim.SGD(own, rate, self.momentum, fused=_fusable(own))

    def momentum_at(self, step: int) -> float:
        """The momentum of step `step` (from 0)."""
        if self.momentum_end is None:
            return self.momentum
        return self.momentum + (self.momentum_end - self.momentum) * min(step / self.momentum_steps, 1.0)


@dataclass(frozen=True)
class SGHMC(Checked):
    """Stochastic gradient Hamiltonian Monte Carlo; Chen et al., 2014, eq. 15. It draws weights instead of fitting them.

    The loss is a mean over the N data points, and `N loss` minus the logarithm of the posterior; weights come to be
    distributed as exp(-N loss / temperature): as the posterior at a temperature of 1, within a narrower peak below it,
    and at 0 they descend with momentum alone. A recipe takes N from its data.
    """

    lr: LearningRate = 1e-2
    friction: Annotated[float, Gt(0), Le(1), "friction alpha: fraction of the velocity lost in a step"] = 0.1
    temperature: Annotated[float, Ge(0), "temperature of the posterior: 1 draws from it, less is narrower"] = 1.0
    adaptive: Annotated[bool, "precondition each weight's step by its gradients' root mean square, as RMSprop"] = False
    data_points: Annotated[int | None, Gt(0), "N, which the posterior is of; none: as many as the data has"] = None
    decay: Annotated[Decay, "learning-rate decay"] = Decay()
    kind: Literal["sghmc"] = "sghmc"

    def build(self, parameters: Iterable[Parameter]) -> torch.optim.Optimizer:
        return sghmc.SGHMC(parameters, self.lr, self.friction, self.temperature / self.points, self.adaptive)

    @property
    def points(self) -> int:
        """N; a `ZerosumError` where it is not known."""
        if self.data_points is None:
            raise ZerosumError(
                "sghmc draws from a posterior, which narrows with the number of data points: set data_points"
            )
        return self.data_points


@dataclass(frozen=True)
class TRPO(Checked):
    """Trust region policy optimisation; Schulman et al., 2015: of policies alone, one long step for each batch."""

    lr: Annotated[float, Gt(0), "trust region: the largest mean KL divergence of a step, in nats"] = 0.01
    damping: Annotated[float, Ge(0), "added to the Fisher matrix, times the identity"] = 0.1
    iterations: Annotated[int, Gt(0), "of conjugate gradients"] = 10
    decay: Annotated[Decay, "decay of the trust region"] = Decay()
    kind: Literal["trpo"] = "trpo"

    def build(self, parameters: Iterable[Parameter]) -> torch.optim.Optimizer:
        return trpo.TRPO(parameters, self.lr, self.damping, self.iterations)


Optimizer = Annotated[Adam | RMSprop | SGD | SGHMC, Discriminator("kind")]
GeneratorOptimizer = Annotated[Optimizer, "the generator's optimiser"]
DiscriminatorOptimizer = Annotated[Optimizer, "the discriminator's optimiser"]
PolicyOptimizer = Annotated[
    Adam | TRPO, Discriminator("kind"), "the policy's optimiser: TRPO, or Adam, which then makes the moves of PPO"
]


def scheduled(optimizer: Optimizer | TRPO, step: int, total: int, batch: int = 1) -> dict[str, float]:
    """What changes of an optimiser as training goes, by the names that its parameter groups have for it.

    Args:
        step: from 0.
        total: steps in all.
        batch: samples of a step, over all processes.
    """
    values = {"lr": optimizer.lr * optimizer.decay(step, total, batch)}
    if isinstance(optimizer, Adam) and optimizer.beta2_start is not None:
        values["beta2"] = optimizer.beta2(step, total, batch)
    if isinstance(optimizer, SGD) and optimizer.momentum_end is not None:
        values["momentum"] = optimizer.momentum_at(step)
    return values


def _rate(lr: float, parameters: list[Parameter]) -> tuple[float | Tensor, bool]:
    """On CUDA the rate is a tensor, which a recorded step reads anew each time, and the optimiser can be recorded."""
    device = parameters[0].device
    return (torch.tensor(lr, device=device), True) if device.type == "cuda" else (lr, False)


def _fusable(parameters: list[Parameter]) -> bool:
    """One kernel for the whole update, where the device has it (not "meta", where tests look for device slips)."""
    return all(p.device.type in ("cpu", "cuda") for p in parameters)
