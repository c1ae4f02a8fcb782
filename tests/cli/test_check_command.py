"""`zerosum check`: a line a rule, the exit code, and a user's own file and line where their code fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from shell import Call

from zerosum.contract.rules import RULES

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_gan.py"
GOOD = """
import torch
from torch import nn

from zerosum.game import Move
from zerosum.games.gan import GAN
from zerosum.networks import mlp


def points(data):
    "Two small perceptrons."
    return GAN(*mlp.toy_pair(2, data.x.shape), GAN.Config(latent_dim=2))
"""
NOBODY = """

def nobody(data):
    game = points(data)
    game.players = dict
    return game
"""


def lines(out: str) -> dict[str, tuple[str, str]]:
    """By rule: the verdict, and what is said."""
    found = {}
    for line in out.splitlines()[1:-1]:
        verdict, _, rest = line.partition("  ")
        name, _, said = rest.partition(": ")
        found[name] = (verdict, said)
    return found


def test_the_example_keeps_every_rule(call: Call) -> None:
    code, out, err = call("check", f"{EXAMPLE}:digits")
    assert code == 0 and err == "", err
    found = lines(out)
    assert list(found) == [rule.name for rule in RULES] and {verdict for verdict, _ in found.values()} == {
        "pass",
        "skip",
    }
    assert "MyGAN, images of 1x28x28 (digits), players generator and discriminator" in out.splitlines()[0]
    assert "16 of 16 rules hold, 1 does not apply" in out
    assert not Path("runs").exists()


@pytest.mark.parametrize("data", [["--data", "ring"], []])
def test_a_function_needs_no_decorator(call: Call, data: list[str]) -> None:
    Path("mine.py").write_text(GOOD)
    code, out, err = call("check", "mine.py:points", *data)
    assert code == 0, out + err
    assert ("2 numbers (ring)" if data else "images of 3x32x32 (made-up data)") in out


def test_without_data_the_first_kind_that_fits_is_taken(call: Call) -> None:
    Path("mine.py").write_text(GOOD.replace("data.x.shape", "(2,)"))
    code, out, err = call("check", "mine.py:points")
    assert code == 0 and "2 numbers (made-up data)" in out, out + err


def test_a_broken_rule_is_told_by_the_exit_code_with_its_cure(call: Call) -> None:

    text = GOOD.replace("return GAN(", "game = GAN(") + "    game.extra = nn.Linear(3, 3)\n    return game\n"
    Path("mine.py").write_text(text)
    code, out, _ = call("check", "mine.py:points", "--data", "ring")
    found = lines(out)
    assert code == 1 and found["partition"][0] == "FAIL"
    assert "extra.weight belongs to no player; add its module to a player" in found["partition"][1]
    assert found["resume"] == ("skip", "it needs what partition asks")
    assert out.splitlines()[-1].startswith("1 of 2 rules hold")


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("", "none.py:f", "cannot read none.py: No such file or directory; give a Python file as FILE.py:FUNCTION"),
        (GOOD, "mine.py", "'mine.py' names no game; give FILE.py:FUNCTION"),
        (GOOD, "mine.py:", "'mine.py:' names no game; give FILE.py:FUNCTION"),
        (GOOD, "gan/toy", "'gan/toy' names no game; give FILE.py:FUNCTION"),
        (GOOD, "mine.py:point", "mine.py has no function 'point' that gives a game; its functions: points"),
        (GOOD, "mine.py:GAN", "mine.py has no function 'GAN' that gives a game; its functions: points"),
        ("x = 1\ny = x / 0\n", "mine.py:f", "mine.py does not run: ZeroDivisionError: division by zero (mine.py:2)"),
        ("def f(:\n", "mine.py:f", "mine.py does not run: SyntaxError: invalid syntax (mine.py:1)"),
        ("import sys\nsys.exit(3)\n", "mine.py:f", "mine.py does not run: SystemExit: 3 (mine.py:2)"),
        (
            "import helper\n",
            "mine.py:f",
            "mine.py does not run: ModuleNotFoundError: No module named 'helper' (mine.py:1)",
        ),
        ("def f(data):\n    return 3\n", "mine.py:f", "mine.py:f gives 3, which is no game"),
        (
            "import sys\ndef f(data):\n    sys.exit(0)\n",
            "mine.py:f",
            "mine.py:f cannot be built: SystemExit: 0 (mine.py:3)",
        ),
        (
            GOOD + NOBODY,
            "mine.py:nobody",
            "mine.py:nobody has players() that cannot be used: it gives {}; return each player by its name",
        ),
        ("def f():\n    return 3\n", "mine.py:f", "mine.py:f must take (data: Spec, ...)"),
        ("def f(data, width=3):\n    return 3\n", "mine.py:f", "mine.py:f must take (data: Spec, ...)"),
        (
            "def f(data):\n    return data.z\n",
            "mine.py:f",
            "mine.py:f cannot be built: ValueError: there is no field z, only",
        ),
        (
            GOOD.replace("data.x.shape", "(2,)").replace("GAN.Config(", "GAN.Config(nothing=1, "),
            "mine.py:points",
            "mine.py:points cannot be built: TypeError: GAN.Config.__init__() got an unexpected keyword argument",
        ),
        (
            GOOD.replace("data.x.shape", "(5,)"),
            "mine.py:points",
            "mine.py:points cannot play a round with images of 3x32x32 (made-up data): RuntimeError: Tensors must have",
        ),
    ],
)
def test_what_cannot_be_checked(call: Call, text: str, where: str, says: str) -> None:
    Path("mine.py").write_text(text)
    code, out, err = call("check", where)
    assert code == 2 and out == "" and err.startswith(f"zerosum: {says}") and err.count("\n") == 1, err


def test_a_round_that_raises_is_told_by_its_line(call: Call) -> None:
    text = EXAMPLE.read_text().replace("real, y = draw()", "real, y, z = draw()")
    Path("mine.py").write_text(text)
    number = 1 + text.splitlines().index("        real, y, z = draw()  # (B, *shape), (B,)")
    code, _, err = call("check", "mine.py:digits")
    assert code == 2 and err.startswith(
        "zerosum: mine.py:digits cannot play a round with images of 1x28x28 and classes"
    )
    assert err.endswith(f"ValueError: not enough values to unpack (expected 3, got 2) (mine.py:{number})\n")


def test_wrong_flags(call: Call) -> None:
    Path("mine.py").write_text(GOOD)
    assert call("check", "mine.py:points", "--data", "rung")[0] == 2
    code, _, err = call("check", "mine.py:points", "--batch-size", "99")
    assert code == 2 and "a batch of 99 cannot be drawn from 11 made-up samples" in err
    assert call("check")[0] == 2
