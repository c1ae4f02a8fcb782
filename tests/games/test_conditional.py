"""Games that are asked for classes or vectors, against their papers: CGAN, AC-GAN, projection, conditional R3GAN."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.batches import Labelled, PartlyLabelled
from zerosum.data import Stream
from zerosum.data.dataset import dataset
from zerosum.game import Move
from zerosum.games import find
from zerosum.games.acgan import ACGAN
from zerosum.games.cgan import CGAN
from zerosum.games.r3gan import R3GAN
from zerosum.losses.adversarial import LabelSmoothing
from zerosum.modality import Classes, Condition, Image, Points, Spec, Vector
from zerosum.networks import conditional, dcgan, mlp, r3gan, small
from zerosum.optim import Adam
from zerosum.recipe import Training
from zerosum.roles import Generates, in_role
from zerosum.training.trainer import Trainer
from zerosum.util import rng

CLASSES, VECTORS = Classes.numbered(3), Vector(2)
SLOPES = torch.tensor([1.0, -2.0, 0.5])


class Slopes(nn.Module):
    """D whose logit is the sum of x times a slope of its class: all losses and penalties are known."""

    def __init__(self) -> None:
        super().__init__()
        self.slopes = nn.Parameter(SLOPES.clone())

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return (condition @ self.slopes * x.sum(1))[:, None]


class Shifted(nn.Module):
    """G whose sample is z moved by a shift of its class."""

    def __init__(self) -> None:
        super().__init__()
        self.shifts = nn.Parameter(torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]]))

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        return z + condition @ self.shifts


X, Y = torch.tensor([[1.0, 2.0], [0.5, -1.0], [3.0, 0.0], [-1.0, 1.5]]), torch.tensor([0, 2, 1, 0])


def moves(game: Any, *batches: Any) -> list[Move]:
    torch.manual_seed(4)
    served = iter(batches)
    return list(game.round(lambda: next(served), 0))


def z_of(*numbers: int) -> list[Tensor]:
    """What `moves` draws: that many z at a time."""
    torch.manual_seed(4)
    return [torch.randn(count, 2) for count in numbers]


def known(**config: Any) -> CGAN:
    return CGAN(Shifted(), Slopes(), CLASSES, replace(CGAN.Config(latent_dim=2), **config))


def test_the_value_of_cgan_is_that_of_equation_2():
    d, g = moves(known(), Labelled(X, Y))
    first, second = z_of(4, 4)
    shifts = Shifted().shifts.detach()[Y]
    real, fake, again = (SLOPES[Y] * x.sum(1) for x in (X, first + shifts, second + shifts))
    value = torch.sigmoid(real).log().mean() + (1 - torch.sigmoid(fake)).log().mean()
    assert d.player == "discriminator" and d.loss.item() == pytest.approx(-value.item(), rel=1e-5)
    assert torch.allclose(d.logits.real.flatten(), real) and torch.allclose(d.logits.fake.flatten(), fake)
    assert g.player == "generator"
    assert g.loss.item() == pytest.approx(-torch.sigmoid(again).log().mean().item(), rel=1e-5)


def test_gradients_reach_what_is_asked_for():
    """dL_G / dshift of a class is the mean over all samples of its own -(1 - D) slope, for each coordinate."""
    game = known()
    _, g = moves(game, Labelled(X, Y))
    g.loss.backward()
    _, second = z_of(4, 4)
    fake = SLOPES[Y] * (second + game.generator.shifts.detach()[Y]).sum(1)
    of_each = -(1 - torch.sigmoid(fake)) * SLOPES[Y] / 4
    expected = torch.zeros(3).index_add_(0, Y, of_each)[:, None].expand(3, 2)
    torch.testing.assert_close(game.generator.shifts.grad, expected)


@pytest.mark.parametrize(("name", "times"), [("r1", 1), ("r2", 1), ("r1-r2", 2)])
def test_penalties_are_of_each_samples_own_condition(name: str, times: int):
    """The slope of a logit is its class's in both coordinates: 1/2 E 2 slope^2. r1-r2 looks at two batches at once."""
    d, _ = moves(known(penalties={name: 3.0}, penalty_every=4), Labelled(X, Y))
    expected = 3.0 * 4 * times * SLOPES[Y].square().mean().item()
    assert d.terms[name].item() == pytest.approx(expected, rel=1e-5)


def test_a_relativistic_objective_compares_samples_of_one_class():
    shared, fresh = (known(objective="relativistic", shared_fakes=share) for share in (True, False))
    z, again = z_of(4, 4)
    d, g = moves(shared, Labelled(X, Y))
    margin = SLOPES[Y] * (X - z - Shifted().shifts.detach()[Y]).sum(1)
    assert d.loss.item() == pytest.approx(F.softplus(-margin).mean().item(), rel=1e-5)
    assert g.loss.item() == pytest.approx(F.softplus(margin).mean().item(), rel=1e-5)
    later = Labelled(X.flip(0) + 1, torch.tensor([1, 1, 0, 2]))
    _, g = moves(fresh, Labelled(X, Y), later)
    margin = SLOPES[later.y] * (later.x - again - Shifted().shifts.detach()[later.y]).sum(1)
    assert g.loss.item() == pytest.approx(F.softplus(margin).mean().item(), rel=1e-5)


def test_targets_are_refused_where_the_objective_has_none():
    for make in (known, partial(small_acgan)):
        with pytest.raises(ValueError, match="hinge objective has no targets"):
            make(objective="hinge", targets=LabelSmoothing(0.9))


def phi(network: mlp.Discriminator, x: Tensor) -> Tensor:
    return network.layers[:-1](x)


@pytest.mark.parametrize("condition", [CLASSES, VECTORS])
def test_projection_is_the_formula_of_its_paper(condition: Condition):
    """y^T V phi(x) + psi(phi(x)), with psi(phi) = w^T phi + b; the bias of V is a feature that is always 1."""
    torch.manual_seed(0)
    network = conditional.ProjectionDiscriminator(partial(mlp.Discriminator, hidden=(8, 6)), (2,), condition.size)
    x, y = torch.randn(5, 2), torch.randn(5, 2) if isinstance(condition, Vector) else torch.tensor([0, 2, 1, 1, 0])
    features, last = phi(network.discriminator, x), network.discriminator.layers[-1]
    w, v, b = last.weight[0], last.weight[1:], last.bias
    for i, logit in enumerate(network(x, condition.vector(y))):
        asked = condition.vector(y)[i]
        by_hand = asked @ v @ features[i] + asked @ b[1:] + w @ features[i] + b[0]
        assert logit.item() == pytest.approx(by_hand.item(), rel=1e-4, abs=1e-5)


def test_r3gans_projection_is_an_inner_product_of_embeddings():
    torch.manual_seed(0)
    build = partial(r3gan.Discriminator, widths=(16, 8), blocks=1, group_size=4)
    network = conditional.EmbeddedProjection(build, (1, 12, 9), 3, 16)
    x, y = torch.randn(4, 1, 12, 9), torch.tensor([0, 2, 1, 0])
    features, embedded = network.discriminator(x), network.embed.weight.T[y]  # (4, 16) each
    torch.testing.assert_close(network(x, CLASSES.vector(y))[:, 0], (features * embedded).sum(1))
    wide = conditional.EmbeddedProjection(build, (1, 12, 9), 40, 100)
    assert wide.embed.weight.std().item() == pytest.approx((40 * 100) ** -0.5, rel=0.05)


def test_projection_is_normed_as_its_discriminator():
    torch.manual_seed(0)
    network = conditional.ProjectionDiscriminator(
        partial(dcgan.Discriminator, width=8, norm="spectral"), (1, 16, 16), 3
    )
    for _ in range(30):  # power iterations settle
        network(torch.randn(2, 1, 16, 16), torch.eye(3)[:2])
    last = network.eval().discriminator.layers[-1]
    assert last.weight.shape[0] == 4
    assert torch.linalg.matrix_norm(last.weight, 2).item() == pytest.approx(1, rel=0.02)


def test_concatenation_lays_the_condition_beside_x():
    seen: list[Tensor] = []

    def build(shape: tuple[int, ...]) -> nn.Module:
        assert shape in ((4, 6, 5), (5,))
        network = nn.Sequential(nn.Flatten(), nn.LazyLinear(1))
        network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        return network

    x, y = torch.randn(2, 1, 6, 5), CLASSES.vector(torch.tensor([2, 0]))
    conditional.ConcatDiscriminator(build, (1, 6, 5), 3)(x, y)
    assert torch.equal(seen[-1][:, :1], x) and torch.equal(seen[-1][:, 1:], y[:, :, None, None].expand(2, 3, 6, 5))
    conditional.ConcatDiscriminator(build, (2,), 3)(x[:, 0, 0, :2], y)
    assert torch.equal(seen[-1], torch.cat([x[:, 0, 0, :2], y], 1))


def test_an_embedding_lies_beside_z():
    torch.manual_seed(0)
    seen: list[Tensor] = []
    inner = nn.Identity()
    inner.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network, z, y = conditional.EmbeddedGenerator(inner, 50, 40), torch.randn(50, 6), torch.eye(50)
    network(z, y)
    assert torch.equal(seen[0][:, :6], z) and torch.equal(seen[0][:, 6:], network.embed.weight.T)
    assert network.embed.weight.std().item() == pytest.approx(50**-0.5, rel=0.05)


def test_the_papers_networks_of_cgan():
    """200 and 1000 units joined by 1200; maxout of 240 x 5 and 50 x 5 joined by 240 x 4; dropout a half."""
    g, d = conditional.PaperGenerator(100, (1, 28, 28), 10), conditional.PaperDiscriminator((1, 28, 28), 10)
    sizes = [(m.in_features, m.out_features) for m in g.modules() if isinstance(m, nn.Linear)]
    assert sizes == [(100, 200), (10, 1000), (1200, 1200), (1200, 784)]
    sizes = [(m.in_features, m.out_features) for m in d.modules() if isinstance(m, nn.Linear)]
    assert sizes == [(784, 1200), (10, 250), (290, 960), (240, 1)]
    assert {m.p for net in (g, d) for m in net.modules() if isinstance(m, nn.Dropout)} == {0.5}
    decay = find("cgan/mnist").options["config"].g_optimizer.decay
    assert decay(1000, 1) == pytest.approx(1.00004**-1000, rel=1e-3) and 0.1 * decay(10**6, 1) == pytest.approx(1e-6)


class Table(nn.Module):
    """D whose outputs are linear in x: three classes, then the source."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 4)
        self.batches: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        self.batches.append(len(x))
        return self.linear(x)


def small_acgan(**config: Any) -> ACGAN:
    torch.manual_seed(0)
    return ACGAN(Shifted(), Table(), CLASSES, replace(ACGAN.Config(latent_dim=2), **config))


def test_both_players_of_acgan_maximise_the_class_and_oppose_over_the_source():
    game = small_acgan(class_weight=0.7, g_class_weight=0.3)
    d, g = moves(game, PartlyLabelled(X, Y, unlabelled=X))
    first, second = z_of(4, 4)
    shifts = Shifted().shifts.detach()[Y]

    def log_likelihoods(x: Tensor, real: bool) -> tuple[Tensor, Tensor]:
        """E log P(S = ... | x) and E log P(C = y | x)."""
        outputs = game.discriminator.linear(x)
        source = torch.sigmoid(outputs[:, 3])
        classes = torch.softmax(outputs[:, :3], 1)[torch.arange(len(x)), Y].log().mean()
        return (source if real else 1 - source).log().mean(), classes

    of_real, of_fake = log_likelihoods(X, True), log_likelihoods(first + shifts, False)
    source, classes = of_real[0] + of_fake[0], of_real[1] + of_fake[1]  # L_S and L_C
    assert list(d.terms) == ["adversarial", "class_real", "class_fake"]
    assert d.loss.item() == pytest.approx(-(source + 0.7 * classes).item(), rel=1e-5)
    fooled, of_class = log_likelihoods(second + shifts, True)  # non-saturating, in place of -L_S
    assert g.loss.item() == pytest.approx(-(fooled + 0.3 * of_class).item(), rel=1e-5)
    assert game.discriminator.batches == [8, 4], "one forward for real and fake"


def test_only_labelled_samples_have_a_class_and_only_others_a_source():
    other = torch.tensor([[9.0, -9.0], [4.0, 4.0]])
    game = small_acgan()
    partly = moves(game, PartlyLabelled(X, Y, unlabelled=other))[0]
    whole = moves(game, PartlyLabelled(X, Y, unlabelled=X))[0]
    assert partly.terms["class_real"].item() == pytest.approx(whole.terms["class_real"].item(), rel=1e-5)
    source = game.discriminator.linear(other)[:, 3]
    assert torch.allclose(partly.logits.real.flatten(), source)
    game.zero_grad()
    partly.terms["class_real"].backward()
    weight = game.discriminator.linear.weight.grad
    slopes = torch.softmax(game.discriminator.linear(X)[:, :3], 1) - F.one_hot(Y, 3)
    torch.testing.assert_close(weight[:3], slopes.T @ X / 4)
    assert (weight[3] == 0).all()


def test_acgan_penalties_are_of_the_source():
    d, _ = moves(game := small_acgan(penalties={"r1": 2.0}), PartlyLabelled(X, Y, unlabelled=X))
    assert d.terms["r1"].item() == pytest.approx(game.discriminator.linear.weight[3].square().sum().item(), rel=1e-5)


def test_the_classifier_of_acgan_is_a_part_of_d():
    game = small_acgan()
    classify = game.classifier()
    assert torch.equal(classify(X), game.discriminator.linear(X)[:, :3])
    assert {id(p) for p in classify.parameters()} == {id(p) for p in game.discriminator.parameters()}


def test_a_hidden_label_never_reaches_the_class_loss():
    """Nine of ten labels are hidden, and what is hidden is where the classes would be told wrong."""
    x = torch.cat([torch.full((10, 2), 1.0), torch.full((90, 2), -1.0)]) + 0.1 * torch.randn(100, 2)
    y = torch.cat([torch.arange(10) % 2, torch.full((90,), -1)])
    seen: list[Tensor] = []
    game = small_acgan()
    loss = game._class_loss

    def watched(outputs: Tensor, y: Tensor) -> Tensor:
        seen.append(y)
        return loss(outputs, y)

    game._class_loss = watched
    stream = Stream(dataset("partly", x, y, ("a", "b")), 10, seed=0, batch=PartlyLabelled)
    for step in range(20):
        for _ in game.round(stream, step):
            pass
    assert torch.stack(seen).min() == 0 and torch.stack(seen).max() == 1


def test_acgan_learns_classes_not_vectors():
    with pytest.raises(ValueError, match=r"this GAN learns classes, and the data has vectors of 2 numbers; try cgan"):
        find("acgan/toy").build(Spec({"x": Points(2), "y": VECTORS}))


def play(make: Any, config: Any) -> dict[str, Tensor]:
    """The weights after some rounds that start from the same networks, data and random numbers."""
    rng.seed(11)
    generator = conditional.Generator(mlp.Generator(4 + 3, (2,), (16, 16)))
    discriminator = conditional.ConcatDiscriminator(partial(mlp.Discriminator, hidden=(16, 16)), (2,), 3)
    game = make(generator, discriminator, CLASSES, config)
    points = dataset("points", torch.randn(50, 2), torch.arange(50) % 3, ("a", "b", "c"))
    trainer = Trainer(game, Stream(points, 8, seed=3, batch=Labelled), Training(average=0.0, precision="fp32"))
    start = {name: p.detach().clone() for name, p in game.state_dict().items()}
    for _ in range(4):
        trainer.round()
    assert any((p - start[name]).abs().max() > 1e-3 for name, p in game.state_dict().items())
    return {name: p.detach().clone() for name, p in game.state_dict().items()}


def r3gan_of(generator: nn.Module, discriminator: nn.Module, condition: Condition, config: R3GAN.Config) -> R3GAN:
    return R3GAN(generator, discriminator, config, condition)


def test_conditional_r3gan_is_a_relativistic_cgan_with_r1_and_r2():
    adam = Adam(1e-3, (0.0, 0.9))
    written = play(r3gan_of, R3GAN.Config(4, gamma=0.7, optimizer=adam))
    penalties = {"r1": 0.7, "r2": 0.7}
    parts = CGAN.Config("relativistic", penalties, latent_dim=4, g_optimizer=adam, d_optimizer=adam)
    for name, value in play(CGAN, parts).items():
        torch.testing.assert_close(written[name], value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["cgan/images", "cgan/digits", "cgan/toy", "r3gan/classes", "r3gan/toy-classes"])
def test_any_vector_can_be_asked_for(name: str):
    recipe = find(name)
    samples = Points(2) if "toy" in name else Image(1, 12, 12)
    given = {"width": 8} if name.startswith("cgan/") else {"widths": (16, 8)}
    options = {} if "toy" in name else {"network": given}
    game = recipe.build(Spec({"x": samples, "y": VECTORS}), options)
    batch = Labelled(torch.rand(4, *samples.shape), torch.randn(4, 2))
    assert all(move.loss.isfinite() for move in game.train().round(lambda: batch, 0))
    role = in_role(game.eval(), Generates)
    z = role.prior.draw(4)
    assert role.condition == VECTORS
    assert not torch.equal(role.generate(z, batch.y), role.generate(z, batch.y + 1))


def test_discriminators_have_as_many_outputs_as_are_asked_for():
    x = torch.randn(3, 1, 12, 12)
    for build in (
        partial(mlp.Discriminator, hidden=(8,)),
        partial(dcgan.Discriminator, width=4),
        partial(small.Discriminator, width=4),
        partial(r3gan.Discriminator, widths=(16, 8), blocks=1, group_size=4),
    ):
        assert build((1, 12, 12))(x).shape == (3, 1) and build((1, 12, 12), outputs=5)(x).shape == (3, 5)
