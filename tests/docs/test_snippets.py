"""The shell lines of the README as a reader types them, from a checkout without anything else: those that are cheap."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import ModuleType
from urllib.error import URLError

import numpy as np
import pytest
from PIL import Image

import zerosum

ROOT = Path(__file__).parents[2]
CHEAP = ("zerosum data check", "zerosum sample runs/photos", "zerosum doctor", "zerosum resume")


def shell_lines() -> list[str]:
    """All lines of the README's blocks of shell, without comments."""
    blocks = re.findall(r"^```\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
    return [re.sub(r" +#.*", "", line) for block in blocks for line in block.splitlines() if line]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make` reads, `.venv` as `make install` leaves it, photographs, and a run of them."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "tools", folder / "tools")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / ".venv"], check=True)
    command = folder / ".venv" / "bin" / "zerosum"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m zerosum "$@"\n')
    command.chmod(0o755)
    (folder / ".venv" / ".installed").touch()
    (folder / "photos").mkdir()
    for i in range(40):
        pixels = np.random.default_rng(i).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / f"{i}.png")
    before = Path.cwd()
    os.chdir(folder)
    try:
        zerosum.train(data="photos/", out="runs/photos", steps=2, batch_size=4, device="cpu", quiet=True)
    finally:
        os.chdir(before)
    return folder


def test_what_is_typed_first_puts_zerosum_on_the_path(checkout: Path):
    first = shell_lines()[:3]
    assert first == ["make install", ". .venv/bin/activate", "make demo"]
    script = "\n".join(["set -e", *first[:2], "make -n demo", "zerosum --version", "command -v zerosum"])
    done = subprocess.run(["bash", "-c", script], cwd=checkout, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"zerosum {zerosum.__version__}" in done.stdout
    assert done.stdout.splitlines()[-1] == str(checkout / ".venv" / "bin" / "zerosum")


def test_the_cheap_lines_run_as_written(checkout: Path):
    lines = [line for line in shell_lines() if line.startswith(CHEAP)]
    assert len(lines) >= len(CHEAP)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "ZEROSUM_CACHE": str(checkout / "cache")}
    for line in lines:
        script = f"set -e\n. .venv/bin/activate\n{line}"
        done = subprocess.run(["bash", "-c", script], cwd=checkout, capture_output=True, text=True, env=environment)
        verdicts = range(10, 30) if "doctor" in line else ()
        assert done.returncode in (0, *verdicts), (line, done.stderr)
        assert "Traceback" not in done.stderr
    assert (checkout / "photos.png").exists()


@pytest.fixture
def pip_flags() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pip_flags", ROOT / "tools" / "pip_flags.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("platform", "gpu", "reached", "flags"),
    [
        ("linux", False, True, "--extra-index-url https://download.pytorch.org/whl/cpu"),
        ("linux", False, False, ""),
        ("linux", True, True, ""),
        ("darwin", False, True, ""),
    ],
)
def test_cuda_comes_only_where_there_is_a_gpu(
    platform: str, gpu: bool, reached: bool, flags: str, pip_flags: ModuleType, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pip_flags, "has_gpu", lambda: gpu)
    monkeypatch.setattr(pip_flags, "answers", lambda url: reached)
    assert pip_flags.flags(platform) == flags


def test_an_index_that_is_not_reached_is_left_out_without_a_word(
    pip_flags: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    def unreached(request: urllib.request.Request, timeout: float) -> None:
        assert timeout <= 5
        raise URLError("no network")

    monkeypatch.setattr(pip_flags, "urlopen", unreached)
    assert pip_flags.answers("https://nowhere.invalid") is False
    monkeypatch.setenv("PATH", "")
    assert pip_flags.has_gpu() is False
    assert capfd.readouterr() == ("", "")


def test_an_extra_leaves_the_pytorch_that_is_there():
    from importlib.metadata import version

    from zerosum.util.packages import install

    assert f"'zerosum[inception]' 'torch=={version('torch')}'" in install("inception")
