"""InfoGAN against its paper: the bound of eq. 5 in closed form, its gradients into G and into Q, and what Q says."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zerosum import latent
from zerosum.augment import RandomAffine
from zerosum.game import Move
from zerosum.games import find
from zerosum.games.infogan import Clusters, InfoGAN, outputs, prior
from zerosum.losses import mutual_information
from zerosum.losses.adversarial import LabelSmoothing
from zerosum.losses.mutual_information import Posterior
from zerosum.modality import Image, Points, Spec
from zerosum.networks import infogan as networks
from zerosum.networks import mlp
from zerosum.optim import Adam
from zerosum.run import migrations
from zerosum.util import formats

SMALL = InfoGAN.Config(noise_dim=2, categories=(3, 2), continuous=2)


def game_of(config: InfoGAN.Config = SMALL, own_body: bool = False) -> InfoGAN:
    torch.manual_seed(0)
    return InfoGAN(
        mlp.Generator(prior(config).dim, (2,), (8,)),
        networks.split_head(mlp.Discriminator((2,), (8,))),
        networks.recogniser(8, outputs(config), 6, normed=False),
        config,
        networks.body((2,), 8) if own_body else None,
    )


def moves(game: InfoGAN, step: int = 0) -> list[Move]:
    x = torch.randn(16, 2, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(4)
    return list(game.round(lambda: x, step))


def one_hot(chosen: Tensor, size: int) -> Tensor:
    return nn.functional.one_hot(chosen, size).float()


def posterior(*logits: Tensor, means: Tensor | None = None, log_variances: Tensor | None = None) -> Posterior:
    means = torch.zeros(len(logits[0]) if logits else 0, 0) if means is None else means
    return Posterior(logits, means, torch.zeros_like(means) if log_variances is None else log_variances)


def test_a_q_that_knows_nothing_has_no_information_and_one_that_knows_all_has_the_entropy():
    chosen = torch.arange(30) % 10
    asked = one_hot(chosen, 10)
    assert mutual_information.lower_bound(posterior(torch.zeros(30, 10)), asked)["categorical"].item() == pytest.approx(
        0, abs=1e-6
    )
    sure = mutual_information.lower_bound(posterior(50 * asked), asked)["categorical"]
    assert sure.item() == pytest.approx(math.log(10), abs=1e-6)
    wrong = mutual_information.lower_bound(posterior(50 * one_hot((chosen + 1) % 10, 10)), asked)["categorical"]
    assert wrong.item() < -40, "a bound may lie far below the information, which is never negative"


def test_the_bound_is_the_information_of_a_known_joint_distribution():
    """x is c, or with probability 1/4 the other of two; where Q is the posterior the bound is tight, else below."""
    c = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])
    x = torch.tensor([0, 0, 0, 1, 1, 1, 1, 0])
    information = math.log(2) + 0.75 * math.log(0.75) + 0.25 * math.log(0.25)
    exact = torch.where(one_hot(x, 2) > 0, 0.75, 0.25).log()
    tight = mutual_information.lower_bound(posterior(exact), one_hot(c, 2))["categorical"].item()
    assert tight == pytest.approx(information, abs=1e-6)
    for share in (0.6, 0.9):
        q = torch.where(one_hot(x, 2) > 0, share, 1 - share).log()
        assert mutual_information.lower_bound(posterior(q), one_hot(c, 2))["categorical"].item() < information - 0.01


def test_categorical_codes_add_up():
    a, b = torch.arange(12) % 3, torch.arange(12) % 2
    both = torch.cat([one_hot(a, 3), one_hot(b, 2)], 1)
    found = mutual_information.lower_bound(posterior(50 * one_hot(a, 3), torch.zeros(12, 2)), both)
    assert [*found] == ["categorical"] and found["categorical"].item() == pytest.approx(math.log(3), abs=1e-6)


def test_continuous_codes_have_a_gaussian():
    numbers = torch.tensor([[0.5, -1.0], [0.0, 1.0]])
    exact = mutual_information.lower_bound(posterior(means=numbers), numbers)["continuous"].item()
    assert exact == pytest.approx(2 * (math.log(2) - 0.5 * math.log(2 * math.pi)), abs=1e-6)
    means = torch.tensor([[0.0, 0.0], [0.0, 0.0]])
    log_variances = torch.tensor([[0.4, -0.3], [0.1, 0.2]])
    density = torch.distributions.Normal(means, (0.5 * log_variances).exp()).log_prob(numbers).sum(1).mean()
    found = mutual_information.lower_bound(posterior(means=means, log_variances=log_variances), numbers)["continuous"]
    assert found.item() == pytest.approx(2 * math.log(2) + density.item(), abs=1e-6)


def test_the_bound_has_its_gradient():
    torch.manual_seed(0)
    asked = torch.cat([one_hot(torch.arange(4) % 3, 3), torch.rand(4, 2) * 2 - 1], 1).double()

    def total(parameters: Tensor) -> Tensor:
        return torch.stack(
            [*mutual_information.lower_bound(mutual_information.split_parameters(parameters, (3,), 2), asked).values()]
        ).sum()

    assert torch.autograd.gradcheck(total, torch.randn(4, 7, dtype=torch.double, requires_grad=True))


@pytest.mark.parametrize("own_body", [False, True])
def test_information_alone_moves_g_and_q(own_body: bool):
    """The term of each move, without the adversarial one, has a gradient of every weight that it is to move."""
    game = game_of(own_body=own_body)
    d, g = moves(game)
    of_q = [game.recogniser, game.body or game.discriminator.body]
    for move, modules in ((d, of_q), (g, [game.generator])):
        own = [p for module in modules for p in module.parameters()]
        gradients = torch.autograd.grad(move.terms["information"], own, retain_graph=True)
        assert all(gradient.abs().sum() > 0 for gradient in gradients), move.player
    fakes_are_constants = torch.autograd.grad(d.terms["information"], [*game.generator.parameters()], allow_unused=True)
    assert fakes_are_constants == (None,) * len(fakes_are_constants), "D's move cannot change G"
    head = torch.autograd.grad(d.terms["information"], [*game.discriminator.head.parameters()], allow_unused=True)
    assert head == (None, None)


def test_ascending_the_bound_by_g_or_by_q_alone_raises_it():
    for player in ("generator", "discriminator"):
        config = replace(SMALL, g_optimizer=Adam(3e-3), d_optimizer=Adam(3e-3), categorical_weight=3.0)
        game = game_of(config)
        stuck = {name: p.detach().clone() for name, p in game.named_parameters()}
        own = [p for module in game.players()[player].modules for p in module.parameters()]
        optimizer, nats = torch.optim.Adam(own, 3e-3), []
        for step in range(300):
            move = next(m for m in game.round(lambda: torch.randn(64, 2), step) if m.player == player)
            nats.append(move.log["categorical_nats"].item())
            optimizer.zero_grad()
            move.terms["information"].backward(inputs=[p for p in own if p is not game.discriminator.head.weight])
            optimizer.step()
        assert sum(nats[-20:]) / 20 > sum(nats[:20]) / 20 + 0.15, player
        mine = {id(p) for p in own}
        assert all(torch.equal(p, stuck[name]) for name, p in game.named_parameters() if id(p) not in mine)


def test_the_terms_are_lambda_times_the_bounds():
    d, g = moves(game_of(replace(SMALL, categorical_weight=2.0, continuous_weight=0.5)))
    for move in (d, g):
        nats = (move.log["categorical_nats"], move.log["continuous_nats"])
        assert move.terms["information"].item() == pytest.approx(-(2 * nats[0] + 0.5 * nats[1]).item(), rel=1e-5)
    late = replace(SMALL, start=5)
    assert [move.terms["information"].item() for move in moves(game_of(late), 4)] == [0, 0]
    assert all(move.terms["information"].item() != 0 for move in moves(game_of(late), 5))


def test_the_bound_is_of_the_codes_that_g_was_given():
    game = game_of()
    d, g = moves(game)
    torch.manual_seed(4)
    z = game.latents(16)
    expected = mutual_information.lower_bound(game.posterior(game.generator(z)), z[:, 2:])
    for move in (d, g):
        assert move.log["categorical_nats"].item() == pytest.approx(expected["categorical"].item(), rel=1e-5)
        assert move.log["continuous_nats"].item() == pytest.approx(expected["continuous"].item(), rel=1e-5)


@pytest.mark.parametrize(("variance", "numbers"), [("unit", 7), ("learnt", 9)])
def test_what_q_says_of_samples(variance: Any, numbers: int):
    config = replace(SMALL, variance=variance)
    assert outputs(config) == numbers and prior(config) == latent.InfoGANPrior(2, (3, 2), 2)
    found = game_of(config).posterior(torch.randn(5, 2))
    assert [tuple(logits.shape) for logits in found.logits] == [(5, 3), (5, 2)]
    assert found.means.shape == found.log_variances.shape == (5, 2)
    assert bool((found.log_variances == 0).all()) == (variance == "unit")
    assert torch.equal(found.categories(), torch.stack([logits.argmax(1) for logits in found.logits], 1))


def test_entropies_and_divergence():
    sure, unsure = posterior(50 * one_hot(torch.arange(8) % 4, 4)), posterior(torch.zeros(8, 4))
    one_category = posterior(50 * one_hot(torch.zeros(8).long(), 4))
    assert mutual_information.conditional_entropy(sure).item() == pytest.approx(0, abs=1e-6)
    assert mutual_information.conditional_entropy(unsure).item() == pytest.approx(math.log(4))
    assert mutual_information.marginal_entropy(unsure).item() == pytest.approx(math.log(4))
    assert mutual_information.marginal_entropy(sure).item() == pytest.approx(math.log(4))
    assert mutual_information.marginal_entropy(one_category).item() == pytest.approx(0, abs=1e-6)
    p, q = torch.randn(6, 4), torch.randn(6, 4)
    by_hand = (p.softmax(1) * (p.log_softmax(1) - q.log_softmax(1))).sum(1).mean()
    divergence = mutual_information.kl_divergence(posterior(p), posterior(q))
    assert divergence.item() == pytest.approx(by_hand.item(), rel=1e-5)


def test_the_worst_sample_nearby_lies_across_the_boundary():
    """Q tells the sides of x0 = 0 apart: the way to disagreement is along x0, whatever random way was tried."""
    torch.manual_seed(0)
    x = torch.tensor([[0.5, 3.0], [-0.4, -2.0], [0.2, 0.0]])

    def q(at: Tensor) -> Posterior:
        return posterior(torch.stack([3 * at[:, 0], torch.zeros(len(at))], 1))

    moved = mutual_information.virtual_adversarial(q, x, q(x), 0.6) - x
    assert torch.allclose(moved.norm(dim=1), torch.full((3,), 0.6), atol=1e-5)
    assert torch.allclose(moved[:, 1], torch.zeros(3), atol=1e-5)


def test_q_learns_from_real_samples_where_asked():
    """Two clouds, which Q comes to tell apart, evenly and surely, without a fake; its fakes' term is off."""
    config = InfoGAN.Config(noise_dim=2, categories=(2,), continuous=0, clusters=Clusters(1.0, radius=0.5), start=10**6)
    game = game_of(config, own_body=True)
    own = [*game.recogniser.parameters(), *(game.body or nn.Identity()).parameters()]
    optimizer = torch.optim.Adam(own, 5e-3)
    side = torch.arange(128) % 2
    for step in range(150):
        x = torch.randn(128, 2) * 0.3 + (4.0 * side - 2.0)[:, None]
        d, _ = game.round(lambda x=x: x, step)
        optimizer.zero_grad()
        d.terms["clusters"].backward(inputs=own)
        optimizer.step()
    with torch.no_grad():
        found = game.eval().posterior(x)
    share = (found.categories()[:, 0] == side).float().mean().item()
    assert max(share, 1 - share) > 0.98 and mutual_information.conditional_entropy(found).item() < 0.1


@pytest.mark.parametrize(("config", "error"), [
    ({"categories": (), "continuous": 0}, "needs a code"),
    ({"categories": (), "continuous": 1, "clusters": {"weight": 1.0}}, "categorical codes"),
    ({"objective": "hinge", "targets": {"real": 0.9}}, "no targets"),
])  # fmt: skip
def test_what_does_not_fit_is_refused_at_once(config: dict[str, Any], error: str):
    with pytest.raises(ValueError, match=error):
        find("infogan/toy").build(Spec({"x": Points(2)}), {"config": config})


@pytest.mark.parametrize("source", ["code", "table"])
def test_the_papers_networks_have_its_sizes(source: str):
    game = find("infogan/mnist").build(Spec({"x": Image(1, 28, 28)}), {"network": {"source": source}})
    assert isinstance(game, InfoGAN) and game.prior.dim == 74
    shapes = [
        tuple(m.weight.shape) for m in game.modules() if isinstance(m, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d))
    ]
    assert shapes == [
        (1024, 74), (7 * 7 * 128, 1024), (128, 64, 4, 4), (64, 1, 4, 4),
        (64, 1, 4, 4), (128, 64, 4, 4), (1024, 7 * 7 * 128), (1, 1024), (128, 1024), (12, 128),
    ]  # fmt: skip


def layers(module: nn.Module) -> list[str]:
    return [type(m).__name__ for m in module.modules() if not list(m.children())]


def test_the_authors_networks_are_those_of_their_code():
    """openai/InfoGAN, regularized_gan.py and custom_ops.py: fc_batch_norm before the reshape, a Bernoulli's mean, leaks
    of 0.01 and N(0, 0.02^2).
    """
    torch.manual_seed(0)
    game = find("infogan/mnist").build(Spec({"x": Image(1, 28, 28)}))
    assert isinstance(game, InfoGAN)
    assert layers(game.generator) == [
        "Linear", "BatchNorm1d", "ReLU", "Linear", "BatchNorm1d", "ReLU", "Reshape",
        "ConvTranspose2d", "BatchNorm2d", "ReLU", "ConvTranspose2d", "Sigmoid", "FromUnit",
    ]  # fmt: skip
    assert layers(game.discriminator)[:4] == ["ToUnit", "Conv2d", "LeakyReLU", "Conv2d"]
    assert {m.negative_slope for m in game.modules() if isinstance(m, nn.LeakyReLU)} == {0.01}
    weights = [m.weight for m in game.modules() if isinstance(m, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d))]
    for weight in (weight for weight in weights if weight.numel() > 500):
        assert weight.std().item() == pytest.approx(0.02, rel=0.15) and abs(weight.mean().item()) < 0.005
    gains = torch.cat([m.weight for m in game.modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d))])
    assert gains.mean().item() == pytest.approx(1, abs=0.002) and gains.std().item() == pytest.approx(0.02, rel=0.1)
    biases = [p for name, p in game.named_parameters() if name.endswith("bias")]
    assert biases and not any(bias.any() for bias in biases)
    made = game.generate(game.latents(6))
    assert made.min() > -1 and made.max() < 1
    d = game.discriminator.body[0]  # type: ignore[index]
    assert torch.equal(d(torch.tensor([-1.0, 0.0, 1.0])), torch.tensor([0.0, 0.5, 1.0])), "pixels in [0, 1]"


@pytest.mark.parametrize("source", ["code", "table"])
def test_images_too_small_to_be_doubled_have_dark_pixels_too(source: str):
    torch.manual_seed(0)
    game = find("infogan/mnist").build(Spec({"x": Image(1, 4, 4)}), {"network": {"source": source}})
    assert isinstance(game, InfoGAN)
    last = [m for m in game.generator.modules() if isinstance(m, nn.Linear)][-1]
    last.weight.data.mul_(30)
    made = game.generate(game.latents(40))
    assert made.shape == (40, 1, 4, 4) and made.min() < -0.2 and made.max() > 0.2


def test_networks_of_before_are_those_of_the_table():
    old = {"format": 3, "recipe": "infogan/mnist", "options": {"network": {"width": 8}}}
    made = formats.upgrade(old, migrations.MIGRATIONS)["options"]
    game = find("infogan/mnist").build(Spec({"x": Image(1, 28, 28)}), made)
    assert isinstance(game, InfoGAN) and layers(game.generator)[-1] == "Tanh"
    assert {m.negative_slope for m in game.modules() if isinstance(m, nn.LeakyReLU)} == {0.1}
    assert "BatchNorm1d" not in layers(game.generator)[3:]


def test_smoothed_targets_reach_d():
    plain, smooth = (
        moves(game_of(replace(SMALL, targets=targets)))[0] for targets in (LabelSmoothing(), LabelSmoothing(real=0.9))
    )
    assert plain.terms["adversarial"].item() != smooth.terms["adversarial"].item()
    assert plain.terms["information"].item() == smooth.terms["information"].item()


@pytest.mark.parametrize("recipe", ["infogan/clusters", "infogan/toy"])
@pytest.mark.parametrize("modality", [Image(1, 8, 8), Points(2)])
def test_only_images_have_views(recipe: str, modality: Image | Points):
    views = RandomAffine(0.2, 0.2)
    options = {"config": {"clusters": {"views": {"shift": 0.2, "warp": 0.2}}}}
    game = find(recipe).build(Spec({"x": modality}), options)
    assert isinstance(game, InfoGAN) and game.views == (views if isinstance(modality, Image) else None)
