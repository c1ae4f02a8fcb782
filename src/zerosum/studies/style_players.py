"""`zerosum reproduce style-players`: walkers who do what a crowd does, in the style of one of them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Generator

from zerosum import data
from zerosum.data.walks import players
from zerosum.data.walks.board import Boards, draw
from zerosum.data.walks.games import Games, Policy, play
from zerosum.data.walks.players import HANDS, Hand
from zerosum.game import Game
from zerosum.games import find
from zerosum.latent import hashed_seed
from zerosum.modality import to_float
from zerosum.pictures.board_games import walked
from zerosum.pictures.png import save
from zerosum.roles import Classifies, in_role
from zerosum.studies import training
from zerosum.studies.study import Measurements, Study, by_part, each_value, part_folder
from zerosum.training.trainer import Trainer

RECIPE = "stgan/boards"
CROWD, PLAYER = "walks", "walks-left"
WANTED: Hand = "left"
OWN, ALONE, CLONE, WALKERS = "STGAN", "task alone", "supervised on the style", "scripted walkers"
GAMES, NEAREST = 2_000, 4  # new boards, and how far it is to the goal there, at least
GOAL, KEPT = 0.9, 0.98
MEASURED = ("style", "task_score", "arrived", "drawn_style", "drawn_score")


class Row(NamedTuple):
    """What is trained."""

    weight: float | None  # of D; None: the recipe's
    crowd: str = CROWD  # whose moves are the task


ROWS: Mapping[str, Row] = {OWN: Row(None), ALONE: Row(0.0), CLONE: Row(0.0, PLAYER)}


def run(part: str, seed: int, fraction: float, folder: Path) -> Measurements:
    """Train a row and let it play on new boards, or let the scripted walkers and a crowd play there."""
    boards = new_boards(seed)
    if part == WALKERS:
        chance = Generator().manual_seed(seed)
        both = play(boards, lambda now: players.crowd(now, chance))
        of_hands = {hand: round(games.style(WANTED), 4) for hand, games in walkers(boards).items()}
        return {"part": part, "seed": seed} | of_hands | {"crowd": round(both.style(WANTED), 4)}
    trainer = trained(part, seed, fraction, folder)
    best = play(boards, policy(trainer.sampler))
    drawn = play(boards, policy(trainer.sampler, Generator().manual_seed(seed)))
    save(walked({part: best}), folder / "games.png")
    values = (best.style(WANTED), best.score, best.arrived, drawn.style(WANTED), drawn.score)
    return {
        "part": part,
        "seed": seed,
        "steps": trainer.training.steps,
        **{name: round(value, 4) for name, value in zip(MEASURED, values, strict=True)},
    }


def new_boards(seed: int) -> Boards:
    """Which no row has learnt from."""
    return draw(GAMES, Generator().manual_seed(hashed_seed("style-players", seed, 0)), NEAREST, test=True)


def trained(part: str, seed: int, fraction: float, folder: Path) -> Trainer:
    """The trainer of a row after its last step."""
    row, recipe = ROWS[part], find(RECIPE)
    options: dict[str, Any] = {} if row.weight is None else {"config": {"weight": row.weight}}
    learnt = data.load(f"styles:{row.crowd},{PLAYER}", seed=seed)
    own = training.shortened(recipe.training, seed, fraction, checkpoints=10)
    trainer = training.trainer_of(lambda spec: recipe.build(spec, options), learnt, own)
    training.play(trainer, folder)
    return trainer


def policy(game: Game[Any], chance: Generator | None = None) -> Policy:
    """The likeliest move on each board; with `chance` one drawn by its probability."""
    network = in_role(game.eval(), Classifies).classifier()
    device = next(network.parameters()).device

    def act(boards: Boards) -> torch.Tensor:
        logits = network(to_float(boards.images()).to(device)).float().cpu()
        return logits.argmax(1) if chance is None else torch.multinomial(logits.softmax(1), 1, generator=chance)[:, 0]

    return act


def walkers(boards: Boards) -> dict[str, Games]:
    """The games of both scripted walkers."""
    moves: dict[str, Callable[[Boards], torch.Tensor]] = {
        hand: lambda now, hand=hand: players.move(now, hand)  # type: ignore[misc]
        for hand in HANDS
    }
    return {hand: play(boards, move) for hand, move in moves.items()}


def summarise(parts: Sequence[Measurements]) -> Measurements:
    """The style of STGAN, one value a seed; `task`, its score by that of the task alone; of each row everything."""
    rows = by_part([part for part in parts if part["part"] in ROWS], MEASURED)
    judged = by_part([part for part in parts if part["part"] == WALKERS], (*HANDS, "crowd"))[WALKERS]
    score = {name: statistics.fmean(row["task_score"]) for name, row in rows.items()}
    return {
        "values": rows[OWN]["style"],
        "task": round(score[OWN] / score[ALONE], 4),
        "scripted": judged,
        "rows": rows,
    }


def kept(result: Measurements) -> bool:
    """Whether the task's score stays within 2 %."""
    return bool(result["task"] >= KEPT)


def _ours(result: Measurements) -> str:
    said = [
        f"{name} {100 * statistics.fmean(row['style']):.1f} % and {statistics.fmean(row['task_score']):.3f}"
        for name, row in result["rows"].items()
    ]
    return f"{each_value(result)}; task's score by that of the task alone {result['task']:.3f}; style and score: " + (
        ", ".join(said)
    )


def picture(result: Measurements, work: Path, path: Path) -> None:
    """Ways of the first seed's rows and of both walkers on the same new boards, from the parts' checkpoints."""
    seed = result["seeds"][0]
    boards = new_boards(seed)
    shown = boards.at(players.differ(boards).nonzero()[:, 0])
    of_rows = {
        name: play(shown, policy(trained(name, seed, 1.0, part_folder(work, seed, name)).sampler)) for name in ROWS
    }
    save(walked(walkers(shown) | of_rows), path)


STYLE_PLAYERS = Study(
    name="style-players",
    protocol=(
        "Boards with walls, a walker and a goal. Two scripted walkers always take a shortest path; where several moves "
        "begin one, they take that which is furthest to the left, or to the right, of the straight line to the goal. "
        "The task is to move as a crowd does, half of whom are of each kind; the style is the left one's. Three rows "
        f"of the same generator, on the boards of the seed: {OWN}, the recipe {RECIPE}; {ALONE}, without D (a weight "
        f"of 0); {CLONE}, by the left walker's moves alone. Each plays {GAMES:,} games on new boards, at least "
        f"{NEAREST} moves long, by its likeliest moves, with the averaged weights of the last step. The value is the "
        "share of the squares where both walkers would move differently that it leaves as the left walker does, each "
        "square of a game once; a move that neither would make counts against it. By that rule the left walker has 1, "
        "the right one 0, and a crowd about a half (`scripted`). None of these boards is in what was learnt from. The "
        "task's score is the mean of the shortest path's length by that "
        "of the game, 0 where the goal is not reached (success weighted by path length); `task` is its ratio to that "
        "of the row without D. Beside these, games with moves that are drawn by their probabilities. Settings were "
        "chosen on seed 100."
    ),
    published="chess in the style of a player, without numbers of this kind (Chidambaram and Qi, 2017)",
    target=GOAL,
    relation=">=",
    seeds=(0, 1, 2),
    parts=lambda seed: (*ROWS, WALKERS),
    run=run,
    summarise=summarise,
    extra_check=kept,
    differs="walkers on small boards, for chess; D judges all moves of a state at once, by their probabilities",
    measures="share of moves in the wanted style, three seeds",
    goal=f"{GOAL:.0%}, the task's score within 2 % of the one without D",
    ours=_ours,
    picture=picture,
)
