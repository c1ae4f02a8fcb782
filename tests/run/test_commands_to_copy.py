"""Commands that are printed to be copied mean the run and the recipe that they are about, whatever these are called."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import zerosum
from zerosum.cli import main
from zerosum.errors import ZerosumError
from zerosum.health.history import History
from zerosum.report.run_files import RunFiles
from zerosum.run.commands import command
from zerosum.run.directory import RunDirectory
from zerosum.training.trainer import Trainer
from zerosum.util import memory
from zerosum.workflows import session

NAMES = [
    "a b",
    "it's",
    "$HOME",
    "-x",
    "caf\udce9",
    "\udce9a",
    "new\nline",
    "esc\x1b[2J",
    "back\\slash\n",
    "生成器",
    "`x`",
    "!",
]


def words(printed: str) -> list[str]:
    """What bash makes of a command."""
    said = subprocess.run(["bash", "-c", f"printf '%s\\0' {printed}"], capture_output=True, check=True).stdout
    return [os.fsdecode(word) for word in said.split(b"\0")[:-1]]


@pytest.mark.parametrize("name", NAMES)
def test_a_shell_takes_it(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    printed = command("resume", Path(name), f"{name}.py:toy", "--steps 8")
    assert printed.isprintable() and "\n" not in printed  # no terminal changes it
    program, verb, run, *flags = words(printed)
    assert (program, verb, Path(run)) == ("zerosum", "resume", Path(name)) and not run.startswith("-")
    assert flags == ["--steps", "8", "--recipe", f"{name}.py:toy"]


RECIPE = """
from zerosum.games.gan import GAN
from zerosum.modality import Spec
from zerosum.networks import mlp
from zerosum.recipe import recipe

@recipe(data="ring", batch_size=8, steps=4)
def toy(data: Spec, config: GAN.Config = GAN.Config(latent_dim=2)) -> GAN:
    return GAN(*mlp.toy_pair(2, data.x.shape), config)
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a recipe from outside the package, in a folder whose name has a blank."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "finish", lambda *given: None)
    Path("my gan.py").write_text(RECIPE)
    return zerosum.train("my gan.py:toy", out="a run", health=False, quiet=True, device="cpu").path


def test_every_sentence_with_a_command_on_a_run(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = str(Path("my gan.py").resolve())
    resume = f"zerosum resume 'a run' --recipe '{RunDirectory(run).read().recipe}'"
    assert "my gan.py:toy" in resume

    def stop(trainer: Trainer) -> None:
        raise memory.OutOfMemoryError("boom")

    assert main(["train", "gan/toy", "--out", "a run", "--steps", "1"]) == 2
    assert f"already holds a run; go on with it by `{resume}`, or choose" in capsys.readouterr().err
    with pytest.raises(ZerosumError) as error:
        zerosum.resume(run, steps=6, recipe=f"{recipe}:toy", hooks=[stop], quiet=True)
    assert f"free some, then go on with: {resume}" in str(error.value)
    zerosum.resume(run, steps=4, recipe=f"{recipe}:toy")
    assert "to go on: zerosum resume 'a run' --steps 8 --recipe '" in " ".join(capsys.readouterr().err.split())
    (run / "health.jsonl").write_text("no JSON")
    with pytest.raises(ZerosumError) as error:
        History.of_run(run)
    assert f"`{resume.replace(' --recipe', ' --steps N --recipe')}`" in str(error.value)
    assert RunFiles(run).command("resume") == resume
    shutil.rmtree(run / "checkpoints")
    (run / "metrics.jsonl").unlink()
    assert main(["sample", "a run"]) == 2
    assert f"has no checkpoint yet; train it on with `{resume}`" in capsys.readouterr().err
    fields = json.loads((run / "run.json").read_text())
    del fields["checksum"]
    fields["data"]["name"] = "/moved away/photos"
    (run / "run.json").write_text(json.dumps(fields))
    assert main(["resume", "a run", "--recipe", f"{recipe}:toy"]) == 2
    assert f"`{resume.replace(' --recipe', ' --data PATH --recipe')}`" in capsys.readouterr().err
