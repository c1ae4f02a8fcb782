"""zerosum on the networks of the baselines: what is compared with them."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.baselines import dcgan, mlp, pix2pix
from benchmarks.baselines.data import time_rounds, write_jpegs
from zerosum import data
from zerosum.game import Game
from zerosum.games import find
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
    game: Game[Any]
    source: data.Dataset
    batch_size: int


def two_player(generator: nn.Module, discriminator: nn.Module) -> TwoPlayer:
    return TwoPlayer(generator, discriminator, TwoPlayer.Config(shared_fakes=True))


def mlp_setup(_: Path) -> Setup:
    game = two_player(mlp.Generator(), Logits(mlp.Discriminator(), flat=True))
    return Setup(game, data.load("digits", labels=False), 64)


def dcgan_setup(folder: Path) -> Setup:
    generator, discriminator = dcgan.Generator(), dcgan.Discriminator()
    generator.apply(dcgan.initialise)
    discriminator.apply(dcgan.initialise)
    write_jpegs(folder, 512)
    game = two_player(Spatial(generator), Logits(discriminator, flat=False))
    return Setup(game, data.load(str(folder), size=(64, 64)), 64)


def pix2pix_setup(folder: Path) -> Setup:
    pix2pix.write_pairs(folder, 256)
    source = data.load(f"side-by-side:{folder}", size=(64, 64))
    return Setup(find("pix2pix/images").build(source.spec), source, 1)


def cyclegan_setup(folder: Path) -> Setup:
    for seed, side in enumerate("ab"):
        write_jpegs(folder / side, 256, seed=seed)
    source = data.load(f"unpaired:{folder / 'a'},{folder / 'b'}", size=(64, 64))
    return Setup(find("cyclegan/images").build(source.spec), source, 1)


SETUPS = {"mlp": mlp_setup, "dcgan": dcgan_setup, "pix2pix": pix2pix_setup, "cyclegan": cyclegan_setup}


def rounds(name: str, count: int, warm_up: int) -> float:
    """Images (pairs) a second over the median of `count` rounds after some; the data is packed beforehand."""
    with TemporaryDirectory() as folder:
        setup = SETUPS[name](Path(folder))
    game, batch_size = setup.game, setup.batch_size
    training = Training(batch_size=batch_size, average=0.0)  # the baselines keep no averaged weights
    stream = data.Stream(setup.source, batch_size, seed=0, batch=game.batch)
    trainer = Trainer(game, stream, training)

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
    print(f"{rounds(options.name, options.count, options.warm_up):.2f} images/s")
