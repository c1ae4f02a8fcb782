"""Memory: what is left, what is refused, and failures that become one line."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
import torch

from zerosum import cli
from zerosum.cli.commands import show
from zerosum.errors import ZerosumError
from zerosum.metrics.frechet import frechet
from zerosum.metrics.statistics import Moments
from zerosum.util import memory
from zerosum.workflows.evaluate import evaluate


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
