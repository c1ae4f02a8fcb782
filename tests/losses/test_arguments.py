"""What losses and their like refuse: other shapes, kinds of numbers and options than their docstrings promise."""

from __future__ import annotations

import math
import subprocess
import sys
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Normal

import zerosum.losses
from zerosum.augment import InstanceNoise, RandomAffine
from zerosum.augment.adaptive import AdaptiveAugment
from zerosum.augment.diff_augment import DiffAugment
from zerosum.errors import ZerosumError
from zerosum.games.began import reconstruction_loss
from zerosum.games.loss_sensitive import cost, l1_distance
from zerosum.losses import adversarial, mutual_information, penalties, semi_supervised
from zerosum.losses.adversarial import OBJECTIVES, LabelSmoothing, relativistic
from zerosum.losses.adversarial_examples import fgsm, margin, pgd, random_signs
from zerosum.losses.feature_matching import feature_matching
from zerosum.losses.mutual_information import Posterior
from zerosum.losses.penalties import PENALTIES, lazy
from zerosum.losses.variational import reparametrised
from zerosum.metrics.attack_success import attackable, success
from zerosum.metrics.discrimination import discrimination
from zerosum.metrics.kernel import kernel
from zerosum.metrics.linear_svm import linear_svm
from zerosum.metrics.memorization import compare_distances
from zerosum.metrics.modes import divergence
from zerosum.metrics.nearest_distance import nearest_distance
from zerosum.metrics.path_length import score_of, trimmed_mean
from zerosum.metrics.pitch import fundamental
from zerosum.metrics.probe import mistakes
from zerosum.metrics.statistics import Moments
from zerosum.metrics.two_sample import p_value
from zerosum.networks.actor import log_probability
from zerosum.techniques.consistency import Guesses
from zerosum.techniques.historical import HistoricalAverage
from zerosum.techniques.minibatch import MinibatchDiscrimination, closeness
from zerosum.techniques.virtual_batch_norm import VirtualBatchNorm, WithReference
from zerosum.util.checks import ArgumentError, shapes

K = 3
X, Y = torch.randn(4, 2), torch.tensor([0, 1, 2, 0])
LOGITS = torch.randn(4, K)
Q = Posterior((torch.randn(4, K),), torch.randn(4, 2), torch.zeros(4, 2))
NO_CODES = Posterior((), torch.randn(4, 0), torch.zeros(4, 0))
D = nn.Linear(2, 1)
CLASSIFIER = nn.Linear(2, K)


def test_the_error_is_one_line_for_users_and_a_value_error():
    assert issubclass(ArgumentError, ZerosumError) and issubclass(ArgumentError, ValueError)
    with pytest.raises(ArgumentError) as caught:
        relativistic.d(torch.zeros(4, 3), torch.zeros(4))
    assert str(caught.value) == ("real_logits must have the shape (B,), (B, 1) or, of patches, (B, 1, ...), not (4, 3)")


@pytest.mark.parametrize(("pattern", "tensors", "message"), [
    ("B F", {"x": torch.zeros(2)}, r"x must have the shape \(B, F\), not \(2,\)"),
    ("B F", {"x": torch.zeros(2, 3), "y": torch.zeros(2, 4)}, r"y must have the shape \(2, 3\), not \(2, 4\)"),
    ("B F", {"x": torch.zeros(2, 3), "y": torch.zeros(2, 1)}, r"y must have the shape \(2, 3\), not \(2, 1\)"),
    ("B 5", {"x": torch.zeros(2, 4)}, r"x must have the shape \(B, 5\), not \(2, 4\)"),
    ("B *shape", {"x": torch.zeros(())}, r"x must have the shape \(B, \*shape\), not \(\)"),
    ("B *shape", {"x": torch.zeros(2, 3), "y": torch.zeros(2, 3, 1)}, r"y must have the shape \(2, 3\)"),
    ("", {"x": torch.zeros(1)}, r"x must have the shape \(\), not \(1,\)"),
    ("B", {"x": torch.zeros(0)}, r"x is empty: its shape is \(0,\)"),
    ("B", {"x": torch.zeros(2, dtype=torch.int64)}, "x must be a tensor of floating-point numbers, not torch.int64"),
    ("B", {"x": [1.0]}, "x must be a tensor of floating-point numbers, not list"),
])  # fmt: skip
def test_patterns(pattern: str, tensors: dict[str, Tensor], message: str):
    with pytest.raises(ArgumentError, match=message):
        shapes(pattern, **tensors)


def test_letters_stand_for_sizes():
    found = shapes("B F *rest", x=torch.zeros(2, 3, 4, 5), y=torch.zeros(2, 3, 4, 5))
    assert found == {"B": (2,), "F": (3,), "*rest": (4, 5)}
    assert shapes("M F", {"F": (3,)}, x=torch.zeros(7, 3))["M"] == (7,)


@pytest.mark.parametrize("name", list(OBJECTIVES))
@pytest.mark.parametrize("logits", [
    torch.zeros(4, K), torch.zeros(0), torch.zeros(0, 1), torch.tensor(0.0), torch.zeros(4, dtype=torch.int64),
    torch.zeros(4, dtype=torch.bool), torch.zeros(4, 7, 7), torch.zeros(4, 2, 7, 7),
], ids=lambda x: f"{tuple(x.shape)} {x.dtype}")  # fmt: skip
def test_logits_of_other_shapes(name: str, logits: Tensor):
    good, objective = torch.zeros(4), OBJECTIVES[name]
    for call in (
        lambda: objective.d(logits, good),
        lambda: objective.d(good, logits),
        lambda: objective.g(logits, good),
    ):
        with pytest.raises(ArgumentError, match="logits"):
            call()


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_logits_of_patches(name: str):
    real, fake = torch.randn(2, 4, 1, 3, 3)
    one_by_one = [OBJECTIVES[name].d(real[:, 0, i, j], fake[:, 0, i, j]) for i in range(3) for j in range(3)]
    torch.testing.assert_close(OBJECTIVES[name].d(real, fake), torch.stack(one_by_one).mean())


def test_a_pair_is_compared_one_by_one_whichever_shape_its_logits_have():
    """(B, 1) against (B,) is B pairs, not B times B."""
    real, fake = torch.tensor([3.0, -1.0, 0.5]), torch.tensor([-2.0, 4.0, 0.0])
    d, g = relativistic.d(real, fake), relativistic.g(fake, real)
    assert not torch.isclose(d, relativistic.d_loss(real.repeat(3), fake.repeat_interleave(3)))
    for a, b in ((real[:, None], fake), (real, fake[:, None]), (real[:, None], fake[:, None])):
        assert torch.equal(relativistic.d(a, b), d) and torch.equal(relativistic.g(b, a), g)
        assert torch.equal(adversarial.relativistic_d(a, b, LabelSmoothing(flip=1e-300)), relativistic.d(a, b))


@pytest.mark.parametrize(("real", "fake"), [((4,), (3,)), ((4,), (1,)), ((1, 1), (4, 1)), ((4, 1, 3, 3), (4, 1, 2, 2)),
                                            ((4, 1, 1, 1), (4,))])  # fmt: skip
def test_pairs_of_other_numbers_are_refused(real: tuple[int, ...], fake: tuple[int, ...]):
    for call in (relativistic.d, relativistic.g):
        with pytest.raises(ArgumentError, match="must be as many"):
            call(torch.zeros(real), torch.zeros(fake))


@pytest.mark.parametrize("targets", [LabelSmoothing(fake=0.1), LabelSmoothing(0.9, 0.2)])
def test_a_pair_has_one_target(targets: LabelSmoothing):
    for call in (relativistic.d, adversarial.relativistic_d):
        with pytest.raises(ArgumentError, match="one target for a pair"):
            call(torch.zeros(4), torch.zeros(4), targets)
    with pytest.raises(ArgumentError, match="one target for a pair"):
        adversarial.check("relativistic", targets)
    for allowed in (LabelSmoothing(0.9), LabelSmoothing(0.9, 0.1), LabelSmoothing(0.7, 0.3)):
        assert relativistic.d(torch.zeros(4), torch.zeros(4), allowed).isfinite()


@pytest.mark.parametrize("values", [{"real": 1.1}, {"real": -0.1}, {"fake": 2.0}, {"flip": 1.5}, {"flip": math.nan}])
def test_targets_are_shares(values: dict[str, float]):
    with pytest.raises(ArgumentError, match=rf"targets.{next(iter(values))} must be from 0 to 1"):
        LabelSmoothing(**values)


def test_an_objective_that_does_not_exist():
    with pytest.raises(ArgumentError, match="did you mean 'hinge'"):
        adversarial.check("hinges", LabelSmoothing())


@pytest.mark.parametrize("name", list(PENALTIES))
@pytest.mark.parametrize(("real", "fake"), [
    (torch.zeros(0, 2), torch.zeros(0, 2)),
    (torch.zeros(4, 2, dtype=torch.int64), torch.zeros(4, 2, dtype=torch.int64)),
    (torch.zeros(4, 2, dtype=torch.uint8), torch.zeros(4, 2, dtype=torch.uint8)),
], ids=["empty", "int64", "uint8"])  # fmt: skip
def test_penalties_of_no_samples(name: str, real: Tensor, fake: Tensor):
    with pytest.raises(ArgumentError, match=r"real|fake"):
        PENALTIES[name](D, real, fake)


@pytest.mark.parametrize("name", ["interpolation", "one-sided"])
@pytest.mark.parametrize("fakes", [1, 3, 5])
def test_lines_are_between_pairs(name: str, fakes: int):
    """One fake would be broadcast to every real sample."""
    with pytest.raises(ArgumentError, match=rf"fake must have the shape \(4, 2\), not \({fakes}, 2\)"):
        PENALTIES[name](D, X, torch.randn(fakes, 2))


@pytest.mark.parametrize("fakes", [1, 3, 9])
def test_r1_and_r2_of_batches_of_two_sizes(fakes: int):
    real, fake = torch.randn(4, 2), 3 * torch.randn(fakes, 2)

    def bowl(x: Tensor) -> Tensor:
        return x.square().sum(1)

    expected = 2 * (real.square().sum(1).mean() + fake.square().sum(1).mean())
    torch.testing.assert_close(penalties.r1_r2(bowl, real, fake), expected)
    with pytest.raises(ArgumentError, match="fake must have the shape"):
        penalties.r1_r2(bowl, real, torch.randn(4, 3))


@pytest.mark.parametrize("name", list(PENALTIES))
@pytest.mark.parametrize("outputs", ["classes", "patches", "mean"])
def test_penalties_of_logits_that_are_not_one_a_sample(name: str, outputs: str):
    def d(x: Tensor) -> Tensor:
        return {"classes": x.repeat(1, 2), "patches": x[:, None, :], "mean": x.mean()}[outputs]

    with pytest.raises(ArgumentError, match="logits must have the shape"):
        PENALTIES[name](d, X, X)


@pytest.mark.parametrize("name", list(PENALTIES))
def test_penalties_without_gradients_are_refused_and_not_0(name: str):
    with torch.no_grad(), pytest.raises(ArgumentError, match=r"outside torch.no_grad"):
        PENALTIES[name](D, X, X)
    for d in (lambda x: D(x.detach()), lambda x: x[:, 0].detach(), lambda x: D(torch.ones(len(x), 2))):
        with pytest.raises(ArgumentError, match="no gradient in the samples"):
            PENALTIES[name](d, X, X)


def test_logits_at_hand_without_gradients():
    for call in (penalties.zero_centered, penalties.gradient_norm):
        with pytest.raises(ArgumentError, match="requires_grad"):
            call(D(X), X)
        x = X.clone().requires_grad_()
        with pytest.raises(ArgumentError, match="without detach"):
            call(D(x).detach(), x)
        with pytest.raises(ArgumentError, match="logits must have the shape"):
            call(D(x)[:3], x)
        assert call(D(x), x).isfinite().all()


@pytest.mark.parametrize("name", list(PENALTIES))
def test_batch_norm_ties_what_a_penalty_takes_apart(name: str):
    d = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 1))
    with pytest.raises(ArgumentError, match="batch norm ties"):
        PENALTIES[name](d, X, X)
    with pytest.raises(ArgumentError, match="batch norm ties"):
        lazy({name: 1.0}, 1, 0, lambda x: d(x), X, X, d)
    assert PENALTIES[name](d.eval(), X, X + 1).isfinite(), "its statistics are fixed there"


@pytest.mark.parametrize("name", list(PENALTIES))
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_whole_discriminator_in_half_precision(name: str, dtype: torch.dtype, wrapped: bool):
    """Its penalty is that of the same weights in float32, but for rounding."""
    torch.manual_seed(0)
    d = nn.Sequential(nn.Linear(6, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1)).to(dtype)
    full = nn.Sequential(nn.Linear(6, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
    full.load_state_dict(d.state_dict())
    real, fake = torch.randn(128, 6), 2 * torch.randn(128, 6)
    given = (real.to(dtype), fake.to(dtype)) if wrapped else (real, fake)  # a function does not show its weights
    torch.manual_seed(1)
    half = PENALTIES[name]((lambda x: d(x)) if wrapped else d, *given)
    torch.manual_seed(1)
    exact = PENALTIES[name](full, real, fake)
    assert half.dtype == torch.float32 and half.item() == pytest.approx(exact.item(), rel=0.05)
    half.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in (d[0].weight, d[2].weight))


def test_norms_beyond_half_precision():
    """300 squared is more than the largest number in fp16."""
    x = torch.randn(4, 2, dtype=torch.float16, requires_grad=True)
    assert penalties.zero_centered(300 * x.sum(1), x).item() == pytest.approx(90_000)
    assert penalties.gradient_norm(300 * x[:, 0], x).tolist() == [300.0] * 4


@pytest.mark.parametrize(("arguments", "message"), [
    (({"r3": 1.0}, 1, 0), "there is no gradient penalty 'r3'"),
    (({"r1": -1.0}, 1, 0), "penalties.r1 must be at least 0"),
    (({"r1": math.nan}, 1, 0), "penalties.r1"), (({"r1": 1.0}, 0, 0), "penalty_every must be at least 1"),
    (({"r1": -1.0}, 4, 3), "penalties.r1"),  # in a step without penalties, too
])  # fmt: skip
def test_penalties_by_name(arguments, message: str):
    with pytest.raises(ArgumentError, match=message):
        lazy(*arguments, D, X, X)


def test_dragan_of_one_number():
    with pytest.raises(ArgumentError, match="no spread"):
        penalties.dragan(lambda x: x[:, 0], torch.ones(1, 1))


SEMI = {
    "real_logit": lambda logits: semi_supervised.real_logit(logits, K),
    "supervised": lambda logits: semi_supervised.supervised(logits, Y, K),
    "conditional_entropy": lambda logits: semi_supervised.conditional_entropy(logits, K),
    "pseudo_label_loss": lambda logits: semi_supervised.pseudo_label_loss(LOGITS.softmax(1), logits, 0.5),
    "guesses": lambda logits: Guesses(K)(LOGITS, logits, 0.5),
    "guessed from": lambda logits: Guesses(K)(logits, LOGITS, 0.5),
}


@pytest.mark.parametrize("name", list(SEMI))
@pytest.mark.parametrize("shape", [(4, K - 1), (4, K + 2), (4,), (4, K, 1), (0, K)])
def test_logits_of_other_classes(name: str, shape: tuple[int, ...]):
    with pytest.raises(ArgumentError, match="logits"):
        SEMI[name](torch.zeros(shape))
    assert SEMI[name](torch.zeros(4, K)).isfinite().all() and SEMI[name](torch.zeros(4, K + 1)).isfinite().all()


@pytest.mark.parametrize(("y", "message"), [
    (torch.tensor([0, 1, 2, 3]), "y must be classes from 0 to 2, not from 0 to 3"),
    (torch.tensor([0, 1, 2, -1]), "not from -1 to 2"),
    (torch.tensor([0, 1, 2, -100]), "not from -100 to 2"),  # left out without a word otherwise
    (Y.int(), "y must be an int64 tensor, not torch.int32"),
    (Y.float(), "y must be an int64 tensor, not torch.float32"),
    (torch.tensor([0.0, 1.0, 2.0, math.nan]), "y must be an int64 tensor"),
    (Y[:3], r"y must have the shape \(4,\), not \(3,\)"),
    (Y[:, None], r"y must have the shape \(4,\), not \(4, 1\)"),
    (torch.eye(K).long()[Y], r"y must have the shape \(4,\)"),
])  # fmt: skip
def test_labels_that_are_none(y: Tensor, message: str):
    with pytest.raises(ArgumentError, match=message):
        semi_supervised.supervised(torch.zeros(4, K + 1), y, K)


@pytest.mark.parametrize(("call", "message"), [
    (lambda: feature_matching(torch.zeros(4), torch.zeros(4)), r"real must have the shape \(B, F\)"),
    (lambda: feature_matching(torch.zeros(4, 3), torch.zeros(4, 1)), r"fake must have the shape \(M, 3\)"),
    (lambda: feature_matching(torch.zeros(4, 3, 2, 2), torch.zeros(4, 3, 2, 2)), "real must"),
    (lambda: feature_matching(torch.zeros(4, 3), torch.zeros(0, 3)), "fake is empty"),
    (lambda: feature_matching(torch.zeros(4, 3).long(), torch.zeros(4, 3)), "real must be a tensor of floating"),
    (lambda: feature_matching(torch.zeros(4, 3), torch.zeros(4, 3), "mean-squared"), "did you mean 'mean-square'"),
    (lambda: margin(LOGITS, Y[:1]), r"y must have the shape \(4,\), not \(1,\)"),
    (lambda: margin(LOGITS, Y[:, None]), r"y must have the shape \(4,\), not \(4, 1\)"),
    (lambda: margin(LOGITS, Y.float()), "y must be an int64 tensor"),
    (lambda: margin(LOGITS, Y + 1), "y must be classes from 0 to 2, not from 1 to 3"),
    (lambda: margin(LOGITS[:, :1], Y * 0), "K of at least 2"),
    (lambda: fgsm(CLASSIFIER, X, Y[:1], 0.1), r"y must have the shape \(4,\), not \(1,\)"),
    (lambda: fgsm(CLASSIFIER, X.long(), Y, 0.1), "x must be a tensor of floating"),
    (lambda: pgd(CLASSIFIER, X, Y[:1], 0.1, steps=2), r"y must have the shape \(4,\), not \(1,\)"),
    (lambda: random_signs(X.byte(), 0.1), "x must be a tensor of floating"),
    (lambda: reparametrised(X, X[:, :1], X), r"log_sigma must have the shape \(4, 2\), not \(4, 1\)"),
    (lambda: reparametrised(X, X, X[:1]), r"noise must have the shape \(4, 2\), not \(1, 2\)"),
    (lambda: semi_supervised.pull_away(torch.zeros(1, 3)), "at least two"),
    (lambda: semi_supervised.pull_away(torch.zeros(3)), r"features must have the shape \(B, F\)"),
    (lambda: semi_supervised.low_density(torch.zeros(4, 1), torch.zeros(())), "log_density must have"),
    (lambda: semi_supervised.low_density(torch.zeros(4), torch.zeros(4)), "threshold must have"),
    (lambda: semi_supervised.align_distribution(LOGITS, torch.ones(1)), r"frequencies must have the shape \(3,\)"),
    (lambda: semi_supervised.align_distribution(LOGITS, torch.ones(4, 1)), "frequencies must"),
    (lambda: semi_supervised.pseudo_label_loss(LOGITS, LOGITS[:3], 0.5), "view_logits must"),
    (lambda: semi_supervised.pseudo_label_loss(LOGITS, LOGITS, 1.5), "confidence must be from 0 to 1"),
    (lambda: mutual_information.split_parameters(torch.zeros(4, 6), (3,), 2), r"\(B, 5\), or \(B, 7\) with log"),
    (lambda: mutual_information.split_parameters(torch.zeros(4, 4), (3,), 0), r"\(B, 3\), not"),
    (lambda: mutual_information.lower_bound(Q, torch.zeros(4, 6)), r"codes must have the shape \(4, 5\)"),
    (lambda: mutual_information.lower_bound(Q, torch.zeros(3, 5)), "codes must"),
    (lambda: mutual_information.lower_bound(NO_CODES, torch.zeros(4, 0)), "no codes"),
    (lambda: mutual_information.conditional_entropy(NO_CODES), "no categorical code"),
    (lambda: mutual_information.marginal_entropy(NO_CODES), "no categorical code"),
    (NO_CODES.categories, "no categorical code"),
    (lambda: mutual_information.kl_divergence(Q, Q._replace(logits=(torch.zeros(1, K),))), "the same samples"),
    (lambda: mutual_information.kl_divergence(Q, Q._replace(logits=Q.logits * 2)), "the same samples"),
    (lambda: mutual_information.virtual_adversarial(lambda x: Q, X, Q, -1.0), "radius must be at least 0"),
    (lambda: mutual_information.virtual_adversarial(lambda x: Q, X.long(), Q, 1.0), "x must be a tensor of floating"),
    (torch.no_grad()(lambda: mutual_information.virtual_adversarial(lambda x: Q, X, Q, 1.0)), "torch.no_grad"),
    (lambda: reconstruction_loss(torch.zeros(4, 2), torch.zeros(4, 1)), "reconstructed must"),
    (lambda: l1_distance(torch.zeros(4, 2), torch.zeros(1, 2)), "fake must"),
    (lambda: cost(torch.zeros(4), 2.0), "slope must be"),
    (lambda: closeness(torch.zeros(4, 2)), "m must have the shape"),
    (lambda: MinibatchDiscrimination(nn.Linear(3, 1), 2)(torch.zeros(4, 2)), r"f must have the shape \(B, 3\)"),
    (lambda: HistoricalAverage([torch.zeros(1)]).distance([torch.zeros(3)]), "began with"),
    (lambda: HistoricalAverage([torch.zeros(1)]).update([torch.zeros(1), torch.zeros(1)]), "began with"),
    (lambda: VirtualBatchNorm(nn.BatchNorm1d(2), 4)(torch.zeros(4, 2)), "after its 4 rows of reference"),
    (lambda: WithReference(nn.Linear(2, 1), torch.zeros(3, 2)).fill(torch.zeros(5, 1)), r"\(B, 2\)"),
    (lambda: WithReference(nn.Linear(2, 1), torch.zeros(3, 2)).fill(torch.zeros(0, 2)), "x is empty"),
    (lambda: RandomAffine()(torch.zeros(4, 8, 8)), r"x must have the shape \(B, C, H, W\)"),
    (lambda: RandomAffine()(torch.zeros(4, 1, 8, 8, dtype=torch.uint8)), "x must be a tensor of floating"),
    (lambda: DiffAugment(["colour"]), "did you mean 'color'"),
    (lambda: DiffAugment(["color"])(torch.zeros(4, 2)), "x must have"),
    (lambda: AdaptiveAugment()(torch.zeros(4, 2)), "x must have"),
    (lambda: AdaptiveAugment().update(torch.zeros(4, K)), "real must have"),
    (lambda: AdaptiveAugment(target=1.5), "target must be from 0 to 1"),
    (lambda: InstanceNoise(0.1)(torch.zeros(4, 2, dtype=torch.uint8), 0), "x must be a tensor of floating"),
])  # fmt: skip
def test_what_else_is_refused(call, message: str):
    with pytest.raises(ArgumentError, match=message):
        call()


def test_features_that_are_all_0_are_like_no_others():
    """Dead rectifiers: their cosines are 0, that with themselves, too, and the mean stays within 0 and 1."""
    features = torch.tensor([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    assert semi_supervised.pull_away(features).item() == pytest.approx(2 / 12)
    assert semi_supervised.pull_away(torch.zeros(4, 2)).item() == 0.0


def test_losses_know_nothing_of_training():
    """They are for loops of one's own."""
    code = "import sys, zerosum.losses; print([m for m in sys.modules if m.startswith('zerosum.')])"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "zerosum.losses.penalties" in modules
    for room in ("training", "game", "recipe", "workflows", "data", "networks"):
        assert f"'zerosum.{room}" not in modules, room
    assert partial(zerosum.losses.hinge.d, torch.zeros(2), torch.zeros(2))().item() == 2.0


NAN = torch.full((20, 3), math.nan)


@pytest.mark.parametrize(("call", "message"), [
    (lambda: attackable(CLASSIFIER, X, Y[:1]), r"y must have the shape \(4,\), not \(1,\)"),
    (lambda: success(CLASSIFIER, X, Y[:1]), r"y must have the shape \(4,\), not \(1,\)"),
    (lambda: success(CLASSIFIER, X, Y[:, None]), r"not \(4, 1\)"),
    (lambda: mistakes(CLASSIFIER, X, Y[:, None]), r"y must have the shape \(4,\), not \(4, 1\)"),
    (lambda: linear_svm(LOGITS, Y, 1.0).accuracy(LOGITS, Y[:, None]), r"y must have the shape \(4,\), not \(4, 1\)"),
    (lambda: discrimination(NAN[:, 0], torch.zeros(5)), "NaN"),
    (lambda: discrimination(torch.zeros(5), NAN[:, 0]), "NaN"),
    (lambda: compare_distances(NAN[:, 0], torch.ones(5)), "fake holds NaN"),
    (lambda: compare_distances(torch.ones(5), torch.ones(5, 2)), r"held_out must have the shape \(N,\)"),
    (lambda: kernel(NAN, torch.randn(20, 3), 5, 10), "real holds NaN"),
    (lambda: kernel(torch.randn(20, 3), NAN, 5, 10), "fake holds NaN"),
    (lambda: nearest_distance(torch.zeros(5, 2, 8), torch.zeros(6, 4, 4)), r"not \(5, 2, 8\) and \(6, 4, 4\)"),
    (lambda: nearest_distance(torch.zeros(5), torch.zeros(6)), r"not \(5,\) and \(6,\)"),
    (lambda: p_value(30, 30, 20), "from 0 to 20 of each side"),
    (lambda: p_value(-1, 3, 20), "from 0 to 20 of each side"),
    (lambda: trimmed_mean(torch.zeros(0)), "lengths is empty"),
    (lambda: score_of(NAN[:, 0]), "lengths holds NaN"),
    (lambda: fundamental(torch.zeros(2, 8000), 8000), r"x must have the shape \(N, C, T\), not \(2, 8000\)"),
    (lambda: divergence(torch.tensor([0, 5]), torch.zeros(3), 3), "modes must be classes from 0 to 2"),
    (lambda: divergence(torch.tensor([0, 2]), torch.zeros(1), 3), r"log_weights must have the shape \(3,\)"),
    (lambda: divergence(torch.zeros(0).long(), torch.zeros(3), 3), "modes is empty"),
    (lambda: Moments.of(torch.zeros(5)), r"features must be \(N, F\), not \(5,\)"),
    (lambda: log_probability(Normal(X, 1 + 0 * X), X[:1]), r"actions must have the shape \(4, 2\), not \(1, 2\)"),
    (lambda: log_probability(Categorical(logits=LOGITS), LOGITS[:1]), "actions must have the shape"),
])  # fmt: skip
def test_scores_of_other_shapes_or_of_no_numbers_are_refused_and_not_broadcast(call, message: str):
    with pytest.raises(ValueError, match=message):
        call()
