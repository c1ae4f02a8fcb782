"""Stacked MNIST: three random digits as the channels of one image, so that 1000 modes are known; Metz et al., 2017."""

from __future__ import annotations

import torch

from zerosum.data.dataset import Dataset, dataset, fingerprint_of
from zerosum.data.images.idx import MNIST
from zerosum.data.request import Request, no_option

IMAGES = 128_000  # as in Lin et al., 2018 (PacGAN)


def stacked_mnist(request: Request) -> Dataset:
    """128,000 images of 3x28x28, each channel a training digit of MNIST drawn from the seed with replacement.

    The label of an image is its mode: the digits of its channels a, b and c, read as the number 100 a + 10 b + c.
    """
    no_option(request)
    mnist = MNIST(Request("mnist", data_dir=request.data_dir, progress=request.progress))
    assert mnist.y is not None
    draw = torch.Generator().manual_seed(request.seed)
    chosen = torch.randint(len(mnist), (IMAGES, 3), generator=draw)
    x = mnist.x[:, 0][chosen]  # (N, 3, 28, 28)
    y = mnist.y[chosen] @ torch.tensor([100, 10, 1])
    classes = tuple(f"{mode:03}" for mode in range(1000))
    mark = fingerprint_of(f"{IMAGES} stacks of three from {mnist.fingerprint}, seed {request.seed}")
    return dataset(request.name, x, y, classes, fingerprint=mark)
