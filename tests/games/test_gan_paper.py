"""gan/paper as the authors' code has it: both players at once, G's samples begun at the data's mean image."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

import zerosum
from zerosum.games import find
from zerosum.games.gan import GAN
from zerosum.modality import Image, Points, Spec
from zerosum.networks import mlp
from zerosum.run import migrations
from zerosum.util import formats
from zerosum.util.checks import ArgumentError

SPEC = Spec({"x": Image(1, 4, 4)})


class Halves:
    """Batches of four images: pixel i is at i / 15 of [0, 1] on average, with noise that cancels in every two."""

    def __init__(self) -> None:
        self.drawn = 0

    def __call__(self) -> Tensor:
        self.drawn += 1
        noise = (0.5 - abs(torch.arange(16) / 15 - 0.5)) * (1 if self.drawn % 2 else -1)
        return ((torch.arange(16) / 15 + noise) * 2 - 1).reshape(1, 1, 4, 4).expand(4, -1, -1, -1)


def built(**config: object) -> GAN:
    game = find("gan/paper").build(SPEC, {"config": config})
    assert isinstance(game, GAN)
    return game.train()


def test_its_samples_begin_at_the_mean_image():
    game, draw = built(initial_samples=8), Halves()
    for parameter in [*game.generator.parameters()][:-1]:
        parameter.data.zero_()  # G's last biases alone are seen
    next(game.round(draw, 0))
    assert draw.drawn == 3, "two batches of four, and the round's"
    made = (game.generate(game.latents(2)) + 1) / 2
    expected = (torch.arange(16) / 15).reshape(1, 1, 4, 4).expand(2, -1, -1, -1)
    assert torch.allclose(made, expected, atol=1e-6)


def test_a_pixel_that_is_always_0_begins_at_the_authors_edge():
    generator = mlp.PaperGenerator(3, (1, 2, 2))
    generator.initialise_at(torch.tensor([[[-1.0, 1.0], [0.0, 0.5]]]))
    last = [layer for layer in generator.modules() if isinstance(layer, torch.nn.Linear)][-1]
    edge = math.log(1e-7 / (1 - 1e-7))
    assert last.bias.tolist() == pytest.approx([edge, -edge, 0.0, math.log(3)], rel=0.02)  # in float32


def test_what_has_learnt_stays():
    """A game whose training goes on from its weights begins with another round 0."""
    game = built(initial_samples=8)
    last = [layer for layer in game.generator.modules() if isinstance(layer, torch.nn.Linear)][-1]
    last.bias.data.fill_(3.0)
    next(game.round(Halves(), 0))
    assert (last.bias == 3).all()


def test_it_begins_in_the_first_round_alone_and_only_where_asked():
    for game, step, drawn in ((built(initial_samples=8), 1, 1), (built(initial_samples=0), 0, 1)):
        draw = Halves()
        next(game.round(draw, step))
        assert draw.drawn == drawn
    assert built(initial_samples=8).phase(0) is None and built(initial_samples=8).phase(1) is not None
    assert built(initial_samples=0).phase(0) is not None


def test_other_generators_have_no_mean_image_to_begin_at(tmp_path: Path):
    with pytest.raises(ArgumentError, match="set initial_samples to 0"):
        zerosum.train("gan/toy", out=tmp_path / "run", steps=2, initial_samples=10, quiet=True)
    assert not (tmp_path / "run").exists()
    find("gan/toy").build(Spec({"x": Points(2)}), {"config": {"initial_samples": 0}}).check()


def test_a_run_of_it_is_taken_up_where_it_stopped(tmp_path: Path):
    chosen = {"data": "digits", "steps": 6, "batch_size": 8, "initial_samples": 40, "quiet": True}

    def stop(trainer: object) -> None:
        trainer.stopping = trainer.step == 3  # type: ignore[attr-defined]

    whole = zerosum.train("gan/paper", out=tmp_path / "whole", **chosen)  # type: ignore[arg-type]
    zerosum.train("gan/paper", out=tmp_path / "run", hooks=[stop], **chosen)  # type: ignore[arg-type,list-item]
    run = zerosum.resume(tmp_path / "run", quiet=True)
    a, b = whole.game.state_dict(), run.game.state_dict()
    assert run.step == 6 and all(torch.equal(a[name], b[name]) for name in a)


def test_runs_of_before_go_on_as_they_were():
    """Format 3 moved one player after the other, by one momentum, from biases of 0."""
    old = {"format": 3, "recipe": "gan/paper", "options": {"config": {"d_optimizer": {"kind": "adam", "lr": 1e-4}}}}
    new = formats.upgrade(json.loads(json.dumps(old)), migrations.MIGRATIONS)
    game = find("gan/paper").build(SPEC, new["options"])
    assert isinstance(game, GAN)
    assert game.config.order == "alternating" and game.config.initial_samples == 0
    assert game.config.g_optimizer.kind == "sgd" and game.config.g_optimizer.momentum_end is None
    assert game.config.d_optimizer.kind == "adam"
    assert new["command"] == "zerosum.train(...)", "its command line would train another game now"
    paired = {"format": 3, "recipe": "cgan/mnist", "options": {"config": {}}}
    made = formats.upgrade(paired, migrations.MIGRATIONS)["options"]["config"]
    assert made == {"g_optimizer": {"momentum_end": None}, "d_optimizer": {"momentum_end": None}}
    compared = {"format": 3, "recipe": "gan/toy", "options": {"techniques": {"minibatch_discrimination": 4}}}
    made = formats.upgrade(compared, migrations.MIGRATIONS)["options"]["techniques"]
    assert made == {"minibatch_discrimination": 4, "minibatch_calibrated": False}
    other = {"format": 3, "recipe": "gan/toy", "options": {}}
    assert formats.upgrade(dict(other), migrations.MIGRATIONS)["options"] == {}
