"""What happens to D's input before D sees it. Noise is for every kind of sample, all else for images."""

from zerosum.augment.affine import RandomAffine
from zerosum.augment.instance_noise import DiscriminatorNoise, InstanceNoise, further_layers, noisy_layers

__all__ = ["DiscriminatorNoise", "InstanceNoise", "RandomAffine", "further_layers", "noisy_layers"]
