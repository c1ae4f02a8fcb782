"""Formats of run.json and of checkpoints: newer ones are refused, runs of format 1 load, sample and go on.

`old_runs/` holds two runs as zerosum wrote them in format 1 (torch 2.13, NumPy 2.4), stopped before their end, without
pictures and report: `toy`, 40 of 60 rounds of

    sgd = {"kind": "sgd", "lr": 0.05, "momentum": 0.0}
    zerosum.train("gan/toy", "ring", steps=60, batch_size=32, checkpoint_every=20, log_every=10, precision="fp32",
                  g_optimizer=sgd, d_optimizer=sgd)

and `digits`, 20 of 30 rounds of the command in its run.json; besides what that zerosum drew from them by
`zerosum sample RUN -n 4 --seed 0 --out RUN.npz`, and weights that it had at the end of both when it resumed them.
"""

from __future__ import annotations

import json
import random
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import zerosum
from zerosum.cli import main
from zerosum.data.dataset import dataset
from zerosum.errors import ZerosumError
from zerosum.games import find
from zerosum.modality import Points
from zerosum.optim import SGD, Adam, Decay, scheduled
from zerosum.recipe import Training
from zerosum.run import migrations
from zerosum.run.directory import RunDirectory
from zerosum.training import checkpoint
from zerosum.util import formats
from zerosum.workflows.prepare import DataChoice, prepare

OLD = Path(__file__).parent / "old_runs"
# The rounds that it had played, and all; the file of its weights at the end.
RUNS = {"toy": (40, 60, "average"), "digits": (20, 30, "game"), "wgan-gp": (4, 6, "game")}


@pytest.fixture(params=RUNS)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copytree(OLD / request.param, tmp_path / request.param))


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(OLD / "toy", tmp_path / "toy"))


SAME = 1e-4  # of the way that weights have come since: how far two ends may be apart


def edit(run: Path, **changes: Any) -> dict[str, Any]:
    """Change fields of run.json, and return all."""
    fields = json.loads((run / "run.json").read_text()) | changes
    fields.pop("checksum", None)
    (run / "run.json").write_text(json.dumps(fields))
    return fields


def test_an_old_run_draws_the_same_samples(old: Path, monkeypatch: pytest.MonkeyPatch):
    """Within what processors differ by: one step of a pixel's 256."""
    assert zerosum.load(old).step == RUNS[old.name][0]
    monkeypatch.chdir(old.parent)
    assert main(["sample", old.name, "-n", "4", "--seed", "0", "--out", "now.npz"]) == 0
    now, then = np.load("now.npz"), np.load(OLD / f"{old.name}.npz")
    assert set(now) == set(then)
    for name in then:
        assert now[name].dtype == then[name].dtype
        error = 1 if then[name].dtype == np.uint8 else 1e-5
        assert np.abs(now[name].astype(float) - then[name].astype(float)).max() <= error


def test_an_old_run_goes_on_to_the_same_end(old: Path):
    _, steps, file = RUNS[old.name]
    run = zerosum.resume(old, device="cpu", quiet=True)
    assert run.step == steps
    last = checkpoint.find(old / "checkpoints")[-1]
    now, then = load_file(last / f"{file}.safetensors"), load_file(OLD / f"{old.name}-{steps}.safetensors")
    before = load_file(checkpoint.find(OLD / old.name / "checkpoints")[-1] / f"{file}.safetensors")
    assert now.keys() == then.keys()
    # Adam makes a whole step of a gradient that is hardly more than rounding, and processors round in their own ways.
    off, moved = (
        float(torch.cat([(a[name].double() - b[name].double()).flatten() for name in then]).norm())
        for a, b in ((now, then), (then, before))
    )
    assert moved > 0 and off < SAME * moved
    assert json.loads((old / "run.json").read_text())["format"] == 4
    assert json.loads((last / "checkpoint.json").read_text())["format"] == 2
    steps_logged = [json.loads(line)["step"] for line in (old / "metrics.jsonl").read_text().splitlines()]
    assert steps_logged == sorted(set(steps_logged)) and steps_logged[-1] == steps
    assert (old / "report.html").exists() and (old / "samples.png").exists()


def test_an_old_run_has_a_report_and_a_doctor(old: Path, capsys: pytest.CaptureFixture[str]):
    main(["doctor", str(old)])
    found = capsys.readouterr()
    assert re.search("under-trained|too early to tell", found.out.lower()) and not found.err
    assert main(["report", str(old)]) == 0
    page = (old / "report.html").read_text()
    assert RunDirectory(old).read().recipe in page and "is missing or damaged" not in page
    capsys.readouterr()
    assert main(["list", str(old.parent)]) == 0
    assert f"{RUNS[old.name][0]} of {RUNS[old.name][1]}" in capsys.readouterr().out


@pytest.mark.parametrize("command", [("sample", "-n", "1"), ("resume",), ("doctor",), ("evaluate",), ("export",)])
def test_a_newer_run_is_refused_in_one_sentence(toy: Path, command: tuple[str, ...], capsys: Any):
    edit(toy, format=99, surprise="of the future")
    before = sorted(toy.rglob("*"))
    name, *flags = command
    assert main([name, str(toy), *flags]) == 2
    reads = formats.newest(migrations.MIGRATIONS)
    message = f"{toy}/run.json was written by a newer zerosum (format 99, this one reads up to {reads}); update zerosum"
    assert message in capsys.readouterr().err.replace("\n", "")
    assert sorted(toy.rglob("*")) == before


@pytest.mark.parametrize("text", [
    "", "[]", "7", "{}", '{"format": "1"}', '{"format": 1.0}', '{"format": true}', '{"format": 0}', '{"format": 1}',
    '{"format": 1, "recipe": 5}', '{"format": 1, "recipe": "gan/toy", "options": 3}', '{"format": 2}', "[" * 100_000,
    "\ufeff{}", '{"format": 1, "recipe": "\ud800"}',
])  # fmt: skip
def test_what_is_no_record_is_named(toy: Path, text: str):
    (toy / "run.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ZerosumError, match=r"run\.json is damaged or not a zerosum run: .") as refused:
        RunDirectory(toy).read()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("part", [None, "training", "data"])
def test_a_field_that_is_misspelt_does_not_fall_back_to_its_default(toy: Path, part: str | None):
    fields = json.loads((toy / "run.json").read_text())
    place = fields[part] if part else fields
    place["bverage"] = 0.5
    edit(toy, **fields)
    with pytest.raises(ZerosumError, match=r"run\.json is damaged or not a zerosum run: .*bverage"):
        RunDirectory(toy).read()


def test_a_recipe_that_does_not_fit_the_fields_is_refused(toy: Path):
    RunDirectory(toy).write(RunDirectory(toy).read())
    data = json.loads((toy / "run.json").read_text())["data"]
    edit(toy, data=data | {"fields": {"a": data["fields"]["x"]}})
    with pytest.raises(ZerosumError, match=r"gan/toy does not fit the data in .*run\.json: there is no field x"):
        zerosum.load(toy)


def test_roles_are_recorded_and_may_be_missing(toy: Path):
    assert RunDirectory(toy).read().roles is None
    prepared = prepare(find("gan/toy"), find("gan/toy").training, {}, DataChoice("ring"))
    assert prepared.record.roles == ("Generates", "Discriminates")


def test_a_kind_of_data_from_outside_is_refused_by_name(monkeypatch: pytest.MonkeyPatch):
    class Audio(Points):
        """Of no kind that JSON tells."""

    x = torch.randn(300, 2)
    monkeypatch.setattr(
        zerosum.data, "load", lambda *a, **k: dataset("audio", x).with_samples(Audio(2, "audio"), x, "ab")
    )
    with pytest.raises(ZerosumError, match=r"^Audio of the field x is no kind of data that run\.json knows: add it"):
        prepare(find("gan/toy"), find("gan/toy").training, {}, DataChoice("audio"))


def test_options_that_the_recipe_does_not_have_are_refused(toy: Path):
    options = json.loads((toy / "run.json").read_text())["options"]
    edit(toy, options={"bonfig": options["config"]})
    for read in (zerosum.load, zerosum.resume):
        refused = "options of .bonfig., but gan/toy has only those of config, network, techniques"
        with pytest.raises(ZerosumError, match=refused):
            read(toy)


def test_a_wrong_bit_in_the_record_is_refused_or_is_what_an_editor_might_do(toy: Path):
    """run.json is for people to edit: it has no checksum, but what remains valid lets no other weights in."""
    file, draw = toy / "run.json", random.Random(3)
    content, refused = file.read_bytes(), []
    weights = zerosum.load(toy).game.state_dict()
    for bit in draw.sample(range(8 * len(content)), 100):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        file.write_bytes(damaged)
        try:
            found = zerosum.load(toy).game.state_dict()
        except ZerosumError as error:
            refused.append(str(error))
        else:
            assert all(torch.equal(found[name], weights[name]) for name in weights)
    others = [message for message in refused if f"{file} is damaged or not a zerosum run: " not in message]
    named = ": there is no option |^there is no recipe "
    assert len(refused) - len(others) > 40 and all(re.search(named, one) for one in others)


def test_a_record_is_written_in_the_newest_format_and_read_back(toy: Path):
    directory = RunDirectory(toy)
    record = directory.read()
    directory.write(record)
    assert next(iter(json.loads(directory.record_path.read_text()).items())) == ("format", 4)
    assert directory.read() == record


def test_recipes_and_options_that_were_renamed(toy: Path, monkeypatch: pytest.MonkeyPatch):
    """On made-up names: of a recipe, of one of its game's options, of an option of every recipe and of training."""
    monkeypatch.setattr(migrations, "RENAMED", {"primal/toy": "gan/toy", "gan/toy": "elsewhere"})
    monkeypatch.setattr(migrations, "RENAMED_OPTIONS", {
        "primal": {"config.z.size": "config.latent_dim"},
        "gan": {"config.d_steps": "config.gone"},
        "*": {"techniques.old": "techniques.feature_matching", "training.ema": "training.average"},
    })  # fmt: skip
    fields = json.loads((toy / "run.json").read_text())
    config, training = fields["options"]["config"], fields["training"]
    config["z"] = {"size": config.pop("latent_dim")}
    fields["options"]["techniques"]["old"] = fields["options"]["techniques"].pop("feature_matching")
    training["ema"] = training.pop("average")
    record = formats.upgrade(
        fields | {"recipe": "primal/toy", "command": "zerosum train primal/toy"}, migrations.MIGRATIONS
    )
    assert record["recipe"] == "gan/toy" and record["options"]["config"] == {
        **{name: value for name, value in config.items() if name != "z"},
        "latent_dim": 2,
    }
    assert record["training"]["average"] == 0.99 and "ema" not in record["training"]
    assert record["options"]["techniques"]["feature_matching"] is False
    assert record["command"] == "zerosum.train(...)"  # the report writes it in today's names
    assert config["z"] == {"size": 2} and "ema" in training, "the argument stays as it is"
    own = formats.upgrade(fields | {"recipe": "primal/mine.py:toy", "command": "typed"}, migrations.MIGRATIONS)
    assert own["recipe"] == "primal/mine.py:toy" and own["options"]["config"] == config
    assert own["training"]["average"] == 0.99


def test_a_run_of_bad_gan_with_its_old_option_is_read(toy: Path):
    fields = json.loads((toy / "run.json").read_text())
    fields |= {"recipe": "bad-gan/images", "options": {"config": {"density_rounds": 7}}}
    record = formats.upgrade(fields, migrations.MIGRATIONS)
    assert record["options"]["config"] == {
        "density_steps": 7,
        "feature_distance": "squared-norm",
        "initial_images": 0,
        "density_random": False,
    }


def test_a_run_whose_mathematics_were_others_goes_on_as_it_was(toy: Path):
    """Format 2 had the squared norm of features, and SGHMC's temperature over N as one number."""
    fields = json.loads((toy / "run.json").read_text())
    record = formats.upgrade(fields, {1: migrations.MIGRATIONS[1]})
    sampler = {"kind": "sghmc", "lr": 0.01, "temperature": 2e-4}
    options = {
        "config": {"g_optimizer": sampler, "d_optimizer": {**sampler, "temperature": 0.0}},
        "techniques": {"feature_matching": True},
    }
    new = migrations.MIGRATIONS[2]({**record, "options": options})["options"]
    assert new["config"]["g_optimizer"] == {**sampler, "temperature": 1.0, "data_points": 5000}
    assert new["config"]["d_optimizer"]["temperature"] == 0.0
    assert new["techniques"]["feature_distance"] == "squared-norm"
    again = migrations.MIGRATIONS[2]({**record, "options": new})["options"]
    assert again == new
    sgan = migrations.MIGRATIONS[2]({**record, "recipe": "sgan/mnist", "options": {"config": {}}})["options"]
    assert sgan["config"] == {"feature_distance": "squared-norm", "initial_images": 0}
    for recipe in ("gan/toy", "mine.py:sgan"):
        other = migrations.MIGRATIONS[2]({**record, "recipe": recipe, "options": {"config": {}, "techniques": {}}})
        assert other["options"] == {"config": {}, "techniques": {}}


def test_what_was_not_renamed_stays(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(migrations, "RENAMED", {})
    monkeypatch.setattr(migrations, "RENAMED_OPTIONS", {})
    fields = json.loads((OLD / "digits" / "run.json").read_text())
    upgraded = formats.upgrade(fields, migrations.MIGRATIONS)
    new = upgraded.pop("data")
    assert upgraded.pop("draw") == "batches"
    assert {"format": 1, **upgraded, "data": fields["data"]} == fields
    old = {key: value for key, value in fields["data"].items() if key not in ("shape", "classes", "conditions")}
    channels, height, width = fields["data"]["shape"]
    assert new == old | {
        "fields": {
            "x": {"kind": "image", "channels": channels, "height": height, "width": width},
            **({"y": {"kind": "classes", "names": fields["data"]["classes"]}} if fields["data"]["classes"] else {}),
        },
        "vectors": [],
    }


def test_a_document_is_upgraded_step_by_step():
    steps: formats.Migrations = {
        1: lambda document: {**document, "seen": ["1"]},
        2: lambda document: {**document, "seen": [*document["seen"], "2"]},
    }
    assert formats.newest(steps) == 3 and formats.newest({}) == 1
    assert formats.upgrade({"format": 1, "x": 5}, steps) == {"x": 5, "seen": ["1", "2"]}
    assert formats.upgrade({"format": 2, "seen": []}, steps) == {"seen": ["2"]}
    assert formats.upgrade({"format": 3, "seen": 0}, steps) == {"seen": 0}
    with pytest.raises(formats.NewerFormatError, match=r"\(format 4, this one reads up to 3\)"):
        formats.upgrade({"format": 4}, steps)
    with pytest.raises(ValueError, match="does not fit format 2: KeyError: 'seen'"):
        formats.upgrade({"format": 2}, steps)


@pytest.mark.parametrize(("names", "expected"), [
    ({}, {"a": {"b": 1, "c": {"d": 2}}, "e": 3}),
    ({"a.b": "a.x"}, {"a": {"c": {"d": 2}, "x": 1}, "e": 3}),
    ({"a.c.d": "e", "e": "a.c.d"}, {"a": {"b": 1, "c": {"d": 3}}, "e": 2}),
    ({"e": "f.g.h"}, {"a": {"b": 1, "c": {"d": 2}}, "f": {"g": {"h": 3}}}),
    ({"a.c.d": "d"}, {"a": {"b": 1}, "e": 3, "d": 2}),
    ({"a.c": "c"}, {"a": {"b": 1}, "e": 3, "c": {"d": 2}}),
    ({"none": "x", "a.none": "y", "e.none": "z", "none.b": "w"}, {"a": {"b": 1, "c": {"d": 2}}, "e": 3}),
])  # fmt: skip
def test_fields_under_other_names(names: dict[str, str], expected: dict[str, Any]):
    tree = {"a": {"b": 1, "c": {"d": 2}}, "e": 3}
    assert formats.rename(tree, names) == expected
    assert tree == {"a": {"b": 1, "c": {"d": 2}}, "e": 3}


def format_2(recipe: str, **options: Any) -> dict[str, Any]:
    """run.json of format 2, as far as its options go."""
    return {"format": 2, "recipe": recipe, "options": options}


def test_r3gan_of_format_2_keeps_the_constants_that_it_had():
    """Recorded options go over the recipe's defaults, which have schedules now."""
    adam = {"lr": 2e-4, "betas": [0.0, 0.99], "eps": 1e-8, "decay": {"shape": "constant"}, "kind": "adam"}
    old = format_2("r3gan/images", config={"gamma": 1.0, "optimizer": adam}, network={"widths": [8], "blocks": 1})
    record = formats.upgrade(old, migrations.MIGRATIONS)
    chosen = find("r3gan/images").resolve(record["options"])
    config, network = chosen["config"], chosen["network"]
    assert config.gamma == 1.0 and network.halving == "mean" and network.widths == (8,)
    for seen in (0, 5_000_000, 20_000_000):
        assert config.gamma_decay(seen) == 1.0 and config.augment(seen) == 0.0
        assert scheduled(config.optimizer, seen, 50_000, 64) == {"lr": 2e-4}
    assert isinstance(config.optimizer.build([torch.nn.Parameter(torch.ones(1))]), torch.optim.Adam)
    assert old["options"]["config"] == {"gamma": 1.0, "optimizer": adam}, "the argument stays as it is"
    assert Training().half_life.peak == 0.0  # which old runs do not record


@pytest.mark.parametrize("shape", ["linear", "cosine", "exponential"])
def test_r3gan_of_format_2_whose_rate_decayed_goes_on_by_steps(shape: str):
    """The recipe's decay is over a number of images now, which runs of format 2 do not record."""
    decay = {"shape": shape, "warmup": 0, "start": 0, "steps": None, "final": 0.0}
    adam = {"lr": 2e-4, "betas": [0.0, 0.99], "eps": 1e-8, "decay": decay, "kind": "adam"}
    old = format_2("r3gan/images", config={"gamma": 1.0, "optimizer": adam}, network={"widths": [8], "blocks": 1})
    config = find("r3gan/images").resolve(formats.upgrade(old, migrations.MIGRATIONS)["options"])["config"]
    assert config.optimizer == Adam(2e-4, (0.0, 0.99), decay=Decay(shape, final=0.0))
    assert config.optimizer.decay(50_000, 50_000, 64) == pytest.approx(0, abs=1e-7)


def test_r3gan_of_format_2_with_another_optimiser_keeps_it():
    sgd = {"kind": "sgd", "lr": 0.1, "momentum": 0.0}
    old = format_2("r3gan/classes", config={"gamma": 0.3, "optimizer": sgd})
    config = find("r3gan/classes").resolve(formats.upgrade(old, migrations.MIGRATIONS)["options"])["config"]
    assert config.optimizer == SGD(0.1, 0.0) and config.gamma == 0.3


@pytest.mark.parametrize(("draw", "shared", "said"), [
    ("batches", True, True), ("batches", False, False), ("rows", True, False),
])  # fmt: skip
def test_a_run_whose_pairs_were_others_says_that_it_goes_on_otherwise(
    draw: str, shared: bool, said: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    options: dict[str, Any] = {"objective": "relativistic", "shared_fakes": shared, "steps": 1, "batch_size": 4}
    zerosum.train("two-player/toy", out=tmp_path / "run", quiet=True, device="cpu", **options)
    edit(tmp_path / "run", draw=draw)
    zerosum.resume(tmp_path / "run", steps=2, device="cpu")
    assert ("so not bit for bit" in capsys.readouterr().err) is said


@pytest.mark.parametrize("recipe", ["dcgan", "my_r3gan.py:images", "r3gan2/images"])
def test_other_recipes_of_format_2_stay(recipe: str):
    old = format_2(recipe, config={"gamma": 0.3})
    assert formats.upgrade(old, migrations.MIGRATIONS)["options"] == old["options"]
