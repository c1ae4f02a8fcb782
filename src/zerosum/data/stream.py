"""Endless seeded batches whose position is two integers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import torch
from torch import Tensor

from zerosum.data.dataset import HINT, Dataset
from zerosum.data.errors import DataError
from zerosum.game import Labelled, Semi

RESIDENT = 1 << 30  # bytes: smaller sets live on the device whole, and a batch needs no copy to it
# The float below 1/127.5: rounding up would map 255 to just above 1.
SCALE = float(torch.nextafter(torch.tensor(1 / 127.5), torch.tensor(0.0)))


class Stream:
    """Endless seeded batches; its position is (epoch, offset), so a resumed stream goes on exactly.

    Epoch e is a permutation drawn from (seed, e) alone: drawing data disturbs no other random numbers. The epochs
    follow each other without a gap, so a batch may cross their border, nothing is dropped and every sample comes
    exactly once an epoch. Of each `world` successive batches, this stream serves number `rank`.

    `Labelled` batches are of the samples whose class is known alone. `Semi` batches hold as many of those, in an order
    of their own, as of all samples; where every class is known both are the same samples.

    Args:
        dataset: what to draw from.
        batch_size: samples a call, of this rank.
        seed: of the order and the flips.
        device: where batches are wanted.
        batch: what to serve: Tensor (x alone), Labelled or Semi.
        flip: mirror each image left to right with probability 1/2.
        rank: this process among `world`.

    Raises:
        DataError: more samples a step than there are; labels or flips asked of data that has none.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        *,
        seed: int,
        device: torch.device | str = "cpu",
        batch: type = Tensor,
        flip: bool = False,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        if batch_size < 1 or not 0 <= rank < world:
            raise ValueError(f"batch_size {batch_size} must be at least 1 and rank {rank} in [0, {world})")
        labels = None if batch is Tensor else _labels(dataset, batch)
        known = torch.arange(len(dataset)) if labels is None or labels.dim() > 1 else (labels >= 0).nonzero()[:, 0]
        served, what = (known, "labelled samples") if batch is Labelled else (torch.arange(len(dataset)), "samples")
        if batch_size * world > len(served):
            asked = f"{batch_size}" if world == 1 else f"{batch_size} on each of {world} processes"
            raise DataError(
                f"a batch of {asked} is more than the {len(served)} {what} of {dataset.name}; "
                f"use a batch size of at most {len(served) // world}, or more data"
            )
        if flip and not dataset.is_image:
            raise DataError(f"{dataset.name} holds points, which have no left and right; train without flips")
        self.batch_size, self.seed, self.rank, self.world = batch_size, seed, rank, world
        self.device = torch.device(device)
        home = self.device if dataset.x.nbytes <= RESIDENT else torch.device("cpu")
        self._x = dataset.x.to(home)
        self._y = None if labels is None else labels.to(home)
        self._served = _Deck(served.to(home), self._permuted("order"))
        self._known = _Deck(known.to(home), self._permuted("order of labelled samples"))
        self._batch, self._partly = batch, len(known) < len(dataset)
        self._image, self._flip = dataset.is_image, flip
        self._minus_one = torch.tensor(-1.0, device=self.device)
        self._identity = {
            "fingerprint": int(dataset.fingerprint[:13], 16),  # 52 bits: exact in every reader of JSON
            "batch_size": batch_size,
            "seed": seed,
        }
        self._drawn = 0  # samples before this step's, counted over all ranks and epochs

    def __call__(self) -> Tensor | Labelled | Semi:
        """The next batch, on the device.

        Returns:
            Images as float32 (B, C, H, W) in [-1, 1], points as float32 (B, D) as they are; or these with classes,
            int64 (B,), or vectors, float32 (B, K).
        """
        start = self._drawn + self.rank * self.batch_size
        self._drawn += self.batch_size * self.world
        rows = self._served(start, self.batch_size)
        x = self._samples(rows, "flip", start)
        if self._y is None:
            return x
        if self._batch is Semi and self._partly:
            known = self._known(start, self.batch_size)
            return Semi(self._samples(known, "flip of labelled samples", start), self._labels(known), unlabelled=x)
        return Labelled(x, self._labels(rows)) if self._batch is Labelled else Semi(x, self._labels(rows), x)

    def state(self) -> dict[str, int]:
        """The position, the same on every rank, and what it is a position in."""
        epoch, offset = divmod(self._drawn, len(self._served))
        return {"epoch": epoch, "offset": offset, **self._identity}

    def restore(self, state: dict[str, int]) -> None:
        """Go on from a `state()`.

        Raises:
            DataError: it is the position in other data or in another order.
        """
        for key, now in self._identity.items():
            if (before := state.get(key)) != now:
                change = "the data has changed" if key == "fingerprint" else f"its {key} was {before} and is now {now}"
                raise DataError(f"cannot go on where the run stopped: {change}; undo this, or start a new run")
        epoch, offset = state.get("epoch", -1), state.get("offset", -1)
        if epoch < 0 or not 0 <= offset < len(self._served):
            raise DataError(f"{state} is no position in {len(self._served)} samples; resume from another checkpoint")
        self._drawn = epoch * len(self._served) + offset

    def _samples(self, rows: Tensor, flip: str, start: int) -> Tensor:
        x = self._x.index_select(0, rows).to(self.device)
        if self._image:
            x = torch.add(self._minus_one, x, alpha=SCALE)  # (B, C, H, W) float32: cast, scale and shift in one pass
        if self._flip:
            x = torch.lerp(x, x.flip(-1), self._mirrored(flip, start))  # weights of 0 and 1: an exact choice
        return x

    def _labels(self, rows: Tensor) -> Tensor:
        assert self._y is not None
        return self._y.index_select(0, rows).to(self.device)

    def _permuted(self, purpose: str) -> Callable[[int, int], Tensor]:
        # Drawn on the CPU, so that the order is the same on every device.
        return lambda epoch, count: torch.randperm(count, generator=self._generator(purpose, epoch))

    def _mirrored(self, purpose: str, start: int) -> Tensor:
        epoch, offset = divmod(start, len(self._served))
        coins = torch.randint(2, (self.batch_size, 1, 1, 1), generator=self._generator(purpose, epoch, offset))
        return coins.to(self.device, torch.float32)

    def _generator(self, purpose: str, *position: int) -> torch.Generator:
        # Hashed, because neighbouring seeds of a generator may give correlated numbers.
        key = hashlib.blake2b(f"{purpose} {self.seed} {position}".encode(), digest_size=8).digest()
        return torch.Generator().manual_seed(int.from_bytes(key, "little") >> 1)


class _Deck:
    """Rows in an endless order, in which every epoch is a permutation of all of them.

    Args:
        rows: (N,) int64.
        permuted: the epoch and N to the order of that epoch.
    """

    def __init__(self, rows: Tensor, permuted: Callable[[int, int], Tensor]):
        self.rows, self.permuted = rows, permuted
        self.orders: dict[int, Tensor] = {}  # the epochs in use: (N,) rows

    def __len__(self) -> int:
        return len(self.rows)

    def __call__(self, start: int, count: int) -> Tensor:
        """(count,) rows from place `start` on."""
        epoch, offset = divmod(start, len(self.rows))
        parts = [self._order(epoch)[offset : offset + count]]
        while (missing := count - sum(map(len, parts))) > 0:
            epoch += 1
            parts.append(self._order(epoch)[:missing])
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _order(self, epoch: int) -> Tensor:
        if epoch not in self.orders:
            order = self.rows[self.permuted(epoch, len(self.rows)).to(self.rows.device)]
            self.orders = {known: self.orders[known] for known in self.orders if known == epoch - 1} | {epoch: order}
        return self.orders[epoch]


def _labels(dataset: Dataset, batch: type) -> Tensor:
    """What the game learns from: classes, (N,), or vectors, (N, K), where it takes them and there are no classes."""
    if batch is Labelled and dataset.y is None and dataset.conditions is not None:
        return dataset.conditions
    if dataset.y is None or not bool((dataset.y >= 0).any()):
        raise DataError(f"{dataset.name} has no labels, but the GAN needs classes; {HINT}")
    return dataset.y
