"""Published protocols as commands: `zerosum reproduce NAME`. This file is the only list of them."""

from __future__ import annotations

from zerosum.errors import ZerosumError, unknown
from zerosum.studies.ablation import ABLATION
from zerosum.studies.acgan import ACGAN_CLASS_ACCURACY
from zerosum.studies.began_equilibrium import BEGAN_EQUILIBRIUM
from zerosum.studies.bigan_1nn import BIGAN_1NN
from zerosum.studies.cgan import CGAN_CLASS_ACCURACY, CGAN_PARZEN
from zerosum.studies.gan_parzen import GAN_PARZEN
from zerosum.studies.grid import GRID, GRID_PUBLISHED
from zerosum.studies.health import HEALTH
from zerosum.studies.infogan_error import INFOGAN_ERROR
from zerosum.studies.optimal_discriminator import OPTIMAL_DISCRIMINATOR
from zerosum.studies.semi_supervised import BAD_GAN_MNIST, SGAN_MNIST
from zerosum.studies.stacked_mnist import STACKED_MNIST
from zerosum.studies.study import Study
from zerosum.studies.synthesized import SYNTHESIZE_MNIST
from zerosum.studies.tricks import TRICKS
from zerosum.studies.wgan_critic import WGAN_CRITIC
from zerosum.studies.without_batch_norm import WITHOUT_BATCH_NORM

STUDIES = {
    study.name: study
    for study in (
        ABLATION,
        ACGAN_CLASS_ACCURACY,
        BAD_GAN_MNIST,
        BEGAN_EQUILIBRIUM,
        BIGAN_1NN,
        CGAN_CLASS_ACCURACY,
        CGAN_PARZEN,
        GAN_PARZEN,
        GRID,
        GRID_PUBLISHED,
        HEALTH,
        INFOGAN_ERROR,
        OPTIMAL_DISCRIMINATOR,
        SGAN_MNIST,
        STACKED_MNIST,
        SYNTHESIZE_MNIST,
        TRICKS,
        WGAN_CRITIC,
        WITHOUT_BATCH_NORM,
    )
}


def find(name: str) -> Study:
    """The study called `name`; `ZerosumError` with the nearest name where there is none."""
    if name in STUDIES:
        return STUDIES[name]
    raise ZerosumError(unknown("study", name, STUDIES))
