"""A GAN of texts for tests: it learns to write the lines of a small file. A recipe of its own kind of data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from annotated_types import Gt
from torch import Tensor, nn

from zerosum import latent
from zerosum.batches import Draw, Sequences
from zerosum.game import Logits, Move
from zerosum.latent_game import TwoPlayerGame
from zerosum.losses import non_saturating, penalties
from zerosum.modality import Spec, Tokens
from zerosum.optim import Adam, Decay, Optimizer
from zerosum.recipe import recipe


class TokenCopier(TwoPlayerGame[Sequences]):
    """Writes all tokens of a text at once; D sees them one-hot, with a straight-through gradient; Jang et al., 2017."""

    name = "token-copier"
    makes = "ids"

    @dataclass(frozen=True)
    class Config:
        latent_dim: Annotated[int, Gt(0), "latent dimension (size of z)"] = 8
        g_optimizer: Annotated[Optimizer, "the generator's"] = Adam(4e-3, (0.5, 0.9), decay=Decay("linear"))
        d_optimizer: Annotated[Optimizer, "the discriminator's"] = Adam(4e-3, (0.5, 0.9), decay=Decay("linear"))

    def __init__(self, tokens: Tokens, config: Config = Config()):
        super().__init__()
        size = tokens.length * tokens.size
        self.tokens, self.config, self.prior = tokens, config, latent.Normal(config.latent_dim)
        self.generator = nn.Sequential(nn.Linear(config.latent_dim, 64), nn.ReLU(), nn.Linear(64, size))
        self.discriminator = nn.Sequential(nn.Flatten(), nn.Linear(size, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))

    def round(self, draw: Draw[Sequences], step: int) -> Iterator[Move]:
        real = self._one_hot(draw().ids)  # (B, length, vocabulary)
        with torch.no_grad():
            fake = self._soft(self.latents(len(real)))
        logits = Logits(self.discriminator(real), self.discriminator(fake))
        r1 = penalties.r1(self.discriminator, real)
        yield Move("discriminator", adversarial=non_saturating.d(*logits), r1=0.1 * r1, logits=logits)
        fake_logits = self.discriminator(self._soft(self.latents(len(real))))
        yield Move("generator", adversarial=non_saturating.g(fake_logits))

    def generate(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return self._logits(z).argmax(-1)

    def score(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.discriminator(self._one_hot(x)).flatten()

    def _logits(self, z: Tensor) -> Tensor:
        return self.generator(z).view(len(z), self.tokens.length, self.tokens.size)

    def _soft(self, z: Tensor) -> Tensor:
        """One-hot tokens in the forward pass, probabilities in the backward pass."""
        p = self._logits(z).softmax(-1)
        return self._one_hot(p.argmax(-1)) + p - p.detach()

    def _one_hot(self, ids: Tensor) -> Tensor:
        return F.one_hot(ids, self.tokens.size).float()


@recipe(data="texts.txt", batch_size=32, steps=600, average=0.0)
def lines(data: Spec, config: TokenCopier.Config = TokenCopier.Config()) -> TokenCopier:
    """Perceptrons for a handful of short texts."""
    tokens = data.ids
    if not isinstance(tokens, Tokens):
        raise ValueError(f"ids holds {tokens}, and no texts")
    return TokenCopier(tokens, config)
