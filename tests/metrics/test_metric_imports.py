"""Metrics are parts: what importing one of them loads."""

from __future__ import annotations

import subprocess
import sys

import pytest


def loaded(statement: str) -> list[str]:
    """The modules that a process of its own has after an import."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()


@pytest.mark.parametrize(
    "module", ["kernel", "manifold", "memorization", "structural", "path_length", "discrimination", "modes"]
)
def test_a_metric_is_imported_without_the_trainer(module: str):
    heavy = ("zerosum.training", "zerosum.recipe", "zerosum.games", "zerosum.run.loaded", "zerosum.run.record")
    names = loaded(f"from zerosum.metrics import {module}")
    assert f"zerosum.metrics.{module}" in names and not [name for name in names if name.startswith(heavy)]


def test_the_frechet_distance_loads_no_other_floor():
    names = loaded("import zerosum; zerosum.metrics.frechet.frechet")
    assert "zerosum.metrics.frechet" in names
    assert {name.split(".")[1] for name in names if name.startswith("zerosum.")} == {
        "errors",
        "metrics",
        "modality",
        "util",
    }


def test_the_names_of_metrics_wait_for_no_torch():
    assert "torch" not in loaded("from zerosum.cli.commands import evaluate\nevaluate.METRICS.keys()")
