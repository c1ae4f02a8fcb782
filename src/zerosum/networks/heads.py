"""Discriminators of a body and a head, and their logits of classes alone."""

from __future__ import annotations

from torch import Tensor, nn


class Discriminator(nn.Module):
    """Samples (B, *shape) to logits (B, outputs), by way of features.

    Args:
        body: samples to the last hidden layer, (B, F).
        head: that to the logits.
    """

    def __init__(self, body: nn.Module, head: nn.Module):
        super().__init__()
        self.body, self.head = body, head

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.body(x))
        return logits


class Classes(nn.Module):
    """Samples (B, *shape) to a discriminator's logits of the real classes alone, (B, classes)."""

    def __init__(self, discriminator: nn.Module, classes: int):
        super().__init__()
        self.discriminator, self.classes = discriminator, classes

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.discriminator(x)[:, : self.classes]
        return logits
