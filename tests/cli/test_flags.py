"""Flags: each option has one, each says one default, and what is wrong with one is said in one line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError
from shell import Call

import zerosum
import zerosum.games
from zerosum.cli import COMMANDS
from zerosum.cli.commands.train import read
from zerosum.optim import SGD, SGHMC, Adam, Cosine, Optimizer, RMSprop
from zerosum.options import hints, kinds
from zerosum.recipe import RECIPES, Recipe
from zerosum.workflows.train import split

KINDS = {"adam": Adam, "rmsprop": RMSprop, "sgd": SGD, "sghmc": SGHMC}
QUICK = ("--steps", 4, "--batch-size", 8)
HELP = [(command,) for command in COMMANDS]
HELP += [("train", name) for name in ("gan/toy", "infogan/clusters", "bayesian/toy", "cgan/images")]


def leaves(default: object, *path: str) -> Iterator[tuple[tuple[str, ...], Any, object]]:
    """(path, annotation, default) of every option."""
    for name, hint in hints(type(default)).items():
        value = getattr(default, name)
        if is_dataclass(value):
            yield from leaves(value, *path, name)
        elif name != "kind":
            yield (*path, name), hint, value


def another(hint: Any, value: object) -> Any:
    """A value that an annotation allows, other than the default."""
    literals = [a for part in (hint, *get_args(hint)) for inner in (part, *get_args(part)) for a in get_args(inner)]
    names = [a for a in literals if isinstance(a, str)]
    candidates: list[Any] = [
        not value if isinstance(value, bool) else None,
        3,
        2,
        1,
        0.25,
        0.75,
        {"r1": 0.5, "dragan": 2.0},
    ]
    candidates += [*names, *((name,) for name in names), (0.25, 0.75), (2, 3), (2, 3, 4), ("a",), "a"]
    adapter: TypeAdapter[Any] = TypeAdapter(hint)
    for candidate in candidates:
        try:
            if (
                candidate is not None
                and adapter.validate_python(candidate, strict=not isinstance(candidate, tuple)) != value
            ):
                return candidate
        except ValidationError:
            continue
    raise AssertionError(f"no other value for {hint}")


def words(path: tuple[str, ...], value: Any) -> list[str]:
    """A flag and its values, as a person types them."""
    *above, name = (part.replace("_", "-") for part in path)
    if isinstance(value, bool):
        return ["--" + ".".join([*above, name if value else f"no-{name}"])]
    values = [part for pair in value.items() for part in pair] if isinstance(value, dict) else value
    return ["--" + ".".join([*above, name]), *map(str, values if isinstance(values, (list, tuple)) else [values])]


def resolved(recipe: Recipe, arguments: list[str]) -> dict[str, Any]:
    """The recipe's option dataclasses by parameter, and its training, after flags."""
    training, chosen = split(recipe, read(recipe, arguments)[1])
    return {"training": training, **recipe.resolve(chosen)}


def at(values: dict[str, Any], part: str, path: tuple[str, ...]) -> Any:
    value = values[part]
    for name in path:
        value = getattr(value, name)
    return value


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_option_has_a_flag_that_arrives(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Changed all at once, some have no effect beside others: that they are refused, test_idle_options.py tests.
    monkeypatch.setattr("zerosum.workflows.train.idle", lambda *_: ())
    recipe = RECIPES[name]
    first = next(iter(recipe.options))
    arguments: list[str] = []
    expected: list[tuple[str, tuple[str, ...], Any]] = []
    for part, default in {"training": recipe.training, **recipe.options}.items():
        for path, hint, value in leaves(default):
            # Where EMA weights follow half_life, `average` counts nothing, and both are refused.
            chosen = 0.0 if path in (("half_life", "start"), ("half_life", "end")) else another(hint, value)
            arguments += words(path if part in ("training", first) else (part, *path), chosen)
            expected.append((part, path, chosen))
    values = resolved(recipe, arguments)
    assert [(part, path, at(values, part, path)) for part, path, _ in expected] == expected


def test_the_half_life_has_flags_that_arrive() -> None:
    words = ["--half-life.start", "100", "--half-life.end", "7000"]
    assert resolved(RECIPES["r3gan/images"], words)["training"].half_life == Cosine(100.0, 7000.0)


@pytest.mark.parametrize("name", ["gan/toy", "wgan/toy", "cgan/mnist", "bad-gan/mnist"])
@pytest.mark.parametrize("kind", KINDS)
def test_any_optimizer_is_chosen_by_its_kind_and_starts_from_its_own_defaults(name: str, kind: str) -> None:
    recipe = RECIPES[name]
    config = recipe.options["config"]
    fields = [field for field, hint in hints(type(config)).items() if kinds(hint) == KINDS]
    assert fields
    arguments = [word for field in fields for word in (f"--{field.replace('_', '-')}.kind", kind)]
    chosen = resolved(recipe, arguments)["config"]
    for field in fields:
        usual = getattr(config, field)
        assert getattr(chosen, field) == (usual if isinstance(usual, KINDS[kind]) else KINDS[kind]())


def test_kinds_are_the_members_of_a_union() -> None:
    assert kinds(Optimizer) == KINDS
    assert kinds(SGHMC) == {"sghmc": SGHMC}
    assert kinds(int | None) == {} == kinds(dict[str, float])


def test_another_optimizer_trains_is_recorded_and_trains_again(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["my_script.py"])  # which the report cannot run again, so it writes the call
    kind = ("--g-optimizer.kind=sgd", "--g-optimizer.momentum", 0.9, "--g_optimizer.decay.shape", "cosine")
    assert call("train", "gan/toy", *QUICK, "--out", "run", *kind)[0] == 0
    record = json.loads(Path("run/run.json").read_text())["options"]["config"]
    same = zerosum.train(
        "gan/toy",
        out="same",
        steps=4,
        batch_size=8,
        quiet=True,
        g_optimizer={"kind": "sgd", "momentum": 0.9, "decay": {"shape": "cosine"}},
    )
    assert record == same.record.options["config"]
    assert record["g_optimizer"]["kind"] == "sgd" and record["g_optimizer"]["lr"] == SGD().lr
    assert record["d_optimizer"]["kind"] == "adam"
    assert zerosum.load("run").sample(8).equal(same.sample(8))
    page = Path("same/report.html").read_text().replace("&#x27;", "'")
    assert "'kind': 'sgd'" in page and "which kind" in page
    assert call("resume", "run", "--steps", 6)[0] == 0


def test_help_shows_the_flags_of_the_chosen_kind(call: Call) -> None:
    out = call("train", "gan/toy", "--d-optimizer.kind", "sghmc", "--help")[1]
    assert "--d-optimizer.friction" in out and "--d-optimizer.betas" not in out
    assert "--g-optimizer.betas" in out and "--g-optimizer.kind {adam,rmsprop,sgd,sghmc}" in out


def test_show_lists_the_kind_with_its_choices(call: Call) -> None:
    out = call("show", "wgan")[1]
    assert re.search(r"--optimizer\.kind +rmsprop .*\(adam \| rmsprop \| sgd \| sghmc; ", out)
    assert re.search(r"--g-optimizer\.kind +sghmc .*\(sghmc; ", call("show", "bayesian")[1])


@pytest.mark.parametrize("arguments", HELP, ids=" ".join)
def test_an_entry_of_help_has_one_default(
    call: Call, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")  # one column of entries
    out = call(*arguments, "--help")[1]
    rows = [row.strip("│ ") if row.startswith("│  ") else f"\n{row.strip('│ ')}" for row in out.splitlines()]
    entries = " ".join(rows).splitlines()
    assert len(entries) > 5
    for entry in entries:
        assert len(re.findall(r"default:|by default|[Dd]efaults? to|unless", entry)) <= 1, entry
        assert "default: None" not in entry and "default: )" not in entry, entry


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("train", "gan/toy", "--batchsize", 4), "there is no flag --batchsize; did you mean --batch-size?"),
        (("train", "gan/toy", "--batchsize=4"), "there is no flag --batchsize; did you mean --batch-size?"),
        (("train", "--latentdim", 4), "there is no flag --latentdim; did you mean --latent-dim?"),
        (("train", "gan/toy", "--qqq"), "there is no flag --qqq; `zerosum train gan/toy --help` shows all"),
        (("train", "gan/toy", "--steps", "abc"), "--steps takes INT, not 'abc'"),
        (("train", "gan/toy", "--steps=abc"), "--steps takes INT, not 'abc'"),
        (("train", "gan/toy", "--steps"), "--steps needs a value: INT"),
        (("train", "gan/toy", "--clip", "x"), "--clip takes None or FLOAT, not 'x'"),
        (("train", "gan/toy", "--size", 1, 2, 3), "--size takes INT|{INT INT}, not '1 2 3'"),
        (("train", "gan/toy", "--g-optimizer.betas", 0.5), "--g-optimizer.betas takes FLOAT FLOAT, not '0.5'"),
        (("train", "gan/toy", "--precision", "fp31"), "--precision takes auto, fp32 or bf16, not 'fp31'"),
        (("train", "gan/toy", "--flip", "yes"), "unexpected arguments: yes"),
        (
            ("train", "gan/toy", "--g-optimizer.momentum", 0.9),
            "--g-optimizer.momentum is an option of sgd; add --g-optimizer.kind sgd",
        ),
        (
            ("train", "gan/toy", "--g-optimizer.kind", "sgd", "--g-optimizer.betas", 0.5, 0.9),
            "--g-optimizer.betas is an option of adam; add --g-optimizer.kind adam",
        ),
        (
            ("train", "gan/toy", "--g-optimizer.kind", "sdg"),
            "--g-optimizer.kind takes adam, rmsprop, sgd or sghmc, not 'sdg'",
        ),
        (("train", "bayesian", "--g-optimizer.kind", "sgd"), "--g-optimizer.kind takes sghmc alone, not 'sgd'"),
        (("resume", "run", "--stesp", 4), "there is no flag --stesp; did you mean --steps?"),
        (("sample",), "RUN is missing"),
        (("sample", "run", "--sead", 4), "there is no flag --sead; did you mean --seed?"),
        (("sample", "run", "-n", "q"), "--n takes INT, not 'q'"),
        (("synthesize", "run"), "--per-class INT and --out PATH are missing"),
        (("synthesize", "run", "--perclass", 4), "there is no flag --perclass; did you mean --per-class?"),
        (("classify", "run"), "IMAGES is missing"),
        (("export", "run", "--netwrk", "generator"), "there is no flag --netwrk; did you mean --network?"),
        (("evaluate", "run", "--metric", "x"), "there is no flag --metric; did you mean --metrics?"),
        (("evaluate", "run", "--samples", 1.5), "--samples takes INT, not '1.5'"),
        (("compare", "--metric", "x"), "there is no flag --metric; did you mean --metrics?"),
        (("doctor", "run", "--uot", "x"), "there is no flag --uot; did you mean --out?"),
        (("list", "a", "b"), "unexpected arguments: b"),
        (("show",), "RECIPE is missing"),
        (("data", "chekc", "x"), "action takes check alone, not 'chekc'"),
        (("report",), "RUN is missing"),
        (("reproduce", "--seed", 3), "there is no flag --seed; did you mean --seeds?"),
        (("theory", "--ou", "x"), "there is no flag --ou; did you mean --out?"),
    ],
)
@pytest.mark.parametrize("columns", ["60", "200"])
def test_a_refusal_is_one_line(
    call: Call, monkeypatch: pytest.MonkeyPatch, arguments: tuple[object, ...], says: str, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert call(*arguments) == (2, "", f"zerosum: {says}\n")
    assert not list(Path().iterdir())


def test_a_new_line_of_help_holds_the_values_of_a_long_flag(call: Call) -> None:
    err = call("train", "cgan/images", "--penalties", "r1", "a")[2]
    assert err.endswith("one-sided,r1,r2,r1-r2,dragan} FLOAT [...]]}, not 'r1 a'\n")


def test_the_forms_of_data_are_found_from_the_tool(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")  # one column of boxes
    said = " ".join(call("list")[1].split())
    assert "pairs:A,B, unpaired:A,B, side-by-side:FOLDER, " in said
    assert "domains:SOURCE,TARGET, styles:CROWD,PLAYER, a folder" in said
    named = "pairs:A,B, unpaired:A,B, side-by-side:FOLDER, domains:SOURCE,TARGET"
    forms = f"a file (.npy, .npz, .txt: one text a line), or {named}"
    for command, words in (("train", forms), ("data", forms), ("sample", "FILE.txt: texts, one a line")):
        assert words.replace(" ", "") in re.sub(r"[\s│]+", "", call(command, "--help")[1])


def test_list_names_the_gan_its_paper_and_what_each_recipe_is_for(call: Call) -> None:
    out = call("list")[1]
    assert re.search(r"^began/images +BEGAN +Berthelot et al\., 2017 +digits +The paper's convolutional", out, re.M)
    assert re.search(r"^\S*lsgan +LSGAN +Mao et al\., 2017 +digits +Least squares instead", out, re.M)
    assert re.search(r"^\S+/toy +Loss-sensitive GAN.* Qi, 2017 ", out, re.M)
    assert re.search(r"^cgan/images +Conditional GAN +Mirza and Osindero, 2014 ", out, re.M)
    for name in RECIPES:
        row = next(row for row in out.splitlines() if row.startswith(f"{name} "))
        assert re.search(r", (19|20)\d\d ", row) or "put together" in row, row
