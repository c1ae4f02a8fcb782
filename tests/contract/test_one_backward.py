"""One function calls `backward` and an optimiser's `step`: `Trainer.play`."""

from __future__ import annotations

import ast
from pathlib import Path

import zerosum

ROOT = Path(zerosum.__file__).parent


def calls(source: str, method: str) -> list[str]:
    """The innermost functions in which something's `method` is called, one for each call."""
    found: list[str] = []

    def visit(node: ast.AST, inside: str) -> None:
        if isinstance(node, ast.FunctionDef):
            inside = node.name
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method:
            found.append(inside)
        for child in ast.iter_child_nodes(node):
            visit(child, inside)

    visit(ast.parse(source), "")
    return found


def test_a_second_call_would_be_found() -> None:
    source = "def f(loss, optimizer):\n    loss.sum().backward()\n    optimizer.step()\n"
    assert calls(source, "backward") == calls(source, "step") == ["f"]


BESIDE = {
    "backward": {"contract/rules/machine.py": ["differentiate"]},  # on copies of a game, for their gradients
    "step": {
        "data/behaviour/episodes.py": ["play"],  # of environments
        "metrics/linear_svm.py": ["linear_svm"],  # of a convex problem, whose gradient is written out
        "training/estimate.py": ["estimate"],  # without a gradient, to see what the optimizer's state takes
    },
}


def test_one_function_calls_backward_and_step() -> None:
    for method, beside in BESIDE.items():
        files = {str(path.relative_to(ROOT)): calls(path.read_text(), method) for path in ROOT.rglob("*.py")}
        expected = {"training/trainer.py": ["play"], **beside}
        assert {path: where for path, where in files.items() if where} == expected
