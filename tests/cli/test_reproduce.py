"""`zerosum reproduce`: parts are kept, a stopped study goes on, and only a whole one is recorded."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from shell import Call, finish, spawn

import zerosum
from zerosum import studies
from zerosum.errors import ZerosumError
from zerosum.health.verdicts import OF_TRANSLATORS
from zerosum.studies import study
from zerosum.studies.changes import CHANGES
from zerosum.studies.health import BY_FROZEN, BY_NAME, HEALTH, run, summarise
from zerosum.studies.scenarios import UNEXAMINED
from zerosum.studies.study import Study


def square(part: str, seed: int, fraction: float, folder: Path) -> dict[str, float]:
    return {"value": seed**2 + len(part) * fraction}


def mean(parts: list[dict[str, float]]) -> dict[str, object]:
    return {"values": [parts[0]["value"], parts[1]["value"]], "parts": len(parts)}


TINY = Study("tiny", "squares", "4 ± 1", 3.0, ">=", (1, 2), lambda seed: ("a b, c",), square, mean)


def test_parts_are_kept_and_summed_up(tmp_path: Path):
    with pytest.raises(ZerosumError, match=r"seed-1/a-b-c.json is missing"):
        study.record(TINY, TINY.seeds, tmp_path, "")
    done = list(study.run(TINY, (2,), 1.0, tmp_path, 1))
    assert [(d.part, d.seed, d.left, d.measurements) for d in done] == [("a b, c", 2, 0, {"value": 10.0})]
    assert [d.seed for d in study.run(TINY, (1, 2), 1.0, tmp_path, 1)] == [1], "the other is there already"
    result = study.record(TINY, TINY.seeds, tmp_path, "zerosum reproduce tiny")
    assert (
        result["values"] == [7.0, 10.0]
        and result["mean"] == 8.5
        and result["verdict"] == "reaches it"
        and result["parts"] == 2
    )
    assert result["std"] == pytest.approx(1.5 * 2**0.5)
    needed = {
        "name",
        "protocol",
        "values",
        "mean",
        "std",
        "published",
        "target",
        "verdict",
        "command",
        "commit",
        "seconds",
    }
    assert needed | {"hardware"} <= result.keys()
    result["commit"] = "abc1234"  # whatever the state of the tree that is tested
    path = study.write(result, tmp_path / "results")
    assert study.results(path.parent) == [json.loads(path.read_text())]
    path.write_text("{")
    with pytest.raises(ZerosumError, match=r"tiny.json is damaged"):
        study.results(path.parent)


def test_a_failure_made_on_purpose_is_named(tmp_path: Path):
    """The code of the protocol on its shortest scenarios; its result is in reproductions/results."""
    names = ("least squares, high rate", "ring, D 1000x", "ring, 60 steps", "ring: six of eight", "ring: joined")
    figures = summarise([run(name, 0, 1.0, tmp_path / name) for name in names])
    assert figures["failures_named"] == 1.0 and figures["values"] == [1.0] and figures["wrong"] == []
    assert figures["confusion"]["diverged"] == {"diverged": 1} and figures["runs"] == 5 and figures["trainings"] == 3
    assert figures["bad_snapshots"] > 15 and figures["good_snapshots"] == 0 == figures["bad_called_healthy"]
    assert (tmp_path / "ring, D 1000x" / "health.jsonl").exists()


def test_real_samples_as_fakes_are_healthy(tmp_path: Path):
    part = run("ring: all", 0, 1.0, tmp_path)
    assert (part["truth"], part["verdict"]) == ("healthy", "healthy") and part["stops"][-1]["good"]


def test_the_summary_counts_what_went_wrong():
    def part(truth: str, verdict: str, seed: int, *stops: tuple[bool, str]) -> dict[str, object]:
        judged = [{"at": 1.0, "good": good, "verdict": found} for good, found in stops]
        known = {"scenario": "s", "trained": True, "watching": 0.01}
        return {**known, "seed": seed, "truth": truth, "verdict": verdict, "stops": judged}

    figures = summarise([
        part("mode collapse", "mode collapse", 1, (False, "under-trained"), (False, "mode collapse")),
        part("diverged", "healthy", 2, (False, "healthy")), part("diverged", "diverged", 2),
        part("healthy", "healthy", 3, (False, "too early to tell"), (True, "healthy")),
        part("healthy", "oscillating", 4, (True, "healthy"), (True, "oscillating")),
    ])  # fmt: skip
    assert figures["values"] == [1.0, 0.5, 0.0, 0.0] and figures["failures_named"] == pytest.approx(2 / 3)
    assert (figures["bad_snapshots"], figures["good_snapshots"]) == (4, 3)
    assert figures["false_alarms"] == pytest.approx(1 / 3) and figures["bad_called_healthy"] == 0.25
    low, high = figures["false_alarms_interval_by_training"]
    assert low < 0.5 < high, "of two trainings one has an alarm"
    assert figures["confusion"]["diverged"] == {"diverged": 1, "healthy": 1}
    assert len(figures["wrong"]) == len(figures["alarms_on_good"]) == len(figures["healthy_of_bad"]) == 1
    assert not HEALTH.extra_check(figures), "too few snapshots"
    whole = {**figures, "bad_snapshots": 300, "good_snapshots": 150, "trainings": 40, "false_alarms": 0.02}
    assert HEALTH.extra_check({**whole, "bad_called_healthy": 0.01})
    assert not HEALTH.extra_check({**whole, "bad_called_healthy": 0.011})


def test_all_trainings_once_and_every_recipe():
    from zerosum.recipe import RECIPES

    trained = [name for seed in HEALTH.seeds for name in HEALTH.parts(seed) if name in BY_NAME]
    assert sorted(trained) == sorted(BY_NAME) and len(trained) >= 60 and not {0, 1, 2, 3} & set(HEALTH.seeds)
    healthy = {scenario.game for scenario in BY_NAME.values() if scenario.truth == "healthy"}
    assert not healthy & set(UNEXAMINED)
    assert healthy | set(UNEXAMINED) >= set(RECIPES), "each recipe has a healthy run, or a reason to have none"
    truths = {scenario.truth for scenario in (*BY_NAME.values(), *BY_FROZEN.values())}
    of_texts = {"repeats itself", "frozen"}  # tests/health/test_texts.py
    others = {"too early to tell", "nothing to compare", *OF_TRANSLATORS, *of_texts}
    assert truths == set(studies.health.VERDICTS) - others


def test_mistakes(call: Call) -> None:
    for arguments, said in (
        (("helth",), "did you mean 'health'?"),
        (("health", "--fraction", 0), "--fraction 0: it must be above 0"),
        (("health", "--seeds", 9), "has 2 seeds"),
        (("health", "--processes", 0), "at least 1"),
    ):
        code, _, err = call("reproduce", *arguments)
        assert code == 2 and said in err
    assert "health" in call("reproduce")[1]
    assert call("reproduce", "--table")[0] == 0


def test_stopped_and_taken_up_again(tmp_path: Path) -> None:
    """A tiny fraction of every run: nothing is learnt, but all parts are run, and nothing is recorded."""
    command = ("reproduce", "health", "--seeds", 1, "--fraction", 0.002, "--processes", 2, "--work", tmp_path / "work")
    process = spawn(*command, cwd=tmp_path, start_new_session=True)
    parts = tmp_path / "work" / "fraction-0.002" / f"seed-{HEALTH.seeds[0]}"
    while len(list(parts.glob("*.json"))) < 3:
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    code, _ = finish(process)
    assert code == 130
    kept = {path: path.stat().st_mtime_ns for path in parts.glob("*.json")}
    process = spawn(*command, cwd=tmp_path)
    code, err = finish(process)
    assert code == 0, err
    assert len(list(parts.glob("*.json"))) == len(HEALTH.parts(HEALTH.seeds[0]))
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items()), "no part was run twice"
    assert not list(tmp_path.rglob("results"))


PACKAGE = Path(zerosum.__file__).parent
CHECKOUT = PACKAGE.parents[1]


def reproduce(site: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`zerosum reproduce` with the package of the folder `site`."""
    command = [sys.executable, "-m", "zerosum", "reproduce", *arguments]
    environment = os.environ | {"PYTHONPATH": str(site)}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The package as its wheel installs it, in a folder that is no checkout."""
    shutil.copytree(PACKAGE, tmp_path / "site" / "zerosum", ignore=shutil.ignore_patterns("__pycache__"))
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    for source, target in project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"].items():
        shutil.copytree(CHECKOUT / source, tmp_path / "site" / target)
    return tmp_path / "site"


def test_the_table_of_a_checkout_is_printed_in_any_folder(tmp_path: Path) -> None:
    done = reproduce(CHECKOUT / "src", tmp_path, "--table")
    assert done.returncode == 0, done.stderr
    recorded = [path.stem for path in (CHECKOUT / "reproductions" / "results").glob("*.json")]
    assert recorded and all(name in done.stdout for name in recorded)


def test_an_installed_package_prints_its_results_and_records_none(installed: Path, tmp_path: Path) -> None:
    done = reproduce(installed, tmp_path, "--table")
    assert done.returncode == 0, done.stderr
    assert "grid-25" in done.stdout and "health" in done.stdout
    refused = reproduce(installed, tmp_path, "optimal-discriminator")
    assert refused.returncode == 2 and "results are recorded in a checkout of zerosum" in refused.stderr
    assert not (tmp_path / "runs").exists(), "nothing is run first"
    shutil.rmtree(installed / "zerosum" / "studies" / "results")
    none = reproduce(installed, tmp_path, "--table")
    assert none.returncode == 2 and "no recorded results in" in none.stderr


# Names, and what is recorded


def test_an_old_name_leads_to_those_of_today() -> None:
    with pytest.raises(ZerosumError, match="is now called grid-25, and what was grid-25 is called grid-25-own"):
        studies.find("grid-25-published")


def test_parts_of_another_study_are_refused(tmp_path: Path) -> None:
    """Names of parts are alike: what was grid-25 left parts that today's grid-25 would take for its own."""
    other = replace(TINY, name="other")
    list(study.run(TINY, (1, 2), 1.0, tmp_path, 1))
    refusal = r"a-b-c.json is of tiny, not of other; delete it"
    with pytest.raises(ZerosumError, match=refusal):
        list(study.run(other, (1,), 1.0, tmp_path, 1))
    with pytest.raises(ZerosumError, match=refusal):
        study.record(other, (1, 2), tmp_path, "")
    sharing = replace(other, parts_of="tiny")
    assert not list(study.run(sharing, (1, 2), 1.0, tmp_path, 1)), "what it shares is there already"
    path = tmp_path / "seed-1" / "a-b-c.json"
    part = json.loads(path.read_text())
    del part["study"]  # as an older zerosum wrote it
    path.write_text(json.dumps(part))
    with pytest.raises(ZerosumError, match="of an older zerosum"):
        list(study.run(TINY, (1, 2), 1.0, tmp_path, 1))


def test_what_no_commit_has_is_not_recorded(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(study, "commit", lambda: "abc1234+")
    code, _, err = call("reproduce", "optimal-discriminator", "--work", tmp_path / "work")
    assert code == 2 and "has changes since abc1234 that are not committed" in err
    assert not (tmp_path / "work").exists(), "nothing is run first"
    monkeypatch.setattr(study, "commit", lambda: "zerosum 0.1.0")
    with pytest.raises(ZerosumError, match="has no history of git"):
        study.check_committed()
    monkeypatch.setattr(study, "commit", lambda: "abc1234")
    study.check_committed()
    with pytest.raises(ZerosumError, match="not recorded: parts of tiny were measured with changes"):
        study.write({"name": "tiny", "commit": "abc1234, def5678+"}, tmp_path)
    assert not list(tmp_path.glob("*.json"))


def test_a_record_is_json_where_a_figure_is_infinite(tmp_path: Path):
    figures = {"psnr": [math.inf, 1.5], "row": {"kl": math.nan, "count": 3}, "words": ("inf", True)}
    path = study.write({"name": "tiny", "commit": "abc1234", **figures}, tmp_path)

    def refused(constant: str) -> None:
        raise AssertionError(constant)  # Infinity and NaN, which Python reads and writes, are none

    read = json.loads(path.read_text(), parse_constant=refused)
    assert read["psnr"] == [None, 1.5] and read["row"] == {"kl": None, "count": 3} and read["words"] == ["inf", True]


def test_a_result_says_which_changes_it_was_measured_with(tmp_path: Path) -> None:
    """Those that every part has: a part that was finished before a change is stale."""
    list(study.run(TINY, (1, 2), 1.0, tmp_path, 1))
    assert study.record(TINY, (1, 2), tmp_path, "")["changes"] == sorted(CHANGES)
    path = tmp_path / "seed-1" / "a-b-c.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"changes": ["draws"]}))
    assert study.record(TINY, (1, 2), tmp_path, "")["changes"] == ["draws"]


def test_names_stay_whole_on_a_narrow_screen(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    lines = call("reproduce", "--table")[1].splitlines()
    recorded = [path.stem for path in (CHECKOUT / "reproductions" / "results").glob("*.json")]
    assert recorded and all(any(line.startswith(f"{name} ") for line in lines) for name in recorded)
    assert max(map(len, lines)) <= 120


def test_a_table_has_two_kinds(call: Call) -> None:
    code, out, _ = call("reproduce", "--table")
    assert code == 0 and out.index("The paper's protocol") < out.index("What zerosum reaches its own way")
    code, out, _ = call("reproduce", "--table", "--markdown")
    assert code == 0 and "| `bigan-1nn`, accuracy" in out and "**missed**" in out
    code, _, err = call("reproduce", "grid-25", "--table")
    assert code == 2 and "leave out 'grid-25'" in err
    assert call("reproduce", "--markdown")[0] == 2
