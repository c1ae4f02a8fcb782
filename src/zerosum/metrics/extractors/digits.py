"""The packaged digit network: a small classifier whose penultimate layer serves the metrics as features."""

from __future__ import annotations

from torch import Tensor, nn

SIDE = 28
FEATURES = 128
CLASSES = 10


class Classifier(nn.Module):
    """Digits (B, 1, 28, 28) in [-1, 1] to features (B, 128), all >= 0, and logits (B, 10).

    Six 3x3 convolutions with batch norm; their last activations, averaged over the 4x4 places, are the features, as
    in the Inception network of the Fréchet distance. Below a megabyte of float32 weights.
    """

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            *_layer(1, 24),
            *_layer(24, 32, stride=2),  # (B, 32, 14, 14)
            *_layer(32, 64),
            *_layer(64, 64, stride=2),  # (B, 64, 7, 7)
            *_layer(64, 96),
            *_layer(96, FEATURES, stride=2),  # (B, 128, 4, 4)
        )
        self.dropout = nn.Dropout(0.3)
        self.linear = nn.Linear(FEATURES, CLASSES)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.convolutions(x).mean((2, 3))  # (B, 128)
        return features, self.linear(self.dropout(features))


def _layer(before: int, after: int, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(before, after, kernel_size=3, stride=stride, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
