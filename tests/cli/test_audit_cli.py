"""`zerosum audit`, and binary vectors as other data, as a person types it."""

from __future__ import annotations

import inspect
import json
from dataclasses import fields
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
from made_vectors import vectors, write
from shell import Call

from zerosum.cli.commands.audit import Arguments
from zerosum.evaluation.detectors import DETECTORS
from zerosum.workflows.audit import OWN, audit


def test_the_command(call: Call, tmp_path: Path) -> None:
    table = write(tmp_path / "features.csv", vectors())
    allowed = tmp_path / "allowed.txt"
    allowed.write_text("\n".join(f"f{k}" for k in range(18, 24)))
    flags = ("--detector", "logistic", "--steps", 200, "--changeable", allowed, "--out", tmp_path / "out")
    code, out, err = call("audit", table, *flags)
    assert code == 0, err
    rows = {line[:31].strip(): line[31:].split() for line in out.splitlines() if line.count("%") == 2}
    assert {"detected (true-positive rate)", "under attack", "false alarms"} <= rows.keys()
    assert "most often added: f2" in out and out.splitlines()[-1] == str(tmp_path / "out")
    code, _, err = call("audit", table, *flags)
    assert code == 2 and "out is not empty; name a new folder" in err
    code, _, err = call("audit", table, "--detector", "forrest")
    assert code == 2 and "--detector takes forest, logistic" in err
    allowed.write_text("f21\nf99\n")
    code, _, err = call("audit", table, *flags[:-1], tmp_path / "other")
    assert code == 2 and "there is no feature 'f99'" in err and not (tmp_path / "other").exists()
    code, _, err = call("audit", tmp_path / "none.csv")
    assert code == 2 and "none.csv" in err
    one = write(tmp_path / "one.csv", vectors())
    one.write_text("\n".join(line for line in one.read_text().splitlines() if not line.endswith("clean")))
    code, _, err = call("audit", one)
    assert code == 2 and "has the class bad alone" in err


def test_the_flags_have_the_defaults_of_the_function() -> None:
    usual = {name: parameter.default for name, parameter in inspect.signature(audit).parameters.items()}
    flags = {field.name: field.default for field in fields(Arguments)}
    same = ("detector", "malicious", "knows", "steps", "rounds", "seed")
    assert {name: flags[name] for name in same} == {name: usual[name] for name in same}
    assert usual["config"] == OWN and not flags["paper"]
    choices = get_args(get_args(get_type_hints(Arguments, include_extras=True)["detector"])[0])
    assert choices == tuple(DETECTORS)


def test_the_papers_attack_is_another(call: Call, tmp_path: Path) -> None:
    table = write(tmp_path / "features.csv", vectors())
    configs = []
    for name, flags in (("own", ()), ("paper", ("--paper",))):
        code, _, err = call("audit", table, "--detector", "tree", "--steps", 2, "--out", tmp_path / name, *flags)
        assert code == 0, err
        configs.append(json.loads((tmp_path / name / "audit.json").read_text())["config"])
    assert configs[0]["straight_through"] and not configs[1]["straight_through"]


def test_binary_vectors_train_a_gan_and_are_measured(call: Call, tmp_path: Path) -> None:
    table = write(tmp_path / "features.csv", vectors())
    run = tmp_path / "run"
    flags = ("--steps", 20, "--batch-size", 16, "--out", run)
    code, _, err = call("train", "two-player/toy", "--data", table, *flags)
    assert code == 0, err
    code, _, err = call("sample", run, "-n", 5, "--out", tmp_path / "x.npz")
    assert code == 0, err
    with np.load(tmp_path / "x.npz") as file:
        assert file["samples"].dtype == np.bool_ and file["samples"].shape == (5, 24)
    for command in (
        ("evaluate", tmp_path / "x.npz", "--against", table),
        ("evaluate", run),
        ("doctor", run),
        ("sample", run),
        ("report", run),
    ):
        code, _, err = call(*command)
        assert (code == 0 or command[0] == "doctor") and not err.startswith("zerosum:"), (command, code, err)
    code, out, err = call("data", "check", table)
    assert code == 0 and "1,200 binary vectors of 24 features" in out and "bad (600), clean (600)" in out, out
