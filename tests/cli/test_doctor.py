"""`zerosum doctor`, and what training does when it diverges."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from shell import Call
from test_bad_input import NAN

from zerosum.health.verdicts import VERDICTS
from zerosum.training import checkpoint

TWO_PAIRS = Path(__file__).parents[1] / "support" / "two_pairs.py"
TOY = ("train", "gan/toy", "--out", "run", "--batch-size", 32, "--log-every", 1)


def test_the_verdict_has_evidence_advice_and_a_plot(call: Call) -> None:
    code, out, err = call(*TOY, "--steps", 30)
    assert code == 0, err
    assert "Under-trained" in out
    code, out, err = call("doctor", "run")
    assert code == VERDICTS["under-trained"].exit_code, err
    assert "under-trained" in out and "frechet" in out and "zerosum resume" in out
    assert Path("run/health.png").stat().st_size > 5000
    snapshots = [json.loads(line) for line in Path("run/health.jsonl").read_text().splitlines()]
    assert snapshots[-1]["step"] == 30 and snapshots[-1]["signals"]["recall"] >= 0


def test_a_collapse_is_named_by_word_and_exit_code(call: Call) -> None:
    assert call(*TOY, "--steps", 6)[0] == 0
    lines = [json.loads(line) for line in Path("run/health.jsonl").read_text().splitlines()]
    with Path("run/health.jsonl").open("w") as file:
        for step in range(100, 1200, 100):
            signals = {
                **lines[-1]["signals"],
                "recall": 0.0,
                "distinct": 0.0,
                "frechet": 1.5,
                "centre/0": step // 100 % 2 * 3.0,
            }
            file.write(json.dumps({"step": step, "seconds": 1.0, "signals": signals}) + "\n")
    code, out, _ = call("doctor", "run", "--out", "plot.png")
    assert code == VERDICTS["mode collapse"].exit_code
    assert "Mode collapse" in out and "< 0.15" in out and "r3gan" in out and Path("plot.png").exists()
    assert "  - R1 and R2 penalties with the relativistic objective: `zerosum train r3gan`\n" in out


def test_of_two_discriminators_the_broken_one_is_named(call: Call) -> None:
    """Trained for real. That of the first pair, so that it is not the one whose move comes last. The looks are the five
    that no clock decides on.
    """
    command = ("train", f"{TWO_PAIRS}:ring", "--fault", "perfect", "--pair", "a", "--out", "run", "--log-every", 200)
    code, out, err = call(*command, "--steps", 1000, "--batch-size", 128)
    assert code == 0, err
    code, out, _ = call("doctor", "run")
    assert code == VERDICTS["discriminator too strong"].exit_code
    assert "The discriminator d_a is too strong" in out and "separation of d_a" in out and "d_b" not in out
    assert "Discriminator too strong (d_a)</strong> since step" in Path("run/report.html").read_text()


def test_a_run_without_a_monitor(call: Call) -> None:
    assert call(*TOY, "--steps", 4, "--no-health")[0] == 0
    assert not Path("run/health.jsonl").exists()
    code, _, err = call("doctor", "run")
    assert code == 2 and "--no-health" in err
    code, _, err = call("doctor", "elsewhere")
    assert code == 2 and "holds no run" in err


def test_a_damaged_history_is_named(call: Call) -> None:
    """Not the training, which has not "just begun"."""
    assert call(*TOY, "--steps", 4)[0] == 0
    Path("run/health.jsonl").write_bytes(b"null\n\xff\xfe")
    code, _, err = call("doctor", "run")
    assert code == 2 and "health.jsonl is damaged" in err and "resume" in err
    Path("run/health.jsonl").unlink()
    code, _, err = call("doctor", "run")
    assert code == 2 and "no look at it is recorded" in err and "begun" not in err


def test_divergence_rolls_back_with_smaller_rates(call: Call) -> None:
    """NaN in step 5, but only at the full learning rate."""
    Path("bad.py").write_text(NAN.replace("step == self.config.when", "step == 5 and rates() == 1"))
    Path("bad.py").write_text(
        Path("bad.py").read_text() + "\n\nCALLS = []\n\n\ndef rates():\n    CALLS.append(1)\n    return len(CALLS)\n"
    )
    arguments = ("--out", "run", "--steps", 12, "--batch-size", 8, "--checkpoint-every", 3, "--log-every", 2)
    code, _, err = call("train", "bad.py:points", *arguments)
    assert code == 0, err
    assert "generator/wrong is -inf in step 5: back to step 3 with learning rates times 0.5, try 1 of 3" in err
    events = [json.loads(line) for line in Path("run/health.jsonl").read_text().splitlines()]
    assert [line["event"] for line in events if "event" in line] == ["diverged", "rolled back"]
    last = checkpoint.find(Path("run/checkpoints"))[-1]
    assert json.loads((last / "checkpoint.json").read_text())["lr_scale"] == 0.5
    steps = [json.loads(line)["step"] for line in Path("run/metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps)) and steps[-1] == 12
    code, out, _ = call("doctor", "run")
    assert code != VERDICTS["diverged"].exit_code and "rolled back" in out


@pytest.mark.parametrize("retries", [0, 2])
def test_what_always_diverges_stops_after_the_stated_tries(call: Call, retries: int) -> None:
    Path("bad.py").write_text(NAN)
    arguments = ("--out", "run", "--steps", 20, "--batch-size", 8, "--checkpoint-every", 3, "--retries", retries)
    code, _, err = call("train", "bad.py:points", *arguments)
    assert code == 3 and err.count("back to step") == retries
    code, out, _ = call("doctor", "run")
    assert code == 3 and "Training diverged" in out and "generator/wrong is -inf in step 7" in out
