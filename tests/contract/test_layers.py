"""The house stands: floors, no cycles, no question about the kind of a sample outside the tables.

Each rule has a test of its own detector, so a detector that has gone blind fails too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import zerosum
from zerosum.modality import AnyModality

ROOT = Path(zerosum.__file__).parent

# From the ground up. A module imports from its own floor and from those below, never from one above.
FLOORS = (
    ("errors", "util"),
    ("modality", "batches", "options", "latent", "losses", "optim", "augment"),
    ("game", "roles", "latent_game"),
    ("networks", "data"),
    ("techniques", "recipe", "acting_game"),
    ("games",),
    ("training",),
    ("run", "contract"),
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


# Where a module may ask what kind of data it has: the tables keyed by modality, and what exists for one kind alone.
KIND_ASKED = {
    "contract/case.py": 2,  # the lengths of texts, and texts that samples are asked for
    "data/behaviour/demonstrations.py": 3,  # the shapes of arrays in a file
    "data/behaviour/environment.py": 2,  # of states and actions that can be learnt
    "data/check.py": 7,  # sizes and colours of images, vocabularies of texts and of captions, loudness of sounds
    "data/domains.py": 1,  # domains are of images
    "data/images/fit.py": 4,  # images brought to the size and colours of others
    "data/images/resize.py": 1,  # the fields that have a size
    "data/pairs/tasks.py": 1,  # pairs made from images
    "data/random_crops.py": 1,  # the fields that can be cropped
    "data/styles.py": 1,  # states are images
    "data/stream.py": 3,  # flips; where a text ends
    "data/twins.py": 2,  # images are compared by what they show, texts repeat by nature
    "evaluation/real_data.py": 6,  # EXTRACTORS, grey beside colour, texts that may differ in their vocabularies
    "exporting/onnx.py": 1,  # conditions: texts are ids
    "games/dialogue.py": 2,  # questions and answers are texts
    "games/gail.py": 1,  # behaviour alone
    "games/gan_int_cls.py": 1,  # captions are texts
    "games/infogan.py": 1,  # views, of images alone
    "games/r3gan.py": 1,  # networks for sounds
    "games/stackgan.py": 1,  # captions are texts
    "latent_game.py": 1,  # conditions: what a text means
    "evaluation/reference_scores.py": 1,  # texts, whose tokens can be shuffled
    "metrics/attributes.py": 2,  # captions are texts
    "metrics/pitch.py": 2,  # sounds alone
    "metrics/music.py": 1,  # melodies alone
    "metrics/text_metric.py": 1,  # texts alone
    "pictures/overview.py": 1,  # conditions: texts are written in lines
    "run/loaded.py": 7,  # conditions: texts are asked for in words; answers as texts; ids that are no words
    "health/translations.py": 1,  # translations of images
    "modality.py": 7,  # samples by how they are stored; what texts, binary vectors and behaviour differ by from others
    "evaluation/pairs.py": 3,  # how many shapes there are; what was translated, where it is an image
    "metrics/probe.py": 1,  # a classifier of images has convolutions
    "studies/music_seqgan.py": 1,  # policies that write melodies
    "report/commands.py": 1,  # the size of its images
    "run/migrations.py": 1,  # shapes of format 1
    "run/record.py": 1,  # the size of its images
    "workflows/audit.py": 2,  # detectors are of binary vectors
    "techniques/apply.py": 1,  # augmentation of images
    "techniques/consistency.py": 1,  # views of images
    "networks/blocks.py": 1,  # convolutions refuse other shapes
    "networks/mlp.py": 1,  # tanh for images
    "training/hardware.py": 1,  # weights of convolutions
    "workflows/alternatives.py": 3,  # a smaller size of images
    "workflows/features.py": 1,  # a classifier of images
    "workflows/prepare.py": 2,  # the size of its images, and some of its captions
    "workflows/sample.py": 6,  # WRITE, and conditions: texts are named and kept as such
    "workflows/synthesize.py": 3,  # conditions: texts are no classes; a folder of images, a file of points
    "workflows/translate.py": 2,  # images to images
}
# Public functions of plain tensors check the rank of their arguments; readers of arrays see what a file holds.
OF_TENSORS = ("losses/", "util/checks.py", "metrics/", "pictures/", "theory/", "data/arrays.py", "data/points/")
SAMPLES = [kind for kind in get_args(get_args(AnyModality)[0]) if not kind.labels]
MODALITIES = {kind.__name__ for kind in SAMPLES}
KINDS = {kind.kind for kind in SAMPLES}  # what `kind` says in JSON


def kinds_asked(source: str, ranks: bool = True) -> list[int]:
    """Lines with `isinstance(x, Image)`, `type(x) is Image`, `case Image()`, `x.kind == "image"` and their like.

    `ranks`: or that compare x.dim(), x.ndim or len(x.shape).
    """
    return sorted(node.lineno for node in ast.walk(ast.parse(source)) if _asks_kind(node, ranks))


def _asks_kind(node: ast.AST, ranks: bool) -> bool:
    if isinstance(node, ast.Call) and _name(node.func) == "isinstance":
        return bool(MODALITIES & {_name(part) for part in ast.walk(node.args[1])})
    if isinstance(node, ast.Compare):
        sides = (node.left, *node.comparators)
        return _compares_kind(sides) or (ranks and any(map(_is_rank, sides)))
    if isinstance(node, ast.MatchClass):
        return _name(node.cls) in MODALITIES
    return _name(node) in ("is_image", "is_point", "is_text")


def _compares_kind(sides: tuple[ast.expr, ...]) -> bool:
    """Of `type(x)` with a modality, or of `x.kind` with its name."""
    parts = [part for side in sides for part in ast.walk(side)]
    if any(isinstance(side, ast.Call) and _name(side.func) == "type" for side in sides):
        return bool(MODALITIES & set(map(_name, parts)))
    if any(isinstance(side, ast.Attribute) and side.attr == "kind" for side in sides):
        return any(isinstance(part, ast.Constant) and part.value in KINDS for part in parts)
    return False


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_rank(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        of_shape = _name(node.func) == "len" and node.args and "shape" in _name(node.args[0])
        return bool(of_shape) or (_name(node.func) == "dim" and isinstance(node.func, ast.Attribute))
    return isinstance(node, ast.Attribute) and node.attr == "ndim"


def test_nobody_asks_what_a_sample_is_but_the_tables() -> None:
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        name = str(path.relative_to(ROOT))
        lines = kinds_asked(path.read_text(), ranks=not name.startswith(OF_TENSORS))
        if lines:
            found[name] = len(lines)
    assert found == KIND_ASKED


def test_a_question_about_the_kind_would_be_found() -> None:
    for question in (
        "isinstance(modality, Image)",
        "isinstance(x, (Points, Tokens))",
        "x.dim() == 4",
        "3 == len(shape)",
        "len(data.shape) != 3",
        "x.ndim > 2",
        "data.is_image",
        "type(x) is Image",
        "type(x) == modality.Points",
        "type(x) in (Points, Tokens)",
        'x.kind == "image"',
        '"tokens" != data.x.kind',
        'x.kind in ("image", "points")',
    ):
        assert kinds_asked(f"def f():\n    return {question}\n") == [2], question
    assert kinds_asked("match x:\n    case Image():\n        pass\n    case Points(2) | Tokens():\n        pass\n") == [
        2,
        4,
        4,
    ]
    assert kinds_asked("WRITE[type(run.modality)]\nkey.kind == 'term'\ntype(x) is Classes\n") == []
    assert kinds_asked("x.shape[0] == len(x)\nisinstance(y, Classes)\n") == []


def attributes_guessed(source: str) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "hasattr"
    ]


def test_nobody_asks_an_object_for_its_attributes() -> None:
    """What a game can do is a role it declares, never an attribute that it happens to have."""
    assert {
        module: attributes_guessed(source) for module, source in SOURCES.items() if attributes_guessed(source)
    } == {}
    assert attributes_guessed("x = 1\nif hasattr(game, 'classifier'):\n    pass\n") == [2]
