"""Matching of images and texts: which of a batch belong together."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum.losses.adversarial import to_float32
from zerosum.util.checks import ArgumentError, shapes


def contrastive(images: Tensor, texts: Tensor, same: Tensor, wrong: Tensor | None = None) -> Tensor:
    """The mean cross-entropy of finding the text of each image, and the image of each text, among those of a batch.

    Of scaled inner products, and symmetric but for `wrong`, among which images alone look; Zhang et al., 2022,
    "Contrastive learning of medical visual representations from paired images and text", and Radford et al., 2021
    (CLIP), figure 3.

    Args:
        images: (B, E), times the scale of the inner products.
        texts: (B, E).
        same: (B, B) bool: texts that are equal, which are no wrong answers for each other's images.
        wrong: (B, E), of texts that are further wrong answers, one for each image.
    """
    sizes = shapes("B E", images=images)
    shapes("B E", sizes, texts=texts)
    if same.shape != (len(images), len(images)) or same.dtype != torch.bool:
        raise ArgumentError(f"same must be bool ({len(images)}, {len(images)}), not {same.dtype} {tuple(same.shape)}")
    logits = to_float32(images) @ to_float32(texts).T
    right = torch.arange(len(logits), device=logits.device)
    logits = logits.masked_fill(same & (right[:, None] != right), -torch.inf)
    of_images = logits
    if wrong is not None:
        shapes("B E", sizes, wrong=wrong)
        of_images = torch.cat([logits, (to_float32(images) * to_float32(wrong)).sum(1, keepdim=True)], 1)
    return (F.cross_entropy(of_images, right) + F.cross_entropy(logits.T, right)) / 2
