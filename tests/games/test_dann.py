"""DANN: both moves are one pass through a gradient reversal layer; the target's classes have no part in it."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum import data
from zerosum.batches import Domains
from zerosum.contract.case import Case
from zerosum.contract.rules import repeating
from zerosum.data.dataset import Dataset, Field, dataset_of
from zerosum.errors import ZerosumError
from zerosum.game import Move
from zerosum.games import find
from zerosum.games.dann import DANN
from zerosum.modality import Classes, Image, Points, Spec
from zerosum.networks.domains import PAPER, Network, Networks, networks
from zerosum.optim import SGD, Adam, Ramp
from zerosum.recipe import Training
from zerosum.training.trainer import Trainer

CLASSES = 3
SHAPE = (1, 16, 16)
SPEC = Spec({"x": Image(*SHAPE), "y": Classes.numbered(CLASSES), "target": Image(*SHAPE)}, 100)
SMALL = Network(width=4, hidden=6, dropout=0.0)


class Reversal(torch.autograd.Function):
    """The reference: the identity, whose gradient is turned round and lambda times as large (section 4.1)."""

    @staticmethod
    def forward(context: Any, x: Tensor, weight: float) -> Tensor:
        context.weight = weight
        return x.clone()

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        return -context.weight * gradient, None


def dann(network: Network = SMALL, **adaptation: Any) -> DANN:
    return DANN(networks(SHAPE, CLASSES, network), DANN.Config(Ramp(**adaptation)))


def batch(count: int = 5) -> Domains:
    return Domains(torch.randn(count, *SHAPE), torch.arange(count) % CLASSES, torch.randn(count, *SHAPE))


def gradients(game: DANN, drawn: Domains) -> dict[str, Tensor]:
    """Of every weight, by the move of its player, no step being made."""
    names = {id(p): name for name, p in game.named_parameters()}
    found = {}
    for move in game.round(lambda: drawn, 0):
        own = [p for module in game.players()[move.player].modules for p in module.parameters()]
        slopes = torch.autograd.grad(move.loss, own)
        found |= {names[id(p)]: slope for p, slope in zip(own, slopes, strict=True)}
    return found


@pytest.mark.parametrize("norm", ["batch", "none"])
def test_both_moves_are_one_pass_through_a_gradient_reversal_layer(norm: Any):
    """Equations 9 and 13 to 15: the sum of the losses of classes and of both domains, by one backward pass."""
    game, drawn, weight = dann(Network(4, 6, norm, 0.0), images=100), batch(), 0.3
    game.adaptation.fill_(weight)
    features = game.features(torch.cat([drawn.x, drawn.target]))
    of_classes = F.cross_entropy(game.head(features[:5]), drawn.y)
    logits = game.discriminator(Reversal.apply(features, weight)).flatten()
    of_source, of_target = (
        F.binary_cross_entropy_with_logits(part, torch.full((5,), label))
        for part, label in zip(logits.split(5), (1.0, 0.0), strict=True)
    )
    (of_classes + of_source + of_target).backward()
    found = gradients(game, drawn)
    assert found.keys() == {name for name, _ in game.named_parameters()}
    for name, p in game.named_parameters():
        assert p.grad is not None
        torch.testing.assert_close(found[name], p.grad, rtol=1e-4, atol=1e-6)
    assert all(found[name].abs().max() > 1e-4 for name in ("features.0.weight", "discriminator.0.weight"))


def test_d_learns_from_the_features_before_the_classifier_has_moved():
    """As in one pass: its move is of the same features, whatever the classifier's step made of the weights."""
    game, drawn = dann(images=100), batch()
    before = gradients(game, drawn)
    moves = game.round(lambda: drawn, 0)
    next(moves)
    with torch.no_grad():
        for p in (*game.features.parameters(), *game.head.parameters()):
            p.add_(1.0)
    slopes = torch.autograd.grad(next(moves).loss, [*game.discriminator.parameters()])
    for (name, _), slope in zip(game.discriminator.named_parameters(), slopes, strict=True):
        torch.testing.assert_close(slope, before[f"discriminator.{name}"])


def test_lambda_rises_as_in_the_paper():
    ramp = Ramp(end=2.0, steepness=10.0, images=1000)
    for p in (0.0, 0.05, 0.3, 1.0):
        assert ramp(1000 * p) == pytest.approx(2 * (2 / (1 + math.exp(-10 * p)) - 1))
    assert ramp(0) == 0 and ramp(5000) == ramp(1000) and Ramp(end=0.0)(1e9) == 0
    game = dann(images=1000)
    for seen in (0, 110, 1000):
        game.advance(seen)
        assert float(game.adaptation) == pytest.approx(game.scheduled(seen)["adaptation"])
    assert game.scheduled(110)["adaptation"] == pytest.approx(0.5, abs=0.01)


def moves(game: DANN, drawn: Domains) -> list[Move]:
    return list(game.round(lambda: drawn, 0))


def test_terms_in_numbers():
    class Says(nn.Module):
        """Features are the means of images, and logits are fixed multiples of them."""

        def __init__(self, *weights: float):
            super().__init__()
            self.weight = nn.Parameter(torch.tensor(weights))

        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1).mean(1, keepdim=True) * self.weight

    game = DANN(Networks(Says(1.0), Says(1.0, -1.0), Says(2.0)), DANN.Config(Ramp()))
    game.adaptation.fill_(0.25)
    x, target = (torch.full((2, *SHAPE), value) for value in (0.5, -1.5))
    classifier, d = moves(game, Domains(x, torch.tensor([0, 1]), target))
    both = [math.log1p(math.exp(-1.0)), math.log1p(math.exp(1.0))]  # of logits 0.5 and -0.5
    assert classifier.terms["supervised"].item() == pytest.approx(sum(both) / 2)
    expected = math.log1p(math.exp(-1.0)) + math.log1p(math.exp(-3.0))  # D's logits are 1 and -3
    assert d.terms["adversarial"].item() == pytest.approx(expected)
    assert classifier.terms["adversarial"].item() == pytest.approx(-0.25 * expected)
    assert d.logits is not None and d.logits.real.tolist() == [1.0, 1.0] and d.logits.fake.tolist() == [-3.0, -3.0]
    assert classifier.log["accuracy"].mean() == 0.5 and classifier.logits is None


def test_without_adaptation_nothing_of_the_target_reaches_the_classifier():
    """Neither by gradients nor by batch norm's statistics: it is what one trains without a target. D learns to tell."""
    states, slopes = [], []
    for scale in (1.0, 5.0):
        torch.manual_seed(1)
        game, drawn = dann(end=0.0), batch()
        drawn = drawn._replace(target=scale * drawn.target.abs())
        slopes.append(gradients(game, drawn))
        states.append(game.state_dict())
        assert [[*move.terms] for move in moves(game, drawn)] == [["supervised"], ["adversarial"]]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    same = {name.partition(".")[0] for name, slope in slopes[0].items() if torch.equal(slope, slopes[1][name])}
    assert same == {"features", "head"}


def test_with_adaptation_batch_norm_sees_both_domains_as_one_batch():
    game, drawn = dann().train(), batch()
    norm = next(module for module in game.features.modules() if isinstance(module, nn.BatchNorm2d))
    list(game.round(lambda: drawn, 0))
    of_both = game.features[0](torch.cat([drawn.x, drawn.target]))
    torch.testing.assert_close(norm.running_mean, 0.1 * of_both.mean((0, 2, 3)))


def test_the_classifier_says_the_same_of_an_image_alone():
    game, x = dann(Network(4, 6)).eval(), torch.randn(6, *SHAPE)
    found = game.classifier()(x)
    torch.testing.assert_close(torch.cat([game.classifier()(one[None]) for one in x]), found)
    assert found.shape == (6, CLASSES)


# ---- learning


def clouds(seed: int, count: int = 400) -> Dataset:
    """Two classes that differ in both numbers in the source, and in the first alone in the target, whose second number
    tells it from the source.
    """
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(count) % 2
    side, noise = 2.0 * y - 1, 0.3 * torch.randn(2, count, 2, generator=generator)
    source, target = torch.stack([side, side], 1), torch.stack([side, torch.full((count,), 2.0)], 1)
    fields = {
        "x": Field(Points(2), source + noise[0], "source"),
        "y": Field(Classes(("left", "right")), y, "source"),
        "target": Field(Points(2), target + noise[1], "target"),
    }
    return dataset_of("clouds", fields)


@pytest.mark.parametrize("seed", [0, 1])
def test_features_by_which_d_fails_carry_over(seed: int):
    """What is learnt from the source alone takes all of the target for one class; DANN drops what tells domains."""
    own, adam, right = clouds(seed), Adam(1e-2, (0.9, 0.999)), {}
    target, y = own.fields["target"].stored, own.fields["y"].stored
    for end in (0.0, 1.0):
        torch.manual_seed(seed)
        judge = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
        game = DANN(
            Networks(nn.Linear(2, 2), nn.Linear(2, 2), judge), DANN.Config(Ramp(end, images=200 * 64), adam, adam)
        )
        trainer = Trainer(game, data.Stream(own, 64, seed=seed, batch=Domains), Training(200, 64, average=0.0))
        trainer.train()
        assert all(map(math.isfinite, trainer.pop_metrics().values()))
        with torch.no_grad():
            right[end] = float((game.classifier()(target).argmax(1) == y).float().mean())
    assert right[0.0] < 0.8 and right[1.0] > 0.95, right


def test_a_resumed_run_goes_on_with_its_lambda(tmp_path: Any):
    case = Case(find("dann/images"), SPEC, {"config": {"adaptation": {"images": 40}}, "network": {"width": 4}})
    repeating.resume(case)


# ---- recipes and networks


def test_the_papers_networks():
    """Figure 4a: 768 features of 28x28 pixels, from which two layers of 100 units come, and one for domains."""
    features, head, discriminator = networks((3, 28, 28), 10, PAPER)
    shapes = [tuple(m.weight.shape) for m in features.modules() if isinstance(m, nn.Conv2d)]
    assert shapes == [(32, 3, 5, 5), (48, 32, 5, 5)]
    for part, expected in ((head, [(100, 768), (100, 100), (10, 100)]), (discriminator, [(100, 768), (1, 100)])):
        assert [tuple(m.weight.shape) for m in part.modules() if isinstance(m, nn.Linear)] == expected
    parts = {type(m) for part in (features, head, discriminator) for m in part.modules()}
    assert not parts & {nn.BatchNorm1d, nn.BatchNorm2d, nn.Dropout, nn.Dropout2d}
    assert features(torch.zeros(2, 3, 28, 28)).shape == (2, 768)


@pytest.mark.parametrize("size", [(1, 1), (9, 40), (16, 15), (33, 64)])
def test_images_of_any_size(size: tuple[int, int]):
    features, head, discriminator = networks((2, *size), 4, Network(width=4))
    x = torch.rand(3, 2, *size)
    assert head(features(x)).shape == (3, 4) and discriminator(features(x)).shape == (3, 1)


def test_options_of_the_network_build_other_networks():
    plain, normed = networks(SHAPE, 3, Network(norm="none")), networks(SHAPE, 3, Network(dropout=0.0))
    assert not any(isinstance(m, nn.BatchNorm2d) for m in plain.features) and any(
        isinstance(m, nn.Dropout) and m.p == 0.5 for m in plain.head
    )
    assert any(isinstance(m, nn.BatchNorm1d) for m in normed.head) and not any(
        isinstance(m, nn.Dropout2d) for m in normed.features
    )
    assert networks(SHAPE, 3, Network(width=4, hidden=7)).head[0].weight.shape == (7, 6)


def test_the_settings_of_the_paper():
    recipe = find("dann/paper")
    config, training = recipe.options["config"], recipe.training
    assert config.c_optimizer == config.d_optimizer and isinstance(config.c_optimizer, SGD)
    rate, steps = config.c_optimizer, training.steps
    assert rate.momentum == 0.9 and training.batch_size == 64
    for p in (0.0, 0.3, 0.7, 1.0):
        expected = 0.01 / (1 + 10 * p) ** 0.75
        assert rate.lr * rate.decay(round(p * steps), steps) == pytest.approx(expected, rel=1e-3)
    assert config.adaptation == Ramp(1.0, 10.0, steps * training.batch_size)


def test_one_class_alone_is_refused():
    alone = Spec({**SPEC.fields, "y": Classes(("cat",))}, 100)
    with pytest.raises(ZerosumError, match=r"one class alone.* sub-folder"):
        find("dann/images").build(alone)
