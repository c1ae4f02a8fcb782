"""What happens to D's input before D sees it."""

from zerosum.augment.affine import RandomAffine
from zerosum.augment.instance_noise import DiscriminatorNoise, InstanceNoise

__all__ = ["DiscriminatorNoise", "InstanceNoise", "RandomAffine"]
