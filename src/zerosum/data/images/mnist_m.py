"""MNIST-M made anew: MNIST's digits over patches of photographs; Ganin et al., 2016, section 5.2.4."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

from zerosum.data.dataset import Dataset, dataset
from zerosum.data.images import benchmarks
from zerosum.data.images.idx import MNIST
from zerosum.data.request import Request, split

PHOTOGRAPHS = "BSD100"
TESTED = 5  # of so many photographs the last lies behind test digits


def mnist_m(request: Request) -> Dataset:
    """MNIST's 60,000 digits as images of 3x28x28, |digit - patch| in each channel; "mnist-m:test" its other 10,000.

    Each digit has a patch of its own, at a random place of a random photograph. The published MNIST-M takes these from
    BSDS500, which zerosum does not have; this one takes them from the photographs of BSD100: those behind the digits of
    one part are behind none of the other. It is made in the same way and is not the same set, so its numbers are none
    of the published one's. It is one set, whatever the seed.

    Raises:
        DataError: MNIST or BSD100 is missing, or there is no such part.
    """
    part = split(request, ("train", "test"))
    digits = MNIST(Request(f"mnist:{part}", part, data_dir=request.data_dir, progress=request.progress))
    whole = benchmarks.images(PHOTOGRAPHS, request.data_dir)
    own = [photo.pixels for k, photo in enumerate(whole) if (k % TESTED == TESTED - 1) == (part == "test")]
    return dataset(request.name, blended(digits.x, own, f"mnist-m {part}"), digits.y, digits.classes)


def blended(digits: Tensor, photographs: Sequence[Tensor], key: str) -> Tensor:
    """(N, 3, H, W) uint8: how far digits (N, 1, H, W), uint8, are from patches of photographs (C, H', W'), uint8.

    Args:
        photographs: each at least as large as a digit; grey ones, of one channel, count as colours.
        key: decides which patches.
    """
    seed = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "little") >> 1
    draw = torch.Generator().manual_seed(seed)
    count, size = len(digits), digits.shape[2:]
    chosen = torch.randint(len(photographs), (count,), generator=draw)
    places = torch.randint(1 << 30, (count, 2), generator=draw)
    made = torch.empty(count, 3, *size, dtype=torch.uint8)
    down, across = (torch.arange(side) for side in size)
    for number, photograph in enumerate(photographs):
        rows = (chosen == number).nonzero()[:, 0]
        spare = torch.tensor([side - own + 1 for side, own in zip(photograph.shape[1:], size, strict=True)])
        top, left = (places[rows] % spare).unbind(1)
        y, x = top[:, None, None] + down[:, None], left[:, None, None] + across  # (n, H, 1), (n, 1, W)
        patches = photograph.expand(3, -1, -1)[:, y, x].movedim(0, 1)  # (n, 3, H, W)
        made[rows] = (patches.short() - digits[rows].short()).abs().to(torch.uint8)
    return made
