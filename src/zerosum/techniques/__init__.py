"""Techniques that any two-player game can take: those of Salimans et al., 2016, and augmentation of what D sees.

One-sided label smoothing (section 3.4) is not among them: games whose objective has targets offer it as `targets.real`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Lt

Operation = Literal["color", "translation", "cutout"]


@dataclass(frozen=True)
class Techniques:
    """What is added to a game; by default nothing."""

    feature_matching: Annotated[
        bool, "G matches the mean of D's last hidden layer on data, in place of its adversarial loss"
    ] = False
    minibatch_discrimination: Annotated[
        int, Ge(0), "kernels that tell D how close the samples of its batch are (the authors' code has 100); 0: none"
    ] = 0
    historical_averaging: Annotated[
        float, Ge(0), "weight of the squared distance of a player's parameters from the mean of their past"
    ] = 0.0
    virtual_batch_norm: Annotated[
        int, Ge(0), "samples of the fixed reference batch of virtual batch norm, in place of batch norm; 0: none"
    ] = 0
    diff_augment: Annotated[
        tuple[Operation, ...], "DiffAugment: what happens to every image that D sees: color, translation, cutout"
    ] = ()
    adaptive_augment: Annotated[
        bool, "ADA: augment what D sees as often as its overfitting asks; for losses with D's border at a logit of 0"
    ] = False
    adaptive_target: Annotated[float, Gt(0), Lt(1), "ADA's aim for the mean sign of D's logits on real images"] = 0.6
    adaptive_images: Annotated[int, Gt(0), "real images in which ADA's probability can go from 0 to 1"] = 500_000


NONE = Techniques()
