"""Every game of the package; importing one registers its recipes. This is the only list of them."""

from zerosum.games import bayesian, began, bigan, composed, gan, ls_gan, r3gan, unrolled, wgan, wgan_gp

__all__ = ["bayesian", "began", "bigan", "composed", "gan", "ls_gan", "r3gan", "unrolled", "wgan", "wgan_gp"]
