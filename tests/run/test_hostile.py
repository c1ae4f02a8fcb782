"""Hostile and damaged run directories: one sentence that names the file, in seconds, and no file outside is touched."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import zerosum
from zerosum import report
from zerosum.cli import main
from zerosum.run.directory import RunDirectory
from zerosum.training import checkpoint
from zerosum.workflows import session

STEPS = 6
NEWEST = f"checkpoints/step-{STEPS:08d}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "run"
    zerosum.train("gan/toy", out=out, steps=STEPS, batch_size=8, checkpoint_every=3, quiet=True, device="cpu")
    return out


@pytest.fixture
def run(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy; what goes on with it draws no pictures at the end, which take most of the time."""
    monkeypatch.setattr(session, "finish", lambda *given: None)
    return Path(shutil.copytree(made, tmp_path / "run"))


@pytest.fixture(autouse=True)
def impatient() -> Iterator[None]:
    """Whatever waits for a pipe is told after a while, and fails."""

    def late(number: int, frame: object) -> None:
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def resumed(run: Path) -> int:
    return main(["resume", str(run), "--steps", str(STEPS + 2)])


def sampled(run: Path) -> int:
    return main(["sample", str(run), "-n", "2", "--out", str(run.parent / "x.npz")])


def said(capsys: pytest.CaptureFixture[str]) -> str:
    err = capsys.readouterr().err
    assert "Traceback" not in err
    return err.strip().splitlines()[-1]


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def socket(path: Path) -> None:
    path.symlink_to("/dev/tty")


def circle(path: Path) -> None:
    path.symlink_to(path.name)


def enormous(path: Path) -> None:
    """A sparse file of 8 TB."""
    with path.open("wb") as file:
        file.truncate(8 * 2**40)


STRANGE = [pipe, endless, socket, circle, enormous, Path.mkdir]


@pytest.mark.parametrize("make", STRANGE, ids=lambda make: make.__name__)
@pytest.mark.parametrize("name", ["run.json", *(f"{NEWEST}/{file}" for file in (
    "checkpoint.json", "game.safetensors", "average.safetensors"))])  # fmt: skip
def test_what_is_no_file_is_refused_by_name(
    make: Callable[[Path], None], name: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / name).unlink()
    make(run / name)
    for command in (resumed, sampled):
        assert command(run) == 2
        assert Path(name).name in said(capsys)


@pytest.mark.parametrize("make", STRANGE, ids=lambda make: make.__name__)
@pytest.mark.parametrize("name", [f"{NEWEST}/training.safetensors", "metrics.jsonl", "health.jsonl", ".lock"])
def test_nor_is_what_training_alone_reads(
    make: Callable[[Path], None], name: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / name).unlink()
    make(run / name)
    if (name, make) == (".lock", enormous):
        return  # a file, of which nothing is read
    assert resumed(run) == 2
    assert Path(name).name in said(capsys)


@pytest.mark.parametrize("name", ["checkpoints", "samples"])
def test_nor_is_a_file_where_a_folder_belongs(name: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(run / name)
    (run / name).write_text("mine")
    assert resumed(run) == 2
    assert f"{name} is no folder" in said(capsys)
    assert (run / name).read_text() == "mine"


READ = (
    "run.json",
    "metrics.jsonl",
    "health.jsonl",
    "samples.png",
    "film.gif",
    "evaluation.json",
    "samples/step-00000006.png",
)


@pytest.mark.parametrize("make", STRANGE, ids=lambda make: make.__name__)
def test_a_report_is_written_of_whatever_is_there(make: Callable[[Path], None], run: Path) -> None:
    for name in READ:
        (run / name).unlink(missing_ok=True)
        make(run / name)
    report.write(run)
    assert (run / "report.html").stat().st_size > 3_000


def test_a_folder_where_a_file_is_to_be_written_is_named(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "report.html").unlink()
    (run / "report.html").mkdir()
    assert main(["report", str(run)]) == 2
    assert said(capsys) == f"zerosum: {run}/report.html: Is a directory"


ARABIC = "step-" + "\N{ARABIC-INDIC DIGIT NINE}" * 8
COPIES = ("step-00000006-copy", "step-00000009.bak", "step-backup", "step-9", "step-00000009 (1)", ARABIC)


def test_copies_are_no_checkpoints(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in COPIES:
        shutil.copytree(run / "checkpoints/step-00000003", run / "checkpoints" / name)
    assert [checkpoint.number_of(path) for path in checkpoint.find(run / "checkpoints")] == [0, 3, 6]
    assert resumed(run) == 0
    assert f"resuming at step {STEPS}" in capsys.readouterr().err
    assert all((run / "checkpoints" / name).is_dir() for name in COPIES)  # somebody's


def test_a_checkpoint_under_another_number_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(run / "checkpoints/step-00000003", run / "checkpoints/step-00000099")
    for command in (resumed, sampled):
        assert command(run) == 2
        line = said(capsys)
        assert "step-00000099/checkpoint.json is damaged (it is of step 3, and its folder of another)" in line
        assert line.endswith("; delete this checkpoint to use an earlier one, step-00000006")


@pytest.mark.parametrize("changes", [
    {"lr_scale": 1e308}, {"lr_scale": 2.0}, {"lr_scale": 0.0}, {"lr_scale": -0.5}, {"lr_scale": float("inf")},
    {"lr_scale": float("nan")}, {"average_rounds": 5}, {"average_rounds": 2**70}, {"step": 7}, {"step": -6},
    {"stream": {"epoch": -1, "offset": 0}}, {"stream": {"epoch": 2**80, "offset": 0}}, {"step": "6"}, {"step": 6.0},
    {"lr_scale": "0.5"}, {"lr_scale": True}, {"checksums": {}}, {"checksums": {"game.safetensors": "00"}},
])  # fmt: skip
def test_values_that_no_run_has_are_refused(changes: dict[str, object], run: Path, capsys: pytest.CaptureFixture[str]):
    """Though their checksum is right: somebody wrote them."""
    path = run / NEWEST / "checkpoint.json"
    fields = json.loads(path.read_text()) | changes
    del fields["checksum"]
    path.write_bytes(checkpoint._sealed(fields))
    for command in (resumed, sampled):
        assert command(run) == 2
        assert "checkpoint.json is damaged (" in said(capsys)


def test_averages_that_a_run_keeps_are_not_missing(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run / NEWEST / "checkpoint.json"
    fields = json.loads(path.read_text()) | {"average_rounds": 0}
    del fields["checksum"]
    path.write_bytes(checkpoint._sealed(fields))
    assert resumed(run) == 2
    assert "checkpoint.json does not fit this run: it tells of 0 averages after 6 steps; delete this" in said(capsys)


def test_a_damaged_checkpoint_keeps_nobody_from_another(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / NEWEST / "checkpoint.json").unlink()
    out = str(run.parent / "x.npz")
    assert main(["sample", str(run), "-n", "2", "--out", out, "--checkpoint", "3"]) == 0
    assert main(["sample", str(run), "-n", "2", "--out", out, "--checkpoint", "4"]) == 2
    assert said(capsys) == f"zerosum: {run} has no checkpoint of step 4; it has those of 0, 3, 6"


def test_without_any_checkpoint_nothing_begins_anew(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(run / "checkpoints")
    before = (run / "metrics.jsonl").read_bytes()
    assert before
    for names in ((), ("step-00000006.bak",)):
        for name in names:
            (run / "checkpoints" / name).mkdir(parents=True)
        assert resumed(run) == 2
        line = said(capsys)
        assert "has no checkpoint to go on from" in line and "train again in another directory: " in line
        assert all(name in line for name in names)
        assert sampled(run) == 2
        assert "has no checkpoint; it had some: put a copy of one back into" in said(capsys)
    assert (run / "metrics.jsonl").read_bytes() == before


def test_a_run_that_was_stopped_before_its_first_checkpoint_says_that_it_begins(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in run.iterdir():
        if path.name != "run.json":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert resumed(run) == 0
    assert "was stopped before its first checkpoint: it begins at step 0" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["run.json", f"{NEWEST}/checkpoint.json", f"{NEWEST}/game.safetensors"])
def test_unreadable_is_called_unreadable(
    name: str, run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the system's word, as root may read everything."""
    opened = os.open

    def refusing(path: object, *arguments: object, **others: object) -> int:
        if str(path).endswith(name):
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments, **others)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refusing)
    for command in (resumed, sampled):
        assert command(run) == 2
        line = said(capsys)
        assert f"{name} cannot be read: Permission denied; let this user read it" in line


def test_a_changed_run_json_is_said_and_an_edited_one_is_taken(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run / "run.json"
    text = path.read_text()
    assert '"seed": 0' in text
    path.write_text(text.replace('"seed": 0', '"seed": 1'))
    for command in (resumed, sampled):
        assert command(run) == 2
        assert 'run.json is not as it was written: if you edited it, delete its line "checksum"' in said(capsys)
    fields = json.loads(text)
    path.write_text(json.dumps(fields))  # laid out in another way
    assert sampled(run) == 0
    del fields["checksum"]
    path.write_text(json.dumps(fields | {"summary": "mine"}))
    assert sampled(run) == 0 and RunDirectory(run).read().summary == "mine"


@pytest.mark.parametrize(("at", "value", "word"), [
    (("training", "steps"), "6", "training.steps: "), (("training", "steps"), True, "training.steps: "),
    (("training", "keep"), 2.0, "training.keep: "), (("processes",), 0, "processes: "),
    (("processes",), -3, "processes: "), (("data", "count"), 0, "data.count: "),
    (("data", "fingerprint"), "", "data.fingerprint: "), (("precision",), "fp8", "precision: "),
    (("options", "config", "latent_dim"), "two", "the options in run.json do not fit gan/toy; undo"),
    (("options", "config", "foo"), 1, "the options in run.json do not fit gan/toy; undo"),
])  # fmt: skip
def test_an_edited_run_json_is_held_to_what_runs_write(
    at: tuple[str, ...], value: object, word: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(run, at, value)
    for command in (resumed, sampled):
        assert command(run) == 2
        assert word in said(capsys)


def edit(run: Path, at: tuple[str, ...], value: object) -> None:
    fields = json.loads((run / "run.json").read_text())
    del fields["checksum"]
    *parents, last = at
    inner = fields
    for name in parents:
        inner = inner[name]
    inner[last] = value
    (run / "run.json").write_text(json.dumps(fields))


@pytest.mark.parametrize(("fields", "word"), [
    ({}, "x is points of 2 numbers, and was not there"),
    ({"x": {"kind": "points", "dim": 3}}, "x was points of 3 numbers, and is points of 2 numbers"),
])  # fmt: skip
def test_fields_that_the_data_has_not_are_not_taken_over(
    fields: object, word: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(run, ("data", "fields"), fields)
    before = (run / "run.json").read_bytes()
    assert resumed(run) == 2
    assert word in said(capsys)
    assert (run / "run.json").read_bytes() == before


STEPS_OF_NO_RUN = ("9" * 23, "-1", "1e400", '"6"x', "NaN")


@pytest.mark.parametrize("step", STEPS_OF_NO_RUN)
def test_a_report_passes_over_steps_of_no_run(step: str, run: Path) -> None:
    with (run / "metrics.jsonl").open("a") as file:
        file.write(f'{{"step": {step}, "seconds": 1, "generator/adversarial": 2, "a/b": true}}\n')
    (run / f"samples/step-{'9' * 20}.png").write_bytes(b"")
    assert "6 of 6 steps" in report.summary(run) and report.write(run).stat().st_size > 3_000


def test_what_dead_processes_left_is_removed_and_nothing_else(run: Path) -> None:
    dead = os.fork()
    if dead == 0:
        os._exit(0)
    os.waitpid(dead, 0)
    left = [f".partial-{dead}-run.json", f"samples/.partial-{dead}-step-00000003.png", f"film.gif.{dead}.part"]
    left.append("checkpoints/.partial-step-00000009")
    kept = [f".partial-{os.getppid()}-run.json", ".partial-notes", "a.part", "samples/mine.png"]
    for name in [*left, *kept]:
        (run / name).mkdir() if "checkpoints" in name else (run / name).write_text("x")
    assert resumed(run) == 0
    assert not any((run / name).exists() for name in left)
    assert all((run / name).exists() for name in kept)


def test_a_checkpoint_that_was_being_replaced_is_put_back(run: Path) -> None:
    """Killed between the two renames of a rollback."""
    (run / NEWEST).rename(run / f"checkpoints/.replaced-step-{STEPS:08d}")
    shutil.copytree(run / "checkpoints/step-00000003", run / "checkpoints/.replaced-step-00000003")
    checkpoint.settle(run / "checkpoints")
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == [
        "step-00000000", "step-00000003", "step-00000006"]  # fmt: skip


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_files_have_the_mode_of_the_umask(umask: int, mode: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        run = zerosum.train("gan/toy", out=tmp_path / "run", steps=2, batch_size=8, quiet=True, device="cpu")
    finally:
        os.umask(before)
    files = [path for path in run.path.rglob("*") if path.is_file() and path.name != ".lock"]
    assert len(files) > 10
    assert {path.name: path.stat().st_mode & 0o777 for path in files} == {path.name: mode for path in files}


@pytest.mark.parametrize("out", ["file", "file/below", "dangling", "circle"])
def test_where_no_folder_can_be_made(
    out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("mine")
    Path("dangling").symlink_to("nowhere")
    circle(Path("circle"))
    assert main(["train", "gan/toy", "--steps", "1", "--out", out]) == 2
    assert said(capsys) == f"zerosum: {out} is no folder, nor can one be made there; choose another --out"
    assert main(["doctor", "file"]) == 2
    assert "file holds no run" in said(capsys)


@pytest.mark.parametrize("words", [
    ("train", "gan/toy", "--steps", "1", "--out", ""), ("report", ""), ("sample", "run", "--out", ""),
    ("evaluate", "", "-n", "20"), ("resume", "run", "--recipe", ""),
])  # fmt: skip
def test_a_variable_that_is_not_set_is_no_folder(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--out "$OUT"`: the empty path would be the current folder."""
    monkeypatch.chdir(tmp_path)
    assert main(list(words)) == 2
    name = words[-2] if words[-2].startswith("--") else "an argument"
    assert f"{name} is empty, as a variable that is not set is: give it a value" in said(capsys)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["samples", "samples.png", "checkpoints", "report.html"])
def test_a_run_takes_no_file_of_the_user_for_its_own(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pictures in `--out samples` that is the data's folder, too, say: they would be written over, or deleted."""
    own = tmp_path / name / "mine.png" if "." not in name else tmp_path / name
    own.parent.mkdir(exist_ok=True)
    own.write_bytes(b"mine")
    assert main(["train", "gan/toy", "--out", str(tmp_path), "--steps", "1"]) == 2
    assert f"{tmp_path / name} is there already" in capsys.readouterr().err
    assert own.read_bytes() == b"mine" and [path.name for path in tmp_path.iterdir()] == [name]
