"""Where and how a round computes: on another device, as a GPU records it, in bf16."""

from __future__ import annotations

from typing import Any

import torch

from zerosum.contract.case import Case
from zerosum.contract.rules.moves import own_parameters
from zerosum.contract.rules.rule import Broken, DoesNotApply
from zerosum.contract.rules.words import first_line, in_words
from zerosum.contract.watching import ElsewhereError, OnlyOn, Written
from zerosum.game import Game, Turn, others_follow
from zerosum.roles import Acts, has_role, makes_samples

PHASES = 60  # rounds whose phases are looked at


def device(case: Case) -> None:
    """Nor is anything read: a meta tensor has no value, so `.item()` and `bool()` fail on it; a GPU would wait."""
    game = case.game().train()
    if has_role(game, Acts):
        raise DoesNotApply("its environments compute where NumPy does, whatever the device")
    game = game.to("meta")
    batch = case.batch(device="meta")
    try:
        with OnlyOn("meta"):
            for turn in game.round(lambda: batch, 0):
                differentiate(game, turn)
            if makes_samples(game):
                case.samples(game, batch, "meta")
    except ElsewhereError as error:
        raise Broken(
            f"in a round on another device {error}",
            "make tensors where the data is, as torch.zeros(n, device=real.device), and keep fixed ones as buffers",
        ) from error
    except NotImplementedError as error:
        raise DoesNotApply(f"an operation cannot be followed without values: {first_line(error)}") from error
    except RuntimeError as error:
        text = first_line(error)
        if "item()" in str(error) or ("meta tensor" in str(error) and "data" in str(error)):
            raise Broken(
                f"a round reads a number from the device: {text}",
                "leave numbers on the device: torch.where in place of if, log tensors in place of .item()",
            ) from error
        if "device" in str(error):
            raise Broken(
                f"a round mixes devices: {text}",
                "keep tensors of the game as buffers (register_buffer), and make others on real.device",
            ) from error
        raise


def phases(case: Case) -> None:
    game, batch = case.game().train(), case.batch()
    steps: dict[object, list[int]] = {}
    for step in range(PHASES):
        steps.setdefault(game.phase(step), []).append(step)
    steps.pop(None, None)
    if not steps:
        raise DoesNotApply("no two rounds are said to be alike; say so by phase(), and a GPU replays them")
    for phase, (first, *others) in steps.items():
        computation(game, batch, first)  # lazy things are made
        buffers = {name: b.data_ptr() for name, b in game.named_buffers()}
        expected = computation(game, batch, first)
        for step in others[:1] + others[-1:]:
            if computation(game, batch, step) != expected:
                raise Broken(
                    f"rounds {first} and {step} of phase {phase!r} differ",
                    "give rounds that compute something else another phase, or None",
                )
        if buffers != {name: b.data_ptr() for name, b in game.named_buffers()}:
            raise Broken("a round puts new tensors in the place of buffers", "change buffers in place: copy_, lerp_")


def differentiate(game: Game[Any], turn: Turn) -> None:
    """Take the gradients of a turn."""
    for move in turn.moves:
        move.loss.backward(inputs=own_parameters(game, move.player), retain_graph=others_follow(turn, move))


def computation(game: Game[Any], batch: Any, step: int) -> list[str]:
    """Every operation of a round, its gradients included."""
    with Written() as written:
        for turn in game.round(lambda: batch, step):
            differentiate(game, turn)
            for move in turn.moves:
                written.lines.append(f"{move.player} {[*move.terms]} {[*move.log]} {move.logits is not None}")
    return written.lines


def precision(case: Case) -> None:
    trainer = case.trainer(precision="bf16", clip=10.0)
    trainer.game.train()
    try:
        for _ in range(2):
            trainer.round()
    except RuntimeError as error:
        if "dtype" not in str(error) and "BFloat16" not in str(error):
            raise
        raise Broken(
            f"a round cannot be played in bf16: {first_line(error)}",
            "bring both to one type where they meet: x.to(y), or .float() before the operation",
        ) from error
    values = trainer.pop_metrics()
    for name, p in trainer.game.named_parameters():
        if p.dtype != torch.float32 or not p.isfinite().all():
            raise Broken(f"{name} is {in_words(p)} after two rounds in bf16", "keep parameters in float32")
    if not {f"{player}/gradient_norm" for player in {key.player for key in values}} <= values.keys():
        raise Broken("gradients cannot be clipped", "give every player parameters with gradients")
