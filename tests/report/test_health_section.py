"""The report's section on health: what `health.jsonl` says, however damaged."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from made_runs import NASTY, page_of, record, snapshot

from zerosum import report
from zerosum.health.verdicts import VERDICTS, Verdict
from zerosum.report import health
from zerosum.report.run_files import RunFiles


def write(run: Path, *lines: Any) -> None:
    (run / "health.jsonl").write_text(
        "".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines)
    )


def collapsed(step: int) -> dict[str, Any]:
    signals = {"frechet": 0.9, "recall": 0.01, "distinct": 0.1, "spread": 0.6, "centre/0": step / 10}
    return {"step": step, "seconds": step / 40, "signals": signals}


DIVERGED = {"step": 170, "seconds": 4.2, "event": "diverged", "detail": "critic/adversarial became NaN"}
BACK = {"step": 100, "seconds": 4.3, "event": "rolled back", "detail": "back to round 100"}


def test_the_verdict_comes_first(run: Path) -> None:
    text, page = page_of(run)
    assert text.index("</header>") < text.index("<h2>Health</h2>") < text.index("<h2>Samples</h2>")
    assert text.count("<h2>") > 5 and text.index("<h2>Health</h2>") == text.index("<h2>")
    assert "Healthy" in page.text and "The fakes are close to the data, and as varied." in page.text
    assert '<div class="verdict good">' in text
    assert "What to try" not in page.text and "Events" not in page.text


def test_evidence_has_value_threshold_and_beginning(run: Path) -> None:
    write(run, *(snapshot(step) for step in range(10, 100, 10)), *(collapsed(step) for step in range(100, 201, 10)))
    text, page = page_of(run)
    assert '<div class="verdict bad"><strong>Mode collapse</strong> since step ' in text
    verdict = RunFiles(run).verdict
    assert verdict and verdict.name == "mode collapse" and len(verdict.evidence) > 2
    row = next(seen for seen in verdict.evidence if seen.signal == "recall")
    assert f"recall0.01below {row.threshold:g}100{row.meaning}" in page.text
    assert {"signal", "value", "threshold", "since step", "meaning"} == {
        str(cell["data-head"]) for cell in page.all("td") if "data-head" in cell
    }


def test_commands_in_advice_are_code(run: Path) -> None:
    write(run, *(collapsed(step) for step in range(10, 201, 10)))
    text, _ = page_of(run)
    assert "<h3>What to try</h3>" in text
    assert "<code>zerosum train r3gan</code>" in text and "<code>--d-steps 2</code>" in text


def test_the_run_stands_in_the_advice_by_its_name(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.parent)
    write(run, *({"step": step, "seconds": 1, "signals": {"frechet": 3.0}} for step in range(10, 60, 10)))
    text, _ = page_of(Path("a run"))
    assert "<code>zerosum resume 'a run' --steps N</code>" in text
    assert '<div class="verdict unsure"><strong>Under-trained</strong>' in text
    assert report.summary(run).endswith("Verdict: Under-trained. The fakes are still far from the data.")


@pytest.mark.parametrize("name", VERDICTS)
def test_every_flag_and_command_of_an_advice_is_code(name: str) -> None:
    html = health._advice(Verdict(name), RunFiles(Path("runs/a")))
    assert "RUN" not in html and "`" not in html
    code = re.findall(r"<code>(.*?)</code>", html)
    text = re.sub(r"<code>.*?</code>", "", html)
    assert "--" not in text and "zerosum" not in text
    for advice in VERDICTS[name].advice:
        assert advice.count("`") % 2 == 0
        assert all(part.replace("RUN", "runs/a") in code for part in advice.split("`")[1::2])


def test_advice_for_a_recipe_from_outside_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run.json").write_text(json.dumps(record(recipe="my gan.py:toy")))
    monkeypatch.chdir(tmp_path.parent)
    commands = "more steps: `zerosum resume RUN --steps N`", "`zerosum sample RUN` or `zerosum data check`"
    assert [RunFiles(tmp_path).advice(line) for line in commands] == [
        f"more steps: `zerosum resume {tmp_path.name} --steps N --recipe 'my gan.py:toy'`",
        f"`zerosum sample {tmp_path.name} --recipe 'my gan.py:toy'` or `zerosum data check`",
    ]


def test_events_are_listed(run: Path) -> None:
    before, after = ([snapshot(step) for step in steps] for steps in (range(10, 171, 10), range(110, 201, 10)))
    write(run, *before, DIVERGED, BACK, *after)
    text, page = page_of(run)
    assert "Step 170: diverged: critic/adversarial became NaN" in page.text
    assert "Step 100: rolled back: back to round 100" in page.text
    assert '<div class="verdict good">' in text


def test_a_run_that_diverged_for_good(run: Path) -> None:
    write(run, *(snapshot(step) for step in range(10, 171, 10)), DIVERGED)
    _, page = page_of(run)
    assert "Diverged" in page.text and "Critic/adversarial became NaN." in page.text
    assert "Verdict: Diverged. A loss or the samples exploded, or became NaN or infinite. Critic/adv" in report.summary(
        run
    )


def test_a_run_without_signals_says_so(run: Path) -> None:
    (run / "health.jsonl").unlink()
    text, page = page_of(run)
    assert "health.jsonl is missing" in page.text and "<h2>Health</h2>" not in text
    write(run)
    _, page = page_of(run)
    assert "health.jsonl is empty or damaged" in page.text


@pytest.mark.parametrize(
    "line",
    [
        "[1]\n",
        "7\n",
        "{}\n",
        "[" * 100_000 + "\n",
        '{"step": 1e400, "seconds": 1, "signals": {}}\n',
        '{"step": null, "seconds": 1, "signals": {"frechet": 1}}\n',
        '{"step": 5, "seconds": 1, "signals": [1]}\n',
        '{"step": 5, "seconds": 1, "signals": {"frechet": "x"}}\n',
        '{"step": 5, "seconds": 1, "signals": {"frechet": NaN, "recall": Infinity, "real_accuracy": 1}}\n',
        '{"step": null, "seconds": 1, "event": "diverged", "detail": 7}\n',
        '{"step": "x", "seconds": null, "event": null, "detail": null}\n',
        '{"step": -5, "seconds": -1, "event": "rolled back", "detail": ""}\n',
        '{"step": 210, "seconds": 9, "signals": {}}\n',
        '{"step": 210, "secon',
    ],
)
def test_damaged_lines_do_no_harm(run: Path, line: str) -> None:
    write(run, *(snapshot(step) for step in range(10, 201, 10)), line)
    page_of(run)
    report.summary(run)
    write(run, line)
    page_of(run)


def test_names_are_escaped(run: Path) -> None:
    events = [{**DIVERGED, "event": NASTY, "detail": NASTY}, BACK]
    signals = {"frechet": 1.0, f"gradient/{NASTY}": 1.0, f"loss/{NASTY}": 2.0, NASTY: 3.0}
    write(run, *events, *({"step": step, "seconds": step, "signals": signals} for step in range(10, 201, 10)))
    text, page = page_of(run)
    assert "<script" not in text
    assert page.text.count(NASTY) >= 4
