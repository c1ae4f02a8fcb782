"""Small classifiers that metrics train: a game with one player, so that the trainer plays it like every other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum import data
from zerosum.batches import Draw, Labelled
from zerosum.data.dataset import dataset
from zerosum.game import Game, Move, Player
from zerosum.modality import Image, Modality, kind_of_samples
from zerosum.optim import Adam, Decay
from zerosum.recipe import Training
from zerosum.training.trainer import Hook, Trainer
from zerosum.util import checks, rng


class Classification(Game[Labelled]):
    """A network that learns labels by cross-entropy: a game of one player."""

    name = "classification"

    def __init__(self, network: nn.Module, optimizer: Adam):
        super().__init__()
        self.network, self.optimizer = network, optimizer

    def players(self) -> dict[str, Player]:
        return {"classifier": Player(self.optimizer, (self.network,))}

    def round(self, draw: Draw[Labelled], step: int) -> Iterator[Move]:
        x, y = draw()
        yield Move("classifier", cross_entropy=F.cross_entropy(self.network(x), y))


def fit(
    build: Callable[[], nn.Module],
    x: Tensor,
    y: Tensor,
    *,
    steps: int,
    batch_size: int,
    rate: float,
    seed: int,
    device: torch.device | str = "cpu",
    flip: bool = False,
    hooks: Sequence[Hook] = (),
) -> nn.Module:
    """The network that `build` makes, trained on x, uint8 images (N, C, H, W) or points (N, D), and y (N,).

    It comes back in evaluation mode. Equal seeds give equal networks; no other random number is disturbed.

    Args:
        flip: mirror images at random.
        hooks: called with the trainer after each step.
    """
    names = tuple(str(k) for k in range(int(y.max()) + 1))
    training = Training(steps=steps, batch_size=min(batch_size, len(x)), seed=seed, average=0, precision="fp32")
    labelled = dataset("training", x, y, names, fingerprint="0" * 16)
    stream = data.Stream(labelled, training.batch_size, seed=seed, device=device, batch=Labelled, flip=flip)
    with rng.fork_rng(torch.device(device), seed):
        network = build()
        optimizer = Adam(rate, (0.9, 0.999), decay=Decay("linear"))
        trainer = Trainer(Classification(network, optimizer), stream, training, device)
        trainer.train(hooks)
        trainer.pop_metrics()  # raises Diverged where a loss was not finite
    return network.eval()


@torch.no_grad()
def predict(network: nn.Module, x: Tensor, device: torch.device | str = "cpu") -> Tensor:
    """(N,) the most likely label of each of float samples (N, *shape), on the CPU."""
    return torch.cat([network(part.to(device)).argmax(1).cpu() for part in x.split(500)])


def mistakes(network: nn.Module, x: Tensor, y: Tensor, device: torch.device | str = "cpu") -> int:
    """How many of labelled samples, as a dataset has them (N, *shape), get another label than y."""
    checks.whole("N", {"N": (len(x),)}, y=y)
    load, parts = kind_of_samples(x).load, zip(x.split(1000), y.split(1000), strict=True)
    return sum(int((predict(network, load(samples), device) != labels).sum()) for samples, labels in parts)


def for_samples(modality: Modality, classes: int) -> nn.Module:
    """A small classifier: of images 3x3 convolutions of stride 2 down to 4 pixels or fewer, of others a perceptron."""
    if not isinstance(modality, Image):
        return perceptron(math.prod(modality.shape), classes)
    channels = modality.channels
    layers: list[nn.Module] = []
    for after in [32, 64, 128, *[128] * 8][: max(2, math.ceil(math.log2(min(modality.size) / 4)))]:
        convolution = nn.Conv2d(channels, after, kernel_size=3, stride=2, padding=1, bias=False)
        layers += [convolution, nn.BatchNorm2d(after), nn.ReLU()]
        channels = after
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * channels, classes))


def perceptron(dim: int, classes: int) -> nn.Module:
    """Two hidden layers of 64 units."""
    return nn.Sequential(nn.Linear(dim, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, classes))
