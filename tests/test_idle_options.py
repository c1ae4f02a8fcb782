"""Options under a switch that is off: refused where somebody has set them, and truly without an effect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any

import pytest
import torch

from zerosum import data
from zerosum.data import Stream
from zerosum.games import find
from zerosum.optim import SGD, Adam, Decay
from zerosum.options import OptionError, hints, idle, kinds
from zerosum.recipe import RECIPES, Training
from zerosum.training.trainer import Trainer
from zerosum.util import rng
from zerosum.util.switches import With
from zerosum.workflows.train import split

UNPLAYED = {"d_steps": 0, "pretrain_discriminator": 0, "reward": "constant"}  # without D
STACKED: dict[str, Any] = {
    "encoder_steps": 1,
    "first_steps": 1,
    "network": {"width": 2, "generator_width": 4, "second_width": 2, "blocks": 0, "words": 4, "meaning": 4},
}
BEGUN = {"classifier_steps": 1, "network": {"width": 2, "blocks": 1}}
IDLE: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [  # a recipe, what is off, what is set, its switch
    ("two-player/toy", {"penalties": None}, {"penalty_every": 3}, "penalties is none"),
    ("two-player/toy", {"penalties": {"r1": 0.0}}, {"penalty_every": 3}, "penalties is {'r1': 0.0}"),
    ("gan/toy", {}, {"noise": {"steps": 4}}, "noise.std is 0.0"),
    ("gan/toy", {}, {"techniques": {"layer_noise": {"steps": 4}}}, "techniques.layer_noise.std is 0.0"),
    ("gan/toy", {}, {"techniques": {"feature_distance": "mean-absolute"}}, "techniques.feature_matching is false"),
    ("gan/toy", {}, {"techniques": {"adaptive_images": 7}}, "techniques.adaptive_augment is false"),
    ("gan/toy", {"g_optimizer": SGD(0.1)}, {"g_optimizer": {"decay": {"steps": 2}}}, "decay.shape is constant"),
    ("gan/toy", {"g_optimizer": {"decay": {"images": 900}}}, {"g_optimizer": {"decay": {"steps": 2}}}, "is 900"),
    ("r3gan/toy", {"gamma": 0.0}, {"gamma_decay": {"end": 0.3}}, "gamma is 0.0"),
    ("r3gan/toy", {}, {"augment": {"images": 9}}, "augment.end is 0.0"),
    ("dann/images", {"adaptation": {"end": 0.0}}, {"adaptation": {"images": 9}}, "adaptation.end is 0.0"),
    ("dann/images", {"adaptation": {"end": 0.0}}, {"adaptation": {"steepness": 2.0}}, "adaptation.end is 0.0"),
    ("infogan/toy", {"continuous": 0}, {"continuous_weight": 3.0}, "continuous is 0"),
    ("infogan/toy", {"clusters": {"weight": 0.0}}, {"clusters": {"views": {"warp": 0.2}}}, "clusters.weight is 0.0"),
    ("advgan/images", {**BEGUN, "hinge": 0.0}, {"bound": 0.1}, "hinge is 0.0"),
    ("advgan/images", {**BEGUN, "adversarial": 0.0}, {"objective": "hinge"}, "adversarial is 0.0"),
    ("advgan/images", {**BEGUN, "adversarial": 0.0}, {"d_optimizer": {"lr": 0.3}}, "adversarial is 0.0"),
    ("unrolled/toy", {"unrolling": 0}, {"unrolled_lr": 3.0}, "unrolling is 0"),
    ("wgan/toy", {"long_every": 1, "long_steps": 2}, {"critic_steps": 1}, "long_every is 1"),
    ("sgan/toy", {"consistency": {"weight": 0.0}}, {"consistency": {"confidence": 0.5}}, "consistency.weight is 0.0"),
    ("textgan/lines", {"pretrain": 0, "autoencoding": 0.0}, {"code_prior": 3.0}, "pretrain is 0"),
    ("textgan/lines", {"pretrain": 0, "autoencoding": 0.0}, {"code_noise": 0.1}, "pretrain is 0"),
    ("seqgan/lines", {"reward": "constant", "baseline": False}, {"rollouts": 3}, "reward is constant"),
    ("dialogue/lines", {"reward": "constant", "critic": False}, {"rollouts": 3}, "reward is constant"),
    ("dialogue/lines", {"critic": False}, {"c_optimizer": {"lr": 0.1}}, "critic is false"),
    ("dialogue/lines", {**UNPLAYED, "critic": False}, {"fakes": "random"}, "d_steps is 0"),
    ("stackgan/shapes", {**STACKED, "augmentation": False}, {"kl": 3.0}, "augmentation is false"),
    ("sgan/toy", {"generator": "non-saturating"}, {"feature_distance": "mean-absolute"}, "generator is non-saturating"),
]


def joined(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    """Both, nested options as well."""
    found = {**a, **b}
    for name in a.keys() & b.keys():
        if isinstance(a[name], dict) and isinstance(b[name], dict):
            found[name] = joined(a[name], b[name])
        elif is_dataclass(a[name]):
            found[name] = {"kind": a[name].kind, **b[name]}
    return found


@pytest.mark.parametrize(("recipe", "off", "idle_ones", "switch"), IDLE)
def test_what_has_no_effect_is_refused(recipe: str, off: dict[str, Any], idle_ones: dict[str, Any], switch: str):
    split(find(recipe), off)
    with pytest.raises(OptionError, match=" has no effect while ") as told:
        split(find(recipe), joined(off, idle_ones))
    assert f"{switch}: change " in str(told.value) and "; " not in str(told.value)


def test_stage_one_that_does_not_learn_has_no_rates():
    for name in ("g_optimizer", "d_optimizer"):
        with pytest.raises(OptionError, match=r"has no effect while .*first_steps is 0"):
            split(find("stackgan/shapes"), {"first_steps": 0, name: {"lr": 0.5}})
    with pytest.raises(OptionError, match=r"has no effect while .*encoder_steps is 0"):
        split(find("stackgan/shapes"), {"encoder_steps": 0, "e_optimizer": {"lr": 0.5}})


@pytest.mark.parametrize(("recipe", "off", "idle_ones", "switch"), IDLE)
def test_what_is_refused_has_no_effect(recipe: str, off: dict[str, Any], idle_ones: dict[str, Any], switch: str):
    """Runs that recorded such options go on loading, and are trained to the same weights."""
    assert torch.equal(weights(recipe, off), weights(recipe, joined(off, idle_ones)))


def weights(recipe: str, options: dict[str, Any]) -> torch.Tensor:
    """After three steps on the ring's points, on texts, on shapes or on digits."""
    known = find(recipe)
    chosen = {name: options[name] for name in ("techniques", "network") if name in options}
    chosen["config"] = {name: value for name, value in options.items() if name not in chosen}
    drawn = known.data if known.data in ("sentences", "dialogues", "shapes", "digits") else "ring"
    drawn = "domains:digits,digits" if known.data.startswith("domains:") else drawn
    loaded = data.load(drawn, seed=0, size=(16, 16) if drawn == "shapes" else None)
    rng.seed(0)
    game = known.build(loaded.spec, chosen)
    trainer = Trainer(game, Stream(loaded, 8, seed=0, batch=game.batch), Training(3, 8, precision="fp32"))
    trainer.train()
    return torch.cat([p.detach().flatten() for p in trainer.game.parameters()])


def test_defaults_under_a_switch_are_no_fault():
    """A recipe may bring settings of what somebody turns off, and what is set as it was is not set otherwise."""
    split(find("demo"), {"penalties": None})
    split(find("demo"), {"penalties": None, "penalty_every": 8})
    split(find("sgan/images"), {"consistency": {"weight": 0.0}})
    split(find("r3gan/images"), {"optimizer": {"decay": {"images": None, "steps": 100}}})
    for recipe in RECIPES.values():
        split(recipe, {})


def test_adams_second_beta_goes_by_the_steps_of_a_constant_rate():
    moving = Adam(beta2_start=0.5, decay=Decay(steps=10))
    assert moving.beta2(0, 1000) == 0.5 and moving.beta2(10, 1000) == moving.betas[1] != moving.beta2(5, 1000)
    assert not list(idle(moving, Adam()))
    assert list(idle(Adam(beta2_start=0.5, decay=Decay(final=0.5)), Adam())), "but its rate stays where it was"


def groups(cls: type) -> Iterator[type]:
    """A dataclass, and all that its fields may hold."""
    yield cls
    for hint in hints(cls).values():
        for inner in kinds(hint).values() or [hint.__origin__ if hasattr(hint, "__origin__") else hint]:
            if isinstance(inner, type) and is_dataclass(inner):
                yield from groups(inner)


def test_every_switch_stands_beside_what_it_switches():
    switched = 0
    for recipe in RECIPES.values():
        for default in recipe.options.values():
            for cls in groups(type(default)):
                for hint in hints(cls).values():
                    for known in (m for m in getattr(hint, "__metadata__", ()) if isinstance(m, With)):
                        switched += 1
                        assert known.switch in hints(cls), f"{cls.__qualname__} has no {known.switch}"
    assert switched > 100
