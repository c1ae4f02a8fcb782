"""Baseline: the ordinary PyTorch script of a DCGAN on 64x64 colour images (Radford et al., 2015; PyTorch tutorial)."""

from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn

from benchmarks.baselines.data import Folder, batches, command, time_rounds, write_jpegs

LATENT, BASE, SIZE = 100, 64, 64


def initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


class Generator(nn.Module):
    def __init__(self) -> None:
        super().__init__()

        def block(inputs: int, outputs: int, stride: int = 2, padding: int = 1) -> list[nn.Module]:
            conv = nn.ConvTranspose2d(inputs, outputs, kernel_size=4, stride=stride, padding=padding, bias=False)
            return [conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]

        self.model = nn.Sequential(
            *block(LATENT, BASE * 8, stride=1, padding=0),  # (B, 512, 4, 4)
            *block(BASE * 8, BASE * 4),
            *block(BASE * 4, BASE * 2),
            *block(BASE * 2, BASE),  # (B, 64, 32, 32)
            nn.ConvTranspose2d(BASE, 3, kernel_size=4, stride=2, padding=1, bias=False),
            nn.Tanh(),
        )

    def forward(self, z: Tensor) -> Tensor:
        images: Tensor = self.model(z)  # (B, 3, 64, 64)
        return images


class Discriminator(nn.Module):
    def __init__(self) -> None:
        super().__init__()

        def block(inputs: int, outputs: int, norm: bool = True) -> list[nn.Module]:
            layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, kernel_size=4, stride=2, padding=1, bias=False)]
            if norm:
                layers.append(nn.BatchNorm2d(outputs))
            return [*layers, nn.LeakyReLU(0.2, inplace=True)]

        self.model = nn.Sequential(
            *block(3, BASE, norm=False),
            *block(BASE, BASE * 2),
            *block(BASE * 2, BASE * 4),
            *block(BASE * 4, BASE * 8),  # (B, 512, 4, 4)
            nn.Conv2d(BASE * 8, 1, kernel_size=4, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, image: Tensor) -> Tensor:
        probability: Tensor = self.model(image).view(-1)  # (B,)
        return probability


class Script:
    """The state of the script; `round` is the body of its loop."""

    def __init__(self, folder: Path, batch_size: int, workers: int):
        self.generator, self.discriminator, self.criterion = Generator(), Discriminator(), nn.BCELoss()
        self.generator.apply(initialise)
        self.discriminator.apply(initialise)
        self.g_optimizer = torch.optim.Adam(self.generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.d_optimizer = torch.optim.Adam(self.discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.batches = batches(Folder(folder, SIZE), batch_size, workers)

    def round(self) -> tuple[float, float]:
        real = next(self.batches)
        ones, zeros = torch.ones(len(real)), torch.zeros(len(real))

        self.discriminator.zero_grad()
        real_loss = self.criterion(self.discriminator(real), ones)
        real_loss.backward()
        fake = self.generator(torch.randn(len(real), LATENT, 1, 1))
        fake_loss = self.criterion(self.discriminator(fake.detach()), zeros)
        fake_loss.backward()
        self.d_optimizer.step()

        self.generator.zero_grad()
        g_loss = self.criterion(self.discriminator(fake), ones)
        g_loss.backward()
        self.g_optimizer.step()
        return (real_loss + fake_loss).item(), g_loss.item()


def rounds(count: int = 8, warm_up: int = 2, batch_size: int = 64, workers: int = 0, images: int = 512) -> float:
    """Images a second over the median of `count` rounds after `warm_up` rounds."""
    with TemporaryDirectory() as folder:
        write_jpegs(Path(folder), images)
        script = Script(Path(folder), batch_size, workers)
        seconds = time_rounds(script.round, count, warm_up)
    return batch_size / torch.tensor(seconds).median().item()


if __name__ == "__main__":
    command(rounds, 8)
