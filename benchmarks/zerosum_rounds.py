"""zerosum on the networks of the baselines: what is compared with them."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn

from benchmarks.baselines import dcgan, mlp
from benchmarks.baselines.data import time_rounds, write_jpegs
from zerosum import data
from zerosum.games.two_player import TwoPlayer
from zerosum.recipe import Training
from zerosum.training.trainer import Trainer


class Logits(nn.Module):
    """A baseline's discriminator without its sigmoid: zerosum's losses take logits."""

    def __init__(self, discriminator: mlp.Discriminator | dcgan.Discriminator, flat: bool):
        super().__init__()
        self.layers = nn.Sequential(*([nn.Flatten()] if flat else []), *list(discriminator.model)[:-1], nn.Flatten())

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.layers(x)
        return logits


class Spatial(nn.Module):
    """DCGAN's baseline generator takes z as (B, latent_dim, 1, 1)."""

    def __init__(self, generator: dcgan.Generator):
        super().__init__()
        self.layers = generator

    def forward(self, z: Tensor) -> Tensor:
        images: Tensor = self.layers(z[..., None, None])
        return images


@dataclass(frozen=True)
class Setup:
    generator: nn.Module
    discriminator: nn.Module
    source: data.Dataset


def mlp_setup(_: Path) -> Setup:
    return Setup(mlp.Generator(), Logits(mlp.Discriminator(), flat=True), data.load("digits", labels=False))


def dcgan_setup(folder: Path) -> Setup:
    generator, discriminator = dcgan.Generator(), dcgan.Discriminator()
    generator.apply(dcgan.initialise)
    discriminator.apply(dcgan.initialise)
    write_jpegs(folder, 512)
    return Setup(Spatial(generator), Logits(discriminator, flat=False), data.load(str(folder), size=(64, 64)))


SETUPS = {"mlp": mlp_setup, "dcgan": dcgan_setup}


def rounds(name: str, count: int, warm_up: int, batch_size: int = 64) -> float:
    """Images a second over the median of `count` rounds after `warm_up` rounds; the data is packed beforehand."""
    with TemporaryDirectory() as folder:
        setup = SETUPS[name](Path(folder))
    game = TwoPlayer(setup.generator, setup.discriminator, TwoPlayer.Config(shared_fakes=True))
    training = Training(batch_size=batch_size, average=0.0)  # the baselines keep no averaged weights
    trainer = Trainer(game, data.Stream(setup.source, batch_size, seed=0), training)

    def play() -> None:
        trainer.round()
        if trainer.step % 50 == 0:
            trainer.pop_metrics()

    return batch_size / torch.tensor(time_rounds(play, count, warm_up)).median().item()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=SETUPS)
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--warm-up", type=int, default=2)
    options = parser.parse_args()
    print(f"{rounds(options.name, options.count, options.warm_up):.1f} images/s")
