"""Rounds of one phase make the same computation, so that a GPU may replay a recording of one of them."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from zerosum.augment import InstanceNoise
from zerosum.games.two_player import TwoPlayer


class Written(TorchDispatchMode):
    """Writes down every operation with its shapes and its plain numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = function(*args, **(kwargs or {}))
        self.lines.append(f"{function} {_plain(args)} {_plain(kwargs or {})}")
        return out


def _plain(value: Any) -> Any:
    if isinstance(value, Tensor):
        return tuple(value.shape)
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return {k: _plain(v) for k, v in value.items()} if isinstance(value, dict) else str(value)


def computation(game: nn.Module, batch: Any, step: int) -> list[str]:
    players = game.players()
    with Written() as written:
        for move in game.round(lambda: batch, step):
            move.loss.backward(inputs=[p for m in players[move.player].modules for p in m.parameters()])
            written.lines.append(f"{move.player} {[*move.terms]} {[*move.log]} {move.logits is not None}")
    return written.lines


def test_rounds_of_one_phase_are_one_computation(case):
    game, batch = case.game().train(), case.batch()
    steps: dict[object, list[int]] = {}
    for step in range(60):
        steps.setdefault(game.phase(step), []).append(step)
    steps.pop(None, None)
    for phase, (first, *others) in steps.items():
        computation(game, batch, first)  # lazy things are made
        buffers = {name: b.data_ptr() for name, b in game.named_buffers()}
        expected = computation(game, batch, first)
        for step in others[:1] + others[-1:]:
            assert computation(game, batch, step) == expected, f"rounds {first} and {step} of phase {phase!r} differ"
        assert buffers == {name: b.data_ptr() for name, b in game.named_buffers()}, "a buffer was replaced"


def test_lazy_penalties_and_annealed_noise_have_phases_of_their_own(case_of):
    config = TwoPlayer.Config(penalties={"r1": 1.0}, penalty_every=4, noise=InstanceNoise(0.1, steps=6))
    game = TwoPlayer(nn.Linear(100, 2), nn.Linear(2, 1), config)
    assert [game.phase(step) for step in range(9)] == [None] * 6 + [False, False, True]
