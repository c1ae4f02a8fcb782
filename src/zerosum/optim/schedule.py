"""Numbers that change as training goes, as frozen values: functions of the samples seen, and of nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt

from zerosum.options import Checked
from zerosum.util.switches import With

BURN_IN = 20_000_000  # images of the burn-in of R3GAN's presets for CIFAR-10 and FFHQ


def half_cosine(t: float) -> float:
    """(1 - cos(pi t)) / 2 with t held in [0, 1]: from 0 to 1, level at both ends."""
    return (1 - math.cos(math.pi * min(max(t, 0.0), 1.0))) / 2


@dataclass(frozen=True)
class Cosine(Checked):
    """A number that goes from `start` to `end` by half a cosine, and then stays; R3GAN's burn-in, Huang et al., 2024.

    A function of the samples that training has seen before a step, over all processes: a resumed run goes on exactly.
    """

    start: Annotated[float, Ge(0), "its value as training starts"] = 0.0
    end: Annotated[float, Ge(0), "its value from the end of the burn-in on"] = 0.0
    images: Annotated[int, Gt(0), With("end", lambda own: own.start != own.end), "samples of the burn-in"] = BURN_IN

    def __call__(self, seen: float) -> float:
        """The value once `seen` samples have been learnt from."""
        return self.start + (self.end - self.start) * half_cosine(seen / self.images)

    @property
    def peak(self) -> float:
        """Its largest value."""
        return max(self.start, self.end)


@dataclass(frozen=True)
class Ramp(Checked):
    """A number that rises from 0 to `end`: end (2 / (1 + exp(-steepness p)) - 1); Ganin et al., 2016, section 5.2.2.

    p is the share of `images` that training has seen before a step, over all processes, and 1 from then on. The paper's
    is the share of all of the training, which is the same where that is as long. A function of the samples seen and of
    nothing else: a resumed run goes on exactly, also where it is to be longer.
    """

    end: Annotated[float, Ge(0), "its value in the end; 0: it stays 0"] = 1.0
    steepness: Annotated[
        float, Gt(0), With("end"), "how soon it rises (gamma): at 10 it is half of its end after 11 % of the samples"
    ] = 10.0
    images: Annotated[int, Gt(0), With("end"), "samples of the rise"] = 1_000_000

    def __call__(self, seen: float) -> float:
        """The value once `seen` samples have been learnt from."""
        return self.end * math.tanh(self.steepness * min(seen / self.images, 1.0) / 2)


NEVER = Cosine()  # 0, always
ALWAYS = Cosine(1.0, 1.0)  # 1, always: the factor of what does not change
