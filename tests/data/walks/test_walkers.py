"""Boards, both walkers, their games and what the judge says of them."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace

import pytest
import torch
from torch import Generator, Tensor

from zerosum import data
from zerosum.data.dataset import DataError
from zerosum.data.walks import source
from zerosum.data.walks.board import FAR, MOVES, SIDE, STEPS, Boards, distances, draw
from zerosum.data.walks.games import LIMIT, play
from zerosum.data.walks.players import HANDS, Hand, crowd, differ, move


def drawn(count: int = 300, nearest: int = 1, seed: int = 0) -> Boards:
    return draw(count, Generator().manual_seed(seed), nearest)


def board(*rows: str) -> Boards:
    """One board: # a wall, W the walker, G the goal."""
    squares = "".join(rows)
    walls = torch.tensor([square == "#" for square in squares]).view(1, SIDE, SIDE)
    walker, goal = (torch.tensor([squares.index(letter)]) for letter in "WG")
    return Boards(walls, walker, goal, distances(walls, goal))


def searched(walls: Tensor, goal: int) -> list[int]:
    """The reference: breadth-first search of one board, with a queue."""
    found, queue = {goal: 0}, deque([goal])
    while queue:
        place = queue.popleft()
        for down, across in STEPS:
            row, column = place // SIDE + down, place % SIDE + across
            square = row * SIDE + column
            if 0 <= row < SIDE and 0 <= column < SIDE and not walls[row, column] and square not in found:
                found[square] = found[place] + 1
                queue.append(square)
    return [found.get(square, FAR) for square in range(SIDE * SIDE)]


def test_distances_are_those_of_a_search_board_by_board():
    boards = drawn(60)
    for k in range(len(boards)):
        assert boards.distances[k].tolist() == searched(boards.walls[k], int(boards.goals[k]))


def test_walkers_stand_where_a_way_leads_to_the_goal():
    boards = drawn(500, nearest=4)
    assert len(boards) == 500 and int(boards.left().min()) == 4 and int(boards.left().max()) < FAR
    walls = boards.walls.flatten(1)
    for places in (boards.walkers, boards.goals):
        assert not walls.gather(1, places[:, None]).any()
    assert 0.1 < float(walls.float().mean()) < 0.2  # boards with many walls more often have no way


def test_moves_go_where_they_say_and_stop_at_walls_and_borders():
    there = board("W#...", ".....", ".....", ".....", "....G")
    assert there.ahead().tolist() == [[0, 0, SIDE, 0]]
    assert [int(there.moved(torch.tensor([k])).walkers) for k in range(4)] == [0, 0, SIDE, 0]
    home = replace(there, walkers=there.goals)
    assert torch.equal(home.moved(torch.tensor([0])).walkers, there.goals)


@pytest.mark.parametrize(
    ("rows", "left", "right"),
    [
        (("G....", ".....", ".....", ".....", "....W"), "left", "up"),
        (("W....", ".....", ".....", ".....", "....G"), "right", "down"),
        (("....W", ".....", ".....", ".....", "G...."), "down", "left"),
        ((".....", ".....", "W.#.G", ".....", "....."), "up", "down"),
        ((".....", ".....", ".W#G.", ".....", "....."), "up", "down"),
        (("#####", "#####", "W...G", "#####", "#####"), "right", "right"),
    ],
)
def test_each_keeps_to_his_hand(rows: tuple[str, ...], left: str, right: str):
    there = board(*rows)
    assert [MOVES[int(move(there, hand))] for hand in HANDS] == [left, right]
    assert bool(differ(there)) == (left != right)


def test_in_a_mirror_hands_are_the_other_ones():
    boards = drawn(1_000)
    walls = boards.walls.flip(2)
    walkers, goals = (p // SIDE * SIDE + SIDE - 1 - p % SIDE for p in (boards.walkers, boards.goals))
    mirrored = Boards(walls, walkers, goals, distances(walls, goals))
    swapped = torch.tensor([0, 3, 2, 1])  # right for left
    assert torch.equal(swapped[move(boards, "left")], move(mirrored, "right"))


def test_both_walk_shortest_paths_and_the_judge_knows_them():
    boards = drawn(400, nearest=3)
    for hand, other in zip(HANDS, HANDS[::-1], strict=True):
        games = play(boards, lambda now, hand=hand: move(now, hand))  # type: ignore[misc]
        assert torch.equal(games.played.sum(0), boards.left())
        assert (games.score, games.arrived, games.style(hand), games.style(other)) == (1.0, 1.0, 1.0, 0.0)
    chance = Generator().manual_seed(1)
    both = play(boards, lambda now: crowd(now, chance))
    assert both.score == 1 and 0.4 < both.style("left") < 0.6


def test_moves_of_neither_count_against_a_style_and_forced_ones_do_not_count():
    open_board = board("W....", ".....", ".....", ".....", "....G")

    def first_up(now: Boards) -> Tensor:
        return torch.where(now.walkers == 0, 0, move(now, "left"))

    stuck = play(open_board, first_up, limit=7)
    assert stuck.style("left") == stuck.style("right") == 0 and stuck.score == stuck.arrived == 0
    assert len(stuck.moves) == 7 and int(stuck.played.sum()) == 7
    forced = board("#####", "#####", "W...G", "#####", "#####")
    assert math.isnan(play(forced, lambda now: move(now, "left")).style("left"))


def test_a_detour_costs_what_it_is_longer():
    there, turns = board("#####", "#####", "W...G", "#####", "#####"), iter([1, 3, 1, 1, 1, 1])
    games = play(there, lambda now: torch.tensor([next(turns)]))
    assert games.score == pytest.approx(4 / 6) and games.arrived == 1
    home = play(replace(there, walkers=there.goals), lambda now: torch.tensor([0]))
    assert home.moves.shape == (0, 1) and home.arrived == 1
    assert len(play(there, lambda now: torch.tensor([3])).moves) == LIMIT


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "COUNTS", {"train": 400, "test": 200})


def test_data_have_the_moves_of_a_crowd_or_of_one(few: None):
    for name, hands in (("walks", HANDS), ("walks-left", ("left",)), ("walks-right", ("right",))):
        found = data.load(name)
        assert found.x.shape == (400, 3, SIDE, SIDE) and found.classes == MOVES
        walls = found.x[:, 0] > 0
        walkers, goals = (found.x[:, k].flatten(1).long().argmax(1) for k in (1, 2))
        boards = Boards(walls, walkers, goals, distances(walls, goals))
        assert torch.equal(boards.images(), found.x) and found.y is not None
        of: dict[Hand, Tensor] = {hand: move(boards, hand) for hand in HANDS}
        assert torch.stack([found.y == of[hand] for hand in hands]).any(0).all()  # type: ignore[index]
        if len(hands) == 2:
            assert 0.3 < float((found.y == of["left"])[differ(boards)].float().mean()) < 0.7


def test_data_follow_from_the_seed_and_parts_have_other_boards(few: None):
    first, again, other, test = (
        data.load(name, seed=seed) for name, seed in (("walks", 1), ("walks", 1), ("walks", 2), ("walks:test", 1))
    )
    assert torch.equal(first.x, again.x) and first.fingerprint == again.fingerprint
    assert len({found.fingerprint for found in (first, other, test, data.load("walks-left", seed=1))}) == 4
    assert not torch.equal(first.x, other.x) and not torch.equal(first.x[:200], test.x)
    with pytest.raises(DataError, match="walks has no part 'left'; it has walks:train and walks:test"):
        data.load("walks:left")


def test_no_board_of_a_test_part_is_in_one_to_learn_from():
    learnt, tested = drawn(6_000), draw(3_000, Generator().manual_seed(1), test=True)
    assert not learnt.kept_for_testing().any() and tested.kept_for_testing().all()
    known = {row.numpy().tobytes() for row in learnt.images()}
    assert not known & {row.numpy().tobytes() for row in tested.images()}
    every = draw(3_000, Generator().manual_seed(2), 1), draw(3_000, Generator().manual_seed(2), 1, True)
    shares = [float(own.walls.float().mean()) for own in every]
    assert abs(shares[0] - shares[1]) < 0.01, "the hash knows nothing of how boards look"


def test_who_is_stuck_weighs_no_more():
    boards = drawn(200, nearest=4, seed=3)

    def often_stuck(now: Boards) -> Tensor:
        return torch.where(torch.arange(len(now)) < 10, 0, move(now, "left"))

    games = play(boards, often_stuck)
    assert len(games.moves) == LIMIT and games.arrived < 1
    assert games.style("left") > 0.96, "ten of two hundred games, not the most of all moves"
