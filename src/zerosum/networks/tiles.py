"""Large images through a network of convolutions in overlapping tiles, as if they had gone through it whole.

Memory then goes with the tile, not with the image. Instance norm, whose statistics are of the whole image, gets them
first: layer after layer, each in one pass over all tiles up to that layer.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from zerosum.util.checks import ArgumentError

Translate = Callable[[Tensor], Tensor]


class Tileable(nn.Module):
    """A network from images (B, C, H, W) to (B, C', factor H, factor W), of convolutions and of layers that look at
    single places, instance norm among them.

    It makes sizes multiples of `stride` by repeating the last row and column. Without instance norm no output depends
    on a pixel of the input that is more than `reach` pixels away.
    """

    stride = 1
    factor = 1  # by how much larger images become; instance norm is for those that stay as large
    reach: int

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError


@dataclass(frozen=True)
class Tile:
    """Where a part of the output lies, and of the input that it depends on: rows and columns, from and to."""

    inner: tuple[int, int, int, int]  # top, bottom, left, right
    outer: tuple[int, int, int, int]

    def within(self, scale: int, factor: int = 1) -> tuple[slice, slice]:
        """The rows and columns of the inner part in a map of the outer one, `scale` times smaller or `factor` times
        larger.
        """
        top, _, left, _ = self.outer
        ends = (self.inner[0] - top, self.inner[1] - top, self.inner[2] - left, self.inner[3] - left)
        first, last, begin, end = (factor * place // scale for place in ends)
        return slice(first, last), slice(begin, end)


def tiles(height: int, width: int, tile: int, reach: int) -> Iterator[Tile]:
    """Tiles of `tile` pixels a side that cover an image, with `reach` pixels around each where there are any."""
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            inner = (top, min(top + tile, height), left, min(left + tile, width))
            yield Tile(
                inner,
                (
                    max(inner[0] - reach, 0),
                    min(inner[1] + reach, height),
                    max(inner[2] - reach, 0),
                    min(inner[3] + reach, width),
                ),
            )


@torch.no_grad()
def in_tiles(
    network: Tileable,
    image: Tensor,
    tile: int,
    *,
    load: Translate = lambda x: x,
    store: Translate = lambda x: x,
    progress: Callable[[int, int], None] | None = None,
) -> Tensor:
    """What a network makes of one image, (C, H, W) as stored, to (C', factor H, factor W) as stored.

    Args:
        tile: pixels of a tile's side in what is made, without what is around it.
        load: stored pixels (1, C, h, w) to what the network sees.
        store: its output to what is kept.
        progress: called with (tiles done so far, tiles in all).

    Raises:
        ArgumentError: no tile of that size can be made.
    """
    stride, factor, reach = network.stride, network.factor, -(-network.reach // network.stride) * network.stride
    if tile < (smallest := stride * factor):
        raise ArgumentError(f"tiles of {tile} pixels are too small for this network: take {smallest} and more")
    height, width = image.shape[1:]
    rows, columns = (-(-side // stride) * stride for side in (height, width))  # with what is repeated
    parts = list(tiles(rows, columns, tile // smallest * stride, reach))
    fixed, done = _with_fixed_norms(network), 0

    def seen(part: Tile) -> Tensor:
        top, bottom, left, right = part.outer
        rows = torch.arange(top, bottom).clamp_max(height - 1)
        columns = torch.arange(left, right).clamp_max(width - 1)
        return load(image[:, rows][:, :, columns][None])

    def step() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, len(parts) * (len(norms) + 1))

    norms = _in_order(fixed, seen(parts[0]))
    for norm in norms:
        sums = _Sums(norm)
        for part in parts:
            sums.add(fixed, seen(part), part)
            step()
        sums.fix()
    made: Tensor | None = None
    for part in parts:
        output = store(fixed(seen(part))[..., *part.within(1, factor)])[0]
        if made is None:
            made = output.new_empty(len(output), factor * height, factor * width)
        top, bottom, left, right = (factor * place for place in part.inner)
        target = made[:, top:bottom, left:right]  # without the rows and columns that were repeated
        target.copy_(output[:, : target.shape[1], : target.shape[2]])
        step()
    assert made is not None
    return made


class _Reached(Exception):
    """A pass has come to the layer that it is of."""


class _FixedNorm(nn.Module):
    """Instance norm by statistics that are given to it; until then it lets pass what comes."""

    def __init__(self, norm: nn.InstanceNorm2d):
        super().__init__()
        self.norm = norm
        self.mean: Tensor | None = None
        self.scale: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.mean is None or self.scale is None:
            return x
        made = (x - self.mean) * self.scale  # not x * scale - mean * scale: two large numbers of nearly equal pixels
        return made if self.norm.bias is None else made + self.norm.bias[:, None, None]


class _Sums:
    """Of what comes to a layer, by channel, over all places of the image."""

    def __init__(self, layer: _FixedNorm):
        self.layer, self.count = layer, 0
        self.first: Tensor | float = 0.0
        self.second: Tensor | float = 0.0

    def add(self, network: nn.Module, x: Tensor, part: Tile) -> None:
        def look(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            rows, columns = part.within(x.shape[2] // inputs[0].shape[2])
            own = inputs[0][0, :, rows, columns].double()
            self.count += own[0].numel()
            self.first += own.sum((1, 2))
            self.second += own.square().sum((1, 2))
            raise _Reached

        handle = self.layer.register_forward_pre_hook(look)
        try:
            network(x)
        except _Reached:
            pass
        finally:
            handle.remove()

    def fix(self) -> None:
        norm = self.layer.norm
        assert isinstance(self.first, Tensor) and isinstance(self.second, Tensor)
        mean = self.first / self.count
        scale = (self.second / self.count - mean.square() + norm.eps).rsqrt()
        if norm.weight is not None:
            scale = scale * norm.weight.double()
        self.layer.mean, self.layer.scale = (value.float()[:, None, None] for value in (mean, scale))


def _with_fixed_norms(network: nn.Module) -> nn.Module:
    """A copy whose instance norms wait for their statistics."""
    fixed = copy.deepcopy(network).eval()
    for parent in list(fixed.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.InstanceNorm2d):
                setattr(parent, name, _FixedNorm(child))
    return fixed


def _in_order(network: nn.Module, x: Tensor) -> list[_FixedNorm]:
    """Its instance norms in the order in which an image meets them."""
    met: list[_FixedNorm] = []
    handles = [
        layer.register_forward_pre_hook(lambda layer, _: met.append(layer))
        for layer in network.modules()
        if isinstance(layer, _FixedNorm)
    ]
    network(x)
    for handle in handles:
        handle.remove()
    return met
