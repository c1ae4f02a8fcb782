"""Networks as ONNX files compute what they compute in PyTorch, for batches of any size."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import zerosum
from zerosum.batches import Labelled
from zerosum.errors import ZerosumError
from zerosum.game import Game, Player
from zerosum.latent import Normal
from zerosum.modality import Classes, Points, Vector
from zerosum.roles import Classifies, Discriminates, Generates, Translates, TranslatesBack, has_role, in_role
from zerosum.run import sampling
from zerosum.run.loaded import Run

pytest.importorskip("onnxscript", reason="the extra onnx is not installed")
runtime = pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")

CLASSES = ("a", "b", "猫")
# Of each kind: points and images, batch norm and none, z in parts, classes beside z, D of pairs, several Ds.
SOME = ("dcgan", "r3gan/images", "bayesian/toy", "bigan/mnist", "cgan/images", "acgan/toy", "sgan/images")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return zerosum.train("gan/toy", out=tmp_path_factory.mktemp("runs") / "toy", steps=1, batch_size=8, quiet=True)


def run_of(trained: Run, case: object) -> Run:
    fields = dict(case.spec().fields)
    if "y" in fields:
        fields["y"] = Classes(CLASSES)
    data = replace(trained.record.data, fields=fields)
    return replace(trained, game=case.game().eval(), record=replace(trained.record, recipe=case.recipe.name, data=data))


def ask(path: Path, output: str, **inputs: Tensor) -> Tensor:
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert [given.name for given in session.get_inputs()] == list(inputs)
    return torch.from_numpy(session.run([output], {name: value.numpy() for name, value in inputs.items()})[0])


@pytest.mark.parametrize("name", SOME)
def test_onnxruntime_computes_what_pytorch_does(case_of, trained: Run, tmp_path: Path, name: str) -> None:
    case = case_of(name)
    run = run_of(trained, case)
    game = run.game
    role, judge = in_role(game, Generates), in_role(game, Discriminates)
    z, y = role.prior.draw(7), torch.arange(7) % 3
    asked = {} if role.condition is None else {"y": y}
    zerosum.export(run, tmp_path / "g.onnx")
    zerosum.export(run, tmp_path / "d.onnx", "discriminator")
    with sampling.eval_no_grad(game, 0):
        x = role.generate(z, **asked)
        torch.testing.assert_close(ask(tmp_path / "g.onnx", "x", z=z, **asked), x, rtol=1e-4, atol=1e-4)
        score = judge.score(x, **asked)
        of_d = asked if name.startswith("cgan") else {}  # D of an AC-GAN is not told the class
        torch.testing.assert_close(ask(tmp_path / "d.onnx", "score", x=x, **of_d), score, rtol=1e-4, atol=1e-4)
        if has_role(game, Classifies):
            classifier = in_role(game, Classifies).classifier()
            zerosum.export(run, tmp_path / "c.onnx", "classifier")
            torch.testing.assert_close(ask(tmp_path / "c.onnx", "logits", x=x), classifier(x), rtol=1e-4, atol=1e-4)


def test_a_run_that_only_classifies_has_one_network(case_of, trained: Run, tmp_path: Path) -> None:
    run = run_of(trained, case_of("dann/images"))
    zerosum.export(run, tmp_path / "c.onnx")
    x = torch.rand(5, *run.modality.shape) * 2 - 1
    with sampling.eval_no_grad(run.game, 0):
        expected = in_role(run.game, Classifies).classifier()(x)
    torch.testing.assert_close(ask(tmp_path / "c.onnx", "logits", x=x), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["gan-int-cls/shapes", "stackgan/shapes"])
def test_captions_are_ids_of_texts(case_of, trained: Run, tmp_path: Path, name: str) -> None:
    case = case_of(name)
    run = run_of(trained, case)
    role, judge = in_role(run.game, Generates), in_role(run.game, Discriminates)
    z, y = role.prior.draw(5), torch.randint(role.condition.size, (5, role.condition.length))
    zerosum.export(run, tmp_path / "g.onnx")
    zerosum.export(run, tmp_path / "d.onnx", "discriminator")
    with sampling.eval_no_grad(run.game, 0):
        x = role.generate(z, y=y)
        torch.testing.assert_close(ask(tmp_path / "g.onnx", "x", z=z, y=y), x, rtol=1e-4, atol=1e-4)
        score = judge.score(x, y=y)
        torch.testing.assert_close(ask(tmp_path / "d.onnx", "score", x=x, y=y), score, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "name", ["pix2pix/images", "cyclegan/images", "srgan/images", "simgan/gauges", "advgan/images"]
)
def test_translators_take_any_size(case_of, trained: Run, tmp_path: Path, name: str) -> None:
    """Dropout's masks, too: they are a function of the seeds."""
    run = run_of(trained, case_of(name))
    zerosum.export(run, tmp_path / "t.onnx")  # the network that makes its samples
    role = in_role(run.game, Translates)
    for count, size in ((1, (8, 9)), (2, (33, 47)), (3, (12, 12)), (1, (17, 30))):
        a, seeds = torch.rand(count, 1, *size) * 2 - 1, torch.arange(5, 5 + count)
        noise = {"seeds": seeds} if name.startswith("pix2pix") else {}
        with sampling.eval_no_grad(run.game, 0):
            b = role.translate(a, seeds)
        output = "b" if role.takes == "a" else "translation"
        found = ask(tmp_path / "t.onnx", output, **{role.takes: a}, **noise)
        torch.testing.assert_close(found, b, rtol=1e-4, atol=1e-4)
    if not has_role(run.game, TranslatesBack):
        with pytest.raises(ZerosumError, match="does not translate in both directions"):
            zerosum.export(run, tmp_path / "back.onnx", "translator-back")
        return
    zerosum.export(run, tmp_path / "back.onnx", "translator-back")
    with sampling.eval_no_grad(run.game, 0):
        back = in_role(run.game, TranslatesBack).translate_back(a)
    torch.testing.assert_close(ask(tmp_path / "back.onnx", "a", b=a), back, rtol=1e-4, atol=1e-4)


def test_a_file_says_what_it_is(case_of, trained: Run, tmp_path: Path) -> None:
    zerosum.export(run_of(trained, case_of("sgan/images")), tmp_path / "c.onnx", "classifier")
    told = runtime.InferenceSession(str(tmp_path / "c.onnx")).get_modelmeta().custom_metadata_map
    assert json.loads(told["classes"]) == list(CLASSES)
    assert (told["recipe"], told["network"], told["step"]) == ("sgan/images", "classifier", "1")


class OfVectors(Game[Labelled], Generates, Discriminates):
    """As much of a game as an export asks for: vectors beside z."""

    name = "of-vectors"

    def __init__(self, noisy: bool = False):
        super().__init__()
        self.linear, self.noisy = nn.Linear(4, 2), noisy
        self.condition, self.prior = Vector(2), Normal(2)

    def players(self) -> dict[str, Player]:
        raise NotImplementedError

    def round(self, draw: Any, step: int) -> Any:
        raise NotImplementedError

    def generate(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        made = self.linear(torch.cat([z, self.condition.vector(y)], dim=1))
        return made + torch.randn_like(made) if self.noisy else made

    def score(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return x.sum(1) + y.sum(1)


def of_vectors(trained: Run, noisy: bool = False) -> Run:
    data = replace(trained.record.data, fields={"x": Points(2), "y": Vector(2)})
    return replace(trained, game=OfVectors(noisy), record=replace(trained.record, data=data))


def test_vectors_are_an_input(trained: Run, tmp_path: Path) -> None:
    run = of_vectors(trained)
    zerosum.export(run, tmp_path / "g.onnx")
    z, y = torch.randn(3, 2), torch.randn(3, 2)
    made = ask(tmp_path / "g.onnx", "x", z=z, y=y)
    torch.testing.assert_close(made, run.game.linear(torch.cat([z, y], 1)).detach())
    zerosum.export(run, tmp_path / "d.onnx", "discriminator")
    torch.testing.assert_close(ask(tmp_path / "d.onnx", "score", x=z, y=y), z.sum(1) + y.sum(1))


def test_a_network_that_would_compute_something_else_is_not_written(trained: Run, tmp_path: Path) -> None:
    with pytest.raises(zerosum.ZerosumError, match=r"as ONNX differs by .*, so no file is written"):
        zerosum.export(of_vectors(trained, noisy=True), tmp_path / "g.onnx")
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_there_is_not_exported(case_of, trained: Run, tmp_path: Path) -> None:
    with pytest.raises(zerosum.ZerosumError, match=r"a network is written to an \.onnx file"):
        zerosum.export(trained, tmp_path / "g.pt")
    with pytest.raises(zerosum.ZerosumError, match="gan/toy learns no classifier; train one of these recipes: "):
        zerosum.export(trained, tmp_path / "c.onnx", "classifier")
    with pytest.raises(
        zerosum.ZerosumError, match="pacgan: its discriminator does not score single samples, only packs of 2"
    ):
        zerosum.export(run_of(trained, case_of("pacgan")), tmp_path / "d.onnx", "discriminator")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_named(trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(zerosum.ZerosumError, match=r"need the package onnxscript: pip install 'zerosum\[onnx\]'"):
        zerosum.export(trained, tmp_path / "g.onnx")
