"""A run that ended."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_runs import complete


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return complete(tmp_path / "a run")
