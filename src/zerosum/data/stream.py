"""Endless seeded batches whose position is two integers."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

from zerosum.data.dataset import Dataset
from zerosum.data.errors import DataError
from zerosum.game import Labelled

RESIDENT = 1 << 30  # bytes: smaller sets live on the device whole, and a batch needs no copy to it
# The float below 1/127.5: rounding up would map 255 to just above 1.
SCALE = float(torch.nextafter(torch.tensor(1 / 127.5), torch.tensor(0.0)))


class Stream:
    """Endless seeded batches; its position is (epoch, offset), so a resumed stream goes on exactly.

    Epoch e is a permutation drawn from (seed, e) alone: drawing data disturbs no other random numbers. The epochs
    follow each other without a gap, so a batch may cross their border, nothing is dropped and every sample comes
    exactly once an epoch. Of each `world` successive batches, this stream serves number `rank`.

    Args:
        dataset: what to draw from.
        batch_size: samples a call, of this rank.
        seed: of the order and the flips.
        device: where batches are wanted.
        labelled: serve `Labelled(x, y)` instead of x.
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
        labelled: bool = False,
        flip: bool = False,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        if batch_size < 1 or not 0 <= rank < world:
            raise ValueError(f"batch_size {batch_size} must be at least 1 and rank {rank} in [0, {world})")
        if batch_size * world > len(dataset):
            asked = f"{batch_size}" if world == 1 else f"{batch_size} on each of {world} processes"
            raise DataError(
                f"a batch of {asked} is more than the {len(dataset)} samples of {dataset.name}; "
                f"use a batch size of at most {len(dataset) // world}, or more data"
            )
        if labelled and dataset.y is None:
            raise DataError(f"{dataset.name} has no labels, but the GAN needs classes; put each class in a sub-folder")
        if flip and not dataset.is_image:
            raise DataError(f"{dataset.name} holds points, which have no left and right; train without flips")
        self.batch_size, self.seed, self.rank, self.world = batch_size, seed, rank, world
        self.device = torch.device(device)
        home = self.device if dataset.x.nbytes <= RESIDENT else torch.device("cpu")
        self._x = dataset.x.to(home)
        self._y = dataset.y.to(home) if labelled and dataset.y is not None else None
        self._image, self._flip = dataset.is_image, flip
        self._minus_one = torch.tensor(-1.0, device=self.device)
        self._identity = {
            "fingerprint": int(dataset.fingerprint[:13], 16),  # 52 bits: exact in every reader of JSON
            "batch_size": batch_size,
            "seed": seed,
        }
        self._drawn = 0  # samples before this step's, counted over all ranks and epochs
        self._orders: dict[int, Tensor] = {}  # epoch: (N,) its permutation

    def __call__(self) -> Tensor | Labelled:
        """The next batch, on the device.

        Returns:
            Images as float32 (B, C, H, W) in [-1, 1], points as float32 (B, D) as they are; with `labelled` a pair
            of that and int64 (B,).
        """
        start = self._drawn + self.rank * self.batch_size
        indices = self._indices(start)
        x = self._x.index_select(0, indices).to(self.device)
        if self._image:
            x = torch.add(self._minus_one, x, alpha=SCALE)  # (B, C, H, W) float32: cast, scale and shift in one pass
        if self._flip:
            x = torch.lerp(x, x.flip(-1), self._mirrored(start))  # weights of 0 and 1: an exact choice
        self._drawn += self.batch_size * self.world
        if self._y is None:
            return x
        return Labelled(x, self._y.index_select(0, indices).to(self.device))

    def state(self) -> dict[str, int]:
        """The position, the same on every rank, and what it is a position in."""
        epoch, offset = divmod(self._drawn, len(self._x))
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
        if epoch < 0 or not 0 <= offset < len(self._x):
            raise DataError(f"{state} is no position in {len(self._x)} samples; resume from another checkpoint")
        self._drawn = epoch * len(self._x) + offset

    def _indices(self, start: int) -> Tensor:
        epoch, offset = divmod(start, len(self._x))
        head = self._order(epoch)[offset : offset + self.batch_size]
        missing = self.batch_size - len(head)
        return head if missing == 0 else torch.cat((head, self._order(epoch + 1)[:missing]))

    def _order(self, epoch: int) -> Tensor:
        if epoch not in self._orders:
            # Drawn on the CPU, so that the order is the same on every device.
            order = torch.randperm(len(self._x), generator=self._generator("order", epoch)).to(self._x.device)
            self._orders = {known: self._orders[known] for known in self._orders if known == epoch - 1} | {epoch: order}
        return self._orders[epoch]

    def _mirrored(self, start: int) -> Tensor:
        epoch, offset = divmod(start, len(self._x))
        coins = torch.randint(2, (self.batch_size, 1, 1, 1), generator=self._generator("flip", epoch, offset))
        return coins.to(self.device, torch.float32)

    def _generator(self, purpose: str, *position: int) -> torch.Generator:
        # Hashed, because neighbouring seeds of a generator may give correlated numbers.
        key = hashlib.blake2b(f"{purpose} {self.seed} {position}".encode(), digest_size=8).digest()
        return torch.Generator().manual_seed(int.from_bytes(key, "little") >> 1)
