"""Fakes of earlier rounds, so that D does not forget them: CycleGAN's pool, SimGAN's history."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Replay(nn.Module):
    """Up to `size` earlier fakes, in buffers, so that checkpoints have them.

    `pool` is the image buffer of CycleGAN (Zhu et al., 2017, section 4), `history` that of SimGAN (Shrivastava et al.,
    2017, section 2.3). Fakes fill it first; from then on those that are replaced are chosen at random.
    """

    fakes: Tensor  # (size, *shape)
    count: Tensor  # how many have come, as a scalar; more than `size` are not told apart

    def __init__(self, size: int, shape: tuple[int, ...]):
        super().__init__()
        self.register_buffer("fakes", torch.zeros(size, *shape))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def pool(self, fakes: Tensor) -> Tensor:
        """What D is to see in place of `fakes`, (B, *shape): of each, with probability 1/2, an earlier one, whose place
        it takes; while the buffer fills, itself. Each of a batch meets another place; what is beyond `size` of them is
        shown as it is.
        """
        fakes = fakes.to(self.fakes.dtype)
        some, others = fakes.split([met := min(len(fakes), len(self.fakes)), len(fakes) - met])
        full, places = self._places(met)
        swapped = full & (torch.rand(met, device=fakes.device) < 0.5)
        coins = swapped.view(-1, *[1] * (fakes.dim() - 1))
        earlier = self.fakes[places]
        self.fakes[places] = torch.where(coins | ~full, some, earlier)
        self.count += met * ~full
        return torch.cat([torch.where(coins, earlier, some), others])

    @torch.no_grad()
    def history(self, fakes: Tensor) -> Tensor:
        """`fakes`, (B, *shape), whose second half is of earlier rounds once the buffer is full; half of them are kept.

        Of a batch whose half is more than `size`, only so many. A batch of one has no half: in half of the rounds it is
        an earlier one, as in `pool`.
        """
        if len(fakes) == 1:
            return self.pool(fakes)
        half = min(len(fakes) // 2, len(self.fakes))
        full, places = self._places(half)
        earlier = self.fakes[places]
        mixed = torch.cat([fakes[: len(fakes) - half], torch.where(full, earlier, fakes[len(fakes) - half :])])
        self.fakes[places] = fakes[:half].to(earlier.dtype)
        self.count += half * ~full
        return mixed

    def _places(self, batch: int) -> tuple[Tensor, Tensor]:
        """Whether the buffer is full, and (batch,) different places: the next ones until it is, then any."""
        full, size = self.count >= len(self.fakes), len(self.fakes)
        following = (self.count + torch.arange(batch, device=self.count.device)) % size
        chosen = torch.rand(size, device=self.count.device).argsort()[:batch]
        return full, torch.where(full, chosen, following)
