"""The buffer of earlier fakes, by hand: what D is shown, what stays, and that checkpoints have it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from zerosum.techniques.replay import Replay


def numbered(start: int, count: int) -> Tensor:
    """Fakes of one number each."""
    return torch.arange(start, start + count, dtype=torch.float32)[:, None]


def test_while_it_fills_d_sees_the_fakes_themselves():
    replay = Replay(6, (1,))
    for start in (1, 4):
        assert torch.equal(replay.pool(numbered(start, 3)), numbered(start, 3))
    assert sorted(replay.fakes.flatten().tolist()) == [1, 2, 3, 4, 5, 6] and replay.count == 6


def test_then_half_of_the_fakes_change_places_with_earlier_ones():
    """Nothing is lost and nothing doubled: what D is shown and what stays are what came and what was there."""
    torch.manual_seed(0)
    replay, swapped = Replay(5, (1,)), 0
    replay.pool(numbered(1, 5))
    for start in range(10, 4010, 4):
        before, new = replay.fakes.clone(), numbered(start, 4)
        shown = replay.pool(new)
        held = sorted(torch.cat([before, new]).flatten().tolist())
        assert sorted(torch.cat([replay.fakes, shown]).flatten().tolist()) == held
        swapped += int((shown != new).sum())
    assert swapped / 4000 == pytest.approx(0.5, abs=0.03)


def test_a_batch_of_more_than_there_is_room_for():
    torch.manual_seed(0)
    replay = Replay(3, (1,))
    replay.pool(numbered(1, 3))
    shown = replay.pool(numbered(10, 8)).flatten().tolist()
    assert shown[3:] == [13, 14, 15, 16, 17] and {*shown[:3]} <= {1, 2, 3, 10, 11, 12}
    assert sorted([*shown, *replay.fakes.flatten().tolist()]) == [1, 2, 3, *range(10, 18)]


def test_half_of_simgans_batch_is_history():
    torch.manual_seed(0)
    replay = Replay(4, (1,))
    assert torch.equal(replay.history(numbered(1, 4)), numbered(1, 4))  # not full: as it came, and 1, 2 kept
    assert torch.equal(replay.history(numbered(5, 4)), numbered(5, 4))
    assert sorted(replay.fakes.flatten().tolist()) == [1, 2, 5, 6]
    shown = replay.history(numbered(9, 4)).flatten().tolist()
    assert shown[:2] == [9, 10] and set(shown[2:]) < {1, 2, 5, 6}
    assert {9, 10} < set(replay.fakes.flatten().tolist())


def test_places_are_drawn_from_the_whole_buffer():
    """A batch of two of ten: after a hundred rounds none of the first fakes is left, whatever its place."""
    torch.manual_seed(0)
    for way in (Replay.pool, Replay.history):
        replay = Replay(10, (1,))
        for start in range(0, 40, 4):
            way(replay, numbered(start, 4))
        assert replay.count >= 10
        for start in range(100, 500, 4):
            way(replay, numbered(start, 4))
        assert float(replay.fakes.min()) >= 100


def test_a_batch_of_one_is_an_earlier_one_in_half_of_the_rounds():
    torch.manual_seed(0)
    replay = Replay(3, (1,))
    for start in range(3):
        assert torch.equal(replay.history(numbered(start, 1)), numbered(start, 1))
    earlier = sum(float(replay.history(numbered(start, 1))) < start for start in range(3, 2003))
    assert replay.count == 3 and earlier / 2000 == pytest.approx(0.5, abs=0.03)


def test_it_is_part_of_the_state():
    replay, other = Replay(3, (2,)), Replay(3, (2,))
    replay.pool(torch.rand(3, 2))
    other.load_state_dict(replay.state_dict())
    assert torch.equal(other.fakes, replay.fakes) and other.count == 3


def test_half_precision_is_kept_in_full():
    replay = Replay(2, (1,))
    assert replay.pool(torch.ones(2, 1, dtype=torch.bfloat16)).dtype == torch.float32
