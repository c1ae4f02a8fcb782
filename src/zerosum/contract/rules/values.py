"""What a round yields: terms, logs, logits, and what is read of them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from zerosum.contract.case import Case
from zerosum.contract.rules.moves import turns_of
from zerosum.contract.rules.rule import Broken
from zerosum.contract.rules.words import in_words
from zerosum.game import Move
from zerosum.roles import Classifies, Discriminates, Encodes, Generates, has_role, in_role
from zerosum.training.log_keys import values_of


def terms(case: Case) -> None:
    trainer = case.trainer()
    for step in range(3):
        for turn in turns_of(trainer, step):
            for move in turn.moves:
                for name, term in move.terms.items():
                    _require_term(f"{move.player}/{name}", term)
            trainer.play(turn)


def _require_term(name: str, term: Any) -> None:
    if not isinstance(term, Tensor):
        raise Broken(f"the term {name} is a {type(term).__name__}", "give a tensor: a loss that was not read out")
    if term.shape != ():
        raise Broken(f"the term {name} has the shape {tuple(term.shape)}", "make it a scalar: .mean() over the batch")
    if term.dtype != torch.float32:
        raise Broken(
            f"the term {name} is {term.dtype}",
            "compute in float32: float64 often comes from NumPy's numbers; .float() ends it",
        )
    if not term.isfinite():
        raise Broken(f"the term {name} is {term.item()}", "look for a logarithm of 0, a root at 0 or a division by 0")


def logs(case: Case) -> None:
    trainer = case.trainer()
    for step in range(3):
        for turn in turns_of(trainer, step):
            for move in turn.moves:
                _require_logged(move)
            trainer.play(turn)


def _require_logged(move: Move) -> None:
    for name, value in move.log.items():
        if not isinstance(value, Tensor):
            raise Broken(
                f"{move.player} logs {name} as a {type(value).__name__}",
                "log a tensor, which is read later: .item() waits for the device",
            )
    keys = [key for key, _ in values_of(move)]
    if twice := [key for key in keys if keys.count(key) > 1]:
        raise Broken(f"{twice[0]} is logged twice", "give a logged value another name than a term has")
    for key, value in values_of(move):
        if value.numel() == 0 or not value.isfinite().all():
            raise Broken(f"{key} is logged and {_not_finite(value)}", "log finite numbers; training stops else")


def logits(case: Case) -> None:
    trainer = case.trainer()
    for turn in turns_of(trainer, 0):
        for move in turn.moves:
            for name, own in zip(("real", "fake"), move.logits or (), strict=False):
                if not isinstance(own, Tensor) or not own.is_floating_point() or own.numel() == 0:
                    raise Broken(
                        f"the {name} logits of {move.player}'s move are {in_words(own)}",
                        "hand over Logits(D(real), D(fake)): tensors of floating-point numbers",
                    )
        trainer.play(turn)
    game, x = trainer.game.eval(), case.spec.fields[trainer.game.makes]
    size = case.batch_size
    if has_role(game, Discriminates):
        real = case.samples(game, case.batch())
        y = case.y(game) if has_role(game, Generates) else None
        try:
            score = in_role(game, Discriminates).score(real, y)
        except ValueError:
            score = torch.zeros(size)  # of packs, or of a batch: it says so itself
        if score.shape != (size,) or not score.isfinite().all():
            raise Broken(
                f"score gives {in_words(score)} for {size} samples",
                "give one logit for each sample: self.discriminator(x).flatten()",
            )
    if has_role(game, Classifies):
        found = in_role(game, Classifies).classifier()(x.load(case.data().fields[game.makes].stored[:size]))
        if found.shape != (size, case.spec.classes) or not found.isfinite().all():
            raise Broken(
                f"the classifier gives {in_words(found)} for {size} samples of {case.spec.classes} classes",
                f"give logits of the shape ({size}, {case.spec.classes})",
            )
    if has_role(game, Encodes) and has_role(game, Generates):
        found = in_role(game, Encodes).encode(case.samples(game, case.batch()))
        if found.shape != (size, in_role(game, Generates).prior.dim):
            raise Broken(f"encode gives {in_words(found)} for {size} samples", "give (B, prior.dim)")


def _not_finite(value: Tensor) -> str:
    return "empty" if value.numel() == 0 else f"{float(value[~value.isfinite()].flatten()[0])}"
