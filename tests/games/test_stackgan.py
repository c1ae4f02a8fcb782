"""StackGAN: its phases, what stays frozen in which, what each D is shown, conditioning augmentation, and no text."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import zerosum
from zerosum import data
from zerosum.batches import NearCaptioned
from zerosum.data.shapes.words import ENGLISH
from zerosum.errors import ZerosumError
from zerosum.games import find
from zerosum.games.stackgan import PlainStackGAN, StackGAN, shrunk
from zerosum.modality import Image, Spec
from zerosum.networks.stackgan import MOST, Augmentation, Enlarger, enlarged
from zerosum.networks.text_encoder import Sentences
from zerosum.recipe import Training
from zerosum.roles import Drafts, Illustrates, has_role, in_role
from zerosum.run import sampling
from zerosum.training import checkpoint
from zerosum.training.trainer import Trainer
from zerosum.workflows.prepare import phase_notes

NARROW = {"width": 4, "generator_width": 8, "second_width": 4, "blocks": 1}
WORDS = {"text": 8, "condition": 6, "meaning": 10, "words": 8}
SPEC = Spec({"x": Image(3, 16, 16), "text": ENGLISH.kind})


def game(encoder_steps: int = 2, first_steps: int = 2, **config: Any) -> StackGAN:
    torch.manual_seed(0)
    options = {"encoder_steps": encoder_steps, "first_steps": first_steps, "latent_dim": 5, **config}
    built = find("stackgan/shapes").build(SPEC, {"config": options, "network": {**NARROW, **WORDS}})
    assert isinstance(built, StackGAN)
    return built


def plain(**config: Any) -> PlainStackGAN:
    torch.manual_seed(0)
    options = {"config": {"first_steps": 2, "latent_dim": 5, **config}, "network": NARROW}
    built = find("stackgan/plain").build(Spec({"x": Image(3, 16, 16)}), options)
    assert isinstance(built, PlainStackGAN)
    return built


def trainer(of: StackGAN | PlainStackGAN, steps: int = 8) -> Trainer:
    torch.manual_seed(1)
    shapes = data.load("shapes", seed=100, size=(16, 16))
    stream = data.Stream(shapes, 6, seed=0, batch=of.batch)
    return Trainer(of, stream, Training(steps=steps, batch_size=6, average=0.9, precision="fp32"))


def state(of: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in of.state_dict().items()}


def changed(of: Trainer) -> set[str]:
    """The networks of the game of which anything, weights or statistics, changes in the next round."""
    before = state(of.game)
    of.round()
    return {name.split(".")[0] for name, value in of.game.state_dict().items() if not torch.equal(value, before[name])}


def test_each_phase_moves_its_own_networks_and_no_other() -> None:
    of = trainer(game())
    first = {"first_generator", "first_augmentation", "first_discriminator"}
    second = {"generator", "augmentation", "discriminator"}
    assert [changed(of) for _ in range(6)] == [
        {"encoder", "images"}, {"encoder", "images"}, first, first, second, second,
    ]  # fmt: skip
    assert of.game.phase(1) != of.game.phase(2) == of.game.phase(3) != of.game.phase(4) == of.game.phase(5)


def test_without_text_each_stage_moves_its_own_networks() -> None:
    of = trainer(plain())
    first, second = {"first_generator", "first_discriminator"}, {"generator", "discriminator"}
    assert [changed(of) for _ in range(4)] == [first, first, second, second]
    assert not has_role(of.game, Illustrates) and of.game.condition is None and of.game.batch is Tensor


def test_in_stage_two_stage_one_goes_by_its_statistics() -> None:
    own = game(encoder_steps=1, first_steps=1)
    seen: list[bool] = []
    own.first_generator.register_forward_hook(lambda module, *_: seen.append(module.training))
    of = trainer(own)
    of.game.train()
    of.round()
    of.round()
    assert seen and all(seen), "stage I learns by the statistics of its batches"
    seen.clear()
    of.round()
    assert seen and not any(seen) and own.first_generator.training


@pytest.mark.parametrize("kill_at", [1, 3, 4, 6])
def test_a_run_that_is_killed_in_any_phase_goes_on_bit_for_bit(kill_at: int, tmp_path: Path) -> None:
    whole = trainer(game())
    whole.train()
    part = trainer(game())
    while part.step < kill_at:
        part.round()
    checkpoint.save(part, tmp_path, keep=1)
    again = trainer(game())
    torch.manual_seed(9)
    newest = checkpoint.newest(tmp_path)
    assert newest is not None
    checkpoint.resume(again, newest)
    again.train()
    expected, found = state(whole.game), state(again.game)
    assert all(torch.equal(value, found[name]) for name, value in expected.items())
    assert whole.average is not None and again.average is not None
    assert all(torch.equal(v, again.average.followers[n]) for n, v in whole.average.followers.items())


class Sum(nn.Module):
    """A discriminator that remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.seen = nn.Parameter(torch.ones(())), list[tuple[Tensor, Tensor]]()

    def forward(self, x: Tensor, meaning: Tensor) -> Tensor:
        self.seen.append((x.detach(), meaning.detach()))
        return self.weight * (x.flatten(1).mean(1) + meaning.mean(1))[:, None]


@pytest.mark.parametrize(("step", "stage", "side"), [(2, "first_discriminator", 4), (4, "discriminator", 16)])
def test_d_sees_right_fake_and_wrong_at_its_size(step: int, stage: str, side: int) -> None:
    own = game(objective="least-squares", near=0.5, matching=0.0)
    setattr(own, stage, Sum())
    batch = NearCaptioned(torch.rand(3, 3, 16, 16), *(torch.randint(2, 9, (3, SPEC.text.shape[0])) for _ in range(3)))
    d, g = own.round(lambda: batch, step)
    x, meaning = getattr(own, stage).seen[0]
    real = batch.x if side == 16 else shrunk(batch.x)
    assert x.shape[2:] == (side, side) and torch.equal(x[:3], real) and torch.equal(x[6:], real)
    assert torch.equal(meaning[:3], own.embed(batch.text)) and torch.equal(meaning[3:6], meaning[:3])
    wrong = torch.cat([batch.near[:2], batch.wrong[2:]])
    assert torch.equal(meaning[6:], own.embed(wrong)), "half of the wrong ones, rounded up, are near"
    logits = (x.flatten(1).mean(1) + meaning.mean(1))[:, None]
    by_hand = (logits[:3] - 1).square().mean() + (logits[3:6].square().mean() + logits[6:].square().mean()) / 2
    torch.testing.assert_close(d.loss.detach(), by_hand / 2)
    prefix = "first-" if side == 4 else ""
    assert [d.player, g.player] == [f"{prefix}discriminator", f"{prefix}generator"]
    assert set(g.terms) == {"adversarial", "kl"} and set(g.terms) != set(d.terms)


def test_matching_is_paid_where_it_is_asked_for() -> None:
    batch = NearCaptioned(torch.rand(3, 3, 16, 16), *(torch.randint(2, 9, (3, SPEC.text.shape[0])) for _ in range(3)))
    for step in (2, 4):
        _, g = game(matching=0.5).round(lambda: batch, step)
        assert set(g.terms) == {"adversarial", "kl", "matching"} and g.terms["matching"] > 0


# ---- conditioning augmentation


def test_the_condition_is_drawn_about_its_mean_and_pays_its_divergence() -> None:
    own = game(kl=3.0, matching=0.0)
    layer = own.first_augmentation.layer
    with torch.no_grad():
        layer.weight.zero_()
        layer.bias.copy_(torch.tensor([1.0] * 6 + [0.5] * 6))
    meaning, noise = torch.randn(4, 10), torch.randn(4, 6)
    torch.testing.assert_close(own.first_augmentation(meaning, noise), 1 + noise * np.exp(0.5))
    batch = NearCaptioned(torch.rand(3, 3, 16, 16), *(torch.randint(2, 9, (3, SPEC.text.shape[0])) for _ in range(3)))
    _, g = own.round(lambda: batch, 2)
    by_hand = 0.5 * (1 + np.exp(1.0) - 1) - 0.5  # of one number; the weight is of their mean
    torch.testing.assert_close(g.terms["kl"].detach(), torch.tensor(3 * by_hand, dtype=torch.float32))


def test_without_it_the_condition_is_a_function_of_the_text() -> None:
    own = game(augmentation=False, matching=0.0)
    assert own.prior.dim == 5 and game().prior.dim == 5 + 6 + 6
    layer = Augmentation(10, 6, drawn=False)
    meaning = torch.randn(4, 10)
    assert torch.equal(layer(meaning, torch.empty(4, 0)), layer.layer(meaning))
    batch = NearCaptioned(torch.rand(3, 3, 16, 16), *(torch.randint(2, 9, (3, SPEC.text.shape[0])) for _ in range(3)))
    _, g = own.round(lambda: batch, 4)
    assert set(g.terms) == {"adversarial"}
    with torch.no_grad():
        own.generator.draw[-1].weight.normal_()  # type: ignore[union-attr, operator]
    own.eval()
    text, z = batch.text[:1].expand(2, -1), torch.randn(2, 5)
    made = own.generate(z, text)
    assert made.shape == (2, 3, 16, 16) and not torch.equal(made[0], made[1]), "z is free"


def test_meanings_are_as_large_as_z() -> None:
    own = game()
    meaning = own.embed(torch.randint(2, 9, (5, SPEC.text.shape[0])))
    torch.testing.assert_close(meaning.square().mean(1), torch.ones(5))


# ---- samples


@pytest.mark.parametrize("of", [game, plain])
def test_before_stage_two_samples_are_those_of_stage_one_enlarged(of: Any) -> None:
    own = of()
    condition = own.condition
    y = None if condition is None else torch.randint(2, 9, (3, condition.shape[0]))
    made = sampling.sample(own, 3, seed=4, labels=y)
    drafts = sampling.draft(own, 3, seed=4, labels=y)
    assert drafts.shape == (3, 3, 4, 4) and made.shape == (3, 3, 16, 16)
    torch.testing.assert_close(made, enlarged(drafts).clamp(-MOST, MOST), rtol=1e-4, atol=1e-5)
    assert in_role(own, Drafts) is own


def test_the_enlarger_uses_the_small_image_and_the_condition_at_any_size() -> None:
    for shape in ((3, 64, 64), (1, 132, 100), (3, 12, 20)):
        torch.manual_seed(0)
        network = Enlarger(shape, 2, 5, 1).eval()
        network.draw[-1].weight.data.normal_()  # type: ignore[union-attr, operator]
        small = torch.rand(2, shape[0], shape[1] // 4, shape[2] // 4)
        c = torch.randn(2, 5)
        made = network(small, c)
        assert made.shape == (2, *shape) and made.abs().max() <= 1
        assert not torch.allclose(made, network(small, c + 1)) and not torch.allclose(made, network(small / 2, c))
    with torch.no_grad():
        assert Enlarger((3, 64, 64), 2, 0, 1)(torch.rand(2, 3, 16, 16)).shape == (2, 3, 64, 64)


def made_of(own: StackGAN, encoder: Any = None, images: Any = "own", **config: Any) -> StackGAN:
    """A game of the networks of another: in Python all options are allowed."""
    return StackGAN(
        encoder or own.encoder,
        tuple(own.images) if images == "own" and own.images is not None else None,  # type: ignore[arg-type]
        (own.first_augmentation, own.augmentation),  # type: ignore[arg-type]
        (own.first_generator, own.generator),
        (own.first_discriminator, own.discriminator),
        ENGLISH.kind,
        StackGAN.Config(**{"latent_dim": 5, **config}),
    )


def test_a_stage_one_of_another_run_is_taken_as_it_is() -> None:
    """Stage II alone: no steps of the text encoder and of stage I, which then are nobody's to move."""
    other, own = game(), made_of(game(), encoder_steps=0, first_steps=0, matching=1.0)
    for name in ("encoder", "first_generator", "first_augmentation"):
        for value in getattr(other, name).parameters():
            value.data.add_(0.1 * torch.randn_like(value))
        getattr(own, name).load_state_dict(getattr(other, name).state_dict())
    assert set(own.players()) == {"generator", "discriminator"}
    z, text = torch.randn(3, own.prior.dim), torch.randint(2, 9, (3, SPEC.text.shape[0]))

    def drafts(of: StackGAN) -> Tensor:
        with torch.no_grad():
            return copy.deepcopy(of).eval().draft(z, text)

    before = drafts(own)
    torch.testing.assert_close(before, drafts(other))
    of = trainer(own)
    assert [changed(of) for _ in range(3)] == [{"generator", "augmentation", "discriminator"}] * 3
    assert torch.equal(before, drafts(own))
    with pytest.raises(ZerosumError, match="a text encoder that learns changes the meanings"):
        made_of(game(), encoder_steps=2, first_steps=0)


@pytest.mark.parametrize(("near", "matching", "times"), [(0.0, 0.0, 2), (0.5, 0.0, 2), (0.0, 1.0, 3)])
def test_only_texts_that_are_used_are_embedded(near: float, matching: float, times: int) -> None:
    own = game(near=near, matching=matching)
    asked: list[Tensor] = []
    own.encoder.register_forward_hook(lambda _, inputs, __: asked.append(inputs[0]))
    batch = NearCaptioned(torch.rand(3, 3, 16, 16), *(torch.randint(2, 9, (3, SPEC.text.shape[0])) for _ in range(3)))
    for step in (2, 4):
        asked.clear()
        list(own.round(lambda: batch, step))
        assert len(asked) == times and torch.equal(asked[0], batch.text)


def test_sentences_of_another_package_take_the_place_of_the_encoder() -> None:
    def encode(sentences: list[str]) -> Tensor:
        return torch.tensor([[sentence.count(chr(97 + k)) + 1.0 for k in range(10)] for sentence in sentences])

    own = made_of(game(), Sentences(encode, ENGLISH.kind, 10), images=None, first_steps=1)
    of = trainer(own)
    assert changed(of) == {"first_generator", "first_augmentation", "first_discriminator"}
    assert changed(of) == {"generator", "augmentation", "discriminator"}
    assert own.phase(0) is None, "what a package computes is not recorded"
    of = trainer(made_of(game(), Sentences(encode, ENGLISH.kind, 10), images=None, first_steps=9))
    assert "8 steps end in the phase 'first' of stackgan, before 'second', which begins after step 9" in "".join(
        phase_notes(of)
    )
    with pytest.raises(ZerosumError, match="encoder_steps 7 would be ignored"):
        made_of(game(), Sentences(encode, ENGLISH.kind, 10), images=None, encoder_steps=7)


# ---- what is refused


@pytest.mark.parametrize("shape", [(3, 18, 16), (3, 16, 30), (1, 7, 7)])
def test_sides_that_four_does_not_divide_are_refused(shape: tuple[int, int, int]) -> None:
    said = rf"4 does not divide {shape[2]}x{shape[1]}; choose a --size"
    for name in ("shapes", "images", "plain"):
        with pytest.raises(ValueError, match=said):
            find(f"stackgan/{name}").build(Spec({"x": Image(*shape), "text": ENGLISH.kind}))


def test_recipes_freeze_nothing_that_has_not_learnt() -> None:
    for make, name in ((game, "encoder_steps"), (game, "first_steps"), (plain, "first_steps")):
        with pytest.raises(ZerosumError, match=f"--{name.replace('_', '-')} 0 would freeze networks"):
            make(**{name: 0})


def test_what_cannot_be_trained_is_refused() -> None:
    for make in (game, plain):
        with pytest.raises(ZerosumError, match="--objective relativistic compares each fake with a real sample"):
            make(objective="relativistic")
    own = game()
    pair = (own.first_augmentation, own.augmentation)
    networks = (own.first_generator, own.generator), (own.first_discriminator, own.discriminator)
    with pytest.raises(ZerosumError, match="--matching asks encoders of images, and there are none to learn"):
        StackGAN(own.encoder, None, pair, *networks, ENGLISH.kind, StackGAN.Config(matching=1.0))


def test_runs_are_sampled_by_text_and_show_stage_one(tmp_path: Path) -> None:
    options: dict[str, Any] = {"encoder_steps": 1, "first_steps": 1, "network": {**NARROW, **WORDS}}
    run = zerosum.train("stackgan/shapes", out=tmp_path / "run", steps=3, batch_size=4, quiet=True, **options)
    assert run.modality.shape == (3, 64, 64), "shapes are drawn at 64 pixels unless told another size"
    text = "a small red circle left of a blue square"
    made, drafts = run.sample(3, texts=text), run.drafts(3, texts=text)
    assert made.shape == (3, 3, 64, 64) and drafts.shape == (3, 3, 16, 16)
    assert not torch.equal(made[0], made[1]) and torch.equal(drafts, run.drafts(3, texts=[text]))
    assert run.between_texts("a red circle", "a blue circle", frames=3).shape == (3, 1, 3, 64, 64)
    toy = zerosum.train("gan/toy", out=tmp_path / "toy", steps=1, quiet=True)
    with pytest.raises(ZerosumError, match="makes no smaller samples first"):
        toy.drafts(2)


def test_stage_one_sees_means_of_four_by_four_pixels() -> None:
    x = torch.arange(64.0).view(1, 1, 8, 8)
    assert shrunk(x).flatten().tolist() == [13.5, 17.5, 45.5, 49.5]
