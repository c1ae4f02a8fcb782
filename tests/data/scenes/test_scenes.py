"""Scenes: where frames show that they are, what actions do to them, walls and barriers, and films as data."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor

from zerosum import data
from zerosum.data.dataset import DataError
from zerosum.data.request import Request
from zerosum.data.scenes import source
from zerosum.data.scenes.digits import DIGIT, FASTEST, PUSH, ROOM, MovingDigits
from zerosum.data.scenes.scene import SIDE, Scene
from zerosum.data.scenes.source import SCENES, drawn
from zerosum.data.scenes.track import BARRIER, CAR, MIDDLE, RED, Track
from zerosum.modality import Actions, Video, to_float

# A digit of 28 x 28 pixels whose box of 14 x 14 is white in its middle 4 x 4: its centre is that of the box.
SQUARE = torch.zeros(1, 1, 28, 28, dtype=torch.uint8)
SQUARE[..., 10:18, 10:18] = 255


def square() -> MovingDigits:
    return MovingDigits(SQUARE)


def seen(scene: Scene, state: Tensor) -> Tensor:
    return scene.position(to_float(scene.draw(state)))


def state_of_digit(x: float, y: float, across: float = 0.0, down: float = 0.0) -> Tensor:
    return torch.tensor([[0.0, x, y, across, down]])


# ---- digits


@pytest.mark.parametrize(("x", "y"), [(0, 0), (18, 3), (4.25, 7.5), (9.9, 17.1)])
def test_a_digits_position_is_recovered_from_its_pixels(x: float, y: float):
    box_middle = (DIGIT - 1) / 2
    wanted = torch.tensor([[x + box_middle, y + box_middle]])
    torch.testing.assert_close(seen(square(), state_of_digit(x, y)), wanted, atol=0.15, rtol=0)


def test_a_digit_on_whole_pixels_is_drawn_as_it_is():
    frame = square().draw(state_of_digit(3, 10))
    assert frame.shape == (1, 1, SIDE, SIDE) and frame.dtype == torch.uint8
    wanted = torch.zeros(SIDE, SIDE, dtype=torch.uint8)
    wanted[10 + 5 : 10 + 9, 3 + 5 : 3 + 9] = 255
    assert torch.equal(frame[0, 0], wanted)


def test_a_dark_frame_has_its_digit_in_the_middle():
    assert square().position(torch.full((2, 1, SIDE, SIDE), -1.0)).tolist() == [[15.5, 15.5]] * 2


def test_an_action_pushes_a_digit_to_the_right_and_down():
    state = square().advanced(state_of_digit(5, 5), torch.tensor([[1.0, -0.5]]))
    torch.testing.assert_close(state, state_of_digit(5 + PUSH, 5 - PUSH / 2, PUSH, -PUSH / 2))
    fast = square().advanced(state_of_digit(5, 5, FASTEST, 0), torch.tensor([[1.0, 0.0]]))
    assert fast[0, 3] == FASTEST


def test_walls_throw_a_digit_back():
    still = torch.zeros(1, 2)
    right = square().advanced(state_of_digit(ROOM - 0.5, 9, 2, 0), still)
    torch.testing.assert_close(right, state_of_digit(ROOM - 1.5, 9, -2, 0))
    above = square().advanced(state_of_digit(9, 1, 0, -2), still)
    torch.testing.assert_close(above, state_of_digit(9, 1, 0, 2))


# ---- the track


@pytest.mark.parametrize("seed", range(3))
def test_the_roads_position_is_recovered_from_its_pixels(seed: int):
    scene, generator = Track(), Generator().manual_seed(seed)
    state = scene.begin(50, generator)
    before = torch.tensor([[CAR[0] - row for row in range(20, 24)]])  # the places along of the rows that are looked at
    course = torch.stack(
        [h * torch.sin(2 * torch.pi * before / w + p) for (h, w), p in zip(_waves(), _phases(state), strict=True)]
    )
    wanted = MIDDLE + course.sum(0).mean(1) - state[:, 0]
    inside = (wanted > 5) & (wanted < SIDE - 6)  # all of the road is in the frame
    assert inside.sum() > 30
    torch.testing.assert_close(seen(scene, state)[inside, 0], wanted[inside], atol=0.4, rtol=0)


def _waves():
    from zerosum.data.scenes.track import WAVES

    return WAVES


def _phases(state: Tensor) -> list[Tensor]:
    return [phase[:, None] for phase in state[:, 2:].unbind(1)]


def test_the_car_stays_and_the_road_moves_against_the_steering():
    scene = Track()
    state = torch.tensor([[0.0, 0.0, 0.0, 0.0, 0.0]])
    frames = [scene.draw(scene.advanced(state, torch.full((1, 1), a))) for a in (-1.0, 0.0, 1.0)]
    left, middle, right = (float(scene.position(to_float(frame))) for frame in frames)
    assert left - middle == pytest.approx(1, abs=0.1) and middle - right == pytest.approx(1, abs=0.1)
    for frame in frames:
        assert (frame[0, :, CAR[1], CAR[2]] == torch.tensor(RED, dtype=torch.uint8).view(3, 1, 1)).all()


def test_what_is_ahead_comes_one_row_nearer_with_each_frame():
    scene, state = Track(), Track().begin(4, Generator().manual_seed(1))
    state[:, 0] = 0.0
    now, later = scene.draw(state), scene.draw(torch.cat([state[:, :1], state[:, 1:2] + 1, state[:, 2:]], 1))
    assert torch.equal(later[:, :, 1 : CAR[1].start], now[:, :, : CAR[1].start - 1])


def test_the_barrier_holds_the_car():
    scene, state = Track(), Track().begin(20, Generator().manual_seed(2))
    for _ in range(40):
        state = scene.advanced(state, torch.ones(20, 1))
        road = scene.advanced(state, torch.zeros(20, 1))  # moves along alone
        assert ((state[:, 0] - road[:, 0]).abs() < 2 * BARRIER).all()
    positions = seen(scene, state)
    assert (positions < MIDDLE).all(), "at the right barrier the road is on the left"


# ---- both


@pytest.mark.parametrize("name", SCENES)
def test_steering_moves_a_scene_the_right_way(name: str):
    scene = SCENES[name](False)
    state, _, _ = drawn(scene, 40, 1, 5)
    ends = []
    for sense in (-1.0, 1.0):
        action = torch.zeros(40, 5, scene.axes)
        action[..., 0] = sense
        ends.append(scene.position(to_float(scene.film(state, action)[:, -1]))[:, 0])
    moved = scene.sense * (ends[1] - ends[0])
    assert (moved > 0).float().mean() > 0.8 and float(moved.mean()) > 1  # a wall throws a digit back


@pytest.mark.parametrize("name", SCENES)
def test_films_follow_from_the_seed(name: str):
    (_, x, a), (_, same, _), (_, other, _) = (drawn(SCENES[name](False), 5, 6, seed) for seed in (3, 3, 4))
    assert torch.equal(x, same) and not torch.equal(x, other)
    assert x.shape[:2] == (5, 6) and a.shape[:2] == (5, 6) and a.abs().max() <= 1
    assert (a[:, 1:] == a[:, :-1]).float().mean() > 0.5, "most actions are those of the frame before"


def test_a_film_is_what_its_actions_make_of_its_state():
    scene = square()
    state, frames, actions = drawn(scene, 3, 4, 0)
    for t in range(4):
        assert torch.equal(scene.draw(state), frames[:, t])
        state = scene.advanced(state, actions[:, t])


def test_films_are_data(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(source, "FILMS", 7)
    for name, channels, axes in (("digits", 1, 2), ("track", 3, 1)):
        loaded = data.load(f"scenes:{name}")
        assert loaded.spec.fields == {"x": Video(36, channels, 32, 32), "actions": Actions(36, axes)}
        assert len(loaded) == 7 and loaded.samples == "x"
        assert loaded.fingerprint != data.load(f"scenes:{name}", seed=1).fingerprint
    assert data.load("scenes").fields["x"].modality == Video(36, 1, 32, 32)


def test_what_cannot_be_asked_of_films_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(source, "FILMS", 2)
    with pytest.raises(DataError, match="scenes has no part 'boats'; it has scenes:digits and scenes:track"):
        data.load("scenes:boats")
    with pytest.raises(DataError, match="holds videos, which have no size of 16x16 pixels"):
        data.load("scenes:digits", size=(16, 16))
    with pytest.raises(DataError, match="leave it out"):
        data.load("scenes:digits", value_range=(0, 1))


def test_every_tenth_digit_is_held_out():
    whole = len(data.load("digits").x)
    kept, held_out = (len(SCENES["digits"](out).digits) for out in (False, True))
    assert (kept, held_out) == (whole * 9 // 10, whole // 10)
    assert source.scenes(Request("scenes:digits", "digits", seed=2)).name == "scenes:digits"
