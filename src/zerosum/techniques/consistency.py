"""Consistency regularisation of a discriminator with classes: pseudo-labels on weak views, loss on strong ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from annotated_types import Ge, Lt
from torch import Tensor, nn

from zerosum.augment import RandomAffine
from zerosum.losses import semi_supervised
from zerosum.losses.adversarial import to_float32
from zerosum.modality import Image, Modality
from zerosum.options import Checked
from zerosum.util import distributed
from zerosum.util.checks import refuse, shapes
from zerosum.util.switches import With

MEMORY = 0.99  # of how often each class is guessed, a step


@dataclass(frozen=True)
class Consistency(Checked):
    """FixMatch (Sohn et al., 2020) with aligned guesses (Berthelot et al., 2020); for images."""

    weight: Annotated[float, Ge(0), "FixMatch loss weight"] = 0.0
    confidence: Annotated[
        float, Ge(0), Lt(1), With("weight"), "FixMatch threshold: least probability of a pseudo-label"
    ] = 0.9
    views: Annotated[
        RandomAffine, With("weight"), "augmentation of D's input: unlabelled and labelled images, and fakes"
    ] = RandomAffine()

    def view(self, x: Tensor) -> Tensor:
        """D's input for x, (B, *shape): another view of each sample, where D is to agree on them."""
        return self.views(x) if self.weight else x

    def check(self, modality: Modality) -> None:
        """A `ValueError` where samples have no views."""
        if self.weight and not isinstance(modality, Image):
            raise ValueError(f"views are of images, not of {modality}; leave consistency.weight at 0")


class Guesses(nn.Module):
    """What D guesses of unlabelled samples, and how often it has guessed each class."""

    frequencies: Tensor

    def __init__(self, classes: int):
        super().__init__()
        self.register_buffer("frequencies", torch.full((classes,), 1 / classes))

    def forward(self, logits: Tensor, view_logits: Tensor, confidence: float) -> Tensor:
        """The cross-entropy of the guesses by `logits`, of samples as they are, on those of other views.

        Both (B, K) or (B, K + 1). Guesses are aligned: D is to guess all classes equally often.
        """
        classes = len(self.frequencies)
        shapes("B columns", logits=logits)
        if logits.shape[1] not in (classes, classes + 1):
            raise refuse("logits", logits, f"(B, {classes}) or (B, {classes + 1})")
        p = F.softmax(to_float32(logits.detach())[:, :classes], dim=1)
        self.frequencies.lerp_(distributed.mean(p.mean(0)), 1 - MEMORY)
        aligned = semi_supervised.align_distribution(p, self.frequencies)
        return semi_supervised.pseudo_label_loss(aligned, view_logits, confidence)
