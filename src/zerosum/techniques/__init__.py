"""Techniques that any two-player game can take: those of Salimans et al., 2016, noise in D, and augmentation.

One-sided label smoothing (section 3.4) is not among them: games whose objective has targets offer it as `targets.real`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Lt

from zerosum.augment.diff_augment import Operation
from zerosum.augment.instance_noise import InstanceNoise
from zerosum.losses.feature_matching import FeatureDistance
from zerosum.options import Checked
from zerosum.util.switches import With


@dataclass(frozen=True)
class Techniques(Checked):
    """What is added to a game; by default nothing."""

    feature_matching: Annotated[
        bool, "feature matching: G matches the mean features of D's last layer, in place of its adversarial loss"
    ] = False
    feature_distance: Annotated[FeatureDistance, With("feature_matching")] = "mean-square"
    minibatch_discrimination: Annotated[
        int, Ge(0), "kernels of minibatch discrimination (the authors' code has 100); 0 disables"
    ] = 0
    minibatch_calibrated: Annotated[
        bool,
        With("minibatch_discrimination"),
        "distances of minibatch discrimination as in the authors' code, calibrated on the first batch; else of the "
        "paper's equation as it stands",
    ] = True
    historical_averaging: Annotated[float, Ge(0), "weight of historical averaging; 0 disables"] = 0.0
    virtual_batch_norm: Annotated[
        int, Ge(0), "reference batch size of virtual batch norm, in place of batch norm; 0 disables"
    ] = 0
    layer_noise: Annotated[InstanceNoise, "Gaussian noise on the input of every layer of D but the first"] = (
        InstanceNoise()
    )
    diff_augment: Annotated[
        tuple[Operation, ...], "DiffAugment operations on D's input: color, translation, cutout"
    ] = ()
    adaptive_augment: Annotated[
        bool, "adaptive discriminator augmentation (ADA), for losses under which D(real) > 0"
    ] = False
    adaptive_target: Annotated[float, Gt(0), Lt(1), With("adaptive_augment"), "ADA target of E sign(D(real))"] = 0.6
    adaptive_images: Annotated[
        int, Gt(0), With("adaptive_augment"), "ADA speed: real images for its probability to go from 0 to 1"
    ] = 500_000


NONE = Techniques()
