"""Baseline: the ordinary PyTorch script of pix2pix on 64x64 pairs, on networks of zerosum (Isola et al., 2017)."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.baselines.data import command, endless, normalize, time_rounds, to_tensor, write_jpegs
from benchmarks.baselines.layers import ordinary
from zerosum.networks.patch import Discriminator
from zerosum.networks.unet import Translator

SIZE, L1 = 64, 100.0


class SideBySide(Dataset[tuple[Tensor, Tensor]]):
    """Files of an input and, to the right of it, its target, opened and decoded at each access."""

    def __init__(self, folder: Path):
        self.files = sorted(folder.glob("*.jpg"))

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        with Image.open(self.files[index]) as file:
            both = file.convert("RGB")
        halves = both.crop((0, 0, SIZE, SIZE)), both.crop((SIZE, 0, 2 * SIZE, SIZE))
        return normalize(to_tensor(halves[0])), normalize(to_tensor(halves[1]))


def write_pairs(folder: Path, count: int) -> None:
    """Photograph-like files, each beside its negative."""
    write_jpegs(folder, count, (SIZE, SIZE))
    for path in folder.glob("*.jpg"):
        with Image.open(path) as file:
            pixels = np.asarray(file)
        Image.fromarray(np.concatenate([pixels, 255 - pixels], 1)).save(path, quality=90)


class Script:
    """The state of the script; `round` is the body of its loop."""

    def __init__(self, folder: Path, batch_size: int, workers: int):
        self.generator = ordinary(Translator((3, SIZE, SIZE), (3, SIZE, SIZE)))
        self.discriminator, self.criterion = Discriminator(6, (SIZE, SIZE)), nn.BCEWithLogitsLoss()
        self.g_optimizer = torch.optim.Adam(self.generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.d_optimizer = torch.optim.Adam(self.discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        loader = DataLoader(SideBySide(folder), batch_size, shuffle=True, drop_last=True, num_workers=workers)
        self.batches = endless(loader)

    def round(self) -> tuple[float, float]:
        a, b = next(self.batches)
        fake = self.generator(a, torch.randint(2**31, (len(a),)))

        self.discriminator.requires_grad_(True)
        self.d_optimizer.zero_grad()
        on_fake = self.discriminator(torch.cat([a, fake.detach()], 1))
        on_real = self.discriminator(torch.cat([a, b], 1))
        fake_loss = self.criterion(on_fake, torch.zeros_like(on_fake))
        real_loss = self.criterion(on_real, torch.ones_like(on_real))
        d_loss = (fake_loss + real_loss) / 2
        d_loss.backward()
        self.d_optimizer.step()

        self.discriminator.requires_grad_(False)
        self.g_optimizer.zero_grad()
        answer = self.discriminator(torch.cat([a, fake], 1))
        g_loss = self.criterion(answer, torch.ones_like(answer)) + L1 * F.l1_loss(fake, b)
        g_loss.backward()
        self.g_optimizer.step()
        return d_loss.item(), g_loss.item()


def rounds(count: int, warm_up: int = 2, batch_size: int = 1, workers: int = 0, images: int = 256) -> float:
    """Pairs a second over the median of `count` rounds after `warm_up` rounds."""
    with TemporaryDirectory() as folder:
        write_pairs(Path(folder), images)
        seconds = time_rounds(Script(Path(folder), batch_size, workers).round, count, warm_up)
    return batch_size / torch.tensor(seconds).median().item()


if __name__ == "__main__":
    command(rounds, 20, "pairs/s")
