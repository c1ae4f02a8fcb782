"""Games put together from parts equal the games written out."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zerosum import latent
from zerosum.augment import InstanceNoise
from zerosum.batches import Labelled, PartlyLabelled
from zerosum.data import Stream
from zerosum.data.dataset import dataset
from zerosum.game import Game
from zerosum.games import find
from zerosum.games.gan import GAN
from zerosum.games.r3gan import R3GAN
from zerosum.games.two_player import TwoPlayer
from zerosum.games.wgan_gp import WGANGP
from zerosum.losses.adversarial import LabelSmoothing, ObjectiveName
from zerosum.modality import Classes, Points, Spec
from zerosum.networks import mlp
from zerosum.optim import SGD, Adam
from zerosum.recipe import Training
from zerosum.training.trainer import Trainer
from zerosum.util import rng

ADAM = Adam(1e-3, (0.0, 0.9))
NOISE = InstanceNoise(0.2, 3)


def play(make: type[Game[Any]], config: Any, rounds: int = 4) -> dict[str, Tensor]:
    """The weights after some rounds that start from the same networks, data and random numbers."""
    rng.seed(11)
    game = make(mlp.Generator(5, (2,), (16, 16)), mlp.Discriminator((2,), (16, 16)), config)
    stream = Stream(dataset("points", torch.randn(50, 2)), 8, seed=3)
    trainer = Trainer(game, stream, Training(average=0.9, precision="fp32"))
    trainer.game.train()
    for _ in range(rounds):
        trainer.round()
    weights = {f"sampler/{name}": p for name, p in trainer.average.followers.items()}
    weights |= {name.replace("critic", "discriminator"): p for name, p in game.state_dict().items()}
    return {name: p.detach().clone() for name, p in weights.items()}


@pytest.mark.parametrize("noise", [InstanceNoise(), NOISE])
def test_wasserstein_with_interpolation_is_wgan_gp_bit_for_bit(noise: InstanceNoise):
    written = play(WGANGP, WGANGP.Config(latent_dim=5, noise=noise, optimizer=ADAM))
    config = TwoPlayer.Config(
        "wasserstein", {"interpolation": 10.0}, latent_dim=5, d_steps=5, noise=noise, g_optimizer=ADAM, d_optimizer=ADAM
    )
    composed = play(TwoPlayer, config)
    assert composed.keys() == written.keys()
    assert all(torch.equal(composed[name], written[name]) for name in written)
    other = play(TwoPlayer, replace(config, penalties={"interpolation": 9.9}))
    assert not torch.equal(other["discriminator.layers.1.weight"], written["discriminator.layers.1.weight"])


@pytest.mark.parametrize("generator", ["non-saturating", "minimax"])
@pytest.mark.parametrize("targets", [LabelSmoothing(), LabelSmoothing(0.9, 0.1), LabelSmoothing(flip=0.2)])
def test_cross_entropy_is_the_first_gan_bit_for_bit(generator, targets: LabelSmoothing):
    config = GAN.Config(5, d_steps=2, generator=generator, targets=targets, g_optimizer=ADAM, d_optimizer=SGD(0.1))
    written = play(GAN, config)
    parts = TwoPlayer.Config(
        generator, latent_dim=5, d_steps=2, targets=targets, g_optimizer=ADAM, d_optimizer=SGD(0.1)
    )
    composed = play(TwoPlayer, parts)
    assert all(torch.equal(composed[name], written[name]) for name in written)


def test_relativistic_with_r1_and_r2_is_r3gan():
    """R3GAN takes both penalties from the forward at hand, `TwoPlayer` from one each: equal but for rounding."""
    written = play(R3GAN, R3GAN.Config(5, gamma=0.7, optimizer=ADAM))
    config = TwoPlayer.Config("relativistic", {"r1": 0.7, "r2": 0.7}, latent_dim=5, g_optimizer=ADAM, d_optimizer=ADAM)
    composed = play(TwoPlayer, config)
    for name in written:
        torch.testing.assert_close(composed[name], written[name], rtol=1e-4, atol=1e-5)
    start = play(R3GAN, R3GAN.Config(5, gamma=0.7, optimizer=ADAM), rounds=0)
    assert (written["generator.layers.0.weight"] - start["generator.layers.0.weight"]).abs().max() > 1e-3


def test_shared_fakes_are_those_that_d_saw():
    seen: list[Tensor] = []

    class Watched(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(2, 1)

        def forward(self, x: Tensor) -> Tensor:
            seen.append(x.detach().clone())
            return self.linear(x)

    def fakes(share: bool) -> tuple[Tensor, Tensor]:
        seen.clear()
        config = TwoPlayer.Config(latent_dim=3, d_steps=2, shared_fakes=share)
        game = TwoPlayer(nn.Linear(3, 2), Watched(), config)
        moves = [move.player for move in game.round(lambda: torch.randn(4, 2), 0)]
        assert moves == ["discriminator"] * 2 + ["generator"]
        return seen[1][4:], seen[2]

    for d_steps in (1, 2):
        game = TwoPlayer(
            nn.Linear(3, 2), nn.Linear(2, 1), TwoPlayer.Config(latent_dim=3, d_steps=d_steps, shared_fakes=True)
        )
        *_, move = game.round(lambda: torch.randn(4, 2), 0)
        (slope,) = torch.autograd.grad(move.loss, game.generator.weight)
        assert slope.abs().sum() > 0, "the last of them lead back to G"
    assert torch.equal(*fakes(True))
    assert not torch.equal(*fakes(False))


@pytest.mark.parametrize("packing", [1, 2])
@pytest.mark.parametrize("objective", ["non-saturating", "relativistic"])
@pytest.mark.parametrize("share", [False, True])
def test_each_move_of_a_generator_has_samples_of_its_own(share: bool, objective: ObjectiveName, packing: int):
    """Its first are D's, where those are shared; G has moved since, and makes new ones for the next."""
    drawn: list[Tensor] = []

    def draw() -> Tensor:
        drawn.append(torch.randn(4, 2))
        return drawn[-1]

    config = TwoPlayer.Config(objective, latent_dim=3, g_steps=3, shared_fakes=share, packing=packing)
    game = TwoPlayer(nn.Linear(3, 2), nn.Linear(2 * packing, 1), config)
    fakes: list[Tensor] = []
    game.generator.register_forward_hook(lambda module, given, made: fakes.append(made.detach()))
    moves = [(move.player, move.loss) for move in game.round(draw, 0)]
    assert [player for player, _ in moves] == ["discriminator", *["generator"] * 3]
    assert len(fakes) == packing * (4 - share) and len({fake.sum().item() for fake in fakes}) == len(fakes)
    assert len(drawn) == packing * (4 - share if objective == "relativistic" else 1)
    assert all(torch.autograd.grad(loss, game.generator.weight)[0].abs().sum() > 0 for _, loss in moves[1:])


def test_z_is_of_the_prior_that_is_asked_for():
    def prior(**config: Any) -> latent.Prior:
        return TwoPlayer(nn.Linear(4, 2), nn.Linear(2, 1), TwoPlayer.Config(latent_dim=4, **config)).prior

    assert prior() == latent.Normal(4) and prior(prior="uniform") == latent.Uniform(4)
    assert prior(clusters=3) == latent.Clustered(1, 3)
    with pytest.raises(ValueError, match="no clusters with prior 'uniform'"):
        prior(prior="uniform", clusters=3)
    with pytest.raises(ValueError, match="at most latent_dim"):
        prior(clusters=5)


@pytest.mark.parametrize("name", ["two-player/toy", "cgan/toy", "acgan/toy", "infogan/toy"])
@pytest.mark.parametrize("share", [False, True])
def test_pairs_are_of_one_discriminator(name: str, share: bool):
    """G's relativistic loss compares D's logit of a fake with that of a real sample by the same D: the moved one."""
    rng.seed(0)
    own = {"objective": "relativistic", "penalties": {}}
    if "infogan" not in name:  # which always shares
        own["shared_fakes"] = share
    recipe = find(name)
    game = recipe.build(Spec({"x": Points(2), "y": Classes.numbered(3)}), {"config": own})
    y = torch.arange(6) % 3
    real = torch.randn(6, 2)
    batch = {"two-player": real, "infogan": real, "cgan": Labelled(real, y), "acgan": PartlyLabelled(real, y, real)}
    rng.seed(1)
    moves = game.round(lambda: batch[name.partition("/")[0]], 0)
    first = next(moves)
    with torch.no_grad():
        for p in game.discriminator.parameters():
            p.mul_(1.5)  # D's step
    logits: list[Tensor] = []
    game.discriminator.register_forward_hook(lambda _, __, output: logits.append(output))
    if name.startswith("infogan"):
        game.discriminator.head.register_forward_hook(lambda _, __, output: logits.append(output))
    second = next(moves)
    assert [first.player, second.player] == ["discriminator", "generator"]
    if name.startswith("acgan"):
        logits = [of[:, game.classes] for of in logits]
    (of_real,) = [of for of in logits if not of.requires_grad]
    (of_fake,) = [of for of in logits if of.requires_grad]
    expected = torch.nn.functional.softplus(of_real - of_fake).mean()
    torch.testing.assert_close(second.terms["adversarial"], expected)
    expected_real = game.score(real, y).flatten()
    torch.testing.assert_close(of_real.flatten(), expected_real)


@pytest.mark.parametrize("make", ["gan", "wgan-gp", "r3gan", "composed", "shared", "relativistic"])
def test_instance_noise_is_on_everything_that_d_sees(make: str):
    """Data and fakes are constants here, so any input of D that is the constant itself went without noise."""
    seen: list[Tensor] = []

    class Watched(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(2, 1)

        def forward(self, x: Tensor) -> Tensor:
            seen.append(x.detach().clone())
            return self.linear(x)

    generator = nn.Linear(3, 2)
    with torch.no_grad():
        for p in generator.parameters():
            p.zero_()
    parts: tuple[nn.Module, nn.Module] = generator, Watched()
    noise = InstanceNoise(0.3, 10)
    game = {
        "gan": lambda: GAN(*parts, GAN.Config(3, noise=noise)),
        "wgan-gp": lambda: WGANGP(*parts, WGANGP.Config(3, noise=noise)),
        "r3gan": lambda: R3GAN(*parts, R3GAN.Config(3, noise=noise)),
        "composed": lambda: TwoPlayer(*parts, TwoPlayer.Config(penalties={"r1": 1.0}, latent_dim=3, noise=noise)),
        "shared": lambda: TwoPlayer(*parts, TwoPlayer.Config(latent_dim=3, noise=noise, shared_fakes=True)),
        "relativistic": lambda: TwoPlayer(*parts, TwoPlayer.Config("relativistic", latent_dim=3, noise=noise)),
    }[make]()
    for step, noisy in ((0, True), (10, False)):
        seen.clear()
        list(game.round(lambda: torch.full((4, 2), 7.0), step))
        assert seen
        rows = torch.cat(seen)
        plain = ((rows == 7) | (rows == 0)).all(1)
        assert not plain.any() if noisy else plain.float().mean() > 0.5  # interpolates lie between


def test_configurations_are_copied_by_nobody():
    config = TwoPlayer.Config(penalties={"r1": 1.0})
    before = copy.deepcopy(config)
    play(TwoPlayer, TwoPlayer.Config(penalties=config.penalties, latent_dim=5))
    assert config == before


def test_lazy_penalties_come_seldom_and_weigh_as_much_in_all():
    def terms(every: int, step: int) -> dict[str, float]:
        rng.seed(4)
        config = TwoPlayer.Config(penalties={"r1": 0.5}, penalty_every=every, latent_dim=3)
        game = TwoPlayer(nn.Linear(3, 2), nn.Linear(2, 1), config)
        move = next(game.round(lambda: torch.ones(4, 2), step))
        return {name: value.item() for name, value in move.terms.items()}

    always = [terms(1, step) for step in range(8)]
    seldom = [terms(4, step) for step in range(8)]
    assert [step for step, t in enumerate(seldom) if "r1" in t] == [0, 4]
    assert sum(t.get("r1", 0.0) for t in seldom) == pytest.approx(sum(t["r1"] for t in always), rel=1e-6)
    assert seldom[0]["adversarial"] == always[0]["adversarial"]


def test_more_clusters_than_z_has_room_for_are_refused():
    with pytest.raises(ValueError, match=r"clusters \(5\).*latent_dim \(4\)"):
        TwoPlayer(nn.Linear(4, 2), nn.Linear(2, 1), TwoPlayer.Config(latent_dim=4, clusters=5))
