"""PacGAN: what a discriminator of packs sees."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zerosum.games import find
from zerosum.games.two_player import TwoPlayer, packed
from zerosum.metrics.discrimination import own_logits
from zerosum.modality import Image, Points, Spec
from zerosum.roles import Generates, in_role

PACKING = 3


class Watched(nn.Module):
    """A discriminator of any shape that keeps what it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []
        self.scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.detach().clone())
        return self.scale * x.flatten(1).sum(1, keepdim=True)


class Counting(nn.Module):
    """A generator of images whose samples are numbered -1, -2, -3 ... in the order they are made."""

    def __init__(self) -> None:
        super().__init__()
        self.made = 0
        self.unit = nn.Parameter(torch.ones(()))

    def forward(self, z: Tensor) -> Tensor:
        numbers = -(torch.arange(len(z)) + 1.0 + self.made)
        self.made += len(z)
        return self.unit * numbers[:, None, None, None].expand(-1, 2, 4, 4)


def game(**config: Any) -> TwoPlayer:
    return TwoPlayer(Counting(), Watched(), TwoPlayer.Config(latent_dim=5, packing=PACKING, **config))


def batches() -> Any:
    """Images of two channels, numbered 1, 2, 3 ... in the order they are drawn, four at a time."""
    count = 0

    def draw() -> Tensor:
        nonlocal count
        count += 4
        return torch.arange(count - 3.0, count + 1)[:, None, None, None].expand(-1, 2, 4, 4)

    return draw


def members(x: Tensor) -> list[list[float]]:
    """The numbers of the samples in each pack (B, 3 * 2, 4, 4), whose pixels must be equal within a sample."""
    images = x.unflatten(1, (PACKING, 2)).flatten(2)  # (B, 3, pixels)
    assert (images == images[..., :1]).all()
    return images[..., 0].tolist()


def test_a_pack_holds_one_sample_of_each_draw_as_channels():
    it = game()
    d, g = it.round(batches(), 0)
    both, judged = it.discriminator.seen
    assert both.shape == (8, 6, 4, 4) and judged.shape == (4, 6, 4, 4)
    assert members(both[:4]) == [[1, 5, 9], [2, 6, 10], [3, 7, 11], [4, 8, 12]]
    assert members(both[4:]) == [[-1, -5, -9], [-2, -6, -10], [-3, -7, -11], [-4, -8, -12]]
    assert members(judged) == [[-13, -17, -21], [-14, -18, -22], [-15, -19, -23], [-16, -20, -24]]
    assert d.logits.real.shape == d.logits.fake.shape == (4, 1)
    (gradient,) = torch.autograd.grad(g.loss, it.generator.unit)
    assert gradient.abs() > 0


def test_points_are_packed_coordinate_after_coordinate():
    it = TwoPlayer(nn.Linear(5, 2), Watched(), TwoPlayer.Config(latent_dim=5, packing=2))
    first, second = torch.randn(4, 2), torch.randn(4, 2)
    draws = iter((first, second))
    next(it.round(lambda: next(draws), 0))
    assert torch.equal(it.discriminator.seen[0][:4], torch.cat([first, second], dim=1))
    assert packed((2,), 2) == (4,) and packed((3, 28, 20), 4) == (12, 28, 20)


def test_shared_fakes_and_relativistic_generators_face_packs_too():
    shared = game(shared_fakes=True)
    list(shared.round(batches(), 0))
    assert members(shared.discriminator.seen[1]) == members(shared.discriminator.seen[0][4:])
    relativistic = game(objective="relativistic")
    list(relativistic.round(batches(), 0))
    _, real, fake = relativistic.discriminator.seen
    assert members(real)[0] == [13, 17, 21] and members(fake)[0] == [-13, -17, -21]


def test_a_penalty_is_of_packs():
    it = game(penalties={"r1": 1.0})
    move = next(it.round(batches(), 0))
    pixels = PACKING * 2 * 4 * 4  # D's slope is 2 in each of them
    assert float(move.terms["r1"].detach()) == pytest.approx(0.5 * 4 * pixels)


@pytest.mark.parametrize("name", ["pacgan", "two-player/toy", "two-player/grid", "demo"])
@pytest.mark.parametrize("packing", [1, 2])
def test_recipes_build_a_discriminator_for_packs(name: str, packing: int):
    modality = Points(2) if name.endswith(("toy", "grid")) else Image(1, 12, 12)
    shape = modality.shape
    options: dict[str, Any] = {"config": {"packing": packing}}
    built = find(name).build(
        Spec({"x": modality}), options | ({"network": {"width": 4}} if name.endswith("pacgan") else {})
    )
    assert [move.player for move in built.round(lambda: torch.randn(4, *shape), 0)] == ["discriminator", "generator"]
    role = in_role(built, Generates)
    assert role.generate(role.prior.draw(4)).shape == (4, *shape)
    found = own_logits(built, lambda: torch.randn(4, *shape), 6, 0)  # what `evaluate` asks of a run's D
    real, fake = found["discriminator"]
    assert len(real) == len(fake) >= 6


def test_pacgan_is_dcgan_with_two_samples_to_judge():
    dcgan, pacgan = (find(name) for name in ("dcgan", "pacgan"))
    assert pacgan.options["config"].packing == 2 and dcgan.options["config"].packing == 1
    narrow = {"network": {"width": 4}}
    one, two = (recipe.build(Spec({"x": Image(1, 12, 12)}), narrow).discriminator for recipe in (dcgan, pacgan))
    assert two.layers[0].in_channels == 2 * one.layers[0].in_channels == 2
