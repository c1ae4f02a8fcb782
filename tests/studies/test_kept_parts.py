"""Finished parts of studies that are not recorded yet, which git keeps: each is one to record a result from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from zerosum.studies import STUDIES, study
from zerosum.studies.changes import missing

KEPT = study.IN_CHECKOUT.with_name("parts")
PARTS = sorted(KEPT.glob("*/seed-*/*.json"))


def faults(done: dict[str, Any], path: Path) -> list[str]:
    """What speaks against recording a result from this part."""
    of = next((known for known in STUDIES.values() if known.work == path.parents[1].name), None)
    if of is None:
        return ["no study"]
    own = {study._path(path.parents[1], seed, part) for seed in of.seeds for part in of.parts(seed)}
    found = [f"lacks the change {name!r}" for name in missing({**done, "name": of.name})]
    if path not in own or done["study"] != of.work:
        found.append("no part of the protocol")
    if done["fraction"] != 1:
        found.append("a fraction")
    if done["commit"].endswith(study.DIRTY) or done["commit"].startswith("zerosum"):
        found.append("of no commit")
    return found


@pytest.mark.parametrize("path", PARTS, ids=lambda path: f"{path.parents[1].name}-{path.parent.name}-{path.stem}")
def test_a_part_can_be_recorded(path: Path) -> None:
    assert not faults(json.loads(path.read_bytes()), path)


def test_faults_are_seen() -> None:
    part = {"study": "gan-parzen", "part": "gan/paper", "seed": 0, "fraction": 1.0, "commit": "91b425d"}
    good = KEPT / "gan-parzen" / "seed-0" / "gan-paper.json"
    changes = sorted(study.CHANGES)
    assert not faults({**part, "changes": changes}, good)
    assert faults({**part, "changes": []}, good) == ["lacks the change 'draws'", "lacks the change 'order'"]
    assert faults({**part, "changes": changes, "fraction": 0.1}, good) == ["a fraction"]
    assert faults({**part, "changes": changes, "commit": "91b425d+"}, good) == ["of no commit"]
    assert faults({**part, "changes": changes}, good.with_name("other.json")) == ["no part of the protocol"]
    assert faults({**part, "changes": changes}, KEPT / "gone" / "seed-0" / "x.json") == ["no study"]
