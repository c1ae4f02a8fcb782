"""SGAN and the bad GAN: their losses by hand, who is taught by what, and the density of pixels."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.batches import PartlyLabelled
from zerosum.data import load as data_of
from zerosum.game import Move
from zerosum.games import find
from zerosum.games.bad_gan import BadGAN
from zerosum.games.sgan import SGAN
from zerosum.losses import semi_supervised
from zerosum.losses.adversarial import LabelSmoothing, non_saturating
from zerosum.modality import Classes, Image, Points, Spec, Vector
from zerosum.networks import mlp
from zerosum.networks import sgan as networks
from zerosum.networks.pixel_density import MaskedConv2d, PixelDensity
from zerosum.recipe import Training
from zerosum.studies.training import trainer_of
from zerosum.techniques.consistency import Consistency

N, B = 3, 6
SHAPE = (2,)


def sgan(explicit: bool = False, **config: Any) -> SGAN:
    torch.manual_seed(1)
    chosen = SGAN.Config(latent_dim=4, fake_logit="explicit" if explicit else "implicit", **config)
    discriminator = networks.perceptron(SHAPE, N + explicit, (8,))
    return SGAN(mlp.Generator(4, SHAPE, (8,)), discriminator, N, chosen)


def batch(labelled: bool = False) -> PartlyLabelled:
    torch.manual_seed(2)
    x, other = torch.randn(2, B, *SHAPE)
    return PartlyLabelled(x, torch.arange(B) % N, x if labelled else other)


def moves(game: Any, data: PartlyLabelled, step: int = 0) -> list[Move]:
    torch.manual_seed(3)
    return list(game.round(lambda: data, step))


@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("labelled", [False, True])
def test_the_losses_of_the_sources(explicit: bool, labelled: bool):
    """L_sup = -E log p(y | x, y <= N), L_unsup = -E log(1 - p(N + 1 | x)) - E log p(N + 1 | G(z))."""
    game, data = sgan(explicit), batch(labelled)
    d, g = moves(game, data)
    torch.manual_seed(3)
    fake = game.generate(game.latents(B))

    def p(x: Tensor) -> Tensor:
        logits = game.discriminator(x)
        return F.softmax(logits if explicit else F.pad(logits, (0, 1)), dim=1)

    on_labelled = p(data.x)
    conditional = on_labelled[torch.arange(B), data.y] / on_labelled[:, :N].sum(1)
    torch.testing.assert_close(d.terms["supervised"], -conditional.log().mean())
    unsupervised = -(1 - p(data.unlabelled)[:, N]).log().mean() - p(fake)[:, N].log().mean()
    torch.testing.assert_close(d.terms["adversarial"], unsupervised)
    assert d.logits and d.logits.real.shape == d.logits.fake.shape == (B,)
    assert [d.player, g.player] == ["discriminator", "generator"]


def test_the_old_discriminator_is_the_sum_over_classes():
    """With one class and the implicit fake logit, L_unsup is the loss of a GAN of D's only logit."""
    torch.manual_seed(1)
    discriminator = networks.perceptron(SHAPE, 1, (8,))
    game = SGAN(mlp.Generator(4, SHAPE, (8,)), discriminator, 1, SGAN.Config(4))
    data = batch()
    d, _ = moves(game, PartlyLabelled(data.x, torch.zeros(B, dtype=torch.int64), data.unlabelled))
    torch.manual_seed(3)
    fake = game.generate(game.latents(B))
    expected = non_saturating.d(discriminator(data.unlabelled)[:, 0], discriminator(fake)[:, 0])
    torch.testing.assert_close(d.terms["adversarial"], expected)


def test_weights_and_targets():
    plain, weighted = (moves(sgan(unsupervised_weight=w), batch())[0].terms for w in (1.0, 0.5))
    torch.testing.assert_close(weighted["adversarial"], 0.5 * plain["adversarial"])
    smooth = moves(sgan(targets=LabelSmoothing(real=0.9)), batch())[0]
    assert smooth.logits
    expected = non_saturating.d(*smooth.logits, LabelSmoothing(real=0.9))
    torch.testing.assert_close(smooth.terms["adversarial"], expected)


def test_what_the_generator_does():
    game, data = sgan(), batch()
    _, g = moves(game, data)
    torch.manual_seed(3)
    game.latents(B)  # of D's move
    fake = game.generate(game.latents(B))
    distance = game.discriminator.body(fake).mean(0) - game.discriminator.body(data.unlabelled).mean(0)
    torch.testing.assert_close(g.terms["adversarial"], distance.square().mean())  # as the authors' code
    *_, g = moves(sgan(feature_distance="squared-norm"), data)
    torch.testing.assert_close(g.terms["adversarial"], distance.square().sum())

    game = sgan(generator="non-saturating")
    _, g = moves(game, data)
    torch.manual_seed(3)
    game.latents(B)
    expected = F.softplus(-semi_supervised.real_logit(game.discriminator(game.generate(game.latents(B))), N)).mean()
    torch.testing.assert_close(g.terms["adversarial"], expected)


def test_classes_are_taught_by_labelled_samples_and_sources_by_all():
    """The supervised term has a gradient at labelled samples alone, the unsupervised one at the others."""
    game, data = sgan(), batch()
    leaves = PartlyLabelled(data.x.requires_grad_(), data.y, data.unlabelled.requires_grad_())
    d, _ = moves(game, leaves)
    on_x, on_unlabelled = torch.autograd.grad(d.terms["supervised"], [leaves.x, leaves.unlabelled], retain_graph=True)
    assert on_x.abs().sum() > 0 and on_unlabelled.abs().sum() == 0
    on_x, on_unlabelled = torch.autograd.grad(d.terms["adversarial"], [leaves.x, leaves.unlabelled])
    assert on_x.abs().sum() == 0 and on_unlabelled.abs().sum() > 0


def test_the_classifier_is_d_without_the_fake_class():
    game, x = sgan(explicit=True), torch.randn(5, 2)
    network = game.classifier()
    assert isinstance(network, nn.Module)
    assert torch.equal(network(x), game.discriminator(x)[:, :N])
    assert {id(p) for p in network.parameters()} == {id(p) for p in game.discriminator.parameters()}


def image_game(cls: Any, **config: Any) -> Any:
    torch.manual_seed(1)
    shape = (1, 8, 8)
    parts = [mlp.Generator(4, shape, (8,)), networks.convolutional(shape, N, 4)]
    parts += [PixelDensity(shape, 4, 1)] if cls is BadGAN else []
    return cls(*parts, N, cls.Config(latent_dim=4, **config))


def images() -> PartlyLabelled:
    torch.manual_seed(2)
    x, other = torch.rand(2, B, 1, 8, 8) * 2 - 1
    return PartlyLabelled(x, torch.arange(B) % N, other)


@pytest.mark.parametrize("cls", [SGAN, BadGAN])
def test_consistency_is_a_term_of_d(cls: Any):
    game = image_game(cls, consistency=Consistency(weight=2.0, confidence=0.0))
    d = next(move for move in moves(game, images()) if move.player == "discriminator")
    assert d.terms["consistency"].item() > 0 and d.terms["consistency"].requires_grad
    before = game.guesses.frequencies.clone()
    moves(game, images(), 1)
    assert not torch.equal(before, game.guesses.frequencies), "guesses are remembered, and saved with the game"
    assert "guesses.frequencies" in game.state_dict()
    sure = image_game(cls, consistency=Consistency(weight=2.0, confidence=0.999))
    d = next(move for move in moves(sure, images()) if move.player == "discriminator")
    assert d.terms["consistency"].item() == 0


def test_the_bad_gan_by_hand():
    game, data = image_game(BadGAN, pull_away_weight=0.7, entropy_weight=0.3, density_steps=1).eval(), images()
    density, d, g = moves(game, data, 0)
    assert density.player == "density"
    torch.testing.assert_close(density.terms["negative_log_likelihood"], -game.density(data.unlabelled).mean())
    torch.testing.assert_close(game.threshold, game.density(data.unlabelled).detach().quantile(0.1))
    torch.manual_seed(3)
    game.latents(B)
    fake = game.generate(game.latents(B))
    features = game.discriminator.body(fake)
    between = features.mean(0) - game.discriminator.body(data.unlabelled).mean(0)
    torch.testing.assert_close(g.terms["adversarial"], between.abs().mean())
    torch.testing.assert_close(g.terms["pull_away"], 0.7 * semi_supervised.pull_away(features))
    logits = game.discriminator(data.unlabelled)
    torch.testing.assert_close(d.terms["entropy"], 0.3 * semi_supervised.conditional_entropy(logits, N))
    assert "density" not in g.terms, "it is not learnt yet"


def test_the_density_counts_every_few_rounds_once_it_is_learnt():
    game, data = image_game(BadGAN, density_steps=4, density_every=3, density_weight=0.1), images()
    game.eval()
    players = {step: [move.player for move in moves(game, data, step)] for step in range(8)}
    assert all(("density" in players[step]) == (step < 4) for step in range(8))
    counted = [step for step in range(8) if "density" in moves(game, data, step)[-1].terms]
    assert counted == [6]
    game.threshold.fill_(-1e4)  # every image is in the data's midst
    torch.manual_seed(3)
    _, g = game.round(lambda: data, 6)
    torch.manual_seed(3)
    game.latents(B)
    fake = game.generate(game.latents(B))
    torch.testing.assert_close(g.terms["density"], 0.1 * (game.density(fake) + 1e4).mean())


def test_the_threshold_follows_the_data_slowly():
    """It begins at the first batch's quantile, and goes a twentieth of the way to each later one."""
    game = image_game(BadGAN, density_steps=5, quantile=0.25).eval()
    expected = None
    for step in range(3):
        data = images()
        data = data._replace(unlabelled=data.unlabelled * (1 - 0.3 * step))
        low = game.density(data.unlabelled).detach().quantile(0.25)
        expected = low if expected is None else expected + 0.05 * (low - expected)
        moves(game, data, step)
        torch.testing.assert_close(game.threshold, expected)


@pytest.mark.parametrize("cls", [SGAN, BadGAN])
def test_d_and_g_see_views_alone(cls: Any):
    """But for the guesses, which are of unlabelled samples as they are."""
    game, data = image_game(cls, consistency=Consistency(weight=1.0)), images()
    seen: list[Tensor] = []
    game.discriminator.body.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach().clone()))
    drawn = list[Tensor]()
    game.generator.register_forward_hook(lambda _, __, made: drawn.append(made.detach().clone()))
    moves(game, data)
    guessed, joined, of_g, of_real = seen
    fake_d, fake_g = drawn
    assert torch.equal(guessed, data.unlabelled)
    for view, plain in (
        (joined, torch.cat([data.unlabelled, fake_d, data.x])), (of_g, fake_g), (of_real, data.unlabelled),
    ):  # fmt: skip
        assert view.shape == plain.shape and not torch.isclose(view, plain).flatten(1).all(1).any()


@pytest.mark.parametrize("cls", [SGAN, BadGAN])
def test_g_matches_a_batch_of_its_own(cls: Any):
    """Not D's: as in the authors' code, which shuffles the unlabelled images a second time for it."""
    game, first = image_game(cls).eval(), images()
    second = first._replace(unlabelled=-first.unlabelled)
    batches = iter([first, second])
    torch.manual_seed(3)
    *_, g = game.round(lambda: next(batches), 10_000)
    torch.manual_seed(3)
    game.latents(B)
    features = game.discriminator.body(game.generate(game.latents(B)))
    between = features.mean(0) - game.discriminator.body(second.unlabelled).mean(0)
    expected = between.square().mean() if cls is SGAN else between.abs().mean()
    torch.testing.assert_close(g.terms["adversarial"], expected)


@pytest.mark.parametrize("cls", [SGAN, BadGAN])
def test_consistency_counts_as_it_weighs(cls: Any):
    found = []
    for weight in (1.0, 3.0):
        game = image_game(cls, consistency=Consistency(weight=weight, confidence=0.0))
        d = next(move for move in moves(game, images()) if move.player == "discriminator")
        found.append(d.terms["consistency"].item())
    assert found[1] == pytest.approx(3 * found[0], rel=1e-5)


def test_layers_that_have_learnt_are_not_initialised_again():
    """A game whose training goes on from its weights begins with another round 0."""
    torch.manual_seed(0)
    layers = [networks.WeightNormLinear(6, 5, 1.0, learnt=True), networks.WeightNormLinear(5, 3, 1.0, learnt=True)]
    layers[0].bias.data.fill_(0.5)
    x, before = torch.randn(40, 6), layers[0].scale.detach().clone()
    networks.initialise_from_data(nn.Sequential(*layers), x)
    assert torch.equal(layers[0].scale, before) and (layers[0].bias == 0.5).all()
    made = layers[1](layers[0](x)).detach()
    assert made.mean(0).abs().max() < 1e-5, "the second is fresh, and follows what the first gives it"
    assert (made.std(0, correction=0) - 1).abs().max() < 1e-3


@pytest.mark.parametrize(("wanted", "batches"), [(4, 1), (6, 1), (7, 2), (12, 2)])
def test_the_first_images_are_as_many_as_asked_for(wanted: int, batches: int):
    torch.manual_seed(0)
    game = SGAN(mlp.Generator(4, (1, 8, 8), (8,)), networks.paper_discriminator((1, 8, 8), N), N,
                SGAN.Config(latent_dim=4, initial_images=wanted))  # fmt: skip
    drawn: list[PartlyLabelled] = []
    seen: list[int] = []
    game.discriminator.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    next(game.round(lambda: drawn.append(images()) or drawn[-1], 0))
    assert len(drawn) == batches + 1 and seen[0] == wanted, "one more for D's move"


def test_masks_of_the_density():
    """Of a 3x3 kernel read row by row the first layer sees the first four places, others the fifth, their own, too."""
    first, other = (MaskedConv2d(1, 1, 3, first=first).mask.flatten().tolist() for first in (True, False))
    assert first == [1, 1, 1, 1, 0, 0, 0, 0, 0] and other == [1, 1, 1, 1, 1, 0, 0, 0, 0]


def test_the_papers_generator_takes_z_from_0_to_1():
    """The prior is uniform on [-1, 1], the authors' on [0, 1]."""
    generator = networks.PaperGenerator(4, (1, 3, 3), width=6).eval()
    z = torch.rand(5, 4) * 2 - 1
    layers = generator.layers
    expected = torch.sigmoid(layers((z + 1) / 2)).reshape(5, 1, 3, 3) * 2 - 1
    torch.testing.assert_close(generator(z), expected)


def gradient_norms(game: Any, move: Move) -> dict[str, float]:
    """The norm of each term's gradient in all of G's weights."""
    weights = list(game.generator.parameters())
    gradients = {name: torch.autograd.grad(term, weights, retain_graph=True) for name, term in move.terms.items()}
    return {name: float(torch.cat([g.flatten() for g in own]).norm()) for name, own in gradients.items()}


def published(**config: Any) -> tuple[BadGAN, PartlyLabelled]:
    """The authors' perceptrons for images of 28x28, begun from data, and a batch of 100."""
    torch.manual_seed(0)
    spec = Spec({"x": Image(1, 28, 28), "y": Classes.numbered(N)})
    game = find("bad-gan/mnist").build(spec, {"config": config})
    assert isinstance(game, BadGAN)
    x, other = (torch.rand(2, 100, 1, 28, 28) < 0.15).float() * 2 - 1
    return game, PartlyLabelled(x, torch.arange(100) % N, other)


def test_the_terms_of_the_bad_gans_generator_are_in_the_authors_balance():
    """Feature matching is a mean over 250 features beside weights that were made for a mean.

    Each term is compared with the formula of the authors' code, written out, in the gradient of G's weights.
    """
    options = {"pull_away_weight": 0.8, "density_steps": 1, "density_every": 1}
    game, data = published(**options)
    moves(game, data, 0)
    game.threshold.fill_(-1e4)
    game.discriminator.eval()  # without noise
    torch.manual_seed(7)
    *_, g = game.round(lambda: data, 1)
    norms = gradient_norms(game, g)
    torch.manual_seed(7)
    game.latents(100)  # of D's move
    fake = game.generate(game.latents(100))
    features, real = game.discriminator.body(fake), game.discriminator.body(data.unlabelled)
    assert features.shape == (100, 250)
    unit = features / features.norm(p=2, dim=1, keepdim=True)
    cosine = unit @ unit.T * (1 - torch.eye(100))
    excess = (game.density(fake) - game.threshold).clamp_min(0)
    by_hand = Move(
        "generator",
        adversarial=((features.mean(0) - real.detach().mean(0)) ** 2).mean(),
        pull_away=0.8 * (cosine**2).sum() / (100 * 99),
        density=1e-4 * excess.sum() / (excess > 0).sum(),
    )
    assert norms == pytest.approx(gradient_norms(game, by_hand), rel=1e-3)
    assert 1 / 30 < norms["pull_away"] / norms["adversarial"] < 30
    summed, _ = published(**options, feature_distance="squared-norm")
    summed.load_state_dict(game.state_dict())
    summed.discriminator.eval()
    torch.manual_seed(7)
    *_, g = summed.round(lambda: data, 1)
    assert gradient_norms(summed, g)["adversarial"] == pytest.approx(250 * norms["adversarial"], rel=1e-3)


def test_the_bad_gan_as_published():
    game, data = published()
    config = game.config
    terms = {move.player: list(move.terms) for move in moves(game, data, 0)}
    assert terms == {
        "density": ["negative_log_likelihood"],
        "discriminator": ["supervised", "adversarial"],  # no entropy
        "generator": ["adversarial"],  # no pull-away term
    }
    counts = [game._density_counts(step) for step in range(20_000)]
    assert not any(counts[:9_001]), "iterations above 9,000"
    assert sum(counts[9_001:]) / 10_999 == pytest.approx(0.1, abs=0.012)  # 4 standard errors
    gaps = torch.tensor(counts).nonzero()[:, 0].diff()
    assert gaps.min() == 1 and gaps.max() > 30, "by chance, not every tenth"
    assert counts == [game._density_counts(step) for step in range(20_000)], "a resumed run has the same"
    assert (config.d_optimizer.lr, config.g_optimizer.lr) == (3e-3, 1e-3)
    assert (config.d_optimizer.betas, config.g_optimizer.betas) == ((0.5, 0.9999), (0.0, 0.9999))
    for t in (0.0, 0.5, 2 / 3, 0.75, 0.9, 1.0):
        factor = config.d_optimizer.decay(round(t * 180_000), 180_000)
        assert factor == pytest.approx(max(0.0, min(3 * (1 - t), 1)), abs=1e-9)


def test_sgan_as_published():
    spec = Spec({"x": Image(1, 8, 8), "y": Classes.numbered(N)})
    config = find("sgan/mnist").build(spec).config
    assert (config.feature_distance, config.initial_images, config.unsupervised_weight) == ("mean-square", 500, 0.5)
    for optimizer in (config.g_optimizer, config.d_optimizer):
        assert (optimizer.lr, optimizer.betas, optimizer.eps) == (3e-3, (0.5, 0.999), 1e-4)
    # v / sqrt(m + 1e-8), theirs, and v / (sqrt(m) + 1e-4), ours, are one where m is far from 1e-8, and near it close.
    moments = torch.tensor([0.0, 1e-12, 1e-8, 1e-2])
    assert torch.allclose((moments + 1e-8).sqrt(), moments.sqrt() + 1e-4, rtol=0.3)


@pytest.mark.parametrize("recipe", ["sgan/mnist", "bad-gan/mnist"])
def test_the_first_weights_follow_the_data(recipe: str):
    """Every weight-normalised layer begins with outputs of mean 0 and variance 1 on the first images, noise and all."""
    torch.manual_seed(0)
    spec = Spec({"x": Image(1, 12, 12), "y": Classes.numbered(N)})
    game = find(recipe).build(spec, {"config": {"initial_images": 230}})
    drawn = [torch.rand(100, 1, 12, 12) * 2 - 1 for _ in range(6)]
    batches = iter([PartlyLabelled(x, torch.arange(100) % N, x.clone()) for x in drawn])
    assert game.phase(0) is None and game.phase(1) is not None
    seen: list[Tensor] = []
    hook = game.discriminator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    next(game.round(lambda: next(batches), 0))
    hook.remove()
    assert torch.equal(seen[0], torch.cat(drawn[:3])[:230]), "the first images, before any move"
    layers = [m for m in game.discriminator.modules() if isinstance(m, networks.WeightNormLinear)]
    outputs: list[Tensor] = []
    for layer in layers:
        layer.register_forward_hook(lambda _, __, output: outputs.append(output.detach()))
    game.discriminator(torch.cat(drawn[:3])[:230])
    assert len(outputs) == 6
    for output in outputs:  # but for noise drawn anew
        assert output.mean(0).abs().mean() < 0.12 and (output.std(0) - 1).abs().mean() < 0.12
    first = layers[0]
    x = (torch.cat(drawn[:3])[:230].flatten(1) + 1) / 2
    made = F.linear(x, F.normalize(first.direction, dim=1))
    assert torch.allclose(first.bias / first.scale[:, 0], -made.mean(0), atol=0.1)
    rounds = [move.player for move in game.round(lambda: batches.__next__(), 1)]
    assert rounds[-1] == "generator", "two batches a round, later"


def test_a_discriminator_without_weight_norm_has_no_such_start():
    game = sgan(initial_images=5)
    with pytest.raises(ValueError, match="weight-normalised"):
        next(game.round(batch, 0))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_pixel_is_judged_by_those_before_it(channels: int):
    """The derivative of a pixel's logit is 0 at itself and at all that come after it."""
    density = PixelDensity((channels, 5, 6), width=4, layers=2)
    x = torch.rand(1, channels, 5, 6, requires_grad=True)
    for row, column in ((0, 0), (2, 3), (4, 5)):
        (gradient,) = torch.autograd.grad(density.layers(x)[0, :, row, column].sum(), x)
        seen = gradient[0].abs().sum(0).flatten() > 0
        assert not seen[row * 6 + column :].any()
    assert seen.any()


def test_the_density_of_coins():
    """Without weights each pixel is a fair coin: the density is 2^-pixels, and it sums to 1 over black and white."""
    density = PixelDensity((1, 2, 2), width=3, layers=1)
    grey = torch.zeros(1, 1, 2, 2)
    every = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 4).reshape(16, 1, 2, 2)
    torch.testing.assert_close(density(every).exp().sum(), torch.tensor(1.0))
    for p in density.parameters():
        nn.init.zeros_(p)
    torch.testing.assert_close(density(grey), torch.full((1,), -4 * math.log(2)))


def test_the_papers_layers_begin_with_outputs_of_a_variance_of_about_one():
    torch.manual_seed(0)
    x = (torch.rand(500, 1, 28, 28) < 0.1).float() * 2 - 1  # a mean square of 0.1 in [0, 1]
    body = networks.PaperBody((1, 28, 28))
    outputs: list[Tensor] = []
    for layer in body.modules():
        if isinstance(layer, networks.WeightNormLinear):
            layer.register_forward_hook(lambda _, __, output: outputs.append(output.detach()))
    assert body(x).shape == (500, 250)
    assert len(outputs) == 5
    assert all(0.4 < float(output.square().mean()) < 2.5 for output in outputs)


def test_normed_layers_have_the_length_they_are_given():
    layer = networks.WeightNormLinear(6, 4, 2.0)
    moved = layer(torch.eye(6)) - layer.bias  # the columns of the weight
    torch.testing.assert_close(moved.T.norm(dim=1), torch.full((4,), 2.0))
    assert not any(name == "scale" for name, _ in layer.named_parameters())
    assert any(name == "scale" for name, _ in networks.WeightNormLinear(6, 4, 2.0, learnt=True).named_parameters())


@pytest.mark.parametrize("recipe", ["sgan/images", "sgan/mnist", "sgan/toy", "bad-gan/images", "bad-gan/mnist"])
def test_vectors_are_refused(recipe: str):
    with pytest.raises(ValueError, match="learns classes"):
        find(recipe).build(Spec({"x": Image(1, 8, 8), "y": Vector(N)}))


def test_points_have_no_views():
    with pytest.raises(ValueError, match="views are of images"):
        find("sgan/toy").build(
            Spec({"x": Points(2), "y": Classes.numbered(N)}), {"config": {"consistency": {"weight": 1.0}}}
        )


@pytest.mark.parametrize("cls", [SGAN, BadGAN])
def test_where_every_class_is_known_no_sample_is_judged_twice(cls: Any):
    game, x = image_game(cls, consistency=Consistency(weight=1.0)), images().x
    seen: list[int] = []
    game.discriminator.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    moves(game, PartlyLabelled(x, torch.arange(B) % N, x))
    assert seen == [B, 2 * B], "the guesses, then real samples and fakes"


@pytest.mark.parametrize("cls", [SGAN, BadGAN])
@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_batch_norm_remembers_unlabelled_samples_as_they_are_alone(cls: Any, weight: float):
    """Evaluation asks for those: fakes and other views leave no trace in what it uses."""
    torch.manual_seed(1)
    shape, data = (1, 8, 8), images()
    parts = [mlp.Generator(4, shape, (8,)), networks.convolutional(shape, N, 4, norm="batch")]
    parts += [PixelDensity(shape, 4, 1)] if cls is BadGAN else []
    game = cls(*parts, N, cls.Config(latent_dim=4, consistency=Consistency(weight=weight)))
    norms = [m for m in game.discriminator.modules() if isinstance(m, nn.BatchNorm2d)]
    first = game.discriminator.body[1]  # what the first norm sees, without the noise before it
    game.discriminator.body[0].std = 0.0
    expected = 0.1 * first(data.unlabelled).mean((0, 2, 3))
    moves(game, data)
    assert len(norms) >= 2 and all(norm.momentum == 0.1 and norm.num_batches_tracked > 0 for norm in norms)
    torch.testing.assert_close(norms[0].running_mean, expected.detach())


@pytest.mark.parametrize("labelled", [False, True])
def test_pretraining_is_of_d_as_a_classifier_alone(labelled: bool):
    """The supervised term alone, no fakes and no move of G, until step `pretrain`."""
    game, data = sgan(pretrain=3), batch(labelled)
    (d,) = moves(game, data, step=2)
    assert d.player == "discriminator" and list(d.terms) == ["supervised"] and d.logits is None
    expected = F.cross_entropy(game.discriminator(data.x), data.y)
    assert float(d.loss.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)
    assert [move.player for move in moves(game, data, step=3)] == ["discriminator", "generator"]
    assert game.phase(2) != game.phase(3) and game.phase(0) == game.phase(2)
    assert [move.player for move in moves(sgan(), data)] == ["discriminator", "generator"], "off by default"


def test_a_pretrained_d_knows_the_classes_before_it_sees_a_fake():
    recipe = find("sgan/toy")
    points = data_of("gaussians:-1,-1/1,-1/1,1@0.3").with_labels(30, 0)
    trainer = trainer_of(lambda spec: recipe.build(spec, {"config": {"pretrain": 60}}), points, Training(61, 64))
    fresh = [p.detach().clone() for p in trainer.game.generator.parameters()]
    for _ in range(60):
        trainer.round()
    assert all(torch.equal(a, b) for a, b in zip(fresh, trainer.game.generator.parameters(), strict=True))
    logits = trainer.game.classifier().eval()(points.x)
    truth = data_of("gaussians:-1,-1/1,-1/1,1@0.3").y
    assert float((logits.argmax(1) == truth).float().mean()) > 0.9
    trainer.round()
    assert any(not torch.equal(a, b) for a, b in zip(fresh, trainer.game.generator.parameters(), strict=True))
