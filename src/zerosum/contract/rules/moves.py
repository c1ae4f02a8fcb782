"""The moves of a round, and the parameters of who makes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn

from zerosum.contract.rules.rule import Broken
from zerosum.game import Game, Move, Simultaneous, Turn
from zerosum.training.trainer import Trainer, parameters_of


def turns_of(trainer: Trainer, step: int) -> Iterator[Turn]:
    trainer.game.train()
    for turn in trainer.game.round(trainer.stream, step):
        if not isinstance(turn, Move | Simultaneous):
            raise Broken(f"a round yields a {type(turn).__name__}", "yield Move(player, adversarial=loss)")
        yield turn


def own_parameters(game: Game[Any], player: str) -> list[nn.Parameter]:
    return parameters_of(game.players()[player].modules)
