"""The moves of a round, and the parameters of who makes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn

from zerosum.contract.rules.rule import Broken
from zerosum.game import Game, Move
from zerosum.training.trainer import Trainer, parameters_of


def moves_of(trainer: Trainer, step: int) -> Iterator[Move]:
    trainer.game.train()
    for move in trainer.game.round(trainer.stream, step):
        if not isinstance(move, Move):
            raise Broken(f"a round yields a {type(move).__name__}", "yield Move(player, adversarial=loss)")
        yield move


def own_parameters(game: Game[Any], player: str) -> list[nn.Parameter]:
    return parameters_of(game.players()[player].modules)
