"""Every page: links lead somewhere, paths and names exist, commands parse, Python snippets call what there is."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import shlex
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import zerosum
from zerosum import options
from zerosum.cli import COMMANDS, flags
from zerosum.games.wgan_gp import WGANGP
from zerosum.recipe import RECIPES

ROOT = Path(__file__).parents[2]
PACKAGE = Path(zerosum.__file__).parent
READMES = [ROOT / "README.md", ROOT / "README.zh.md"]
PAGES = [*READMES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
OLD = {"CHANGELOG.md"}  # names what is gone, too
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
each_current_page = pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name not in OLD], ids=lambda page: page.stem
)


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.M | re.S)


def inline(page: Path) -> list[str]:
    """The code in running text, whitespace as one blank."""
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    return [re.sub(r"\s+", " ", code) for code in re.findall(r"`([^`]+)`", prose)]


# Links and paths


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text()):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@each_current_page
def test_paths_and_modules_exist(page: Path) -> None:
    own = {re.match(r"# (\w+\.py)\n", code)[1] for code in blocks(page, "python") if re.match(r"# (\w+\.py)\n", code)}
    for code in inline(page):
        if re.fullmatch(r"[\w/]+\.py", code):
            assert code in own or any((root / code).exists() for root in (PACKAGE, ROOT)), code
        elif re.fullmatch(r"zerosum(\.\w+)+", code):
            assert resolve(code) is not None


def resolve(name: str) -> Any:
    """What a dotted name stands for; an error where it stands for nothing."""
    parts = name.split(".")
    for split in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:split]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[split:]:
            found = getattr(found, attribute)
        return found
    raise ModuleNotFoundError(name)


def test_new_names_of_the_changelog_exist() -> None:
    table = (ROOT / "CHANGELOG.md").read_text().partition("What is imported:")[2].partition("###")[0]
    new = [cell for cell in re.findall(r"^\| .* \| (.*) \|$", table, re.M) if cell != "new"]
    names = [name for cell in new for name in re.findall(r"`(zerosum(?:\.\w+)+)`", cell)]
    assert len(names) > 10
    for name in names:
        assert resolve(name) is not None


# Commands


class Parsed(Exception):
    """A command line was understood."""


def commands(page: Path) -> Iterator[list[str]]:
    """What follows `zerosum` in blocks and in running text, without comments and placeholders of more."""
    lines = [line for block in blocks(page, "") for line in block.replace("\\\n", " ").splitlines()]
    for line in [*lines, *inline(page)]:
        command = re.split(r" #|\|\||\[", line.removeprefix("$ "))[0]  # no comment, no `|| other`, no [OPTIONAL]
        words = shlex.split(command) if command.startswith("zerosum ") else []
        if words:
            yield [word for word in words[1:] if word != "..."]


@pytest.fixture
def recipes_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in which files of recipes lie that pages name."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    for code in blocks(ROOT / "docs" / "architecture.md", "python"):
        (tmp_path / code.split("\n")[0][2:]).write_text(code)


@each_current_page
@pytest.mark.usefixtures("recipes_outside")
def test_commands_parse(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def parse_only(*arguments: Any, **keywords: Any) -> None:
        flags.parse(*arguments, **keywords)
        raise Parsed

    for command, *arguments in commands(page):
        if command.startswith("-"):
            assert command in ("--help", "--version")
            continue
        assert command in COMMANDS, f"zerosum {command}"
        module = importlib.import_module(f"zerosum.cli.commands.{command}")
        if arguments in ([], ["check"]):  # a mention
            continue
        monkeypatch.setattr(module, "parse", parse_only)
        if command == "train" and arguments[0] in ("RECIPE", "..."):
            arguments = arguments[1:]
        if command == "show" and arguments == ["RECIPE"]:
            continue
        with pytest.raises(Parsed):
            module.run(arguments)


@cache
def known_flags() -> set[str]:
    """Every flag of every command and of every recipe, those of other kinds of options included."""
    found: set[str] = {"--help", "-n"}
    for name in COMMANDS:
        module = importlib.import_module(f"zerosum.cli.commands.{name}")
        for cls in (getattr(module, "Arguments", None), flags.RunFlags):
            found |= {spelled(field.rstrip("_")) for field in getattr(cls, "__dataclass_fields__", {})}
    for recipe in RECIPES.values():
        _, *others = recipe.options
        for parameter, default in {"": recipe.training, **recipe.options}.items():
            prefix = f"{parameter}." if parameter in others else ""
            found |= {spelled(f"{prefix}{row.name}") for row in options.rows(default)}
            found |= set(flags.of_other_kinds(default, prefix))
    return found | {re.sub(r"([a-z][\w-]*)$", r"no-\1", name) for name in found}


def spelled(option: str) -> str:
    return f"--{option.replace('_', '-')}"


@each_current_page
def test_flags_exist(page: Path) -> None:
    known = known_flags()
    for code in inline(page):
        if code.startswith(("zerosum", "torchrun", "python", "make", "pip")):
            continue  # `test_commands_parse`, and the commands of others
        for flag in re.findall(r"(?<![\w-])--[a-z][\w.*-]*", code):
            if flag.endswith("*"):
                assert any(name.startswith(flag[:-1]) for name in known), flag
            else:
                assert flag in known, flag


def test_a_wrong_flag_would_be_found() -> None:
    assert "--no-references" in known_flags()
    assert "--optimizer.momentum" in known_flags()
    assert "--no-anchors" not in known_flags()


# Recipes


@each_current_page
def test_recipes_exist(page: Path) -> None:
    games = {name.partition("/")[0] for name in RECIPES}
    for code in inline(page):
        game, slash, _ = code.partition("/")
        if slash and re.fullmatch(r"[a-z0-9-]+/[a-z0-9-]+", code) and game in games | {"composed", "ls-gan"}:
            assert code in RECIPES, code


# Python


@each_current_page
def test_snippets_call_what_there_is(page: Path) -> None:
    for code in blocks(page, "python"):
        tree = ast.parse(code)
        names = imported(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and (dotted := dotted_name(node)) and dotted[0] in names:
                resolve(".".join([names[dotted[0]], *dotted[1:]]))
            if isinstance(node, ast.Call) and (dotted := dotted_name(node.func)) and dotted[0] in names:
                accepts(resolve(".".join([names[dotted[0]], *dotted[1:]])), node)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "run":
                assert node.attr in {*dir(zerosum.Run), *zerosum.Run.__dataclass_fields__}, node.attr


def imported(tree: ast.Module) -> dict[str, str]:
    """The dotted name that each imported name of zerosum stands for; all of them exist."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {a.asname or a.name: a.name for a in node.names if a.name.startswith("zerosum")}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("zerosum"):
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    for name in names.values():
        resolve(name)
    return names


def dotted_name(node: ast.expr) -> list[str]:
    """`a.b.c` as its parts; [] for anything else."""
    if isinstance(node, ast.Name):
        return [node.id]
    return [*inner, node.attr] if isinstance(node, ast.Attribute) and (inner := dotted_name(node.value)) else []


def accepts(function: Any, call: ast.Call) -> None:
    """Fail where a function does not take the keywords of a call."""
    parameters: Sequence[inspect.Parameter] = list(inspect.signature(function).parameters.values())
    if not any(p.kind is p.VAR_KEYWORD for p in parameters):
        assert {keyword.arg for keyword in call.keywords} <= {p.name for p in parameters}, ast.unparse(call)


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.stem)
def test_the_readme_quotes_wgan_gp(page: Path) -> None:
    body = textwrap.dedent(inspect.getsource(WGANGP.round))
    assert body in blocks(page, "python")


@pytest.mark.parametrize("name", ["README", "docs/theory"])
def test_chinese_pages_and_english_ones_lead_to_each_other(name: str) -> None:
    """And have the same commands, recipes and pictures."""
    english, chinese = ROOT / f"{name}.md", ROOT / f"{name}.zh.md"
    assert f"({chinese.name})" in english.read_text() and f"({english.name})" in chinese.read_text()
    pictures = re.compile(r"!\[[^]]*\]\(([^)]+)\)")
    assert pictures.findall(chinese.read_text()) == pictures.findall(english.read_text())
    wanted = {tuple(command) for code in blocks(english, "") for command in of_block(code)}
    assert wanted <= {tuple(command) for code in blocks(chinese, "") for command in of_block(code)}


def of_block(code: str) -> Iterator[list[str]]:
    """The command lines of a block, without comments."""
    for line in code.splitlines():
        if line.startswith(("zerosum ", "make ")):
            yield shlex.split(line.split(" #")[0])


def test_chinese_tables_name_the_same_recipes() -> None:
    rows = [re.findall(r"^\| (`.*?) \|", page.read_text(), re.M) for page in READMES]
    first = [{name for row in of for name in re.findall(r"`([\w/-]+)`", row)} for of in rows]
    assert first[0] & {name.partition("/")[0] for name in RECIPES} <= first[1]
