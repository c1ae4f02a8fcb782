"""Films of what a run foresees: what `zerosum sample RUN --frames 30` writes, where the run makes films."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from zerosum.data.dataset import Dataset
from zerosum.data.sources import read_as
from zerosum.errors import ZerosumError
from zerosum.pictures.film import film
from zerosum.pictures.strips import moving
from zerosum.roles import Predicts, in_role
from zerosum.run.loaded import Run
from zerosum.util import checks, memory, rng
from zerosum.workflows.sample import PACE

VIDEOS = 8  # that a film shows side by side


def write_film(
    run: Run,
    out: Path,
    frames: int | None = None,
    *,
    count: int = VIDEOS,
    seed: int = 0,
    steer: Sequence[float] | None = None,
    data: Dataset | None = None,
) -> None:
    """Write a GIF of `count` videos of the run's data and of what the run foresees, `frames` after those it is shown.

    Args:
        frames: how many, free-running; by default all that the data's videos have, too.
        seed: of the choice of the videos.
        steer: an action, which is taken from the last shown frame on; by default the data's, beside whose videos the
            foreseen ones are shown.
        data: the run's own, where it has been read already.

    Raises:
        ZerosumError: the run makes no films, more frames than the data has actions for, an action of another size; the
            data cannot be read any more.
    """
    if out.suffix != ".gif":
        raise ZerosumError(f"--out {out}: a film is written to a .gif file")
    start, own = in_role(run.game, Predicts).start, run.record.data
    count, most = checks.integer("-n", count, 1), run.modality.shape[0] - start
    frames = checks.integer("--frames", most if frames is None else frames, 1)
    action = None if steer is None else _action(run, steer)
    if action is None and frames > most:
        raise ZerosumError(
            f"--frames {frames}: the videos of {own.name} have actions for {most} frames after the first {start}; ask "
            "for fewer, or give an action for all by --steer"
        )
    needed = 3 * 4 * count * (start + frames) * math.prod(run.modality.shape[1:])
    memory.require(needed, f"a film of {count:,} videos of {frames:,} frames", "ask for fewer (--frames, -n)")
    if data is None:
        data = read_as(own.reading, own.name, data_dir=own.folder)
    rows = rng.shuffled(len(data), checks.seed(seed))[:count]
    x, actions = data.fields[run.game.makes].stored[rows], data.fields["actions"].stored[rows]
    if action is not None:
        actions = torch.cat([actions[:, : start - 1], action.expand(len(rows), frames, -1)], 1)
    foreseen = run.assert_finite(run.predict(x, actions[:, : start + frames - 1]), "foreseen frames")
    real = run.modality.load(x)
    groups = {"foreseen": torch.cat([real[:, :start], foreseen], 1)}
    if action is None:
        groups = {"data": real[:, : start + frames], **groups}
    film(moving(list(groups.values()), list(groups)), out, PACE * (start + frames), hold=0.5, most=start + frames)


def _action(run: Run, steer: Sequence[float]) -> Tensor:
    """(K,) the numbers of an action."""
    size = run.record.data.spec.actions.shape[-1]
    action = torch.tensor([checks.number("--steer", number) for number in steer], dtype=torch.float32)
    if len(action) != size:
        numbers = "number" if size == 1 else "numbers"
        raise ZerosumError(
            f"--steer takes {size} {numbers}, as the actions of {run.record.data.name}, not {len(action)}"
        )
    return action
