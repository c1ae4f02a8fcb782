"""Every game of the package; importing one registers its recipes. This is the only list of them."""

from zerosum.games import (
    acgan,
    bad_gan,
    bayesian,
    began,
    bigan,
    cgan,
    composed,
    conditional_r3gan,
    gan,
    infogan,
    ls_gan,
    r3gan,
    sgan,
    unrolled,
    wgan,
    wgan_gp,
)

__all__ = [
    "acgan",
    "bad_gan",
    "bayesian",
    "began",
    "bigan",
    "cgan",
    "composed",
    "conditional_r3gan",
    "gan",
    "infogan",
    "ls_gan",
    "r3gan",
    "sgan",
    "unrolled",
    "wgan",
    "wgan_gp",
]
