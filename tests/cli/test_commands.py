"""Every command, as a person types it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from shell import EXAMPLE, Call

import zerosum
from zerosum import modality
from zerosum.cli import COMMANDS
from zerosum.games import RECIPES, find
from zerosum.options import to_json
from zerosum.pictures.grids import to_uint8

QUICK = ("--steps", 6, "--batch-size", 16, "--log-every", 2, "--sample-every", 3, "--checkpoint-every", 4)


def test_help_names_every_command(call: Call) -> None:
    code, out, _ = call("--help")
    assert code == 0
    assert all(re.search(rf"^  {command} ", out, re.MULTILINE) for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(call: Call, command: str) -> None:
    code, out, _ = call(command, "--help")
    assert code == 0
    assert f"usage: zerosum {command}" in out


def test_help_is_quick_because_torch_stays_out() -> None:
    script = "import sys, zerosum, zerosum.cli; zerosum.cli.main(['--help']); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


def test_train_leaves_a_whole_run_directory(call: Call) -> None:
    code, out, err = call("train", "gan/toy", "--out", "run", *QUICK, "--d-steps", 2, "--g-optimizer.lr", 0.01)
    assert code == 0, err
    record = json.loads(Path("run/run.json").read_text())
    assert record["options"]["config"]["d_steps"] == 2
    usual = to_json(find("gan/toy").options["config"].g_optimizer)
    assert record["options"]["config"]["g_optimizer"] == {**usual, "lr": 0.01}
    assert record["training"]["steps"] == 6
    lines = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 6]
    assert all(np.isfinite(line["discriminator/adversarial"]) for line in lines)
    assert sorted(p.name for p in Path("run/samples").iterdir()) == [f"step-{n:08d}.png" for n in (0, 3, 6)]
    assert sorted(p.name for p in Path("run/checkpoints").iterdir()) == [f"step-{n:08d}" for n in (0, 4, 6)]
    for name in ("samples.png", "film.gif", "report.html"):
        assert str(Path("run") / name) in out
        assert Path("run", name).stat().st_size > 100


def test_a_run_gets_a_directory_of_its_own(call: Call) -> None:
    for expected in ("runs/gan-toy-ring-1", "runs/gan-toy-ring-2"):
        assert call("train", "gan/toy", *QUICK)[0] == 0
        assert Path(expected, "run.json").exists()


def test_a_known_name_stays_one_beside_a_folder_of_that_name(call: Call) -> None:
    Path("ring").mkdir()
    assert call("train", "gan/toy", "--data", "ring", "--out", "run", *QUICK)[0] == 0
    assert json.loads(Path("run/run.json").read_text())["data"]["name"] == "ring"
    assert call("resume", "run", "--steps", 8)[0] == 0


def test_dry_run_says_what_would_be_and_writes_nothing(call: Call) -> None:
    code, out, err = call("train", "dcgan", "--network.width", 4, "--batch-size", 8, "--dry-run")
    assert code == 0, err
    players = find("dcgan").build(modality.Spec({"x": modality.Image(1, 28, 28)}), {"network": {"width": 4}}).players()
    for name, player in players.items():
        count = sum(p.numel() for module in player.modules for p in module.parameters())
        assert f"{name}: {count:,} parameters" in out
    assert re.search(r"memory +about [\d.]+ MB \(weights [\d.]+ MB", out)
    assert re.search(r"one step +(about|at most) [\d,.]+ ms", out)
    assert re.search(r"duration +(about|at most) .+ for 20,000 steps", out)
    assert "5,000 images of 1x28x28" in out and re.search(r"batch size +8\n", out)
    assert not Path("runs").exists()


def test_sample_writes_a_grid(call: Call, images: Path) -> None:
    assert call("sample", images, "-n", 4, "--out", "grid.png")[0] == 0
    with Image.open("grid.png") as picture:
        assert picture.width > 2 * 28
    assert call("sample", images)[1].strip() == str(images / "samples-seed-0.png")


def test_sample_writes_arrays_and_equal_seeds_give_equal_samples(call: Call, images: Path) -> None:
    for name, seed in (("a.npz", 5), ("b.npz", 5), ("c.npz", 6)):
        assert call("sample", images, "-n", 10, "--seed", seed, "--out", name)[0] == 0
    a, b, c = (np.load(name) for name in ("a.npz", "b.npz", "c.npz"))
    assert a["samples"].shape == (10, 1, 28, 28)
    assert a["samples"].dtype == np.uint8
    assert (a["samples"] == b["samples"]).all()
    assert (a["samples"] != c["samples"]).any()
    assert "labels" not in a


def test_sample_writes_separate_files(call: Call, images: Path) -> None:
    assert call("sample", images, "-n", 3, "--out", "folder")[0] == 0
    assert "folder also holds 1 file of an earlier time" in call("sample", images, "-n", 2, "--out", "folder")[2]
    assert len(list(Path("folder").glob("*.png"))) == 3


def test_sample_interpolates(call: Call, images: Path) -> None:
    assert call("sample", images, "-n", 4, "--to-seed", 1, "--frames", 5, "--out", "walk.gif")[0] == 0
    with Image.open("walk.gif") as walk:
        assert walk.n_frames == 8  # 5 there, 3 back


def test_truncation_and_last_weights_change_the_samples(images: Path) -> None:
    run = zerosum.load(images)
    assert not run.sample(8).equal(run.sample(8, truncation=0.5))
    assert not run.interpolate(2, 3).equal(run.interpolate(2, 3, truncation=0.5))
    assert not run.sample(8).equal(zerosum.load(images, average=False).sample(8))


def test_a_recipe_may_truncate_its_samples_by_default() -> None:
    run = zerosum.train("two-player/toy", out="run", steps=1, batch_size=8, truncation=0.4, quiet=True)
    assert run.sample(8).equal(run.sample(8, truncation=0.4))
    assert not run.sample(8).equal(run.sample(8, truncation=9.0))


def test_classes_are_drawn_by_name_and_saved(call: Call, labelled: Path) -> None:
    recipe = f"{EXAMPLE}:digits"
    assert call("sample", labelled, "--recipe", recipe, "-n", 12, "--out", "all.npz")[0] == 0
    assert np.load("all.npz")["labels"].tolist() == [*range(10), 0, 1]
    assert call("sample", labelled, "--recipe", recipe, "--class", 3, "-n", 5, "--out", "three.npz")[0] == 0
    assert np.load("three.npz")["labels"].tolist() == [3] * 5
    code, _, err = call("sample", labelled, "--recipe", recipe, "--class", "cat", "--out", "x.npz")
    assert code == 2
    assert "no class 'cat'; the classes are 0, 1, 2" in err


def test_sample_draws_a_row_for_each_class(call: Call, labelled: Path) -> None:
    recipe = ("--recipe", f"{EXAMPLE}:digits")
    code, out, err = call("sample", labelled, *recipe, "-n", 40, "--out", "rows.png")
    assert (code, out.strip(), err) == (0, "rows.png", "")
    with Image.open("rows.png") as picture:
        assert picture.info["Title"] == "A row for each class; within a column z is the same"
        assert picture.height == 10 * 58 - 2 and picture.width > 4 * 58 - 2
        pixels = np.asarray(picture)[::2, -230::2]
    run = zerosum.load(labelled, recipe=recipe[1])
    for k in (0, 7):
        expected = to_uint8(run.sample(4, classes=k))[:, 0].permute(1, 0, 2)
        row = pixels[29 * k : 29 * k + 28].reshape(28, -1)
        assert all((row[:, 29 * i : 29 * i + 28] == expected[:, i].numpy()).all() for i in range(4))
    assert call("sample", labelled, *recipe, "-n", 9, "--class", 3, "--out", "one.png")[0] == 0
    with Image.open("one.png") as picture:
        assert picture.size == (3 * 58 - 2, 3 * 58 - 2) and "Title" not in picture.info


def test_names_that_no_font_writes_are_said_beside_the_picture(
    call: Call, labelled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zerosum.pictures.fonts._file", lambda characters: None)
    shutil.copytree(labelled, "run")
    record = Path("run/run.json")
    fields = json.loads(record.read_text().replace('"3",', '"\u4e09",', 1))
    del fields["checksum"]
    record.write_text(json.dumps(fields))
    code, out, err = call("sample", "run", "--recipe", f"{EXAMPLE}:digits", "--out", "a.png")
    assert (code, out.strip()) == (0, "a.png") and err.strip().endswith("in the picture: 3: 三")
    assert call("sample", "run", "--recipe", f"{EXAMPLE}:digits", "--out", "a.npz")[2] == ""


def test_sample_traverses_the_codes_of_z(call: Call) -> None:
    assert call("train", "demo", "--out", "run", "--steps", 1)[0] == 0
    with Image.open("run/codes.png") as picture:
        assert picture.info["Description"].endswith("cluster from 0 to 23")
    code, out, err = call("sample", "run", "--traverse", "-n", 3, "--seed", 2)
    assert (code, out.strip(), err) == (0, "run/codes-seed-2.png", "")
    with Image.open("run/codes-seed-2.png") as picture:
        assert picture.height == 3 * 58 - 2 and picture.width > 24 * 58 - 2
    assert call("sample", "run", "--traverse", "--code", "cluster", "--steps", 5, "--out", "one.png")[0] == 0
    with Image.open("one.png") as picture:
        assert picture.height == 56
    assert "zerosum sample run --traverse -n 5" in Path("run/report.html").read_text()


def test_code_from_outside_is_never_run_unasked(call: Call, labelled: Path) -> None:
    code, _, err = call("sample", labelled)
    assert code == 2
    assert f"--recipe {EXAMPLE}:digits" in err


def test_show_prints_every_option_with_source_and_default(call: Call) -> None:
    code, out, _ = call("show", "wgan-gp")
    assert code == 0
    assert re.search(
        r"--penalty-weight +10\.0 +gradient penalty weight \(lambda, eq\. 3\) \(float >= 0; WGANGP\.Config\)", out
    )
    assert re.search(r"--optimizer\.betas +\(0\.0, 0\.9\) .*recipe\)", out)
    assert re.search(r"--network\.width +128 ", out)
    assert re.search(r"--batch-size +64 ", out)


def test_list_shows_recipes_and_runs(call: Call, images: Path) -> None:
    code, out, _ = call("list", images.parent)
    assert code == 0
    assert all(name in out for name in RECIPES)
    assert "4 of 4" in out


def test_data_check(call: Call) -> None:
    Path("photos").mkdir()
    for i in range(3):
        Image.new("RGB", (20, 10 + i), (i, 90, 200)).save(f"photos/{i}.png")
    Path("photos/broken.png").write_bytes(b"no image")
    code, out, _ = call("data", "check", "photos")
    assert code == 0
    assert "3 images" in out
    assert "broken.png" in out


def test_report_is_written_anew(call: Call, images: Path) -> None:
    (images / "report.html").unlink()
    code, out, _ = call("report", images)
    assert code == 0
    assert Path(out.strip()).stat().st_size > 1000


def test_tensorboard(call: Call) -> None:
    pytest.importorskip("tensorboard")
    assert call("train", "gan/toy", "--out", "run", *QUICK, "--tensorboard")[0] == 0
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator("run/tensorboard")
    events.Reload()
    assert [event.step for event in events.Scalars("generator/adversarial")] == [2, 4, 6]


def test_the_python_api_takes_options_by_name() -> None:
    run = zerosum.train(
        "two-player/toy", out="run", steps=2, batch_size=8, quiet=True, penalties={"r2": 2.0}, g_optimizer={"lr": 0.5}
    )
    assert run.record.options["config"]["penalties"] == {"r2": 2.0}
    assert run.record.options["config"]["g_optimizer"]["lr"] == 0.5
    usual = find("two-player/toy").options["config"].g_optimizer
    assert run.record.options["config"]["g_optimizer"]["betas"] == list(usual.betas)
    assert run.sample(5, seed=3).equal(zerosum.load("run").sample(5, seed=3))
    assert zerosum.resume("run", steps=4, quiet=True).step == 4
    assert zerosum.load("run").record.training.steps == 4


def test_parts_are_importable_alone() -> None:
    import torch

    x = torch.randn(4, 3, requires_grad=True)
    assert zerosum.losses.adversarial.hinge.d(x.sum(1), -x.sum(1)).ndim == 0
    assert zerosum.losses.penalties.r1(lambda x: x.sum(1), x) == pytest.approx(1.5)
    assert callable(zerosum.pictures.overview.overview)
    assert set(zerosum.__dir__()) >= {"train", "load", "losses", "pictures"}
    with pytest.raises(AttributeError, match="nonsense"):
        zerosum.nonsense  # noqa: B018


def test_dry_run_and_show_print_what_changes_as_training_goes(call: Call) -> None:
    """At the start, in the middle and at the end; gamma of 28x28 pixels is that of the smallest preset."""
    small = ("--network.widths", 8, 8, "--network.blocks", 1, "--network.group-size", 4, "--device", "cpu")
    code, out, err = call("train", "r3gan/images", *small, "--dry-run")
    assert code == 0, err
    for line in (
        "generator/lr: 0.0002, 0.000125, 5e-05 (at the start",
        "discriminator/beta2: 0.9, 0.945, 0.99 (at the start",
        "gamma: 0.05, 0.0275, 0.005 (at the start",
        "augment: 0, 0.15, 0.3 (at the start",
        "half_life: 0, 2.5e+05, 5e+05 (at the start",
    ):
        assert f"schedule    {line}" in out
    code, out, err = call("show", "r3gan/images")
    assert code == 0, err
    for line in (
        "--half-life: 0, 2.5e+05, 5e+05",
        "--gamma-decay: 1, 0.55, 0.1",
        "--augment: 0, 0.15, 0.3",
        "--optimizer.lr: 0.0002, 0.000125, 5e-05",
        "--optimizer.beta2: 0.9, 0.945, 0.99",
    ):
        assert f"\n{line}\n" in out
    assert "As training goes" not in call("show", "dcgan")[1]  # nothing does there


def test_the_default_recipe_is_named_in_a_dry_run(call: Call) -> None:
    code, out, err = call("train", "--data", "digits", "--size", 12, "--device", "cpu", "--dry-run")
    assert code == 0, err
    assert "r3gan/small, the default on a CPU" in err and "recipe      r3gan/small" in out
    code, out, err = call("train", "--help")
    assert code == 0 and "r3gan/images on a GPU and r3gan/small on a CPU" in out + err
