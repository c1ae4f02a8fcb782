"""How well pictures of shapes are read: as they are drawn, with noise, and blurred.

    python -m benchmarks.shapes

prints for each side in pixels the share of 1,000 pictures, in %, that `zerosum.data.shapes.checker` reads as they were
drawn: clean, with noise of a tenth and of three twentieths of the range, and as means over 3x3 pixels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum.data.shapes.checker import agrees, read
from zerosum.data.shapes.drawing import draw
from zerosum.data.shapes.words import Scene
from zerosum.modality import to_float

PICTURES, SIDES, NOISE = 1000, (16, 24, 32, 64), (0.2, 0.3)  # noise of images in [-1, 1]


def share(images: Tensor, scenes: list[Scene]) -> float:
    """In %, of images in [-1, 1] that are read as they were drawn."""
    pairs = zip(read(images), scenes, strict=True)
    return 100 * sum(seen is not None and agrees(seen, own) for seen, own in pairs) / len(scenes)


def main() -> None:
    print("side   clean  noise 0.1  noise 0.15  blurred")
    for side in SIDES:
        generator = torch.Generator().manual_seed(5)
        drawn = draw(PICTURES, side, generator)
        x = to_float(drawn.images)
        noisy = [(x + level * torch.randn(x.shape, generator=generator)).clamp(-1, 1) for level in NOISE]
        soft = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
        clean, tenth, more, blurred = (share(images, drawn.scenes) for images in (x, *noisy, soft))
        print(f"{side:4d} {clean:7.1f} {tenth:10.1f} {more:11.1f} {blurred:8.1f}")


if __name__ == "__main__":
    main()
