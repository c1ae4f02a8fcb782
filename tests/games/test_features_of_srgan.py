"""`--features` of SRGAN: a file is read once, and a run that was begun with it needs it no more."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

import zerosum
from zerosum.batches import Paired
from zerosum.cli import main
from zerosum.errors import ZerosumError
from zerosum.games import find
from zerosum.games.srgan import SRGAN
from zerosum.modality import Image, Spec
from zerosum.networks.pretrained import About, write
from zerosum.networks.vgg import Classifier
from zerosum.training import checkpoint
from zerosum.training.trainer import Trainer
from zerosum.util import rng
from zerosum.workflows import session

SMALL = ("--network.width", "2", "--network.blocks", "1", "--batch-size", "4", "--no-health")
TRAIN = ("train", "srgan/pixels", "--data", "shrink@2:digits", "--steps", "2", *SMALL)


def features(path: Path, channels: int = 1, seed: int = 0) -> Path:
    """A file of untrained features."""
    rng.seed(seed)
    classes = ("cat", "dog")
    write(path, Classifier(channels, 2), About(channels, classes, "x", "0" * 16, 0.5, "y", 2, 1, 2, False, 0, "0"))
    return path


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "finish", lambda *given: None)  # pictures at the end take most of the time
    features(tmp_path / "f.safetensors")
    return Path("f.safetensors")


def spec(channels: int = 1, b: int = 16, a: int = 8) -> Spec:
    return Spec({"a": Image(channels, a, a), "b": Image(channels, b, b)}, 9)


def built(file: Path | None, data: Spec = spec(), recipe: str = "srgan/images", **config: Any) -> SRGAN:  # noqa: B008
    own = {} if file is None else {"perceptual": 0.5, "features": str(file)}
    game = find(recipe).build(data, {"config": own | config, "network": {"width": 2, "blocks": 1}})
    assert isinstance(game, SRGAN)
    return game


def weights(run: Path) -> dict[str, torch.Tensor]:
    return {name: value for name, value in zerosum.load(run).game.state_dict().items() if "features" in name}


def test_its_term_is_the_distance_of_the_features(file: Path) -> None:
    game, pair = built(file, adversarial=0.0), Paired(torch.rand(2, 1, 8, 8), torch.rand(2, 1, 16, 16))
    (move,) = game.round(lambda: pair, 0)
    assert game.features is not None
    distance = (game.features(game.translator(pair.a)) - game.features(pair.b)).square().mean()
    torch.testing.assert_close(move.terms["features"], 0.5 * distance)
    move.loss.backward()
    assert all(p.grad is None and not p.requires_grad for p in game.features.parameters())
    assert any(bool((p.grad != 0).any()) for p in game.translator.parameters() if p.grad is not None)


def test_the_other_networks_begin_as_without_it(file: Path) -> None:
    states = []
    for own in (None, file):
        rng.seed(3)
        states.append(built(own).state_dict())
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    assert {name.partition(".")[0] for name in states[1].keys() - states[0].keys()} == {"features"}


def test_a_run_needs_the_file_no_more(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main([*TRAIN, "--out", "run", "--perceptual", "0.1", "--features", "f.safetensors"]) == 0
    recorded = json.loads(Path("run/run.json").read_text())["options"]["config"]
    assert recorded["features"] == str(tmp_path / "f.safetensors") and recorded["perceptual"] == 0.1
    whole, log = weights(Path("run")), Path("run/metrics.jsonl").read_text()
    assert len(whole) > 10 and '"generator/features"' in log
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    Pillow.fromarray(np.zeros((9, 7), np.uint8)).save("one.png")
    for number, change in enumerate(
        (
            lambda: features(tmp_path / "f.safetensors", seed=1),
            lambda: (tmp_path / "f.safetensors").write_text("no features"),
            lambda: (tmp_path / "f.safetensors").unlink(),
        )
    ):
        change()
        assert main(["resume", "../run", "--steps", str(3 + number)]) == 0
        now = weights(Path("../run"))
        assert all(torch.equal(value, now[name]) for name, value in whole.items())
        assert zerosum.load("../run").step == 3 + number
    assert main(["translate", "../run", "one.png", "--out", "large"]) == 0
    with Pillow.open("large/one.png") as large:
        assert large.size == (14, 18)
    assert main(["report", "../run"]) == 0
    assert str(tmp_path / "f.safetensors") in Path("../run/report.html").read_text()


def test_a_path_names_it_too(file: Path, tmp_path: Path) -> None:
    given: dict[str, Any] = {"perceptual": 0.1, "batch_size": 4, "health": False, "quiet": True, "steps": 1}
    given |= {"network": {"width": 2, "blocks": 1}, "judge": {"width": 2}}
    runs = [
        zerosum.train("srgan/images", "shrink@2:digits", f"run-{type(own).__name__}", features=own, **given)
        for own in (str(file), file)
    ]
    assert [run.record.options["config"]["features"] for run in runs] == [str(tmp_path / file)] * 2
    one, other = (run.game.state_dict() for run in runs)
    assert all(torch.equal(value, other[name]) for name, value in one.items()) and one.keys() == other.keys()
    own: Any = file
    assert SRGAN.Config(perceptual=0.1, features=own) == SRGAN.Config(perceptual=0.1, features=str(file))
    odd: Any = Path(os.fsdecode(b"f\xff.safetensors"))
    file.rename(odd)
    assert built(None, perceptual=0.1, features=odd).features is not None


@pytest.mark.parametrize("wrong", [3, ["f.safetensors"], True, ""])
def test_what_names_none(file: Path, wrong: Any) -> None:
    with pytest.raises(ZerosumError, match="features") as told:
        zerosum.train("srgan/images", "shrink@2:digits", "run", perceptual=0.1, features=wrong, quiet=True)
    assert "\n" not in str(told.value) and not Path("run").exists()


def test_a_resumed_run_goes_on_as_an_unbroken_one(file: Path) -> None:
    given: dict[str, Any] = {"perceptual": 0.1, "features": str(file), "batch_size": 4, "warm_up": 1, "health": False}
    given |= {"network": {"width": 2, "blocks": 1}, "judge": {"width": 2}, "quiet": True}

    def stop(trainer: Trainer) -> None:
        trainer.stopping = trainer.step == 2

    zerosum.train("srgan/images", "shrink@2:digits", "whole", steps=4, **given)
    zerosum.train("srgan/images", "shrink@2:digits", "part", steps=4, hooks=[stop], **given)
    file.unlink()
    zerosum.resume("part", quiet=True)
    one, other = (zerosum.load(run).game.state_dict() for run in ("whole", "part"))
    assert all(torch.equal(value, other[name]) for name, value in one.items()) and one.keys() == other.keys()


def test_a_run_without_a_checkpoint_needs_it(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TRAIN, "--out", "run", "--perceptual", "0.1", "--features", "f.safetensors"]) == 0
    for path in checkpoint.find(Path("run/checkpoints")):
        for own in path.iterdir():
            own.unlink()
        path.rmdir()
    for name in ("metrics.jsonl", "samples.png", "film.gif", "report.html"):
        Path("run", name).unlink(missing_ok=True)
    file.unlink()
    capsys.readouterr()
    assert main(["resume", "run"]) == 2
    assert "there is no file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--perceptual", "0.1", "--features", "none.safetensors"), "there is no file none.safetensors with features"),
        (("--perceptual", "0.1", "--features", "x.png"), "x.png is no whole .safetensors file"),
        (("--perceptual", "0.1", "--features", "."), "cannot be read"),
        (("--perceptual", "0.1", "--features", ""), "--features is empty"),
        (("--perceptual", "0.1", "--features", "four.safetensors"), "with 4 channels (x), and these have 1 channel"),
        (("--perceptual", "0.1"), "name a file with --features, which `zerosum features` trains"),
        (("--features", "f.safetensors"), "features has no effect while perceptual is 0.0"),
        (
            ("--perceptual", "0.1", "--features", "f.safetensors", "--size", "6"),
            "images of 8 pixels a side and more, and these have 6x6: take larger ones (--size)",
        ),
    ],
)
def test_what_cannot_be_begun_is_refused_before_anything_is_written(
    file: Path, arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Pillow.new("L", (9, 9)).save("x.png")
    features(Path("four.safetensors"), channels=4)
    before = sorted(Path().rglob("*"))
    for command in ((*TRAIN, "--out", "run"), (*TRAIN, "--dry-run")):
        assert main([*command, *arguments]) == 2
        err = capsys.readouterr().err.strip().splitlines()[-1]
        assert says in err and err.startswith("zerosum: ")
    assert sorted(Path().rglob("*")) == before


def test_features_of_colour_serve_grey_images_and_no_others(file: Path) -> None:
    colour = features(Path("rgb.safetensors"), channels=3)
    x = torch.rand(2, 1, 16, 16) * 2 - 1
    grey, whole = built(colour).features, built(colour, spec(3)).features
    assert grey is not None and whole is not None
    torch.testing.assert_close(grey(x), whole(x.expand(-1, 3, -1, -1)), rtol=1e-4, atol=1e-5)
    with pytest.raises(ZerosumError, match=r"with 1 channel .x., and these have 3 channels"):
        built(file, spec(3))


def test_on_the_meta_device_and_for_a_checkpoint_no_file_is_read() -> None:
    missing = Path("none.safetensors")
    with torch.device("meta"):
        assert built(missing).features.mean.is_meta  # type: ignore[union-attr]
    options = {"config": {"perceptual": 1.0, "features": str(missing)}}
    assert find("srgan/pixels").rebuild(spec(), options).features is not None  # type: ignore[truthy-function]
    with pytest.raises(ZerosumError, match="there is no file"):
        find("srgan/pixels").build(spec(), options)


def test_a_callable_goes_before_the_file() -> None:
    game = SRGAN(
        torch.nn.Identity(), None, SRGAN.Config(adversarial=0.0, perceptual=1.0), features=lambda x: x.mean((2, 3))
    )
    (move,) = game.round(lambda: Paired(torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4)), 0)
    torch.testing.assert_close(move.terms["features"], torch.tensor(1.0))


def test_an_exported_translator_holds_no_features(file: Path) -> None:
    onnx = pytest.importorskip("onnx")
    assert main([*TRAIN, "--out", "run", "--perceptual", "0.1", "--features", "f.safetensors"]) == 0
    assert main(["export", "run", "--out", "f.onnx"]) == 0
    model = onnx.load("f.onnx")
    assert not [own.name for own in model.graph.initializer if "features" in own.name]
    held = sum(int(np.prod(own.dims)) for own in model.graph.initializer)
    assert held < sum(p.numel() for p in zerosum.load("run").game.core.translator.parameters()) + 200
