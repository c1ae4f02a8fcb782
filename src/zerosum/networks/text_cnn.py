"""A convolutional network of texts, with a highway layer: SeqGAN's discriminator; Yu et al., 2017, section 3.3."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.modality import Tokens

FILTERS: Mapping[int, int] = {
    1: 100, 2: 200, 3: 200, 4: 200, 5: 200, 6: 100, 7: 100, 8: 100, 9: 100, 10: 100, 15: 160, 20: 160,
}  # fmt: skip  # by their width in tokens: the authors' code


def started(layer: nn.Linear) -> nn.Linear:
    """The layer, its weights normal of deviation 0.1 and cut off at 0.2, its biases 0.1: as in the authors' code."""
    nn.init.trunc_normal_(layer.weight, std=0.1, a=-0.2, b=0.2)
    nn.init.constant_(layer.bias, 0.1)
    return layer


class Windows(nn.Module):
    """Filters over `width` tokens in a row, of which the highest answer of a text counts."""

    def __init__(self, embedding: int, width: int, filters: int):
        super().__init__()
        self.embedding, self.width = embedding, width
        self.linear = started(nn.Linear(width * embedding, filters))

    def forward(self, x: Tensor) -> Tensor:
        """(B, filters) of embedded tokens (B, length, embedding)."""
        windows = x.flatten(1).unfold(1, self.width * self.embedding, self.embedding)
        highest = F.linear(windows, self.linear.weight).amax(1)  # the bias moves all of them alike
        return (highest + self.linear.bias).relu()


class Highway(nn.Module):
    """Gates between a layer and what goes into it; Srivastava et al., 2015."""

    def __init__(self, width: int):
        super().__init__()
        self.transform, self.gate = nn.Linear(width, width), nn.Linear(width, width)
        nn.init.constant_(self.gate.bias, 0.0)  # as in the authors' code

    def forward(self, x: Tensor) -> Tensor:
        gate = self.gate(x).sigmoid()
        return x + gate * (self.transform(x).relu() - x)


class TextCNN(nn.Module):
    """Tokens to a logit, by filters of several widths; Zhang and LeCun, 2015, Kim, 2014.

    Args:
        tokens: of the texts. Filters that are wider than a text are left out.
        embedding: numbers that a token becomes.
        filters: how many there are of each width.
        dropout: share of the features that is left out in training.
    """

    def __init__(
        self,
        tokens: Tokens,
        embedding: int = 64,
        filters: Mapping[int, int] = FILTERS,
        dropout: float = 0.25,
    ):
        super().__init__()
        fitting = {width: count for width, count in filters.items() if width <= tokens.length}
        self.embedding = nn.Embedding(tokens.size, embedding)
        self.windows = nn.ModuleList(Windows(embedding, width, count) for width, count in fitting.items())
        self.highway = Highway(sum(fitting.values()))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(sum(fitting.values()), 1)  # the difference of the authors' two logits
        nn.init.trunc_normal_(self.head.weight, std=2**0.5 * 0.1, a=-(2**0.5) * 0.2, b=2**0.5 * 0.2)
        nn.init.zeros_(self.head.bias)
        nn.init.uniform_(self.embedding.weight, -1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 1) of ids (B, length), or of soft tokens (B, length, V)."""
        return self.judge(self.features(self.embed(x)))

    def judge(self, features: Tensor) -> Tensor:
        """(B, 1) of features (B, F)."""
        return self.head(self.dropout(features))

    def embed(self, x: Tensor) -> Tensor:
        """(B, length, embedding) of ids (B, length), or of soft tokens: distributions (B, length, V) over them."""
        return x.to(self.embedding.weight.dtype) @ self.embedding.weight if x.is_floating_point() else self.embedding(x)

    def features(self, x: Tensor) -> Tensor:
        """(B, F) of embedded tokens (B, length, embedding)."""
        return self.highway(torch.cat([windows(x) for windows in self.windows], 1))
