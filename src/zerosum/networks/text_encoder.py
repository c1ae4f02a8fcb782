"""What a text means, in numbers: an encoder that learns it from images, or one that knows it already."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.errors import ZerosumError
from zerosum.losses.matching import contrastive
from zerosum.modality import Tokens

SCALE = 20.0  # of the inner products, at most 1, by which images and texts are matched


def matched(images: nn.Module, x: Tensor, meaning: Tensor, text: Tensor, wrong: Tensor | None = None) -> Tensor:
    """How far images and texts of a batch are from being found by each other, a scalar; see `losses.matching`.

    Args:
        images: an encoder of images, (B, *shape) to (B, E).
        meaning: of the texts, (B, E), of length 1.
        text: ids (B, length): equal ones are no wrong answers for each other's images.
        wrong: meanings of further wrong texts, one for each image.
    """
    seen = F.normalize(images(x).float(), dim=1)
    return contrastive(SCALE * seen, meaning, (text[:, None] == text).all(2), wrong)


class TextEncoder(nn.Module):
    """Texts, ids (B, length), to meanings (B, size) of length 1, by a gated recurrent unit; Cho et al., 2014.

    It reads to the end of each text: what fills the row after it changes nothing.
    """

    def __init__(self, kind: Tokens, size: int, width: int = 128):
        super().__init__()
        self.kind, self.size = kind, size
        self.words = nn.Embedding(kind.size, width)
        self.reader = nn.GRU(width, width, batch_first=True)
        self.out = nn.Linear(width, size)

    def forward(self, text: Tensor) -> Tensor:
        states, _ = self.reader(self.words(text))  # (B, length, width)
        last = (self.kind.lengths(text) - 1).clamp(min=0)
        state = states.gather(1, last[:, None, None].expand(-1, 1, states.shape[2])).squeeze(1)
        return F.normalize(self.out(state).float(), dim=1)


class Sentences(nn.Module):
    """Texts to meanings by a function of sentences: of any package, never trained here.

    Each sentence is asked for once.

    Args:
        encode: a list of N sentences to (N, size) finite numbers: a tensor, an array or lists.
        kind: of the texts.
        size: of a meaning.
    """

    def __init__(self, encode: Callable[[list[str]], Tensor | Sequence[Sequence[float]]], kind: Tokens, size: int):
        super().__init__()
        self.encode, self.kind, self.size = encode, kind, size
        self.known: dict[str, Tensor] = {}

    def forward(self, text: Tensor) -> Tensor:
        sentences = self.kind.write(text.cpu())
        if new := [sentence for sentence in dict.fromkeys(sentences) if sentence not in self.known]:
            found = torch.as_tensor(self.encode(new)).detach().cpu().float()
            if found.shape != (len(new), self.size) or not bool(found.isfinite().all()):
                raise ZerosumError(
                    f"the sentence encoder makes {tuple(found.shape)} of {len(new)} sentences, and finite numbers "
                    f"({len(new)}, {self.size}) are needed"
                )
            self.known |= dict(zip(new, found.unbind(), strict=True))
        return torch.stack([self.known[sentence] for sentence in sentences]).to(text.device)
