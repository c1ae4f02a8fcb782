"""SimGAN: the terms of its losses by hand, its turns, pretraining, the history, and what it refuses."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.batches import Unpaired
from zerosum.contract.case import Case
from zerosum.contract.rules import machine, players, repeating, values
from zerosum.errors import ZerosumError
from zerosum.game import Move
from zerosum.games import find
from zerosum.games.simgan import SimGAN
from zerosum.modality import Image, Spec
from zerosum.networks.refiner import Discriminator, Network, Refiner
from zerosum.optim import Adam

RECIPES = ("simgan/images", "simgan/gauges")
SHAPE = (1, 4, 4)


class Shift(nn.Module):
    """x + shift."""

    def __init__(self, shift: float):
        super().__init__()
        self.shift = nn.Parameter(torch.tensor(shift))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.shift


class Patches(nn.Module):
    """Logits of four patches: their means, times a weight; keeps what it was shown."""

    def __init__(self, weight: float):
        super().__init__()
        self.weight, self.shown = nn.Parameter(torch.tensor(weight)), list[Tensor]()

    def forward(self, x: Tensor) -> Tensor:
        self.shown.append(x.detach().clone())
        return self.weight * F.avg_pool2d(x, 2)


def simgan(shift: float = 0.5, **config: Any) -> SimGAN:
    alone = {"pretrain_refiner": 0, "pretrain_discriminator": 0, "history": 0}
    return SimGAN(Shift(shift), Patches(2.0), SHAPE, SimGAN.Config(**(alone | config)))


def flat(value: float, batch: int = 2) -> Tensor:
    return torch.full((batch, *SHAPE), value)


def moves(game: SimGAN, a: Tensor, b: Tensor, step: int = 0) -> list[Move]:
    return list(game.round(lambda: Unpaired(a, b), step))


def test_losses_are_sums_over_an_image_as_in_equations_2_to_4():
    *_, r, d = moves(simgan(regularisation=0.3), flat(0.1), flat(0.9))
    real, fake = torch.tensor(1.8), torch.tensor(1.2)  # 2 * 0.9, 2 * (0.1 + 0.5)
    torch.testing.assert_close(r.terms["adversarial"], 4 * F.softplus(-fake))  # four patches
    torch.testing.assert_close(r.terms["regularisation"], torch.tensor(0.3 * 16 * 0.5))  # sixteen pixels
    torch.testing.assert_close(d.terms["adversarial"], 4 * (F.softplus(-real) + F.softplus(fake)))
    # as the paper writes it, with D the probability of a synthetic image
    synthetic = torch.sigmoid(-fake)
    torch.testing.assert_close(r.terms["adversarial"], -4 * torch.log(1 - synthetic))


def test_or_means_whose_weights_do_not_depend_on_the_size():
    *_, r, d = moves(simgan(regularisation=0.3, reduction="mean"), flat(0.1), flat(0.9))
    torch.testing.assert_close(r.terms["adversarial"], F.softplus(-torch.tensor(1.2)))
    torch.testing.assert_close(r.terms["regularisation"], torch.tensor(0.3 * 0.5))
    torch.testing.assert_close(d.terms["adversarial"], F.softplus(-torch.tensor(1.8)) + F.softplus(torch.tensor(1.2)))


def test_d_judges_every_patch():
    """Its loss is that of the patches, not of their mean."""
    b = torch.tensor([[3.0, -3.0], [1.0, -1.0]]).repeat_interleave(2, 0).repeat_interleave(2, 1)[None, None]
    *_, d = moves(simgan(), flat(-0.5, 1), b)
    expected = F.softplus(-2 * torch.tensor([3.0, -3, 1, -1])).sum() + 4 * math.log(2)
    torch.testing.assert_close(d.terms["adversarial"], expected)
    assert d.logits is not None and d.logits.real.shape == (1, 1, 2, 2)


def test_r_moves_k_g_times_and_then_d_k_d_times():
    drawn: list[int] = []

    def draw() -> Unpaired:
        drawn.append(len(drawn))
        return Unpaired(flat(0.1), flat(0.9))

    game = simgan(refiner_steps=3, discriminator_steps=2)
    players = [move.player for move in game.round(draw, 0)]
    assert players == ["refiner"] * 3 + ["discriminator"] * 2 and len(drawn) == 5  # each on a batch of its own


def test_first_r_learns_alone_then_d_alone():
    game = simgan(pretrain_refiner=2, pretrain_discriminator=3, refiner_steps=2)
    told = [[(m.player, *m.terms) for m in moves(game, flat(0.1), flat(0.9), step)] for step in range(6)]
    r, d = ("refiner", "regularisation"), ("discriminator", "adversarial")
    both = ("refiner", "adversarial", "regularisation")
    assert told == [[r], [r], [d], [d], [d], [both, both, d]]
    assert [game.phase(step) for step in (1, 2, 4, 5, 99)] == [
        "refiner alone", "discriminator alone", "discriminator alone", "round", "round",
    ]  # fmt: skip


def test_half_of_what_d_is_shown_are_earlier_refined_images():
    torch.manual_seed(0)
    game = simgan(history=4)
    assert game.history is not None
    for value in (1.0, 2.0):  # two of each fill it; d sees them as they are
        moves(game, flat(value, 4), flat(0.0, 4))
        assert game.discriminator.shown[-1][4:].unique().tolist() == [value + 0.5]  # type: ignore[index, union-attr]
    assert sorted(game.history.fakes[:, 0, 0, 0].tolist()) == [1.5, 1.5, 2.5, 2.5]
    moves(game, flat(3.0, 4), flat(0.0, 4))
    fakes = game.discriminator.shown[-1][4:, 0, 0, 0].tolist()  # type: ignore[index, union-attr]
    assert fakes[:2] == [3.5, 3.5] and set(fakes[2:]) <= {1.5, 2.5}
    assert sum(value == 3.5 for value in game.history.fakes[:, 0, 0, 0].tolist()) == 2  # half of the batch is kept
    assert "history.fakes" in game.state_dict() and simgan(history=0).history is None


def test_a_history_shorter_than_half_a_batch_gives_what_it_has():
    torch.manual_seed(0)
    game = simgan(history=1)
    for value in (1.0, 2.0):
        moves(game, flat(value, 6), flat(0.0, 6))
    assert game.discriminator.shown[-1][6:, 0, 0, 0].tolist() == [2.5] * 5 + [1.5]  # type: ignore[index, union-attr]


def test_ds_loss_has_no_gradient_for_r():
    *_, d = moves(game := simgan(), flat(0.1), flat(0.9))
    d.loss.backward()
    assert game.refiner.shift.grad is None and game.discriminator.weight.grad is not None


def small(recipe: str, **config: Any) -> Case:
    network = {"width": 4, "blocks": 1, "d_width": 6}
    spec = Spec({"a": Image(1, 12, 12), "b": Image(1, 12, 12)}, 100)
    return Case(find(recipe), spec, {"config": config, "network": network})


SHORT = {"pretrain_refiner": 2, "pretrain_discriminator": 3, "history": 3}


@pytest.mark.parametrize(
    "rule", [repeating.resume, machine.phases, players.turns, values.terms], ids=lambda rule: rule.__name__
)
def test_pretraining_keeps_the_contract(rule: Any):
    rule(small("simgan/images", **SHORT))


def test_a_resumed_run_has_the_history(tmp_path: Path):
    """Across the end of both pretrainings, with a history that is full when the checkpoint is made."""
    case = small("simgan/images", pretrain_refiner=1, pretrain_discriminator=2, history=2)
    repeating.resume(case, tmp_path)


@pytest.mark.parametrize("name", RECIPES)
def test_every_player_moves_in_the_end(name: str):
    players.turns(small(name))


def test_the_settings_of_the_paper():
    config, training = find("simgan/images").options["config"], find("simgan/images").training
    assert (config.pretrain_refiner, config.pretrain_discriminator, config.history) == (1000, 200, 2_560)
    assert (config.refiner_steps, config.discriminator_steps, training.batch_size) == (2, 1, 512)
    assert config.g_optimizer == config.d_optimizer == Adam(1e-3, (0.9, 0.999)) and config.reduction == "sum"


def test_the_papers_networks():
    refiner, discriminator = Refiner(1), Discriminator(1)
    count = sum(p.numel() for p in refiner.parameters())
    assert count == (9 * 64 + 64) + 8 * (9 * 64 * 64 + 64) + (64 + 1)
    own = [tuple(m.weight.shape[:2]) for m in discriminator.modules() if isinstance(m, nn.Conv2d)]
    assert own == [(96, 1), (64, 96), (32, 64), (32, 32), (1, 32)]
    assert discriminator(torch.zeros(2, 1, 35, 55)).shape == (2, 1, 9, 14)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (35, 55)])
def test_any_size(size: tuple[int, int]):
    x = torch.rand(2, 3, *size) * 2 - 1
    network = Network(4, 2, 6)
    assert Refiner(3, network)(x).shape == x.shape and torch.isfinite(Discriminator(3, network)(x)).all()


@pytest.mark.parametrize(("blocks", "reach"), [(0, 1), (2, 5)])
def test_a_refined_pixel_follows_from_its_neighbours(blocks: int, reach: int):
    torch.manual_seed(0)
    refiner, x = Refiner(1, Network(8, blocks)), torch.zeros(1, 1, 21, 21)
    changed = x.clone()
    changed[..., 10, 10] = 1
    rows = (refiner(changed) != refiner(x))[0, 0].nonzero()
    assert rows.min() >= 10 - reach and rows.max() <= 10 + reach


def test_a_patch_has_23_pixels():
    discriminator = Discriminator(1, Network(d_width=6))
    with torch.no_grad():
        for p in discriminator.parameters():
            p.abs_()
        spots = torch.eye(64).view(64, 1, 1, 64).expand(64, 1, 64, 64)  # a column of each image is white
        seen = (discriminator(spots) > discriminator(torch.zeros(1, 1, 64, 64)))[:, 0, 8, 8].nonzero()
    assert (int(seen.min()), int(seen.max())) == (21, 43)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ((1, 8, 8), (1, 16, 16), "1x8x8 and 1x16x16: .*--size"),
        ((1, 8, 8), (3, 8, 8), "1x8x8 and 3x8x8: .*same colours"),
    ],
)
def test_images_that_cannot_pass_for_real_ones_are_refused(a: Any, b: Any, message: str):
    with pytest.raises(ZerosumError, match=message):
        find("simgan/images").build(Spec({"a": Image(*a), "b": Image(*b)}, 9))


def test_a_history_that_fits_nowhere_is_refused():
    with pytest.raises(ZerosumError, match=r"a history of 1,000,000,000,000 images .*--history"):
        find("simgan/images").build(small("simgan/images").spec, {"config": {"history": 10**12}})


def test_a_refiner_that_could_learn_nothing_alone_is_refused():
    with pytest.raises(ZerosumError, match="--pretrain-refiner 0"):
        simgan(regularisation=0.0, pretrain_refiner=5)
    *_, r, _ = moves(simgan(regularisation=0.0), flat(0.1), flat(0.9))
    assert [*r.terms] == ["adversarial"]


@pytest.mark.parametrize("field", ["refiner_steps", "discriminator_steps"])
def test_numbers_of_moves_are_at_least_one(field: str):
    with pytest.raises(ZerosumError):
        find("simgan/images").build(small("simgan/images").spec, {"config": {field: 0}})
