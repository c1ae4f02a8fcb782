"""The tricks of the trade that docs/guide.md lists: each of them is there."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from zerosum.batches import field_names
from zerosum.contract.case import TOKENS
from zerosum.games import find
from zerosum.modality import Actions, Classes, Image, Lengths, Sound, Spec, Tokens, Video
from zerosum.networks.discriminate import discriminate, mixes_batch
from zerosum.recipe import RECIPES

IMAGE = Spec({"x": Image(1, 28, 28), "y": Classes(tuple("0123456789"))})
PAIR = Spec({"a": Image(1, 28, 28), "b": Image(1, 28, 28)})
ENLARGED = Spec({"a": Image(1, 14, 14), "b": Image(1, 28, 28)})
FILM = Spec({"x": Video(15, 1, 28, 28), "actions": Actions(15, 1)}, count=1000)
TEXT = Spec({"ids": Tokens(("<unk>", "<eos>", "x"), 5), "lengths": Lengths(4)}, count=1000)
DIALOGUE = Spec({"question": TEXT.texts, "answer": TEXT.texts}, count=1000)
SOUND = Spec({"x": Sound(1, 500, 8000)}, count=1000)
PAPERS_WITH_RELU_OR_POOLING = {
    "dann/images",
    "dann/paper",
    "dialogue/lines",
    "gan/tutorial",
    "seqgan/lines",
    "seqgan/melodies",
    "seqgan/oracle",
    "sgan/mnist",
    "simgan/gauges",
    "simgan/images",
    "textgan/lines",
    "wgan-gp/images",
}


def game(recipe: str, spec: Spec = IMAGE, **options: Any) -> Any:
    torch.manual_seed(0)
    return find(recipe).build(spec, options).core


def test_samples_are_in_the_range_of_the_data():
    """tanh, or the paper's own; BEGAN and R3GAN have neither."""
    x = IMAGE.x.load(torch.tensor([[[[0, 255]]]], dtype=torch.uint8))
    assert x.flatten().tolist() == pytest.approx([-1.0, 1.0])
    for name in ("dcgan", "gan/tutorial", "wgan-gp/images", "infogan/digits"):
        made = game(name)
        assert float(made.generate(made.latents(4)).detach().abs().max()) <= 1, name
    assert not any(isinstance(m, nn.Tanh) for m in game("began/images").generator.modules())


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_no_relu_and_no_max_pooling_in_d(name: str):
    """But in the networks of papers that have them: what the guide says."""
    recipe = RECIPES[name]
    if name.startswith(("bad-gan", "gail")) or "toy" in name or name == "two-player/grid":
        pytest.skip("three players, or points, or behaviour")
    drawn = field_names(recipe.batch)
    pair = ENLARGED if name.startswith("srgan/") else PAIR
    kinds = {"a": pair, "actions": FILM, "ids": TEXT, "question": DIALOGUE}
    spec = next((kind for field, kind in kinds.items() if field in drawn), IMAGE)
    spec = SOUND if name.endswith("/sounds") else spec
    spec = Spec({**spec.fields, "text": TOKENS}) if "text" in drawn else spec
    players = recipe.build(spec).core.players()
    makers = [p for name, p in players.items() if p.averaged or name == "generator"]
    own = {id(m) for p in makers for g in p.modules for m in g.modules()}  # of what makes samples
    modules = [m for p in players.values() for d in p.modules for m in d.modules() if id(m) not in own]
    found = [m for m in modules if isinstance(m, (nn.ReLU, nn.MaxPool2d))]
    assert not found or name in PAPERS_WITH_RELU_OR_POOLING


def test_batches_of_real_and_fake_samples_stay_apart_under_batch_norm():
    d = game("dcgan").discriminator.train()
    assert mixes_batch(d)
    x = torch.randn(8, 1, 28, 28)
    first, _ = discriminate(d, x, torch.randn(8, 1, 28, 28))
    second, _ = discriminate(d, x, 9 + torch.randn(8, 1, 28, 28))
    assert torch.allclose(first, second), "what D says of real samples does not depend on the fakes"


@pytest.mark.parametrize(("recipe", "options"), [
    ("hinge", {"config": {"objective": "wasserstein", "penalties": {"interpolation": 10}}}),
    ("wgan/images", {}),
    ("cgan/images", {}),
    ("acgan/images", {}),
    ("dcgan", {"config": {"targets": {"real": 0.9}}}),
    ("dcgan", {"config": {"targets": {"real": 0.9, "fake": 0.1}}}),
    ("dcgan", {"config": {"targets": {"flip": 0.05}}}),
    *[("dcgan", {"network": {"norm": norm}}) for norm in ("batch", "instance", "layer", "weight", "spectral", "none")],
    ("dcgan", {"config": {"g_optimizer": {"lr": 1e-4, "decay": {"shape": "linear"}}}}),
    ("dcgan", {"config": {"noise": {"std": 0.1, "steps": 100}}}),
    ("dcgan", {"techniques": {"layer_noise": {"std": 0.1, "steps": 100}}}),
    ("dcgan", {"config": {"d_steps": 3}}),
    ("sgan/images", {"config": {"pretrain": 1}}),
])  # fmt: skip
def test_each_trick_is_an_option_with_which_a_round_is_played(recipe: str, options: dict[str, Any], case_of: Any):
    case = case_of(recipe)
    case.options = case.options | options
    made, batch = case.game().train(), case.batch()
    moves = []
    for move in made.round(lambda: batch, 0):
        move.loss.backward(inputs=[p for m in made.players()[move.player].modules for p in m.parameters()])
        assert bool(move.loss.isfinite())
        moves.append(move.player)
    assert moves
