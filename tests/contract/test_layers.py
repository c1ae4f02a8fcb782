"""The house stands: floors, no cycles, no question about the kind of a sample outside the tables.

Each rule has a test of its own detector, so a detector that has gone blind fails too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import zerosum

ROOT = Path(zerosum.__file__).parent

# From the ground up. A module imports from its own floor and from those below, never from one above.
FLOORS = (
    ("errors", "util"),
    ("modality", "batches", "options", "latent", "losses", "optim", "augment"),
    ("game", "roles", "latent_game"),
    ("networks", "data"),
    ("techniques", "recipe"),
    ("games",),
    ("training",),
    ("run",),
    ("metrics", "pictures"),
    ("health", "evaluation", "exporting"),
    ("report",),
    ("workflows",),
    ("theory", "studies"),
    ("cli",),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
# `zerosum` itself and `python -m zerosum` stand outside: they name the public functions of every floor.
OUTSIDE = {"zerosum", "zerosum.__main__"}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_of(path): path.read_text() for path in sorted(ROOT.rglob("*.py"))}


def imports_of(source: str, modules: dict[str, str] = SOURCES) -> Iterator[tuple[str, int]]:
    """Every module of zerosum that `source` imports, with its line; lazy imports and those for types count."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                if submodule in modules:
                    yield submodule, node.lineno
                elif node.module in modules:
                    yield node.module, node.lineno


def room(module: str) -> str:
    return module.split(".")[1]


def upward(modules: dict[str, str]) -> list[str]:
    found = []
    for module, source in modules.items():
        if module in OUTSIDE:
            continue
        for imported, line in imports_of(source, modules):
            if imported in OUTSIDE:
                if imported != "zerosum":
                    found.append(f"{module}:{line} imports {imported}")
            elif FLOOR[room(imported)] > FLOOR[room(module)]:
                found.append(f"{module}:{line} imports {imported}")
    return found


def cycles(modules: dict[str, str]) -> list[list[str]]:
    """The groups of modules that import each other, directly or through others (Tarjan's components)."""
    edges = {
        module: {name for name, _ in imports_of(source, modules) if name != module and name not in OUTSIDE}
        for module, source in modules.items()
        if module not in OUTSIDE
    }
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for name in edges.get(module, ()):
            if name not in index:
                visit(name)
                low[module] = min(low[module], low[name])
            elif name in stack:
                low[module] = min(low[module], index[name])
        if low[module] == index[module]:
            component = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(component) > 1:
                found.append(sorted(component))

    for module in edges:
        if module not in index:
            visit(module)
    return found


def test_every_room_has_a_floor() -> None:
    rooms = {room(module) for module in SOURCES if module not in OUTSIDE}
    assert rooms == set(FLOOR)


def test_nothing_imports_from_a_floor_above() -> None:
    assert upward(SOURCES) == []


def test_an_upward_import_would_be_found() -> None:
    lazy = "def f():\n    from zerosum.training.trainer import Trainer\n"
    modules = {"zerosum.losses.mine": lazy, "zerosum.training.trainer": ""}
    assert upward(modules) == ["zerosum.losses.mine:2 imports zerosum.training.trainer"]


def test_no_module_imports_itself_through_others() -> None:
    assert cycles(SOURCES) == []


def test_a_cycle_would_be_found_also_when_lazy() -> None:
    modules = {
        "zerosum.run.a": "from zerosum.run import b",
        "zerosum.run.b": "def f():\n    from zerosum.run.c import x\n",
        "zerosum.run.c": "import zerosum.run.a",
        "zerosum.run": "",
    }
    assert cycles(modules) == [["zerosum.run.a", "zerosum.run.b", "zerosum.run.c"]]
