"""Twins: samples of one data set that are the same picture, to the byte or nearly (another compression, say).

They are no independent samples. One at each side of a split is known before it is tested, and the nearest neighbour of
the other is at a distance of nothing.
"""

from __future__ import annotations

import hashlib
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum.modality import Image, Modality, Tokens

NEAR = 0.1  # root mean square of a difference, in deviations of the data, up to which two images are twins: JPEG's of
# quality 90 is 0.03, and no two of 20,000 digits of MNIST or photographs of CIFAR-10 are nearer than 0.15 and 0.2
SEARCHED = 60_000  # distinct images up to which near twins are looked for: every pair is compared
THUMBNAIL = 8  # pixels of a side
BLOCK = 500


def equal(x: Tensor) -> list[list[int]]:
    """Groups of row numbers of x (N, ...) that are equal to the byte, each in its order, of two rows or more."""
    groups: dict[bytes, list[int]] = {}
    for number, row in enumerate(x.numpy()):
        groups.setdefault(hashlib.blake2b(row.tobytes(), digest_size=16).digest(), []).append(number)
    return [group for group in groups.values() if len(group) > 1]


def twins(x: Tensor, modality: Modality) -> Tensor:
    """(N,) int64: for each sample (N, *shape), as stored, the first one whose twin it is; its own number where it is
    the first.

    Images are twins where they are equal, or where their difference is at most `NEAR` of the data's deviation (both as
    root mean squares over values), and the twins of twins are. Points are where they are equal. Texts are none: a short
    one is written twice by nature.
    """
    first = torch.arange(len(x))
    if isinstance(modality, Tokens):
        return first
    for group in equal(x):
        first[group] = group[0]
    if not isinstance(modality, Image):
        return first
    distinct = (first == torch.arange(len(x))).nonzero()[:, 0]
    if not 2 <= len(distinct) <= SEARCHED:
        return first
    for i, j in _near(x, distinct):
        one, other = sorted((int(first[i]), int(first[j])))
        first[first == other] = one
    return first


def _near(x: Tensor, rows: Tensor) -> list[tuple[int, int]]:
    """Pairs of near twins among the images x[rows], uint8 (N, C, H, W).

    Means over patches differ by no more, as root mean squares, than the images do: so thumbnails say which pairs come
    into question, and of these only those whose first principal component is about the same.
    """
    total = square = torch.zeros(x.shape[1:], dtype=torch.float64)
    parts = []
    for part in rows.split(BLOCK):
        images = x[part].float()
        total, square = total + images.sum(0), square + images.double().square().sum(0)
        parts.append(_thumbnails(images))
    variance = float((square / len(rows) - (total / len(rows)).square()).mean())
    if variance <= 0:
        return []
    limit = NEAR * variance**0.5
    small = torch.cat(parts)  # (N, D)
    small -= small.mean(0)
    seen = small.shape[1] * math.prod(_patch(x)) / math.prod(x.shape[1:])  # the share of an image that they show
    reach = limit * (small.shape[1] / seen) ** 0.5  # the distance that this is
    direction = torch.linalg.eigh(small.T @ small)[1][:, -1]
    along, order = (small @ direction).sort()
    small, rows = small[order], rows[order]
    found: list[tuple[int, int]] = []
    questions = 0
    for start in range(0, len(rows), BLOCK):
        stop = min(start + BLOCK, len(rows))
        end = int(torch.searchsorted(along, along[stop - 1] + reach, right=True))
        distances = torch.cdist(small[start:stop], small[start:end])
        at = (distances <= 1.01 * reach).triu(1).nonzero()  # float32 is off by less
        questions += len(at)
        if questions > 20 * len(rows):  # thumbnails that are all alike tell nothing: fine noise, say
            return []
        for i, j in (start + at).tolist():
            one, other = int(rows[i]), int(rows[j])
            if float((x[one].float() - x[other].float()).square().mean()) <= limit**2:
                found.append((one, other))
    return found


def _thumbnails(images: Tensor) -> Tensor:
    """(B, C t t): means over equal patches; of an image whose sides t does not divide the rest is cut off."""
    return F.avg_pool2d(images, _patch(images)).flatten(1)


def _patch(images: Tensor) -> tuple[int, int]:
    """Height and width of a patch."""
    height, width = images.shape[2:]
    return max(1, height // THUMBNAIL), max(1, width // THUMBNAIL)
