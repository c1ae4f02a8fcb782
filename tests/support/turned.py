"""Images turned by hand, as EXIF says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Pixels = np.ndarray[Any, Any]

# Where the pixel of row r and column c of h x w stored ones is seen, (row, column): EXIF 2.32, table 6, which says for
# each orientation which visible side the 0th row and the 0th column are.
SEEN: dict[int, Callable[[int, int, int, int], tuple[int, int]]] = {
    1: lambda r, c, h, w: (r, c),
    2: lambda r, c, h, w: (r, w - 1 - c),  # top, right
    3: lambda r, c, h, w: (h - 1 - r, w - 1 - c),  # bottom, right
    4: lambda r, c, h, w: (h - 1 - r, c),  # bottom, left
    5: lambda r, c, h, w: (c, r),  # left, top
    6: lambda r, c, h, w: (c, h - 1 - r),  # right, top
    7: lambda r, c, h, w: (w - 1 - c, h - 1 - r),  # right, bottom
    8: lambda r, c, h, w: (w - 1 - c, r),  # left, bottom
}


def turned(x: Pixels, orientation: int) -> Pixels:
    """What is seen of stored pixels (H, W, C), pixel by pixel."""
    height, width, channels = x.shape
    seen = np.empty((width, height, channels) if orientation >= 5 else x.shape, x.dtype)
    for r in range(height):
        for c in range(width):
            seen[SEEN[orientation](r, c, height, width)] = x[r, c]
    return seen
