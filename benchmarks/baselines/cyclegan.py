"""Baseline: the ordinary PyTorch script of CycleGAN at 64x64, with the networks of zerosum (Zhu et al., 2017)."""

import random
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn

from benchmarks.baselines.data import Folder, batches, command, time_rounds, write_jpegs
from benchmarks.baselines.layers import ordinary
from zerosum.networks.patch import Discriminator
from zerosum.networks.resnet_translator import Translator

SIZE, CYCLE, IDENTITY, POOL = 64, 10.0, 5.0, 50
SHAPE = (3, SIZE, SIZE)


class Pool:
    """The last fakes, of which D is shown one in place of a new one half of the time."""

    def __init__(self) -> None:
        self.images: list[Tensor] = []

    def query(self, fakes: Tensor) -> Tensor:
        shown = []
        for fake in fakes.detach():
            if len(self.images) < POOL:
                self.images.append(fake)
                shown.append(fake)
            elif random.random() < 0.5:
                place = random.randrange(POOL)
                shown.append(self.images[place].clone())
                self.images[place] = fake
            else:
                shown.append(fake)
        return torch.stack(shown)


class Script:
    """The state of the script; `round` is the body of its loop."""

    def __init__(self, folders: tuple[Path, Path], batch_size: int, workers: int):
        self.forth, self.back = ordinary(Translator(SHAPE, SHAPE)), ordinary(Translator(SHAPE, SHAPE))
        self.d_a, self.d_b = Discriminator(3, (SIZE, SIZE)), Discriminator(3, (SIZE, SIZE))
        self.gan, self.l1, self.pools = nn.MSELoss(), nn.L1Loss(), (Pool(), Pool())
        translators = chain(self.forth.parameters(), self.back.parameters())
        discriminators = chain(self.d_a.parameters(), self.d_b.parameters())
        self.g_optimizer = torch.optim.Adam(translators, lr=2e-4, betas=(0.5, 0.999))
        self.d_optimizer = torch.optim.Adam(discriminators, lr=2e-4, betas=(0.5, 0.999))
        self.batches: list[Iterator[Tensor]] = [batches(Folder(f, SIZE), batch_size, workers) for f in folders]

    def round(self) -> tuple[float, float]:
        a, b = (next(batch) for batch in self.batches)
        fake_b, fake_a = self.forth(a), self.back(b)

        for discriminator in (self.d_a, self.d_b):
            discriminator.requires_grad_(False)
        self.g_optimizer.zero_grad()
        identity = self.l1(self.forth(b), b) + self.l1(self.back(a), a)
        on_b, on_a = self.d_b(fake_b), self.d_a(fake_a)
        fooled = self.gan(on_b, torch.ones_like(on_b)) + self.gan(on_a, torch.ones_like(on_a))
        cycled = self.l1(self.back(fake_b), a) + self.l1(self.forth(fake_a), b)
        g_loss = fooled + CYCLE * cycled + IDENTITY * identity
        g_loss.backward()
        self.g_optimizer.step()

        for discriminator in (self.d_a, self.d_b):
            discriminator.requires_grad_(True)
        self.d_optimizer.zero_grad()
        d_loss = 0.0
        for discriminator, real, fake, pool in zip(
            (self.d_a, self.d_b), (a, b), (fake_a, fake_b), self.pools, strict=True
        ):
            on_real, on_fake = discriminator(real), discriminator(pool.query(fake))
            loss = (self.gan(on_real, torch.ones_like(on_real)) + self.gan(on_fake, torch.zeros_like(on_fake))) / 2
            loss.backward()
            d_loss += loss.item()
        self.d_optimizer.step()
        return d_loss, g_loss.item()


def rounds(count: int, warm_up: int = 2, batch_size: int = 1, workers: int = 0, images: int = 256) -> float:
    """Pairs of images a second over the median of `count` rounds after `warm_up` rounds."""
    with TemporaryDirectory() as name:
        folders = Path(name) / "a", Path(name) / "b"
        for seed, folder in enumerate(folders):
            write_jpegs(folder, images, seed=seed)
        seconds = time_rounds(Script(folders, batch_size, workers).round, count, warm_up)
    return batch_size / torch.tensor(seconds).median().item()


if __name__ == "__main__":
    command(rounds, 10, "pairs/s")
