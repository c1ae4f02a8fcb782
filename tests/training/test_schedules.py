"""Numbers that change as training goes: R3GAN's, against the authors' code; set before each step, resumed exactly."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zerosum import data
from zerosum.augment.pipeline import pipeline
from zerosum.errors import ZerosumError
from zerosum.games import find
from zerosum.games.r3gan import R3GAN, published_gamma
from zerosum.losses import penalties
from zerosum.modality import Image, Spec
from zerosum.networks import mlp
from zerosum.optim import Adam, Cosine, Decay, scheduled
from zerosum.optim.scheduled import BurnInAdam
from zerosum.recipe import Training
from zerosum.training import checkpoint
from zerosum.training.trainer import Average, Trainer
from zerosum.util import distributed, rng

SMALL = {"widths": (8, 8), "blocks": 1, "group_size": 4}
BURN_IN = 20_000_000


def authors(seen: float, base: float, final: float, total: float = BURN_IN) -> float:
    """The authors' schedule: from `base` to `final` by half a cosine of the images seen, then `final`."""
    return final if seen > total else final + (base - final) * (1 + math.cos(math.pi * seen / total)) / 2


def trainer(config: dict[str, Any] | None = None, **training: Any) -> Trainer:
    """Of r3gan/images, on digits of 8x8, with networks that are quick."""
    recipe = find("r3gan/images")
    digits = data.load("digits", size=(8, 8), labels=False)
    rng.seed(1)
    game = recipe.build(digits.spec, {"network": SMALL, "config": config or {}})
    settings = {"steps": recipe.training.steps, "batch_size": 64, "half_life": recipe.training.half_life, **training}
    settings |= {"precision": "fp32"}
    made = Trainer(game, data.Stream(digits, settings["batch_size"], seed=1), Training(**settings))
    made.game.train()
    rng.seed(2)
    return made


@pytest.mark.parametrize("seen", [0, 1, 123_456, 10_000_000, 19_999_999, 20_000_000, 30_000_000])
def test_cosine_is_the_authors_schedule(seen: int):
    for base, final in ((2e-4, 5e-5), (0.05, 0.005), (150.0, 15.0), (0.9, 0.99), (0.0, 500_000.0), (0.0, 0.55)):
        assert Cosine(base, final, BURN_IN)(seen) == pytest.approx(authors(seen, base, final), rel=1e-9, abs=1e-9)
        assert Cosine(base, final)(seen) == Cosine(base, final, BURN_IN)(seen)


def test_the_recipe_has_the_numbers_of_the_presets():
    """Those of FFHQ, at the start, half-way and at the end of the burn-in, which is also the training's."""
    t = trainer()
    assert t.training.steps * t.training.batch_size == BURN_IN
    names = ("generator/lr", "discriminator/lr", "generator/beta2", "discriminator/beta2", "gamma", "augment")
    for step, expected in {
        0: (2e-4, 2e-4, 0.9, 0.9, 0.05, 0.0),
        156_250: (1.25e-4, 1.25e-4, 0.945, 0.945, 0.0275, 0.15),
        312_500: (5e-5, 5e-5, 0.99, 0.99, 0.005, 0.3),
        400_000: (5e-5, 5e-5, 0.99, 0.99, 0.005, 0.3),
    }.items():
        found = t.schedule(step)
        assert [found[name] for name in names] == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert found["half_life"] == pytest.approx(authors(64 * step, 0.0, 500_000.0), abs=1e-3)


def test_a_step_is_played_with_the_numbers_of_its_schedule():
    t = trainer()
    for step in (0, 100_000, 156_250, 312_500):
        t.step = step
        t.round()
        expected = t.schedule(step)
        for player, optimizer in t.optimizers.items():
            (group,) = optimizer.param_groups
            assert group["lr"] == expected[f"{player}/lr"] and group["beta2"] == expected[f"{player}/beta2"]
            assert group["beta1"] == 0.0
        core = t.game.core
        assert isinstance(core, R3GAN)
        assert core.gamma.item() == pytest.approx(expected["gamma"])
        assert core.augment.item() == pytest.approx(expected["augment"])


def test_samples_of_all_processes_count(monkeypatch: pytest.MonkeyPatch):
    t = trainer()
    alone = t.schedule(1000)
    monkeypatch.setattr(distributed, "world_size", lambda: 4)
    four = t.schedule(250)
    assert four == alone and four["gamma"] != t.schedule(1000)["gamma"]


def test_penalties_have_the_weight_of_the_schedule():
    t = trainer()
    game, batch = t.game, t.stream()
    values = []
    for seen in (0, BURN_IN // 2, BURN_IN):
        game.advance(seen)
        game.augment.zero_()  # the same images each time
        rng.seed(5)
        move = next(game.round(lambda: batch, 0))
        values.append((move.terms["r1"].item(), move.terms["r2"].item()))
    for r in zip(*values, strict=True):
        assert r[1] / r[0] == pytest.approx(0.55, rel=1e-4) and r[2] / r[0] == pytest.approx(0.1, rel=1e-4)
    game.advance(0)
    real = batch.clone().requires_grad_()
    expected = 0.05 * penalties.zero_centered(game.discriminator(real), real).item()
    assert values[0][0] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("shape", "gamma"),
    [
        ((3, 32, 32), 0.05),
        ((3, 64, 64), 2.0),
        ((3, 256, 256), 150.0),
        ((1, 128, 128), 2 * math.sqrt(75)),  # half-way between two sizes, as powers
        ((3, 64, 16), 0.05),  # as many pixels as 32x32
        ((3, 8, 8), 0.05),
        ((3, 1024, 1024), 150.0),
    ],
)
def test_gamma_is_that_of_the_presets_by_size(shape: tuple[int, int, int], gamma: float):
    assert published_gamma(shape) == pytest.approx(gamma)
    for name in ("images", "classes"):
        recipe = find(f"r3gan/{name}")
        assert recipe.options["config"].gamma is None
    with torch.device("meta"):
        game = find("r3gan/images").build(Spec({"x": Image(*shape)}), {"network": SMALL})
        assert game.config.gamma == pytest.approx(gamma)  # type: ignore[attr-defined]
        game = find("r3gan/images").build(Spec({"x": Image(*shape)}), {"network": SMALL, "config": {"gamma": 0.7}})
        assert game.config.gamma == 0.7  # type: ignore[attr-defined]


def test_networks_without_images_need_a_gamma_and_take_no_augmentation():
    nets = mlp.toy_pair(2, (2,))
    with pytest.raises(ValueError, match="gamma is needed"):
        R3GAN(*nets, R3GAN.Config(2, gamma=None))
    with pytest.raises(ValueError, match="probability"):
        R3GAN(*nets, R3GAN.Config(2, augment=Cosine(0.0, 1.5)))
    with pytest.raises(ValueError, match="augmentation is of images"):
        find("r3gan/toy").build(data.load("ring").spec, {"config": {"augment": {"end": 0.3}}})


def test_d_sees_augmented_images_and_penalties_are_of_the_images():
    seen: list[Tensor] = []

    class Sees(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.full((1, 8, 8), 0.1))

        def forward(self, x: Tensor) -> Tensor:
            seen.append(x.detach())
            return (x * self.weight).sum((1, 2, 3))[:, None]

    class Makes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(4, 64))

        def forward(self, z: Tensor) -> Tensor:
            return (z @ self.weight).view(-1, 1, 8, 8)

    game = R3GAN(Makes(), Sees(), R3GAN.Config(4, gamma=1.0, augment=Cosine(0.0, 1.0, 100)))
    x = torch.rand(16, 1, 8, 8)
    for at, changed in ((0, False), (100, True)):
        game.advance(at)
        seen.clear()
        moves = list(game.round(lambda: x, 0))
        real = torch.cat(seen)[:16]
        assert torch.equal(real, x) is not changed
        assert len(torch.cat(seen)) == 64  # real and fake, of both moves
        if not changed:  # the gradient of D is its weight
            for penalty in ("r1", "r2"):
                assert moves[0].terms[penalty].item() == pytest.approx(0.5 * 64 * 0.01, rel=1e-4)
    fakes = torch.cat(seen)[16:32]
    assert not torch.allclose(fakes.var((1, 2, 3)), torch.zeros(16))


def test_the_pipeline_is_the_identity_at_0_and_changes_a_share_of_p():
    x = torch.rand(400, 3, 16, 16) * 2 - 1
    assert torch.allclose(pipeline(x, torch.tensor(0.0)), x, atol=1e-6)
    shares = []
    for p in (0.05, 1.0):
        torch.manual_seed(0)
        made = pipeline(x, torch.tensor(p))
        assert made.shape == x.shape
        shares.append(float(((made - x).abs().amax((1, 2, 3)) > 1e-3).float().mean()))
    assert 0.2 < shares[0] < 0.6 and shares[1] == 1.0  # a dozen transforms, each with p
    grey = torch.rand(6, 1, 9, 7, requires_grad=True)
    (g,) = torch.autograd.grad(pipeline(grey, torch.tensor(0.5)).square().sum(), grey, create_graph=True)
    g.square().sum().backward()  # as a gradient penalty does


def test_adam_with_a_second_beta_that_moves_is_adam():
    torch.manual_seed(0)
    start = [torch.randn(3, 4), torch.randn(5)]
    ours, theirs = ([nn.Parameter(p.clone()) for p in start] for _ in range(2))
    value = Adam(1e-2, (0.3, 0.99), eps=1e-6, decay=Decay("cosine", images=40, final=0.25), beta2_start=0.9)
    own = value.build(ours)
    assert isinstance(own, BurnInAdam)
    reference = torch.optim.Adam(theirs, 1e-2, (0.3, 0.9), 1e-6)
    betas = []
    for step in range(8):
        gradients = [torch.randn_like(p) for p in start]
        now = scheduled(value, step, 100, batch=8)
        betas.append(now["beta2"])
        own.param_groups[0].update(now)
        reference.param_groups[0].update(lr=now["lr"], betas=(0.3, now["beta2"]))
        for parameters, optimizer in ((ours, own), (theirs, reference)):
            for p, g in zip(parameters, gradients, strict=True):
                p.grad = g.clone()
            optimizer.step()
        for a, b in zip(ours, theirs, strict=True):
            torch.testing.assert_close(a, b)
    assert betas == pytest.approx([authors(8 * step, 0.9, 0.99, 40) for step in range(8)])
    assert scheduled(value, 5, 100, batch=8)["lr"] == pytest.approx(0.25e-2)


def test_adam_reads_tensors_as_it_reads_numbers():
    """On a GPU a recorded step reads both numbers from tensors."""
    results = []
    for wrap in (float, torch.tensor):
        p = nn.Parameter(torch.tensor([1.0, -2.0]))
        adam = BurnInAdam([p], wrap(0.1), 0.0, wrap(0.9), 1e-8)
        for g in ((0.3, 0.1), (-0.2, 0.5)):
            p.grad = torch.tensor(g)
            adam.step()
        results.append(p.detach().clone())
    torch.testing.assert_close(results[0], results[1])


def test_adam_without_a_schedule_is_pytorchs():
    assert isinstance(Adam().build([nn.Parameter(torch.ones(1))]), torch.optim.Adam)
    assert scheduled(Adam(0.1), 3, 10) == {"lr": 0.1}
    assert Adam(betas=(0.5, 0.7)).beta2(3, 10) == 0.7


def test_the_half_life_of_the_average_is_one():
    game = R3GAN(*mlp.toy_pair(2, (2,)), R3GAN.Config(2))
    average = Average(game, game.players(), 0.9, Cosine(800.0, 800.0))
    first = {name: p.detach().clone() for name, p in average.followers.items()}
    with torch.no_grad():
        for p in game.generator.parameters():
            p.add_(1.0)
    for k in range(100):
        average.update(8 * k, 8)
    for name, p in average.followers.items():
        torch.testing.assert_close(p, first[name] + 0.5, rtol=1e-4, atol=1e-4)


def test_of_no_half_life_the_average_is_the_weights_themselves():
    t = trainer()
    t.round()
    assert t.average
    for name, p in t.average.followers.items():
        assert torch.equal(p, t.average.leaders[name])
    t.step = 156_250
    assert t.average.decay_of(64 * t.step, 64) == pytest.approx(0.5 ** (64 / 250_000))


def test_the_average_follows_by_the_half_life_of_its_step():
    t = trainer(average=0.5, half_life=Cosine(0.0, 500.0, BURN_IN))
    for step in (0, 156_250, 312_500):
        assert t.average
        t.step, before = step, {name: p.clone() for name, p in t.average.followers.items()}
        t.round()
        half_life = authors(64 * step, 0.0, 500.0)
        kept = 0.5 ** (64 / half_life) if half_life else 0.0
        for name, p in t.average.followers.items():
            torch.testing.assert_close(p, kept * before[name] + (1 - kept) * t.average.leaders[name].detach())


def test_a_resumed_run_goes_on_exactly_in_the_midst_of_every_schedule(tmp_path: Path):
    """The numbers are functions of the step, and no checkpoint keeps them."""
    adam = Adam(2e-4, (0.0, 0.99), decay=Decay("cosine", images=100, final=0.25), beta2_start=0.9)
    config = {"gamma_decay": Cosine(1.0, 0.1, 100), "augment": Cosine(0.0, 0.3, 100), "optimizer": adam}
    options: dict[str, Any] = {"batch_size": 16, "half_life": Cosine(0.0, 300.0, 100)}
    first = trainer(config, **options)
    for _ in range(3):
        first.round()
    checkpoint.save(first, tmp_path, keep=1)
    for _ in range(3):
        first.round()
    second = trainer(config, **options)
    second.round()
    checkpoint.resume(second, checkpoint.find(tmp_path)[-1])
    for _ in range(3):
        second.round()
    assert first.average and second.average
    for one, other in ((first.game, second.game), (first.average.game, second.average.game)):
        values = other.state_dict()
        assert all(torch.equal(value, values[name]) for name, value in one.state_dict().items())
    assert not any("gamma" in name or "augment" in name for name in first.game.state_dict())


def test_what_gamma_becomes_cannot_be_negative():
    with pytest.raises(ZerosumError):
        find("r3gan/images").resolve({"config": {"gamma_decay": {"end": -0.1}}})
