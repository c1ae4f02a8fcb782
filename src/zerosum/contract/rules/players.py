"""Whose parameters are whose, and who moves them."""

from __future__ import annotations

from typing import Any

import torch

from zerosum.contract.case import Case
from zerosum.contract.rules.moves import own_parameters, turns_of
from zerosum.contract.rules.rule import Broken
from zerosum.contract.rules.words import some
from zerosum.game import Game

TURNS = 12  # rounds in which every player moves at least once
LATER = 10_000  # a round after any beginning, in which a player may learn alone


def partition(case: Case) -> None:
    game = case.game()
    players, owners = game.players(), dict[int, list[str]]()
    for player in players:
        own = own_parameters(game, player)
        if not own:
            raise Broken(
                f"the player {player!r} has no parameters to move",
                "give it its networks: Player(optimizer, (network,))",
            )
        for p in own:
            owners.setdefault(id(p), []).append(player)
    names = {id(p): name for name, p in game.named_parameters()}
    for key, of in owners.items():
        if key not in names:
            raise Broken(
                f"{of[0]} moves a parameter that is in no module of the game",
                "set its network as an attribute of the game: self.network = network",
            )
        if len(of) > 1:
            raise Broken(
                f"{names[key]} belongs to {' and '.join(of)}",
                "give each network to one player; what both use, one of them moves",
            )
    for name, p in game.named_parameters():
        if p.requires_grad and id(p) not in owners:
            raise Broken(
                f"{name} belongs to no player",
                "add its module to a player, or freeze it by requires_grad_(False)",
            )


def turns(case: Case) -> None:
    trainer = case.trainer()
    missing = set(trainer.players)
    for step in (*range(TURNS), LATER):
        for turn in turns_of(trainer, step):
            for move in turn.moves:
                if move.player not in trainer.players:
                    raise Broken(
                        f"a move is of {move.player!r}, and the players are {' and '.join(trainer.players)}",
                        "name a player in Move(...) as players() names it",
                    )
                missing.discard(move.player)
            trainer.play(turn)
        if not missing:
            return
    raise Broken(
        f"{' and '.join(sorted(missing))} made no move in {TURNS} rounds, nor in a later one",
        "yield a Move of every player, or leave the player out of players()",
    )


def own_moves(case: Case) -> None:
    trainer = case.trainer(average=0.0)
    game = trainer.game
    _forget_gradients(game)
    for turn in turns_of(trainer, 0):
        players = " and ".join(move.player for move in turn.moves)
        if touched := [name for name, p in game.named_parameters() if p.grad is not None]:
            raise Broken(
                f"the round computes a gradient of {touched[0]} itself, before {players}'s move is made",
                "call neither backward nor an optimiser's step: yield the loss in a Move (torch.autograd.grad is fine)",
            )
        before = {name: p.detach().clone() for name, p in game.named_parameters()}
        trainer.play(turn)
        own = {move.player: {id(p) for p in own_parameters(game, move.player)} for move in turn.moves}
        for name, p in game.named_parameters():
            if all(id(p) not in of for of in own.values()) and not torch.equal(p, before[name]):
                raise Broken(
                    f"{players}'s move changes {name}, which is not its own",
                    "change parameters by moves of their player alone",
                )
        for player, of in own.items():
            if all(torch.equal(p, before[name]) for name, p in game.named_parameters() if id(p) in of):
                raise Broken(
                    f"{player}'s move changes nothing",
                    "look whether its loss depends on its networks (a detach() or no_grad() too many), and its rate",
                )
        _forget_gradients(game)


def gradients(case: Case) -> None:
    trainer = case.trainer(average=0.0)
    names = {id(p): name for name, p in trainer.game.named_parameters()}
    for turn in turns_of(trainer, 0):
        for move in turn.moves:
            if not move.loss.requires_grad:
                raise Broken(
                    f"the loss of {move.player} depends on no parameter",
                    "look for a detach(), no_grad() or .item() on the way to it",
                )
            own = own_parameters(trainer.game, move.player)
            slopes = torch.autograd.grad(move.loss, own, retain_graph=True, allow_unused=True)
            if lacking := [names[id(p)] for p, slope in zip(own, slopes, strict=True) if slope is None]:
                raise Broken(
                    f"{move.player}'s move gives {some(lacking)} no gradient",
                    "use it in the loss, freeze it by requires_grad_(False), "
                    "or give it to the player whose loss it is in",
                )
        trainer.play(turn)


def _forget_gradients(game: Game[Any]) -> None:
    for p in game.parameters():
        p.grad = None
