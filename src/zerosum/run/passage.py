"""How images of any size go through a translator: as many at once as memory has room for, a large one in tiles."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from zerosum.game import Game
from zerosum.modality import Shape
from zerosum.networks.tiles import Tileable, Translate, in_tiles
from zerosum.roles import Translates, TranslatesBack, in_role
from zerosum.run import sampling
from zerosum.util import memory

TILE = 512  # pixels of a tile's side, without what is around it
ROOM = 1 << 30  # bytes that the layers of a network may take before an image goes through it in tiles


@dataclass(frozen=True)
class Passage:
    """The way through the translator of a game, in one direction."""

    game: Game[Any]
    back: bool
    shape: Shape  # (C, H, W) of the images that it learnt to translate

    @property
    def role(self) -> Translates:
        return in_role(self.game, TranslatesBack if self.back else Translates)

    @property
    def function(self) -> Callable[[Tensor, Tensor], Tensor]:
        """Of images (B, C, H, W) as the network sees them, and the seeds of their noise, (B,)."""
        return in_role(self.game, TranslatesBack).translate_back if self.back else self.role.translate

    def in_parts(self, height: int, width: int) -> bool:
        """Whether an image of this size goes in tiles."""
        return self._needed(height, width) > ROOM and isinstance(self.role.network(self.back), Tileable)

    def at_once(self, height: int, width: int) -> int:
        """How many images of this size go through the network together, at least one."""
        needed = self._needed(height, width)
        fitting = memory.fitting(0, needed, sampling.device_of(self.game))
        most = int(ROOM // needed)
        return max(1, most if fitting is None else min(most, fitting))

    def require(self, height: int, width: int) -> None:
        """`OutOfMemoryError` where an image of this size has to go through whole, and does not fit."""
        if not self.in_parts(height, width):
            what = f"translating an image of {height:,}x{width:,} pixels whole"
            device = sampling.device_of(self.game)
            memory.require(self._needed(height, width), what, "scale it down, or cut it", device)

    def tiled(
        self, image: Tensor, load: Translate, store: Translate, progress: Callable[[int, int], None] | None = None
    ) -> Tensor:
        """One image, (C, H, W) as stored, in tiles: see `networks.tiles.in_tiles`."""
        network, device = self.role.network(self.back), sampling.device_of(self.game)
        assert isinstance(network, Tileable)
        with sampling.eval_no_grad(self.game, 0):
            return in_tiles(network, image, TILE, load=lambda x: load(x.to(device)), store=store, progress=progress)

    def _needed(self, height: int, width: int) -> int:
        return max(1, int(self.bytes_of_layers * height * width))

    @cached_property
    def bytes_of_layers(self) -> float:
        """For each pixel, that the outputs of all layers take together: more than are there at once."""
        taken, handles = 0, []

        def count(module: nn.Module, inputs: object, output: object) -> None:
            nonlocal taken
            if isinstance(output, Tensor):
                taken += output.numel() * output.element_size()

        for module in self.game.modules():
            if not any(True for _ in module.children()):
                handles.append(module.register_forward_hook(count))
        device = sampling.device_of(self.game)
        x, seeds = torch.zeros(1, *self.shape, device=device), torch.zeros(1, dtype=torch.int64, device=device)
        try:
            with sampling.eval_no_grad(self.game, 0):
                self.function(x, seeds)
        finally:
            for handle in handles:
                handle.remove()
        return taken / math.prod(self.shape[1:])
