"""How many fresh samples of a run of digits an independent classifier recognises: `python -m benchmarks.demo_quality`.

The classifier is trained here on the full MNIST training set (found or fetched as for `--data mnist`), and its own
accuracy on the test set is printed beside, as is the share of real test digits that it recognises.
"""

import argparse

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import zerosum
from zerosum import data

SURE = 0.9  # probability from which a sample counts as recognised


def classifier() -> nn.Module:
    """Four convolutions with batch norm, then a linear layer: (B, 1, 28, 28) to logits (B, 10)."""
    layers: list[nn.Module] = []
    for before, after, stride in ((1, 16, 1), (16, 32, 2), (32, 64, 2), (64, 64, 1)):
        conv = nn.Conv2d(before, after, kernel_size=3, stride=stride, padding=1, bias=False)
        layers += [conv, nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 7 * 7, 10))


def train(network: nn.Module, source: data.Dataset, epochs: int, batch_size: int = 100) -> None:
    """Adam with a one-cycle rate, on images shifted by up to two pixels."""
    steps = epochs * (len(source) // batch_size)
    optimizer = torch.optim.AdamW(network.parameters(), 4e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    draw = data.Stream(source, batch_size, seed=0, labelled=True)
    for _ in range(steps):
        x, y = draw()
        down, right = torch.randint(0, 5, (2,)).tolist()
        shifted = F.pad(x, (2, 2, 2, 2), value=-1.0)[..., down : down + 28, right : right + 28]
        optimizer.zero_grad()
        F.cross_entropy(network(shifted), y).backward()
        optimizer.step()
        schedule.step()


@torch.no_grad()
def probabilities(network: nn.Module, x: Tensor) -> Tensor:
    """(N, 10)."""
    network.eval()
    return torch.cat([network(part).softmax(1) for part in x.split(500)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="*", default=["runs/demo"])
    parser.add_argument("--epochs", type=int, default=4)
    options = parser.parse_args()
    torch.manual_seed(0)
    network = classifier()
    train(network, data.load("mnist"), options.epochs)
    test = data.load("mnist:test")
    assert test.y is not None
    sure, guess = probabilities(network, test.x.float() / 127.5 - 1).max(1)
    accuracy, recognised = (guess == test.y).float().mean(), (sure >= SURE).float().mean()
    print(f"classifier: {accuracy:.2%} of the test digits right, {recognised:.1%} recognised")
    for run in options.run:
        for seed in (0, 1, 2):
            sure, guess = probabilities(network, zerosum.load(run).sample(1000, seed=seed)).max(1)
            recognised, rarest = (sure >= SURE).float().mean(), torch.bincount(guess, minlength=10).min() / len(guess)
            print(f"{run}, samples of seed {seed}: {recognised:.1%} recognised, rarest digit {rarest:.1%}")


if __name__ == "__main__":
    main()
