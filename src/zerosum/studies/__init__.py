"""Published protocols as commands: `zerosum reproduce NAME`. This file is the only list of them."""

from __future__ import annotations

from zerosum.errors import ZerosumError, unknown
from zerosum.studies.ablation import ABLATION
from zerosum.studies.acgan import ACGAN_CLASS_ACCURACY
from zerosum.studies.advgan_mnist import ADVGAN_MNIST
from zerosum.studies.bayesian_mnist import BAYESIAN_MNIST_100
from zerosum.studies.began_equilibrium import BEGAN_EQUILIBRIUM
from zerosum.studies.bigan_1nn import BIGAN_1NN
from zerosum.studies.cgan import CGAN_CLASS_ACCURACY, CGAN_PARZEN, CGAN_PARZEN_OWN
from zerosum.studies.cyclegan_known_map import CYCLEGAN_KNOWN_MAP
from zerosum.studies.dann_mnist_m import DANN_MNIST_M
from zerosum.studies.dcgan_features import DCGAN_FEATURES
from zerosum.studies.dialogue_grammar import DIALOGUE_GRAMMAR
from zerosum.studies.few_labels import BAD_GAN_MNIST, SGAN_MNIST
from zerosum.studies.gail_classic import GAIL_CLASSIC
from zerosum.studies.gan_parzen import GAN_PARZEN
from zerosum.studies.gan_survival import GAN_SURVIVAL
from zerosum.studies.grid import GRID, GRID_OWN
from zerosum.studies.health import HEALTH
from zerosum.studies.health_texts import HEALTH_TEXTS
from zerosum.studies.health_translators import HEALTH_TRANSLATORS
from zerosum.studies.infogan_error import INFOGAN_ERROR, INFOGAN_ERROR_OWN
from zerosum.studies.malgan_detectors import MALGAN_DETECTORS
from zerosum.studies.moving_scenes import MOVING_SCENES
from zerosum.studies.music_seqgan import MUSIC_SEQGAN
from zerosum.studies.optimal_discriminator import OPTIMAL_DISCRIMINATOR
from zerosum.studies.pix2pix_tasks import PIX2PIX_TASKS
from zerosum.studies.semi_supervised import BAD_GAN_MNIST_OWN, SGAN_MNIST_OWN
from zerosum.studies.seqgan_oracle import SEQGAN_ORACLE
from zerosum.studies.seqgan_texts import SEQGAN_CAPTIONS, SEQGAN_POEMS
from zerosum.studies.shapes_int_cls import SHAPES_INT_CLS
from zerosum.studies.shapes_stackgan import SHAPES_STACKGAN
from zerosum.studies.simgan_gauges import SIMGAN_GAUGES
from zerosum.studies.sound_gan import SOUND_GAN
from zerosum.studies.sr_bicubic import SR_BICUBIC
from zerosum.studies.srgan_set5 import SRGAN_SET5
from zerosum.studies.srresnet_set5 import SRRESNET_SET5
from zerosum.studies.stacked_mnist import STACKED_MNIST, STACKED_MNIST_OWN
from zerosum.studies.study import Study
from zerosum.studies.style_players import STYLE_PLAYERS
from zerosum.studies.synthesized import SYNTHESIZE_MNIST
from zerosum.studies.textgan_grammar import TEXTGAN_GRAMMAR
from zerosum.studies.tricks import TRICKS
from zerosum.studies.wgan_critic import WGAN_CRITIC
from zerosum.studies.without_batch_norm import WITHOUT_BATCH_NORM

STUDIES = {
    study.name: study
    for study in (
        ABLATION,
        ACGAN_CLASS_ACCURACY,
        ADVGAN_MNIST,
        BAD_GAN_MNIST,
        BAD_GAN_MNIST_OWN,
        BAYESIAN_MNIST_100,
        BEGAN_EQUILIBRIUM,
        BIGAN_1NN,
        CGAN_CLASS_ACCURACY,
        CGAN_PARZEN,
        CGAN_PARZEN_OWN,
        CYCLEGAN_KNOWN_MAP,
        DANN_MNIST_M,
        DCGAN_FEATURES,
        GAIL_CLASSIC,
        GAN_PARZEN,
        GAN_SURVIVAL,
        GRID,
        GRID_OWN,
        HEALTH,
        HEALTH_TEXTS,
        HEALTH_TRANSLATORS,
        INFOGAN_ERROR,
        INFOGAN_ERROR_OWN,
        MALGAN_DETECTORS,
        MOVING_SCENES,
        MUSIC_SEQGAN,
        OPTIMAL_DISCRIMINATOR,
        PIX2PIX_TASKS,
        SEQGAN_CAPTIONS,
        SEQGAN_ORACLE,
        DIALOGUE_GRAMMAR,
        SEQGAN_POEMS,
        SGAN_MNIST,
        SGAN_MNIST_OWN,
        SHAPES_INT_CLS,
        SHAPES_STACKGAN,
        SIMGAN_GAUGES,
        SOUND_GAN,
        SR_BICUBIC,
        SRGAN_SET5,
        SRRESNET_SET5,
        STACKED_MNIST,
        STACKED_MNIST_OWN,
        STYLE_PLAYERS,
        SYNTHESIZE_MNIST,
        TEXTGAN_GRAMMAR,
        TRICKS,
        WGAN_CRITIC,
        WITHOUT_BATCH_NORM,
    )
}


def find(name: str) -> Study:
    """The study called `name`; `ZerosumError` with the nearest name where there is none, or with today's name."""
    if name in STUDIES:
        return STUDIES[name]
    if name == "grid-25-published":
        raise ZerosumError("grid-25-published is now called grid-25, and what was grid-25 is called grid-25-own")
    raise ZerosumError(unknown("study", name, STUDIES))
