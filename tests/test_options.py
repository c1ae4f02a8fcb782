"""Options: merging, ranges, names, and the sentences that a user meets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Literal

import pytest
from annotated_types import Ge, Gt, Lt

from zerosum.games.two_player import TwoPlayer
from zerosum.games.wgan_gp import WGANGP
from zerosum.optim import SGD, Adam, Decay, RMSprop
from zerosum.options import Option, OptionError, parse, rows, to_json, type_name
from zerosum.recipe import Training

OBJECTIVES = "'minimax', 'non-saturating', 'least-squares', 'wasserstein', 'hinge'"
CONFIG = TwoPlayer.Config("hinge", {"r1": 1.0}, g_optimizer=Adam(1e-3, (0.0, 0.99), decay=Decay("linear", start=5)))


def test_nothing_chosen_changes_nothing():
    assert parse(CONFIG, {}) == CONFIG


def test_plain_values_replace_fields_and_leave_the_others():
    parsed = parse(CONFIG, {"latent_dim": 7, "d_steps": 2})
    assert (parsed.latent_dim, parsed.d_steps, parsed.objective, parsed.penalties) == (7, 2, "hinge", {"r1": 1.0})
    assert parsed.g_optimizer == CONFIG.g_optimizer and CONFIG.latent_dim == 100


def test_nested_values_merge():
    parsed = parse(CONFIG, {"g_optimizer": {"lr": 0.5, "decay": {"final": 0.25}}})
    assert parsed.g_optimizer == Adam(0.5, (0.0, 0.99), decay=Decay("linear", start=5, final=0.25))


def test_another_kind_starts_from_its_own_defaults():
    assert parse(CONFIG, {"g_optimizer": {"kind": "sgd", "lr": 0.3}}).g_optimizer == SGD(lr=0.3)
    assert parse(CONFIG, {"g_optimizer": {"kind": "rmsprop"}}).g_optimizer == RMSprop()
    assert parse(CONFIG, {"g_optimizer": SGD(0.2, 0.9)}).g_optimizer == SGD(0.2, 0.9)


def test_a_table_of_penalties_is_replaced_whole():
    assert parse(CONFIG, {"penalties": {"dragan": 10}}).penalties == {"dragan": 10.0}
    assert parse(CONFIG, {"penalties": None}).penalties is None


FALLING = Adam(decay=Decay("cosine", 2, 3, 4, final=0.5))


@pytest.mark.parametrize("value", [CONFIG, WGANGP.Config(), Training(clip=1.0), Training(), FALLING])
def test_json_and_back(value):
    text = json.dumps(to_json(value))
    assert parse(type(value)(), json.loads(text)) == value


@pytest.mark.parametrize(("values", "sentence"), [
    ({"latent_dim": 0}, "latent_dim: should be greater than 0, got 0"),
    ({"latent_dim": 2.5}, "latent_dim: should be a valid integer, got a number with a fractional part, got 2.5"),
    ({"latent_dim": "many"}, "latent_dim: should be a valid integer, unable to parse string as an integer, got 'many'"),
    ({"objective": "hing"}, f"objective: should be {OBJECTIVES} or 'relativistic', got 'hing'"),
    ({"g_optimizer": {"lr": -1.0}}, "g_optimizer.lr: should be greater than 0, got -1.0"),
    ({"g_optimizer": {"betas": (0.5, 1.0)}}, "g_optimizer.betas.1: should be less than 1, got 1.0"),
    ({"g_optimizer": {"decay": {"final": 2}}}, "g_optimizer.decay.final: should be less than or equal to 1, got 2"),
    ({"targets": {"flip": 1.5}}, "targets.flip: should be less than or equal to 1, got 1.5"),
    ({"noise": {"std": -0.1}}, "noise.std: should be greater than or equal to 0, got -0.1"),
])  # fmt: skip
def test_a_value_out_of_range_is_told_with_its_name_and_range(values, sentence: str):
    with pytest.raises(OptionError) as told:
        parse(CONFIG, values)
    assert str(told.value) == sentence


@pytest.mark.parametrize("values", [{"g_optimizer": {"lr": float("nan")}}, {"g_optimizer": {"lr": float("inf")}}])
def test_no_option_is_infinite(values):
    with pytest.raises(OptionError, match=r"g_optimizer\.lr: should be"):
        parse(CONFIG, values)


def test_penalties_are_checked_by_name_and_weight():
    with pytest.raises(OptionError, match=r"^penalties.*greater than or equal to 0, got -1"):
        parse(CONFIG, {"penalties": {"r1": -1}})
    with pytest.raises(OptionError, match=r"^penalties.*'dragan', got 'r3'"):
        parse(CONFIG, {"penalties": {"r3": 1}})


def test_every_wrong_value_is_told_at_once():
    with pytest.raises(OptionError, match=r"latent_dim: .*; d_steps: "):
        parse(CONFIG, {"latent_dim": -1, "d_steps": 0})


@pytest.mark.parametrize(("values", "sentence"), [
    ({"latent_dims": 3}, "there is no option 'latent_dims'; did you mean 'latent_dim'?"),
    ({"g_optimizer": {"lrr": 3}}, "there is no option 'g_optimizer.lrr'; did you mean 'g_optimizer.lr'?"),
    ({"noise": {"sdt": 3}}, "there is no option 'noise.sdt'; did you mean 'noise.std'?"),
])  # fmt: skip
def test_an_unknown_name_is_told_with_the_nearest(values, sentence: str):
    with pytest.raises(OptionError) as told:
        parse(CONFIG, values)
    assert str(told.value) == sentence


def test_an_unknown_name_that_is_near_nothing_is_told_with_all():
    with pytest.raises(OptionError, match=r"no option 'zzz'; there are objective, penalties, .*d_optimizer\.lr"):
        parse(CONFIG, {"zzz": 1})


@dataclass(frozen=True)
class Small:
    size: Annotated[int, Gt(0), Lt(9), "how many"] = 3
    share: Annotated[float | None, Ge(0), "how much"] = None
    shape: Literal["round", "square"] = "round"
    inner: Annotated[Decay, "how it falls"] = Decay()


def test_rows_of_a_table():
    found = {row.name: row for row in rows(Small(size=5))}
    assert list(found) == [
        "size",
        "share",
        "shape",
        "inner.shape",
        "inner.warmup",
        "inner.start",
        "inner.steps",
        "inner.images",
        "inner.final",
        "inner.hold",
    ]
    assert found["size"] == Option("size", "int > 0, < 9", 5, "how many", "recipe")
    assert found["share"] == Option("share", "float or none >= 0", None, "how much", "Small")
    assert found["shape"] == Option("shape", "round | square", "round", "", "Small")
    assert found["inner.final"].source == "Decay"


def test_rows_of_the_kind_of_an_optimizer():
    chosen = parse(CONFIG, {"g_optimizer": {"kind": "sgd"}})
    found = {row.name: row for row in rows(chosen) if row.name.endswith(".kind")}
    g, d = found["g_optimizer.kind"], found["d_optimizer.kind"]
    assert (g.default, g.type, g.source) == ("sgd", "adam | rmsprop | sgd | sghmc", "recipe")
    assert (d.default, d.type, d.source) == ("adam", g.type, "TwoPlayer.Config")
    assert found.keys() == {"g_optimizer.kind", "d_optimizer.kind"}
    assert [row.name for row in rows(chosen) if row.name.startswith("g_opt")][:3] == [
        "g_optimizer.kind",
        "g_optimizer.lr",
        "g_optimizer.momentum",
    ]


def test_names_of_types():
    assert type_name(tuple[int, ...]) == "tuple[int, Ellipsis]" or type_name(tuple[int, ...]) == "tuple[int, ...]"
    assert type_name(dict[str, float]) == "dict[str, float]"
    assert type_name(int | None) == "int or none"
