"""A recurrent generator of z: texts of the likeliest tokens, or soft ones that gradients pass through."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.modality import Tokens
from zerosum.util import distributed


class TextWriter(nn.Module):
    """An LSTM that begins with tanh(C z), reads z and the token before at each place; Zhang et al., 2017 (TextGAN).

    No token is drawn: given z, each is the likeliest one. A text ends at its first `<eos>`, which fills the rest of the
    row. Where texts end so, the last place of a row can hold nothing else.

    Args:
        tokens: what is written.
        latent_dim: numbers of z.
        embedding: numbers that a token becomes.
        hidden: units of the LSTM.
    """

    def __init__(self, tokens: Tokens, latent_dim: int, embedding: int = 64, hidden: int = 128):
        super().__init__()
        self.tokens = tokens
        self.embedding = nn.Embedding(tokens.size, embedding)
        self.begin = nn.Linear(latent_dim, hidden)
        self.lstm = nn.LSTM(embedding + latent_dim, hidden, batch_first=True)
        self.out = nn.Linear(hidden, tokens.size)
        nn.init.normal_(self.embedding.weight, std=0.1)

    def forward(self, z: Tensor) -> Tensor:
        """(B, length) int64 of z (B, latent_dim)."""
        return self.soft(z).argmax(2)

    def logits(self, z: Tensor, ids: Tensor) -> Tensor:
        """(B, length, V) of each token of ids (B, length), given z (B, latent_dim) and those before."""
        before = F.pad(self.embedding(ids[:, :-1]), (0, 0, 1, 0))
        given = torch.cat([before, z[:, None].expand(-1, ids.shape[1], -1)], 2)
        return self.out(self.lstm(given, self._begun(z))[0])

    def surprise(self, z: Tensor, ids: Tensor) -> Tensor:
        """The mean negative log likelihood of the tokens of ids (B, length), `<eos>` included, in nats a token, of the
        batch of all processes.
        """
        loss = F.cross_entropy(self.logits(z, ids).float().transpose(1, 2), ids, reduction="none")
        chosen = self.tokens.chosen(ids)
        return (loss * chosen).sum() / distributed.mean(chosen.sum())

    def soft(self, z: Tensor, temperature: float = 1.0, straight_through: bool = True) -> Tensor:
        """Soft tokens (B, length, V) of z (B, latent_dim), each the input of the next place.

        Args:
            temperature: > 0, by which logits are divided: towards 0 the softmax becomes the likeliest token.
            straight_through: the tokens are the likeliest ones, one-hot, and their gradient is that of the softmax;
                else they are the softmax.
        """
        end = self.tokens.end
        hidden, cell = self._begun(z)
        token = z.new_zeros(z.shape[0], self.embedding.embedding_dim)
        ended = F.one_hot(torch.tensor(end or 0, device=z.device), self.tokens.size).to(z)
        alive = z.new_ones(z.shape[0], 1)  # the share of each text that has not ended
        made = []
        for _ in range(self.tokens.length - (end is not None)):
            seen = torch.cat([token, z], 1)[:, None]
            out, (hidden, cell) = self.lstm(seen, (hidden, cell))
            chosen = softened(self.out(out[:, 0]), temperature, straight_through)
            if end is not None:
                chosen = alive * chosen + (1 - alive) * ended
                alive = 1 - chosen[:, end : end + 1]
            made.append(chosen)
            token = chosen @ self.embedding.weight
        if end is not None:
            made.append(ended.expand(z.shape[0], -1))
        return torch.stack(made, 1)

    def _begun(self, z: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.begin(z).tanh()[None]
        return hidden, torch.zeros_like(hidden)


def softened(logits: Tensor, temperature: float, straight_through: bool) -> Tensor:
    """(B, V): the softmax of logits (B, V) over a temperature; or its likeliest entry with the gradient of the softmax.

    Bengio et al., 2013, "Estimating or propagating gradients through stochastic neurons", for the latter.
    """
    p = (logits.float() / temperature).softmax(1)
    if not straight_through:
        return p.to(logits.dtype)
    return (F.one_hot(logits.argmax(1), logits.shape[1]) + p - p.detach()).to(logits.dtype)
