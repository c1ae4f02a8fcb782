"""docs/architecture.md: its walk is walked, its floors are those of the imports, its code runs."""

from __future__ import annotations

import importlib.util
import re
import runpy
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

import zerosum
from zerosum.cli import main
from zerosum.data import SOURCES
from zerosum.evaluation.real_data import EXTRACTORS
from zerosum.health.features import FEATURES
from zerosum.health.signals import SignalMeter
from zerosum.losses import OBJECTIVES
from zerosum.pictures.render import DRAW, renderer
from zerosum.recipe import RECIPES
from zerosum.run.sampling import sample
from zerosum.workflows.sample import WRITE

ROOT = Path(zerosum.__file__).parent
PAGE = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text()
BLOCKS = {code.split("\n")[0][2:]: code for code in re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)}
TABLES = (RECIPES, OBJECTIVES, SOURCES, DRAW, FEATURES, EXTRACTORS, WRITE)


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    assert found, title
    return found[1]


# The walk


class Walk:
    """Ticks off functions, (file, qualified name), as they are entered in this order, on any thread."""

    def __init__(self, rows: list[tuple[str, str]]) -> None:
        self.left = list(rows)

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if event != "call" or not self.left or code.co_qualname != self.left[0][1]:
            return
        if code.co_filename == str(ROOT / self.left[0][0]):
            self.left.pop(0)
            if not self.left:  # what follows is not slowed down
                sys.setprofile(None)

    def __enter__(self) -> Walk:
        threading.setprofile(self)
        sys.setprofile(self)
        return self

    def __exit__(self, *exception: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZEROSUM_CACHE", str(tmp_path / "cache"))
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 255, (4, 16, 16, 3), dtype=np.uint8)
    for i, image in enumerate(pixels):
        Image.fromarray(image).save(tmp_path / "photos" / "cat" / f"{i}.png")


@pytest.mark.usefixtures("photos")
def test_the_walk() -> None:
    rows = re.findall(r"^\| `(\S+)` \| `(\S+)` \|", section("One image, from folder to gradient to picture"), re.M)
    assert len(rows) > 20
    assert all((ROOT / file).exists() for file, _ in rows)
    small = "--network.widths 8 8 --network.blocks 1 --network.group-size 8 --no-health"
    arguments = f"train r3gan/images --data photos/ --out run --batch-size 2 --steps 1 {small}".split()
    with Walk(rows) as walk:
        assert main(arguments) == 0
    assert walk.left == [], "the first of these is not entered, or not after the row above it"
    assert (Path("run") / "samples" / "step-00000001.png").exists()


# The floors


def test_the_floors_are_those_that_imports_are_held_to() -> None:
    rows = re.findall(r"^\| (\d+) \| (.*?) \|", section("Floors"), re.M)
    layers = runpy.run_path(str(Path(__file__).parents[1] / "contract" / "test_layers.py"))
    assert tuple(tuple(re.findall(r"`(\w+)`", rooms)) for _, rooms in rows) == layers["FLOORS"]
    assert [int(number) for number, _ in rows] == list(range(len(rows)))


def test_every_room_is_on_a_floor() -> None:
    rooms = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    named = re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| \d+ \| (.*?) \|", section("Floors"), re.M)))
    assert sorted(named) == sorted(rooms - {"__init__", "__main__"})


# The code


def test_each_addition_takes_at_most_ten_steps() -> None:
    titles = re.findall(r"^## (Add .*)$", PAGE, re.M)
    assert titles == [f"Add a {what}" for what in ("loss", "network", "GAN", "metric", "kind of data", "hook")]
    for title in titles:
        steps = [int(number) for number in re.findall(r"^(\d+)\. ", section(title), re.M)]
        assert steps == list(range(1, len(steps) + 1))
        assert 1 <= len(steps) <= 10


@pytest.fixture
def blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The blocks as files in the current folder; what they add to the package's tables is removed afterwards."""
    monkeypatch.chdir(tmp_path)
    for name, code in BLOCKS.items():
        (tmp_path / name).write_text(code)
    before = [table.copy() for table in TABLES]
    yield tmp_path
    for table, old in zip(TABLES, before, strict=True):
        table.clear()
        table.update(old)  # type: ignore[arg-type]


@pytest.fixture
def load(blocks: Path, monkeypatch: pytest.MonkeyPatch):
    def run(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"architecture_{name}", blocks / f"{name}.py")
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        return module

    return run


def test_a_loss(load) -> None:
    module = load("pearson")
    logits = torch.linspace(-2, 2, 5, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(module.pearson_d(logits, logits), logits.square().mean() / 4)  # least at 0, where p = q
    assert torch.autograd.gradcheck(module.pearson_d, (logits, 2 * logits.detach()))
    assert torch.autograd.gradcheck(module.pearson_g, (logits,))
    assert module.trainer.step == 20
    assert module.trainer.pop_metrics()["discriminator/adversarial"] < 0  # better than D = 0


@pytest.mark.usefixtures("blocks")
def test_a_network() -> None:
    run = zerosum.train("wide.py:wide", steps=3, network={"width": 64}, quiet=True)
    assert run.record.options["network"] == {"width": 64}
    assert run.game.generator.layers[0].out_features == 64
    assert run.sample(5).shape == (5, 2)


def test_a_gan(blocks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (command,) = re.findall(r"^zerosum (train .*)$", section("Add a GAN"), re.M)
    assert main([*command.split(), "--steps", "20", "--out", "mine"]) == 0
    capsys.readouterr()
    run = zerosum.load("mine", recipe="my_gan.py:points")
    config = run.record.options["config"]
    assert (config["gamma"], config["g_optimizer"]["kind"]) == (0.5, "rmsprop")
    assert run.step == 20
    assert run.sample(5, seed=0).isfinite().all()


def test_a_metric(load) -> None:
    module = load("energy")
    same, other = torch.tensor([[0.0], [1.0]]), torch.tensor([[3.0], [4.0]])
    assert module.energy_distance(same, same) == pytest.approx(0)
    assert module.energy_distance(same, other) == pytest.approx(2 * 3 - 0.5 - 0.5)
    assert module.distance.value > 0
    assert module.distance.references["real"] < module.distance.references["noise"]


def test_a_kind_of_data(load) -> None:
    module = load("bits")
    kind, stored = module.bits.modality, module.bits.x
    assert (kind, len(module.bits)) == (module.Binary(4), 64)
    assert torch.equal(kind.store(kind.load(stored)), stored)
    assert module.trainer.step == 20
    x = sample(module.game, 6)
    assert set(kind.store(x).unique().tolist()) <= {0, 1}
    assert renderer(kind).picture(x, None).size > (0, 0)
    assert SignalMeter(module.bits, "x").measure(module.trainer, 0.0).signals["frechet"] > 0
    extractor, _ = EXTRACTORS[module.Binary](module.bits, "cpu")
    assert extractor(kind.load(stored)).features.shape == (64, 4)
    assert WRITE[module.Binary].default == ".png"


def test_a_hook(load) -> None:
    assert list(load("gap").gaps) == [10, 20]
