"""Twins: samples of one data set that are the same picture, to the byte or nearly (another compression, say).

They are no independent samples. One at each side of a split is known before it is tested, and the nearest neighbour of
the other is at a distance of nothing.
"""

from __future__ import annotations

import hashlib
import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum.modality import Image, Modality, Tokens

NEAR = 0.1  # root mean square of a difference, in deviations of the data, up to which two images are twins: JPEG's of
# quality 90 is 0.03, and no two of 20,000 digits of MNIST or photographs of CIFAR-10 are nearer than 0.15 and 0.2
SEARCHED = 100_000  # distinct images up to which near twins are looked for: every pair is compared
THUMBNAIL = 8  # pixels of a side
BLOCK = 500  # images that are compared with all others at once
TURNS = 30  # products with the covariance by which the direction that images differ most in is found
MISSES = 20  # pairs an image, alike as thumbnails and not as images, after which these tell nothing: fine noise, say


def equal(x: Tensor) -> list[list[int]]:
    """Groups of row numbers of x (N, ...) that are equal to the byte, each in its order, of two rows or more."""
    groups: dict[bytes, list[int]] = {}
    for number, row in enumerate(x.numpy()):
        groups.setdefault(hashlib.blake2b(row.tobytes(), digest_size=16).digest(), []).append(number)
    return [group for group in groups.values() if len(group) > 1]


class Found(NamedTuple):
    """What `find` found."""

    first: Tensor  # (N,) int64: of each sample the first one whose twin it is; its own number where it is the first
    unsearched: str  # why near twins were not looked for; "" where they were, or there can be none


def find(x: Tensor, modality: Modality) -> Found:
    """The twins among samples (N, *shape), as stored.

    Images are twins where they are equal, or where their difference is at most `NEAR` of the data's deviation (both as
    root mean squares over values), and the twins of twins are. Points are where they are equal. Texts are none: a short
    one is written twice by nature.
    """
    first = torch.arange(len(x))
    if isinstance(modality, Tokens):
        return Found(first, "")
    for group in equal(x):
        first[group] = group[0]
    distinct = (first == torch.arange(len(x))).nonzero()[:, 0]
    if not isinstance(modality, Image) or len(distinct) < 2:
        return Found(first, "")
    if len(distinct) > SEARCHED:
        return Found(first, f"there are more than {SEARCHED:,} images")
    near = _near(x, distinct)
    if near is None:
        return Found(first, "too many images are alike but for fine detail")
    return Found(distinct[near][torch.searchsorted(distinct, first)], "")


def groups(x: Tensor, found: Found) -> tuple[list[list[int]], list[list[int]]]:
    """Row numbers of samples (N, *shape), as stored, that repeat one another: groups that are equal, and groups of
    twins of which not all are, with the first of each set of equal ones alone.
    """
    exact = equal(x)
    later = {row for group in exact for row in group[1:]}
    near: dict[int, list[int]] = {}
    for row, first in enumerate(found.first.tolist()):
        if row not in later:
            near.setdefault(first, []).append(row)
    return exact, [group for group in near.values() if len(group) > 1]


def _near(x: Tensor, rows: Tensor) -> Tensor | None:
    """(M,) int64: for each of the images x[rows], uint8 (N, C, H, W), the place in `rows` of the first one whose near
    twin it is; None where their thumbnails do not say which pairs come into question.

    Means over patches differ by no more, as root mean squares, than the images do: so thumbnails say it, and of these
    only those whose first principal component is about the same.
    """
    total = square = torch.zeros(x.shape[1:], dtype=torch.float64)
    parts = []
    for part in rows.split(BLOCK):
        images = x[part].float()
        total, square = total + images.sum(0), square + images.double().square().sum(0)
        parts.append(_thumbnails(images))
    variance = float((square / len(rows) - (total / len(rows)).square()).mean())
    first = torch.arange(len(rows))
    if variance <= 0:
        return first
    limit = NEAR * variance**0.5
    small = torch.cat(parts)  # (M, D)
    small -= small.mean(0)
    seen = small.shape[1] * math.prod(_patch(x)) / math.prod(x.shape[1:])  # the share of an image that they show
    reach = 1.01 * limit * (small.shape[1] / seen) ** 0.5  # the distance that this is; float32 is off by less
    along, order = (small @ _main_axis(small)).sort()
    small, misses = small[order], 0
    for start in range(0, len(rows), BLOCK):
        own = torch.arange(start, min(start + BLOCK, len(rows)))
        end = int(torch.searchsorted(along, along[own[-1]] + reach, right=True))
        asked = (torch.cdist(small[own], small[start:end]) <= reach).triu(1)
        for i in asked.any(1).nonzero()[:, 0].tolist():
            one = order[start + i]
            others = order[start:end][asked[i]]
            for part in others.split(BLOCK):
                part = part[first[part] != first[one]]  # twins of twins need no look
                if not len(part):
                    continue
                squares = (x[rows[part]].float() - x[rows[one]].float()).square().flatten(1).mean(1)
                known = first[part[squares <= limit**2]]
                misses += len(part) - len(known)
                if len(known):
                    known = torch.cat([known, first[one][None]]).unique()
                    first[torch.isin(first, known)] = known[0]
                if misses > MISSES * len(rows):
                    return None
    return first


def _main_axis(x: Tensor) -> Tensor:
    """(D,), of length 1: about the direction in which the rows of x (N, D), of mean 0, differ most.

    By power iteration, from the column that varies most: LAPACK's eigenvectors of what a few black and white images
    have may not converge, and any direction serves, a better one faster.
    """
    axis = F.one_hot(x.square().sum(0).argmax(), x.shape[1]).to(x)
    for _ in range(TURNS):
        axis = F.normalize(x.T @ (x @ axis), dim=0)
    return axis


def _thumbnails(images: Tensor) -> Tensor:
    """(B, C t t): means over equal patches; of an image whose sides t does not divide the rest is cut off."""
    return F.avg_pool2d(images, _patch(images)).flatten(1)


def _patch(images: Tensor) -> tuple[int, int]:
    """Height and width of a patch."""
    height, width = images.shape[2:]
    return max(1, height // THUMBNAIL), max(1, width // THUMBNAIL)
