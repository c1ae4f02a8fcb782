"""AdvGAN: the terms of its loss by hand, whose turn it is, where perturbations stay, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image as Pillow
from torch import Tensor, nn

import zerosum
from zerosum.batches import Labelled
from zerosum.cli import main
from zerosum.contract.case import Case
from zerosum.contract.rules import machine, players, repeating, values
from zerosum.errors import ZerosumError
from zerosum.game import Move
from zerosum.games import find
from zerosum.games.advgan import AdvGAN
from zerosum.losses.adversarial_examples import pgd
from zerosum.modality import Classes, Image, Spec, Vector
from zerosum.networks.pretrained import About, write
from zerosum.networks.vgg import Classifier
from zerosum.options import OptionError
from zerosum.training import checkpoint
from zerosum.util import rng
from zerosum.workflows import session

CLASSES = Classes(("cat", "dog", "eel"))
SHAPE = (1, 4, 4)
SMALL = ("--network.width", "2", "--network.blocks", "1", "--patch.width", "2", "--batch-size", "4", "--no-health")
TRAIN = ("train", "advgan/images", "--data", "digits", "--steps", "2", *SMALL)


class Constant(nn.Module):
    """The same number everywhere."""

    def __init__(self, value: float):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))

    def forward(self, x: Tensor) -> Tensor:
        return self.value.expand_as(x)


class Mean(nn.Module):
    """(B, 1): a weight times the mean of an image."""

    def __init__(self, weight: float):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * x.flatten(1).mean(1, keepdim=True)


class Levels(nn.Module):
    """(B, 3) logits: 0 of the first class, m of the second, 2 m - 1 of the third, m the mean of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.slopes = nn.Parameter(torch.tensor([0.0, 1.0, 2.0]))

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1).mean(1, keepdim=True) * self.slopes - torch.tensor([0.0, 0.0, 1.0])


def advgan(change: float = 0.5, learns: bool = False, **config: Any) -> AdvGAN:
    return AdvGAN(Constant(change), Mean(2.0), Levels(), CLASSES, AdvGAN.Config(**config), learns)


def flat(*levels: float) -> Tensor:
    return torch.tensor(levels).view(-1, 1, 1, 1).expand(-1, *SHAPE)


def played(game: AdvGAN, x: Tensor, y: list[int], step: int = 0) -> dict[str, Move]:
    return {move.player: move for move in game.round(lambda: Labelled(x, torch.tensor(y)), step)}


def test_the_terms_are_those_of_equation_4() -> None:
    """Of changes of 0.4 x 0.5 = 0.2: images of 0.3 and of -0.6 become 0.5 and -0.4."""
    game = advgan(epsilon=0.4, adversarial=0.7, hinge=3.0, bound=0.15)
    move = played(game, flat(0.3, -0.6), [1, 0])["generator"]
    logits = torch.tensor([1.0, -0.8])  # of D
    torch.testing.assert_close(move.terms["adversarial"], 0.7 * 0.5 * (logits - 1).square().mean())
    ahead = torch.tensor([0.5, 0.4])  # 0.5 before 0; 0 before -0.4
    torch.testing.assert_close(move.terms["attack"], ahead.mean())
    torch.testing.assert_close(move.terms["hinge"], torch.tensor(3 * (0.2 - 0.15)))
    assert move.log["success"] == 0 and [*move.terms] == ["adversarial", "attack", "hinge"]
    d = played(game, flat(0.3, -0.6), [1, 0])["discriminator"]
    real, fake = torch.tensor([0.6, -1.2]), logits
    torch.testing.assert_close(d.loss, 0.5 * ((real - 1).square().mean() + fake.square().mean()))
    d.loss.backward()
    assert game.generator.value.grad is None, "D's loss has no gradient for G"
    move.loss.backward()
    assert game.generator.value.grad is not None and all(p.grad is None for p in game.f.parameters())


def test_an_attack_is_over_once_another_class_is_ahead_and_goes_on_for_confidence() -> None:
    x, y = flat(0.3), [0]  # becomes 0.5, which f takes for the second class, by 0.5
    move = played(advgan(epsilon=0.4), x, y)["generator"]
    assert move.terms["attack"] == 0 and move.log["success"] == 1
    for confidence, loss in ((0.2, -0.2), (0.5, -0.5), (2.0, -0.5)):
        torch.testing.assert_close(
            played(advgan(epsilon=0.4, confidence=confidence), x, y)["generator"].terms["attack"], torch.tensor(loss)
        )


def test_with_a_target_another_error_is_not_enough() -> None:
    x, y = flat(0.3), [0]  # becomes 0.5: logits of 0, 0.5 and 0
    move = played(advgan(epsilon=0.4, target="eel"), x, y)["generator"]
    torch.testing.assert_close(move.terms["attack"], torch.tensor(0.5))
    assert move.log["success"] == 0
    assert played(advgan(epsilon=0.4, target="dog"), x, y)["generator"].log["success"] == 1
    assert advgan(target="eel").target == 2 and advgan().target is None


@pytest.mark.parametrize(("off", "terms"), [
    ({"adversarial": 0.0}, ["attack", "hinge"]),
    ({"hinge": 0.0}, ["adversarial", "attack"]),
])  # fmt: skip
def test_what_has_no_weight_is_not_there(off: dict[str, float], terms: list[str]) -> None:
    game = advgan(**off)
    assert [*played(game, flat(0.3), [0])["generator"].terms] == terms
    assert ("discriminator" in game.players()) == ("adversarial" in terms)
    assert (game.discriminator is None) == ("adversarial" not in terms)


def test_changes_stay_within_epsilon_and_images_within_their_range() -> None:
    x = 2 * torch.rand(9, *SHAPE) - 1
    for change in (-1.0, 1.0):
        changed = advgan(change, epsilon=0.6).translate(x).detach()
        assert float((changed - x).abs().max()) == pytest.approx(0.6) and float(changed.abs().max()) <= 1
    assert torch.equal(advgan(0.0).translate(x), x)


def test_the_classifier_learns_first_alone_and_no_more() -> None:
    game = advgan(learns=True, classifier_steps=2)
    told = [[*played(game, flat(0.3), [0], step)] for step in range(3)]
    assert told == [["classifier"], ["classifier"], ["discriminator", "generator"]]
    assert [game.phase(step) for step in (0, 1, 2, 99)] == ["classifier alone"] * 2 + ["round"] * 2
    assert [*advgan().players()] == ["generator", "discriminator"] and advgan().phase(0) == "round"
    assert not any(p.requires_grad for p in advgan().f.parameters())
    move = played(game, flat(0.3, 0.9), [0, 2])["classifier"]
    expected = F.cross_entropy(game.f(flat(0.3, 0.9)), torch.tensor([0, 2]))
    torch.testing.assert_close(move.loss, expected)
    assert move.log["errors"] == 1


def test_in_adversarial_training_it_learns_what_pgd_makes() -> None:
    game = advgan(learns=True, pgd_steps=3, epsilon=0.4)
    x, y = flat(0.3, -0.5), torch.tensor([0, 1])
    torch.manual_seed(3)
    move = played(game, x, [0, 1])["classifier"]
    torch.manual_seed(3)
    seen = pgd(game.f, x, y, 0.4, steps=3)
    torch.testing.assert_close(move.loss, F.cross_entropy(game.f(seen), y))
    assert move.loss > played(advgan(learns=True), x, [0, 1])["classifier"].loss


def features(path: Path, channels: int = 1, classes: tuple[str, ...] = CLASSES.names, seed: int = 0) -> Path:
    """A file of an untrained classifier."""
    rng.seed(seed)
    about = About(channels, classes, "x", "0" * 16, 0.5, "y", 2, 1, 2, False, 0, "0")
    write(path, Classifier(channels, len(classes)), about)
    return path


def spec(channels: int = 1, side: int = 12) -> Spec:
    return Spec({"x": Image(channels, side, side), "y": CLASSES}, 100)


def small(**config: Any) -> Case:
    sizes = {"network": {"width": 2, "blocks": 1}, "patch": {"width": 2}}
    return Case(find("advgan/images"), spec(), {"config": config, **sizes})


@pytest.mark.parametrize(
    "rule",
    [*(repeating.resume, machine.phases, players.turns, players.gradients), *(players.own_moves, values.terms)],
    ids=lambda rule: rule.__name__,
)
@pytest.mark.parametrize("config", [{"classifier": "file"}, {"classifier_steps": 2, "pgd_steps": 2}, {"target": "eel"}])
def test_its_phases_keep_the_contract(config: dict[str, Any], rule: Any, tmp_path: Path) -> None:
    if "classifier" in config:
        config = {"classifier": str(features(tmp_path / "f.safetensors"))}
    rule(small(**config))


def test_the_classifier_of_a_file_is_read_and_frozen(tmp_path: Path) -> None:
    game = small(classifier=str(features(tmp_path / "f.safetensors"))).game()
    rng.seed(0)
    network, x = Classifier(1, 3).eval(), torch.rand(2, 1, 12, 12)
    assert isinstance(game, AdvGAN) and torch.equal(game.classifier()(x), network(x))
    assert not any(p.requires_grad for p in game.f.parameters()) and "classifier" not in game.players()
    missing = {"config": {"classifier": str(tmp_path / "none.safetensors")}}
    rebuilt = find("advgan/images").rebuild(spec(), missing)
    assert isinstance(rebuilt, AdvGAN) and isinstance(rebuilt.f, Classifier)
    with torch.device("meta"):
        assert next(find("advgan/images").build(spec(), missing).parameters()).is_meta


def test_a_run_needs_the_file_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "finish", lambda *given: None)  # pictures at the end take most of the time
    features(Path("f.safetensors"), classes=tuple(map(str, range(10))))
    assert main([*TRAIN, "--out", "run", "--classifier", "f.safetensors"]) == 0
    before = {name: value.clone() for name, value in zerosum.load("run").game.state_dict().items() if name[:2] == "f."}
    Path("f.safetensors").unlink()
    assert main(["resume", "run", "--steps", "3"]) == 0
    now = zerosum.load("run").game.state_dict()
    assert len(before) > 10 and all(torch.equal(value, now[name]) for name, value in before.items())
    Pillow.fromarray(np.zeros((9, 13), np.uint8)).save("one.png")
    assert main(["translate", "run", "one.png", "--out", "changed"]) == 0
    with Pillow.open("changed/one.png") as changed:
        assert changed.size == (13, 9) and int(np.asarray(changed).max()) <= 77, "0.6 of 2 is 77 of 255"
    assert main(["evaluate", "run", "-n", "20", "--metrics", "attack-success:count=20,steps=2"]) == 0


@pytest.mark.parametrize(("arguments", "says"), [
    (("--classifier", "none.safetensors"), "there is no file none.safetensors"),
    (("--classifier", "x.png"), "x.png is no whole .safetensors file"),
    (("--classifier", "."), "cannot be read"),
    (("--classifier", "three.safetensors"), "tells 3 classes of images with 1 channel (cat, dog, eel) apart"),
    (("--classifier", "colour.safetensors"), "tells 10 classes of images with 3 channels"),
    (("--classifier", "three.safetensors", "--classifier-steps", "3"), "classifier_steps has no effect while"),
    (("--classifier", "three.safetensors", "--pgd-steps", "3"), "pgd_steps has no effect while classifier is"),
    (("--classifier", "three.safetensors", "--c-optimizer.lr", "0.1"), "c_optimizer has no effect while classifier is"),
    (("--target", "10"), "there is no class '10' that samples could be taken for"),
    (("--epsilon", "0"), "epsilon"),
    (("--epsilon", "2.1"), "epsilon"),
    (("--size", "6"), "images of 6 pixels are too small for AdvGAN's generator, which takes 8 and more"),
    (("--data", "moons"), "this network is for images"),
    (("--data", "unlabelled"), "unlabelled has no labels, but advgan/images learns from them"),
])  # fmt: skip
def test_what_cannot_be_begun_is_refused_before_anything_is_written(
    arguments: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Pillow.new("L", (9, 9)).save("x.png")
    Path("unlabelled").mkdir()
    for number in range(8):
        Pillow.new("L", (9, 9), number).save(f"unlabelled/{number}.png")
    features(Path("three.safetensors"))
    features(Path("colour.safetensors"), 3, tuple(map(str, range(10))))
    before = sorted(Path().rglob("*"))
    assert main([*TRAIN, "--out", "run", *arguments]) == 2
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert says in told
    assert sorted(Path().rglob("*")) == before


def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(ZerosumError, match=r"there is no class 'ant'.*cat, dog, eel"):
        advgan(target="ant")
    with pytest.raises(ZerosumError, match="needs a discriminator"):
        AdvGAN(Constant(0.1), None, Levels(), CLASSES)
    with pytest.raises(ZerosumError, match="classes: give labelled images"):
        find("advgan/images").build(Spec({"x": Image(1, 12, 12), "y": Vector(3)}, 9))
    with pytest.raises(ZerosumError, match="names no file"):
        small(classifier="").game()
    for wrong in (0.0, -1.0, 2.5):
        with pytest.raises(OptionError, match="epsilon"):
            AdvGAN.Config(epsilon=wrong)


def test_a_python_classifier_is_attacked_as_it_is() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    game = AdvGAN(Constant(0.1), Mean(1.0), network, CLASSES)
    assert game.classifier() is network and checkpoint.newest(Path("nowhere")) is None
