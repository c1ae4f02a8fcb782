"""MalGAN by hand: what is asked, what is added, and which way both players' losses point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.errors import ZerosumError
from zerosum.game import Move
from zerosum.games import malgan
from zerosum.games.malgan import BothClasses, MalGAN

D = 5
ALL = torch.ones(D, dtype=torch.bool)


def always(answer: bool) -> Callable[[Tensor], Tensor]:
    return lambda vectors: torch.full((len(vectors),), answer)


class Constant(nn.Module):
    """Logits of G that depend on nothing."""

    def __init__(self, *logits: float):
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits, dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        return self.logits.expand(len(x), -1)


class Sum(nn.Module):
    """A substitute that finds vectors the more benign the more features they have."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(D))

    def forward(self, x: Tensor) -> Tensor:
        return (x @ self.weight)[:, None]


def game(generator: nn.Module, detector: Any = None, changeable: Tensor = ALL, **config: Any) -> MalGAN:
    return MalGAN(generator, Sum(), detector or always(True), changeable, MalGAN.Config(latent_dim=2, **config))


def moves(own: MalGAN, malware: Tensor, benign: Tensor) -> list[Move]:
    return list(own.round(lambda: BothClasses(malware, benign), 0))


MALWARE = torch.tensor([[1.0, 0, 0, 0, 0], [0, 1, 0, 0, 0]])
BENIGN = torch.tensor([[0.0, 0, 0, 1, 1], [0, 0, 1, 1, 1]])


def test_features_are_only_added_and_only_those_that_may_be() -> None:
    generator = Constant(-9, -9, 9, 9, 9)  # it would remove the first two, and add the others
    changeable = torch.tensor([True, True, True, False, True])
    own = game(generator, changeable=changeable)
    made = own.evade(MALWARE, torch.zeros(2, 2))
    assert made.tolist() == [[1, 0, 1, 0, 1], [0, 1, 1, 0, 1]]


def test_one_half_is_not_added() -> None:
    made = game(Constant(0, 0, 0, 0, 1e-3)).evade(MALWARE, torch.zeros(2, 2))
    assert made.tolist() == [[1, 0, 0, 0, 1], [0, 1, 0, 0, 1]]


def test_the_detector_sees_bytes_of_both_classes_and_its_answers_are_counted() -> None:
    asked: list[Tensor] = []

    def detector(vectors: Tensor) -> Tensor:
        asked.append(vectors)
        return vectors[:, 0] > 0

    own = game(Constant(-9, -9, -9, -9, 9), detector)
    moves(own, MALWARE, BENIGN)
    (seen,) = asked
    assert seen.dtype == torch.uint8 and seen.tolist() == [[1, 0, 0, 0, 1], [0, 1, 0, 0, 1], *BENIGN.int().tolist()]
    assert int(own.queries) == 4 and "queries" in own.state_dict()


def test_the_substitute_learns_the_detectors_answers_not_the_classes() -> None:
    answers = torch.tensor([True, False, True, False])
    own = game(Constant(-9, -9, -9, -9, 9), lambda vectors: answers)
    substitute, _ = moves(own, MALWARE, BENIGN)
    logits = torch.tensor([2.0, 2, 2, 3])  # features of each
    assert torch.allclose(substitute.loss, F.binary_cross_entropy_with_logits(logits, (~answers).float()))
    assert substitute.log["detected"] == 0.5, "of the malware alone"


@pytest.mark.parametrize("objective", ["minimax", "non-saturating"])
def test_g_minimises_log_d_of_what_it_makes(objective: str) -> None:
    generator = Constant(-1, -1, 2, -1, -1)
    own = game(generator, objective=objective)
    _, move = moves(own, MALWARE, BENIGN)
    p = torch.tensor([-1.0, -1, 2, -1, -1]).sigmoid()
    benign = torch.maximum(MALWARE, p).sum(1).sigmoid()  # what the substitute says; its logits are sums
    loss = torch.log(1 - benign) if objective == "minimax" else -torch.log(benign)
    assert torch.allclose(move.loss, loss.mean(), atol=1e-5) and list(move.terms) == ["adversarial"]
    move.loss.backward()
    gradient = generator.logits.grad
    assert gradient is not None and bool((gradient < 0).all()), "more features look more benign to the substitute"


def test_additions_cost_and_what_is_there_costs_nothing() -> None:
    generator = Constant(-1, -1, 2, -1, -1)
    _, move = moves(game(generator, addition=0.5), MALWARE, BENIGN)
    p = torch.tensor([-1.0, -1, 2, -1, -1]).sigmoid()
    added = torch.stack([p[1:].sum(), p.sum() - p[1]]).mean()  # each vector has one of the first two
    assert torch.allclose(move.terms["addition"], 0.5 * added, atol=1e-5)


@pytest.mark.parametrize("straight_through", [False, True])
def test_the_substitute_judges_features_or_their_probabilities(straight_through: bool) -> None:
    generator = Constant(-1, -1, 2, -1, -1)
    own = game(generator, straight_through=straight_through)
    _, move = moves(own, MALWARE, BENIGN)
    p = torch.tensor([-1.0, -1, 2, -1, -1]).sigmoid()
    benign = torch.maximum(MALWARE, (p > 0.5).float() if straight_through else p).sum(1).sigmoid()
    assert torch.allclose(move.loss, torch.log(1 - benign).mean(), atol=1e-5)
    move.loss.backward()
    gradient = generator.logits.grad
    assert gradient is not None and bool((gradient < 0).all()), "of features that are not added, too"


def test_some_choices_are_turned_round_to_ask_about_them() -> None:
    torch.manual_seed(0)
    changeable = torch.tensor([True, True, True, False, True])
    own = game(Constant(-9, -9, 9, 9, 9), changeable=changeable, exploration=0.3)
    malware = MALWARE.repeat(2000, 1)
    asked = own._shown(malware)
    made = own.evade(malware, torch.zeros(len(malware), 2))
    other = asked != made
    assert not other[::2].any() and not other[:, 3].any() and bool((asked >= malware).all())
    assert other[1::2, 0].float().mean() == pytest.approx(0.3, abs=0.03)
    assert not other[1::2, 1].any(), "what a vector has stays"
    assert other[1::2, 2].float().mean() == pytest.approx(0.3, abs=0.03), "what G adds is left out as often"


def test_the_substitute_moves_several_times_and_the_detector_is_asked_once() -> None:
    asked: list[int] = []

    def detector(vectors: Tensor) -> Tensor:
        asked.append(len(vectors))
        return vectors[:, 0] > 0

    own = game(Constant(-9, -9, -9, -9, 9), detector, substitute_steps=3)
    found = moves(own, MALWARE, BENIGN)
    assert [move.player for move in found] == ["substitute"] * 3 + ["generator"]
    assert asked == [12] and int(own.queries) == 12


def test_features_that_may_not_change_move_nothing() -> None:
    generator = Constant(-1.0, -1, 2, -1, 2)
    changeable = torch.tensor([True, True, True, True, False])
    _, move = moves(game(generator, changeable=changeable), MALWARE, BENIGN)
    move.loss.backward()
    assert generator.logits.grad is not None and generator.logits.grad[4] == 0


def test_nothing_that_may_change_is_refused() -> None:
    with pytest.raises(ZerosumError, match="no feature may be added"):
        game(Constant(0, 0, 0, 0, 0), changeable=torch.zeros(D, dtype=torch.bool))


def test_the_papers_hidden_layers() -> None:
    own = malgan.small(always(True), torch.ones(160, dtype=torch.bool))
    shapes = [tuple(p.shape) for p in own.generator.parameters()]
    assert shapes == [(256, 170), (256,), (160, 256), (160,)]
    assert [tuple(p.shape) for p in own.substitute.parameters()] == [(256, 160), (256,), (1, 256), (1,)]
