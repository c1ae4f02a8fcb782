"""Every game of the package; importing one registers its recipes. This is the only list of them."""

from zerosum.games import (
    acgan,
    bad_gan,
    bayesian,
    began,
    bigan,
    cgan,
    conditional_r3gan,
    gan,
    infogan,
    loss_sensitive,
    r3gan,
    sgan,
    two_player,
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
    "conditional_r3gan",
    "gan",
    "infogan",
    "loss_sensitive",
    "r3gan",
    "sgan",
    "two_player",
    "unrolled",
    "wgan",
    "wgan_gp",
]
