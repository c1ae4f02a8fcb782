"""What a run foresees of videos, below what happened in them."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

from zerosum.pictures.png import with_caption
from zerosum.pictures.strips import strips
from zerosum.run.loaded import Run


def predictions(run: Run, videos: Tensor, actions: Tensor) -> Image.Image:
    """A row for each video, as it goes on after the frames that the run is shown, and below it what the run foresees.

    Args:
        videos: (N, T, C, H, W), as stored.
        actions: (N, T, K), of both.
    """
    foreseen = run.predict(videos, actions[:, :-1])
    happened = run.modality.load(videos)[:, -foreseen.shape[1] :]
    both = torch.stack([happened, foreseen], 1).flatten(0, 1)  # (2 N, ...)
    title = "In pairs of rows: a video, and what is foreseen of it from the frames before, under the same actions"
    return with_caption(strips(both), title)
