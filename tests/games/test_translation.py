"""pix2pix and CycleGAN: the terms of their losses by hand, the authors' settings, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.batches import Paired, Unpaired
from zerosum.errors import ZerosumError
from zerosum.game import Move
from zerosum.games import find
from zerosum.games.cyclegan import CycleGAN
from zerosum.games.pix2pix import Pix2Pix
from zerosum.modality import Image, Spec
from zerosum.optim import Adam, Decay


class Shift(nn.Module):
    """x + shift."""

    def __init__(self, shift: float):
        super().__init__()
        self.shift = nn.Parameter(torch.tensor(shift))

    def forward(self, x: Tensor, seeds: Tensor | None = None) -> Tensor:
        return x + self.shift


class Grey(Shift):
    """The mean of the channels."""

    def __init__(self) -> None:
        super().__init__(0.0)

    def forward(self, x: Tensor, seeds: Tensor | None = None) -> Tensor:
        return x.mean(1, keepdim=True) + self.shift


class Mean(nn.Module):
    """A logit: the mean of the last channel, times a weight."""

    def __init__(self, weight: float):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * x[:, -1:].mean((2, 3))


def moves(game: Pix2Pix | CycleGAN, batch: Any) -> dict[str, Move]:
    return {move.player: move for move in game.round(lambda: batch, 0)}


def flat(value: float) -> Tensor:
    return torch.full((2, 1, 4, 4), value)


def test_pix2pixs_loss_is_equation_4():
    game = Pix2Pix(Shift(0.5), Mean(2.0), Pix2Pix.Config(l1=100.0))
    played = moves(game, Paired(flat(0.1), flat(0.9)))
    d, g = played["discriminator"].terms, played["generator"].terms
    real, fake = torch.tensor(1.8), torch.tensor(1.2)  # 2 * 0.9, 2 * (0.1 + 0.5)
    torch.testing.assert_close(d["adversarial"], F.softplus(-real) + F.softplus(fake))
    torch.testing.assert_close(g["adversarial"], F.softplus(-fake))
    torch.testing.assert_close(g["l1"], torch.tensor(100 * 0.3))


def test_d_sees_the_input_of_a_conditional_gan_alone():
    class Widths(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight, self.seen = nn.Parameter(torch.ones(())), set[int]()

        def forward(self, x: Tensor) -> Tensor:
            self.seen.add(x.shape[1])
            return self.weight * x.mean((1, 2, 3))[:, None]

    for conditional, channels in ((True, {4}), (False, {1})):
        judge = Widths()
        game = Pix2Pix(Grey(), judge, Pix2Pix.Config(conditional=conditional))
        moves(game, Paired(torch.rand(2, 3, 4, 4), torch.rand(2, 1, 4, 4)))
        assert judge.seen == channels


def test_the_weight_of_the_adversarial_loss_is_gs_alone():
    game = Pix2Pix(Shift(0.5), Mean(2.0), Pix2Pix.Config(adversarial=3.0))
    played = moves(game, Paired(flat(0.1), flat(0.9)))
    real, fake = torch.tensor(1.8), torch.tensor(1.2)
    torch.testing.assert_close(played["generator"].terms["adversarial"], 3 * F.softplus(-fake))
    torch.testing.assert_close(played["discriminator"].terms["adversarial"], F.softplus(-real) + F.softplus(fake))


def test_each_image_is_judged_beside_its_own_input_and_has_noise_of_its_own():
    class Product(nn.Module):
        """A logit: the mean of the product of both channels."""

        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(()))

        def forward(self, x: Tensor) -> Tensor:
            return self.weight * x.prod(1, keepdim=True).mean((2, 3))

    class Keeping(Shift):
        def forward(self, x: Tensor, seeds: Tensor | None = None) -> Tensor:
            assert seeds is not None
            self.seeds = seeds
            return x + self.shift

    translator = Keeping(0.5)
    a = torch.tensor([-1.0, 0.0, 1.0, 2.0]).view(4, 1, 1, 1).expand(4, 1, 4, 4)
    played = moves(Pix2Pix(translator, Product(), Pix2Pix.Config()), Paired(a, 3 * a))
    rows = a[:, 0, 0, 0]
    real, fake = 3 * rows**2, rows * (rows + 0.5)
    torch.testing.assert_close(played["generator"].terms["adversarial"], F.softplus(-fake).mean())
    expected = F.softplus(-real).mean() + F.softplus(fake).mean()
    torch.testing.assert_close(played["discriminator"].terms["adversarial"], expected)
    assert len(translator.seeds.unique()) == 4


def test_without_an_adversarial_loss_there_is_no_discriminator():
    game = Pix2Pix(Shift(0.5), Mean(1.0), Pix2Pix.Config(adversarial=0.0))
    torch.testing.assert_close(moves(game, Paired(flat(0.1), flat(0.9)))["generator"].loss, torch.tensor(100 * 0.3))
    assert list(game.players()) == ["generator"] == list(moves(game, Paired(flat(0), flat(1))))
    with pytest.raises(ZerosumError, match="nothing to learn"):
        Pix2Pix(Shift(0.0), Mean(1.0), Pix2Pix.Config(adversarial=0.0, l1=0.0))


def cyclegan(**config: Any) -> CycleGAN:
    shapes = ((1, 4, 4), (1, 4, 4))
    return CycleGAN(Shift(0.5), Shift(-0.2), Mean(2.0), Mean(3.0), shapes, CycleGAN.Config(**config))


def test_cyclegans_loss_is_equation_3_with_the_identity_term():
    played = moves(cyclegan(), Unpaired(flat(0.1), flat(0.8)))
    terms = played["translators"].terms
    # forth(0.1) = 0.6, which D_b calls 1.8; back(0.8) = 0.6, which D_a calls 1.2: whole squares, for which lambda is 10
    torch.testing.assert_close(terms["adversarial"], torch.tensor(0.8**2 + 0.2**2))
    torch.testing.assert_close(terms["cycle"], torch.tensor(10 * 2 * 0.3))  # 0.5 - 0.2 is left, both ways around
    torch.testing.assert_close(terms["identity"], torch.tensor(5 * (0.5 + 0.2)))
    of_a, of_b = (played[f"discriminator_{side}"].terms["adversarial"] for side in "ab")
    torch.testing.assert_close(of_a, torch.tensor(((0.2 - 1) ** 2 + 1.2**2) / 2))
    torch.testing.assert_close(of_b, torch.tensor(((2.4 - 1) ** 2 + 1.8**2) / 2))


def test_each_translator_is_to_leave_what_it_makes_as_it_is():
    class Scale(Shift):
        def forward(self, x: Tensor, seeds: Tensor | None = None) -> Tensor:
            return x * self.shift

    shapes = ((1, 4, 4), (1, 4, 4))
    game = CycleGAN(Scale(2.0), Scale(0.25), Mean(2.0), Mean(3.0), shapes, CycleGAN.Config())
    terms = moves(game, Unpaired(flat(0.1), flat(0.8)))["translators"].terms
    torch.testing.assert_close(terms["identity"], torch.tensor(5 * (0.075 + 0.8)))  # back makes a, forth makes b
    torch.testing.assert_close(terms["cycle"], torch.tensor(10 * (0.05 + 0.4)))


def test_both_translators_learn_and_are_averaged():
    game = cyclegan()
    translators = game.players()["translators"]
    assert translators.averaged and set(translators.modules) == {game.forth, game.back}
    assert game.network() is game.forth and game.network(back=True) is game.back
    of_pairs = Pix2Pix(Shift(0.0), Mean(1.0), Pix2Pix.Config())
    assert {name: player.averaged for name, player in of_pairs.players().items()} == {
        "generator": True,
        "discriminator": False,
    }


def test_other_objectives_of_cyclegan_are_what_they_are():
    played = moves(cyclegan(objective="non-saturating"), Unpaired(flat(0.1), flat(0.8)))
    expected = F.softplus(torch.tensor(-1.8)) + F.softplus(torch.tensor(-1.2))
    torch.testing.assert_close(played["translators"].terms["adversarial"], expected)


def test_no_identity_between_other_channels():
    recipe = find("cyclegan/images")
    game = recipe.build(Spec({"a": Image(1, 24, 24), "b": Image(3, 24, 24)}, 9), {"network": {"width": 2, "blocks": 1}})
    batch = Unpaired(torch.rand(1, 1, 24, 24), torch.rand(1, 3, 24, 24))
    assert list(moves(game, batch)["translators"].terms) == ["adversarial", "cycle"]  # type: ignore[arg-type]


def test_the_pool_shows_earlier_fakes_and_is_saved():
    torch.manual_seed(0)
    game = cyclegan(pool=4)
    for value in range(8):
        moves(game, Unpaired(flat(float(value)), flat(-float(value))))
    assert {float(fake.mean()) for fake in game.pools[1].fakes} < {value + 0.5 for value in range(8)}  # type: ignore[index, union-attr]
    assert "pools.0.fakes" in game.state_dict()
    assert cyclegan(pool=0).pools is None


def test_both_directions():
    game = cyclegan()
    torch.testing.assert_close(game.translate(flat(0)), flat(0.5))
    torch.testing.assert_close(game.translate_back(flat(0)), flat(-0.2))


def test_the_settings_of_the_papers_and_of_the_authors_code():
    config = find("pix2pix/images").options["config"]
    assert (config.l1, config.conditional, config.g_optimizer) == (100.0, True, Adam(2e-4, (0.5, 0.999)))
    assert find("pix2pix/images").training.batch_size == find("cyclegan/images").training.batch_size == 1
    config = find("cyclegan/images").options["config"]
    assert (config.cycle, config.identity, config.pool, config.objective) == (10.0, 0.5, 50, "least-squares")
    decay = config.g_optimizer.decay
    assert [decay(step, 1000) for step in (0, 499, 500, 750, 999)] == pytest.approx([1, 1, 1, 0.5, 0.002])
    assert decay == Decay("linear", hold=0.5) and decay.begins(1000) == 500


@pytest.mark.parametrize(
    ("recipe", "options", "a", "b", "message"),
    [
        ("pix2pix/images", {}, (3, 8, 8), (3, 32, 32), "bring both to one by --size"),
        ("cyclegan/images", {}, (3, 16, 16), (3, 24, 24), "have 16x16 and 24x24 pixels: bring both to one by --size"),
        ("pix2pix/images", {"patch": {"field": 70}}, (3, 16, 16), (3, 16, 16), "patches of 70 .* --patch.field 34"),
        ("pix2pix/images", {}, (3, 1, 1), (3, 1, 1), "take larger"),
        ("cyclegan/images", {}, (3, 6, 6), (3, 64, 64), "choose a larger --size"),
        ("cyclegan/images", {"patch": {"field": 70}}, (3, 16, 64), (3, 16, 64), "choose --patch.field 34"),
    ],
)
def test_images_that_are_too_small_are_refused(recipe: str, options: Any, a: Any, b: Any, message: str):
    with pytest.raises(ZerosumError, match=message):
        find(recipe).build(Spec({"a": Image(*a), "b": Image(*b)}, 9), options)
