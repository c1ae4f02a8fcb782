"""STGAN: both losses in closed form, what D has no part in without a weight, and what is refused."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from zerosum.batches import Styled
from zerosum.errors import ZerosumError
from zerosum.game import Move
from zerosum.games import find
from zerosum.games.stgan import STGAN, expected
from zerosum.modality import Classes, Image, Points, Spec
from zerosum.networks.boards import Network, Networks, networks
from zerosum.options import OptionError

MOVES = 3
SHAPE = (1, 2, 2)
SPEC = Spec({"x": Image(*SHAPE), "y": Classes.numbered(MOVES), "state": Image(*SHAPE), "move": Classes.numbered(MOVES)})


class Fixed(nn.Module):
    """The same numbers for each move, whatever the board."""

    def __init__(self, *numbers: float):
        super().__init__()
        self.numbers = nn.Parameter(torch.tensor(numbers))

    def forward(self, x: Tensor) -> Tensor:
        return self.numbers.expand(len(x), -1)


def fixed(weight: float) -> STGAN:
    """G says 1/2, 1/4, 1/4; D finds the moves to be the player's with 3/4, 1/2, 1/4."""
    generator = Fixed(math.log(2), 0.0, 0.0)
    return STGAN(Networks(generator, Fixed(math.log(3), 0.0, -math.log(3))), STGAN.Config(weight))


def small(weight: float = 2.0) -> STGAN:
    torch.manual_seed(0)
    return STGAN(networks(SHAPE, MOVES, Network(4, 2, 8)), STGAN.Config(weight))


def batch(seed: int = 0, count: int = 6) -> Styled:
    chance = torch.Generator().manual_seed(seed)
    x, state = (torch.randn(count, *SHAPE, generator=chance) for _ in range(2))
    y, move = (torch.randint(MOVES, (count,), generator=chance) for _ in range(2))
    return Styled(x, y, state, move)


def moves(game: STGAN, drawn: Styled) -> dict[str, Move]:
    return {move.player: move for move in game.round(lambda: drawn, 0)}


def gradients(game: STGAN, move: Move) -> dict[str, Tensor]:
    """Of the weights of its player."""
    own = {
        name: p
        for module in game.players()[move.player].modules
        for name, p in module.named_parameters()
    }  # fmt: skip
    return dict(zip(own, torch.autograd.grad(move.loss, [*own.values()]), strict=True))


def test_losses_are_expectations_over_all_moves():
    drawn = batch()._replace(y=torch.tensor([0, 0, 0, 1, 2, 2]), move=torch.tensor([0, 0, 1, 2, 2, 2]))
    found = moves(fixed(weight=3.0), drawn)
    task = (3 * math.log(2) + 3 * math.log(4)) / 6
    style = 3 * (math.log(4 / 3) / 2 + math.log(2) / 4 + math.log(4) / 4)
    assert {name: float(value.detach()) for name, value in found["generator"].terms.items()} == pytest.approx(
        {"supervised": task, "adversarial": style}
    )
    real = (2 * math.log(4 / 3) + math.log(2) + 3 * math.log(4)) / 6
    fake = math.log(4) / 2 + math.log(2) / 4 + math.log(4 / 3) / 4
    assert float(found["discriminator"].loss.detach()) == pytest.approx(real + fake)
    logits = found["discriminator"].logits
    assert logits is not None
    ln3 = math.log(3)
    assert logits.real.tolist() == pytest.approx([ln3, ln3, 0, -ln3, -ln3, -ln3])
    assert logits.fake.tolist() == pytest.approx([ln3 / 4] * 6)


def test_the_expectation_is_the_mean_of_moves_that_are_drawn():
    torch.manual_seed(1)
    logits, values = torch.randn(4, MOVES), torch.randn(4, MOVES)
    chosen = torch.multinomial(logits.softmax(1), 200_000, replacement=True)
    assert float(expected(logits, values)) == pytest.approx(float(values.gather(1, chosen).mean()), abs=0.01)


def test_each_player_moves_itself_alone():
    game = small()
    for name, move in moves(game, batch()).items():
        other = game.discriminator if name == "generator" else game.generator
        assert all(slope.abs().max() > 0 for slope in gradients(game, move).values())
        if name == "discriminator":
            found = torch.autograd.grad(move.loss, [*other.parameters()], allow_unused=True)
            assert not any(slope is not None for slope in found)


def test_without_a_weight_nothing_of_the_style_reaches_the_generator():
    """Neither D nor the player's states and moves: G's loss and gradients are those of the crowd's moves alone."""
    drawn = batch()
    other = drawn._replace(state=batch(1).state, move=batch(2).move)
    first, again = (moves(small(0.0), own)["generator"] for own in (drawn, other))
    assert [*first.terms] == ["supervised"] and torch.equal(first.loss, again.loss)
    game = small(0.0)
    move = moves(game, drawn)["generator"]
    found = torch.autograd.grad(move.loss, [*game.discriminator.parameters()], allow_unused=True)
    assert not any(slope is not None for slope in found)
    for one, two in ((0.0, drawn), (0.0, other)):
        own = small(one)
        with torch.no_grad():
            for p in own.discriminator.parameters():
                p.add_(1.0)
        slopes = gradients(own, moves(own, two)["generator"])
        reference = small(0.0)
        for name, slope in gradients(reference, moves(reference, drawn)["generator"]).items():
            assert torch.equal(slope, slopes[name])


def test_with_a_weight_it_learns_the_style_of_moves_that_the_task_leaves_open():
    """The crowd makes either move of two, the player the first; the third is nobody's."""
    torch.manual_seed(0)
    generator, discriminator = Fixed(0.0, 0.0, 0.0), Fixed(0.0, 0.0, 0.0)
    game = STGAN(Networks(generator, discriminator), STGAN.Config(5.0))
    optimisers = {"generator": torch.optim.Adam([generator.numbers], 0.02)}
    optimisers["discriminator"] = torch.optim.Adam([discriminator.numbers], 0.02)
    drawn = batch()._replace(y=torch.tensor([0, 1] * 3), move=torch.zeros(6, dtype=torch.int64))
    for _ in range(600):
        for move in game.round(lambda: drawn, 0):
            own = generator if move.player == "generator" else discriminator
            (own.numbers.grad,) = torch.autograd.grad(move.loss, [own.numbers])
            optimisers[move.player].step()
    first, second, third = generator.numbers.softmax(0).tolist()
    assert first > 0.85 and third < 0.02 and second > 0.01  # the task keeps some of what it saw


def test_the_classifier_is_the_generator():
    game = small()
    x = batch().x
    assert torch.equal(game.classifier()(x), game.generator(x)) and game.classifier()(x).shape == (6, MOVES)


def test_what_cannot_be_played_is_refused():
    recipe = find("stgan/boards")
    one = {**SPEC.fields, "y": Classes(("up",)), "move": Classes(("up",))}
    with pytest.raises(ZerosumError, match=r"one move alone.*give the states of each move a class"):
        recipe.build(Spec(one, 10))
    with pytest.raises(OptionError, match="weight"):
        STGAN.Config(-1.0)
    with pytest.raises(OptionError, match="depth"):
        Network(depth=0)
    with pytest.raises(ValueError, match="images"):
        recipe.build(Spec({**SPEC.fields, "x": Points(2)}, 10))
