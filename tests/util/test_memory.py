"""Memory: what is left, what is refused, and failures that become one line."""

from __future__ import annotations

import errno
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

import zerosum
from zerosum import cli, data
from zerosum.cli.commands import show
from zerosum.data.images import decode
from zerosum.errors import ZerosumError
from zerosum.games import find
from zerosum.metrics.frechet import frechet
from zerosum.metrics.statistics import Moments
from zerosum.run import loaded, sampling
from zerosum.run.sampling import SampleRequest
from zerosum.training import estimate
from zerosum.training.trainer import Trainer
from zerosum.util import console, memory, rng
from zerosum.workflows.evaluate import evaluate
from zerosum.workflows.prepare import DataChoice, prepare
from zerosum.workflows.sample import write_samples


def test_what_does_not_fit_is_refused_with_its_size_and_the_cure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "available", lambda: 2 * 10**9)
    memory.require(10**9, "this", "less")
    with pytest.raises(ZerosumError, match=r"this would take about 3.0 GB of memory, and 2.0 GB are free: less"):
        memory.require(3 * 10**9, "this", "less")


def test_the_least_of_all_limits_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert memory.available() is None or memory.available() > 0
    for name, text in (("max", "5000"), ("current", "4000"), ("stat", "inactive_file 300")):
        (tmp_path / f"memory.{name}").write_text(text)
    assert memory._of_group(tmp_path) == 1300
    (tmp_path / "memory.max").write_text("max")
    assert memory._of_group(tmp_path) is None
    assert memory._of_group(tmp_path / "none") is None
    monkeypatch.setattr(memory, "_of_group", lambda root: 7)
    assert memory.available() == 7


FAILURES = [
    MemoryError(),
    RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried 9 bytes"),
    RuntimeError("std::bad_alloc"),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
@pytest.mark.parametrize("command", ["show", "evaluate", "train", "sample", "data"])
def test_no_failed_allocation_reaches_the_user_as_a_traceback(
    failure: Exception, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def fail(arguments: object) -> None:
        raise failure

    monkeypatch.setattr(f"zerosum.cli.commands.{command}.run", fail)
    assert cli.main([command]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"zerosum: {command}: there is not enough memory; ") and len(said.splitlines()) == 1


def test_other_errors_of_ours_are_not_hidden(monkeypatch: pytest.MonkeyPatch):
    def fail(arguments: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(show, "run", fail)
    with pytest.raises(RuntimeError, match="a fault of ours"):
        cli.main(["show"])


def test_more_features_than_rows_make_no_matrix_of_features():
    """6 rows of 200,000 features: their covariance would take 320 GB."""
    x, y = (torch.randn(6, 200_000, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    distance = frechet(Moments.of(x), Moments.of(y))
    means = float((x.double().mean(0) - y.double().mean(0)).square().sum())
    assert 0 < distance - means < 2 * 200_000 * 1.1


def test_few_rows_give_the_distance_of_the_whole_matrices():
    x, y = (torch.randn(count, 40, dtype=torch.float64) + 3 for count in (12, 90))
    ours = frechet(Moments.of(x), Moments.of(y))
    full = [Moments.restore(Moments.of(side).state()) for side in (x, y)]
    assert ours == pytest.approx(frechet(*full), rel=1e-9)
    parts = [Moments.of(x[:5]), Moments.of(x[5:6]), Moments.of(x[6:])]
    assert frechet(Moments.pooled(parts), Moments.of(y)) == pytest.approx(ours, rel=1e-9)


def test_an_evaluation_that_cannot_fit_is_refused_before_it_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    draw = np.random.default_rng(0)
    for name in ("a", "b"):
        np.savez(tmp_path / f"{name}.npz", samples=draw.integers(0, 256, (40, 3, 64, 64), dtype=np.uint8))
    monkeypatch.setattr(memory, "available", lambda: 10**7)
    with pytest.raises(ZerosumError, match=r"comparing 40 real with 40 fake samples by 12,288 features .* use fewer"):
        evaluate(tmp_path / "a.npz", str(tmp_path / "b.npz"), extractor="pixels")


@pytest.fixture(scope="module")
def small_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of images with classes, and one of points."""
    place = tmp_path_factory.mktemp("runs")
    shared = {"steps": 1, "health": False, "quiet": True}
    zerosum.train("cgan/digits", "digits", place / "images", batch_size=4, **shared)
    zerosum.train("cgan/toy", "moons", place / "points", batch_size=4, **shared)
    zerosum.train("gan/toy", "ring", place / "plain", batch_size=4, **shared)
    zerosum.train("dcgan", "digits", place / "plain images", batch_size=4, network={"width": 4}, **shared)
    return place


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line of a command that ends with 2."""
    assert cli.main([str(argument) for argument in arguments]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()[-1:]
    assert "Traceback" not in line
    return line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sample", "images", "-n", 10**9, "--out", "a.png"), r"pictures of 1,000,000,000 images .* draw fewer"),
        (("sample", "points", "-n", 10**13, "--out", "a.png"), r"pictures of .* points would take about .* TB"),
        (("sample", "images", "-n", 10**6, "--to-seed", 3, "--out", "a.gif"), r"48,000,000 images .* --frames"),
        (
            ("sample", "images", "-n", 10**15, "--out", "a.npz"),
            r"labels for 1,000,000,000,000,000 images .* fewer",
        ),
        (("sample", "plain", "-n", 10**13, "--out", "a.npz"), r"points would take .* TB or more in .* may fit \(-n\)"),
        (("train", "gan/toy", "--latent-dim", 10**12, "--out", "r"), r"training the networks .* smaller networks"),
        (("train", "gan/toy", "--batch-size", 10**9, "--out", "r"), r"."),
        (("train", "dcgan", "--size", 4096, "--out", "r"), r"digits at 4096x4096 pixels .* smaller --size"),
        (("synthesize", "points", "--per-class", 10**12, "--out", "a.npz"), r"points of each class .* make fewer"),
        (
            ("synthesize", "images", "--per-class", 10**9, "--out", "a"),
            r"10,000,000,000 images, 1,000,000,000 of each class, would take .* may fit \(--per-class\)",
        ),
        (
            ("sample", "plain images", "-n", 10**11, "--out", "a"),
            r"100,000,000,000 images would take .* may fit \(-n\)",
        ),
        (
            ("evaluate", "plain images", "-n", 10, "--metrics", "path-length:paths=100000000000"),
            r"path-length of 100,000,000,000 paths would take .* fit: set fewer, as path-length:paths=1000$",
        ),
        (
            ("evaluate", "plain", "-n", 10**12, "--metrics", "precision-recall"),
            r"by 2 features of 'pixels' each would take .*: use fewer samples \(-n [0-9,]+\)$",
        ),
        (("train", "gan/tutorial", "--size", 20_000, "--out", "r"), r"digits at 20000x20000 pixels .* smaller --size"),
        (("train", "dcgan", "--network.width", 50_000, "--out", "r"), r"training the networks .* smaller networks"),
        (("train", "dcgan", "--network.width", 50_000, "--dry-run"), r"training the networks .* smaller networks"),
    ],
)
def test_what_could_never_fit_is_refused_before_it_begins(
    arguments: tuple[object, ...],
    said: str,
    small_runs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.chdir(tmp_path)
    whole = [
        small_runs / str(part) if part in ("images", "points", "plain", "plain images") else part for part in arguments
    ]
    assert re.search(said, refused(capsys, *whole))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", [".npz", ""])
def test_any_number_of_samples_is_written_part_by_part(
    ending: str, small_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Each part is of 256 samples here, and the file holds what one part would."""
    run = zerosum.load(small_runs / "images")
    whole, labels = run.sample(600, 3), run.labels_for(600)
    assert labels is not None
    monkeypatch.setattr(loaded, "PART", 1)
    monkeypatch.setattr(sampling, "sample", limited(sampling.sample, 256))
    write_samples(run, tmp_path / f"x{ending}", SampleRequest(600, 3))
    if not ending:
        files = sorted(file.name for file in (tmp_path / "x").iterdir())
        assert files[0] == "00000-0.png" and files[-1] == "00599-9.png" and len(files) == 600
        return
    with np.load(tmp_path / "x.npz") as written:
        assert np.abs(written["samples"].astype(int) - run.modality.store(whole).numpy()).max() <= 1
        assert written["labels"].tolist() == labels.tolist()


def test_many_samples_are_written_with_progress(
    small_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(loaded, "PART", 1)
    monkeypatch.setattr(console.Lines, "__init__", lines_at_once)
    assert cli.main(["sample", str(small_runs / "plain"), "-n", "600", "--out", str(tmp_path / "x.npz")]) == 0
    assert re.search(r"samples: 256 of 600  ETA \d+ s\nsamples: 512 of 600", capsys.readouterr().err)


def lines_at_once(self: console.Lines, out: Any) -> None:
    self.console, self.every = out, 1e-9
    self.what, self.first, self.start, self.shown = "", 0, 0.0, 0.0


def limited(function: Callable[..., torch.Tensor], most: int) -> Callable[..., torch.Tensor]:
    """The function, of which nobody may ask more than `most` samples at once."""

    def checked(game: object, count: int, **settings: object) -> torch.Tensor:
        assert count <= most
        return function(game, count, **settings)

    return checked


def test_a_step_is_estimated_without_being_played():
    """By the meta device, what the largest move of a step keeps; a larger batch keeps more."""
    kept = []
    for batch_size in (8, 64):
        recipe = find("dcgan")
        training = replace(recipe.training, batch_size=batch_size, precision="fp32")
        trainer = prepare(recipe, training, {}, DataChoice("digits")).trainer
        before = rng.capture(), trainer.stream.state()
        kept.append(estimate._activations(trainer, torch.empty(2, 1, 28, 28), batch_size))
        assert all(torch.equal(before[0][key], value) for key, value in rng.capture().items())
        assert before[1] == trainer.stream.state() and trainer.step == 0
        played = estimate.estimate(trainer).memory["activations"]
        assert 0.8 * played < kept[-1] < 1.5 * played
    assert 3 < kept[1] / kept[0] < 8  # the weights are kept, too, whatever the batch


@pytest.mark.parametrize("room", [10**5, 6 * 10**7])
def test_a_training_that_does_not_fit_leaves_nothing(
    room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(memory, "available", lambda device=None: room)
    line = refused(capsys, "train", "dcgan", "--batch-size", 512, "--out", tmp_path / "run", "--steps", 1)
    what = "the networks" if room == 10**5 else "a step with a batch of 512"
    assert re.search(rf"{what} would take about .* of memory, and .* are free: use a (smaller|--batch-size of )", line)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", ["", "mine.txt"])
def test_a_first_step_that_finds_no_memory_leaves_no_run_and_everything_else(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    run = tmp_path / "run"
    if file:
        run.mkdir()
        (run / file).write_text("kept")

    def fail(trainer: Trainer) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    monkeypatch.setattr(Trainer, "round", fail)
    line = refused(capsys, "train", "gan/toy", "--steps", 2, "--out", run)
    assert re.match(
        "zerosum: there is not enough memory for step 1, with a batch of 256: use a (smaller )?--batch", line
    )
    assert [path.name for path in tmp_path.rglob("*")] == (["run", file] if file else [])


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, which holds nothing."""
    path = tmp_path / ".cache"
    monkeypatch.setenv("ZEROSUM_CACHE", str(path))
    return path


def test_an_image_that_finds_no_memory_is_not_called_damaged(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    """It would be left out of the data for good, as the cache keeps what was decoded."""
    for name in "ab":
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.png")

    def fail(*arguments: object, **settings: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(ImageOps, "exif_transpose", fail)
        patched.setattr(decode, "available", lambda: 0)  # else it would be the file that asks for too much
        with pytest.raises(MemoryError):
            data.load(str(tmp_path))
    assert len(data.load(str(tmp_path))) == 2


def test_images_too_large_for_the_disk_or_the_memory_are_refused(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(ZerosumError, match=r"1 decoded images of 9000000x9000000 pixels would take 243.0 TB in"):
        data.load(str(tmp_path), size=(9_000_000, 9_000_000))
    monkeypatch.setattr(memory, "available", lambda device=None: 10**6)
    with pytest.raises(ZerosumError, match=r"decoding images of 900x900 pixels .* choose a smaller --size"):
        data.load(str(tmp_path), size=(900, 900))
    np.savez(tmp_path / "a.npz", samples=np.zeros((100, 3, 64, 64), np.uint8))
    with pytest.raises(ZerosumError, match=r"reading .*a.npz would take about 2 MB .* use fewer samples"):
        data.load(str(tmp_path / "a.npz"))


def test_a_large_picture_is_decoded_with_few_others_at_once(monkeypatch: pytest.MonkeyPatch):
    blocks = []
    monkeypatch.setattr(decode, "_parallel", lambda function, items, size: blocks.append(size) or iter(()))
    for side in (64, 4096):
        list(decode.decode_all([], 3, (side, side)))
    assert blocks == [128, 5]


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of addresses is one of memory on Linux alone")
def test_a_process_with_little_memory_says_so_and_ends(tmp_path: Path):
    """`ulimit -v`: 6 GB of pictures in 5 GB of addresses."""
    np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.uint8, (500_000, 64, 64, 3))  # sparse
    limit = f"ulimit -v {5 * 2**20}; exec {shlex.quote(sys.executable)} -m zerosum data check {tmp_path / 'x.npy'}"
    done = subprocess.run(["bash", "-c", limit], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert re.fullmatch(r"zerosum: .*memory.*\n", done.stderr), done.stderr
