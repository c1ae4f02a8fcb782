"""Train the digit network that the metrics use: `python -m tools.train_digit_network`.

It learns from MNIST's 60,000 training images, found or fetched as for `--data mnist`, each turned, scaled and shifted a
little at every sight, but for the last epoch, which shows them as they are.

The test images are looked at once, at the end. `--hold-out 5000` leaves the last 5,000 training images out and reports
on these instead, and saves nothing: with 12 epochs 99.60 % of them were right, and nothing was changed after that but
the number of epochs. One thread, so that equal seeds give equal weights on equal processors.
"""

import argparse
import math
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

import zerosum.metrics.extractors
from zerosum import data
from zerosum.batches import Labelled
from zerosum.data.dataset import dataset
from zerosum.metrics.extractors.digits import Classifier
from zerosum.util import files, rng

WEIGHTS = Path(zerosum.metrics.extractors.__file__).parent / "weights" / "digits.safetensors"
BATCH = 100


def train(source: data.Dataset, epochs: int, seed: int) -> Classifier:
    """A network in evaluation mode: SGD with momentum, the rate rising to 0.1 and falling to 0 as a cosine."""
    rng.seed(seed)
    network = Classifier().to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    steps = epochs * (len(source) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=steps, pct_start=0.15)
    draw = data.Stream(source, BATCH, seed=seed, batch=Labelled)
    for step in range(steps):
        x, y = draw()
        if step < steps * (epochs - 1) // epochs:
            x = moved(x)
        loss = F.cross_entropy(network(x)[1], y)  # no label smoothing: the probabilities are to be believed
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            print(f"\r{step / steps:4.0%}, loss {loss.item():.4f}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return network.eval()


def moved(x: Tensor) -> Tensor:
    """Images (B, 1, 28, 28), each turned by up to 10 degrees, scaled by 0.9 to 1.1 and shifted by up to 2 pixels."""
    turn, scale, right, down = (torch.rand(4, len(x)) * 2 - 1) * torch.tensor([[10.0], [0.1], [2.0], [2.0]])
    turn, zoom = turn * math.pi / 180, 1 + scale
    cosine, sine = turn.cos() * zoom, turn.sin() * zoom
    rows = [torch.stack([cosine, -sine, right / 14], 1), torch.stack([sine, cosine, down / 14], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)
    return F.grid_sample(x + 1, grid, align_corners=False) - 1  # what comes into view is black


@torch.no_grad()
def evaluate(network: Classifier, source: data.Dataset) -> dict[str, float]:
    """Accuracy, mean probability of the answer (equal to the accuracy if calibrated) and cross-entropy in nats."""
    assert source.y is not None
    logits = torch.cat([network(x.float() / 127.5 - 1)[1] for x in source.x.split(500)])
    sure, guess = logits.softmax(1).max(1)
    return {
        "accuracy": (guess == source.y).double().mean().item(),
        "confidence": sure.double().mean().item(),
        "cross_entropy": F.cross_entropy(logits.double(), source.y).item(),
    }


def part(source: data.Dataset, start: int, stop: int) -> data.Dataset:
    assert source.y is not None
    return dataset(source.name, source.x[start:stop], source.y[start:stop], source.classes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--hold-out", type=int, default=0, help="images to leave out and report on")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    mnist = data.load("mnist")
    border = len(mnist) - options.hold_out
    network = train(part(mnist, 0, border), options.epochs, options.seed)
    if options.hold_out:
        print("held out:", evaluate(network, part(mnist, border, len(mnist))))
        return
    scores = {f"test_{name}": f"{value:.5f}" for name, value in evaluate(network, data.load("mnist:test")).items()}
    settings = {"command": f"python -m tools.train_digit_network --epochs {options.epochs} --seed {options.seed}"}
    metadata = {**scores, **settings, "seed": str(options.seed), "trained_on": "MNIST, 60,000 training images"}
    state = {name: tensor.contiguous() for name, tensor in network.state_dict().items() if tensor.is_floating_point()}
    with files.atomic_path(options.out) as partial:
        save_file(state, partial, metadata)
    print(f"{options.out}: {options.out.stat().st_size} bytes, {metadata}")


if __name__ == "__main__":
    main()
