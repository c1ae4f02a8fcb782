"""What one sample of the data is."""

from __future__ import annotations

Shape = tuple[int, ...]
"""The shape of one sample, without the batch: (C, H, W) for an image, (D,) for a point."""
