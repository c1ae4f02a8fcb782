"""Networks of DANN: features of images, classes by features, and domains by features; Ganin et al., 2016, figure 4a."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

from annotated_types import Ge, Gt, Lt
from torch import nn

from zerosum.modality import Shape
from zerosum.networks.blocks import image_shape
from zerosum.options import Checked

KERNEL, SMALLEST = 5, 16  # pixels: of a convolution, and of the smallest image that two of them and two poolings take


@dataclass(frozen=True)
class Network(Checked):
    """The networks."""

    width: Annotated[int, Gt(0), "features of the first convolution; the second has half as many again"] = 32
    hidden: Annotated[int, Gt(0), "units of the hidden layers of both heads"] = 100
    norm: Annotated[
        Literal["batch", "none"],
        "normalisation: of features over both domains' images, of the head over those of the source",
    ] = "batch"
    dropout: Annotated[float, Ge(0), Lt(1), "share of the classifier's features that are dropped"] = 0.5


PAPER = Network(norm="none", dropout=0.0)


class Networks(NamedTuple):
    """Which belong together."""

    features: nn.Module  # images (B, C, H, W) to features (B, F)
    head: nn.Module  # features to logits (B, K) of classes
    discriminator: nn.Module  # features to logits (B, 1), the higher, the more of the source


def networks(shape: Shape, classes: int, network: Network = PAPER) -> Networks:
    """For images of this shape, by default those of the paper for MNIST: of 28x28 pixels 768 features.

    Images with a side below 16 pixels get a grey edge.
    """
    channels, *size = image_shape(shape)
    width, wider, hidden = network.width, network.width * 3 // 2, network.hidden
    edges = [max(0, SMALLEST - side) for side in size]
    dropped = network.dropout > 0
    layers = [
        nn.ZeroPad2d((0, edges[1], 0, edges[0])) if any(edges) else None,
        nn.Conv2d(channels, width, KERNEL),
        nn.BatchNorm2d(width) if network.norm == "batch" else None,
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(width, wider, KERNEL),
        nn.BatchNorm2d(wider) if network.norm == "batch" else None,
        nn.Dropout2d(network.dropout) if dropped else None,
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
    ]
    head = [
        *_hidden(after(size) * wider, hidden, network.norm),
        nn.Dropout(network.dropout) if dropped else None,
        *_hidden(hidden, hidden, network.norm),
        nn.Linear(hidden, classes),
    ]
    judge = [*_hidden(after(size) * wider, hidden, "none"), nn.Linear(hidden, 1)]
    return Networks(*(nn.Sequential(*(layer for layer in part if layer is not None)) for part in (layers, head, judge)))


def after(size: list[int]) -> int:
    """Pixels that two convolutions and two poolings leave of images of `size`."""
    rows, columns = (((max(side, SMALLEST) - KERNEL + 1) // 2 - KERNEL + 1) // 2 for side in size)
    return rows * columns


def _hidden(before: int, units: int, norm: str) -> list[nn.Module | None]:
    return [nn.Linear(before, units), nn.BatchNorm1d(units) if norm == "batch" else None, nn.ReLU()]
