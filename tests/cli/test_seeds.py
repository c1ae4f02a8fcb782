"""`zerosum sample -n 1` and `-n 64` share their first, whatever is asked for and written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from new_kinds import COPIER, write_texts
from PIL import Image
from shell import Call

import zerosum
from zerosum.cli import main
from zerosum.run.loaded import Run

FEW, MANY = 3, 41


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A short run with z, with classes, with vectors, with codes, with several generators, and with a truncated z."""
    folder = tmp_path_factory.mktemp("runs")
    short = {"steps": 3, "batch_size": 8, "quiet": True, "health": False}
    rows = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    np.savez(folder / "vectors.npz", samples=rows, conditions=rows[:, :1] * np.ones((1, 2), np.float32))
    texts = write_texts(folder / "texts.txt")
    return {
        "images": zerosum.train("gan/tutorial", "digits", folder / "images", size=12, latent_dim=5, **short),
        "classes": zerosum.train("cgan/digits", "digits", folder / "classes", size=12, latent_dim=5, **short),
        "vectors": zerosum.train("cgan/toy", str(folder / "vectors.npz"), folder / "vectors", **short),
        "codes": zerosum.train("infogan/toy", "ring", folder / "codes", **short),
        "several": zerosum.train("bayesian/toy", "ring", folder / "several", latent_dim=3, **short),
        "truncated": zerosum.train("gan/toy", "ring", folder / "truncated", truncation=0.5, **short),
        "texts": zerosum.train(COPIER, str(texts), folder / "texts", **short),
    }


ASKED = [
    ("images", ()),
    ("images", ("--seed", 3, "--truncation", 0.7)),
    ("classes", ()),
    ("classes", ("--class", 7)),
    ("vectors", ()),
    ("vectors", ("--condition", 0.3, 0.3)),
    ("codes", ("--seed", 2)),
    ("several", ()),
    ("truncated", ()),
]


@pytest.mark.parametrize(("name", "flags"), ASKED)
def test_arrays(made: dict[str, Run], name: str, flags: tuple[object, ...], call: Call):
    found = []
    for count in (1, FEW, MANY):
        assert call("sample", made[name].path, "-n", count, "--out", f"{count}.npz", *flags)[0] == 0
        with np.load(f"{count}.npz") as file:
            found.append({key: file[key] for key in file.files})
    for few, many in ((found[0], found[1]), (found[1], found[2])):
        for key, x in few.items():
            tolerance = 1 if x.dtype == np.uint8 else 1e-5
            assert np.abs(x.astype(float) - many[key][: len(x)].astype(float)).max() <= tolerance
    assert len(np.unique(found[2]["samples"], axis=0)) > FEW, "they are not all alike"


def test_folders_of_pictures_and_texts(made: dict[str, Run], call: Call):
    for count in (FEW, MANY):
        assert call("sample", made["images"].path, "-n", count, "--out", f"of{count}")[0] == 0
        recipe = ("--recipe", COPIER)
        assert call("sample", made["texts"].path, *recipe, "-n", count, "--out", f"{count}.txt")[0] == 0
    few, many = (sorted(Path(f"of{count}").iterdir(), key=lambda p: p.stem.zfill(9)) for count in (FEW, MANY))
    assert (len(few), len(many)) == (FEW, MANY)
    for a, b in zip(few, many, strict=False):
        assert np.abs(np.asarray(Image.open(a)).astype(int) - np.asarray(Image.open(b)).astype(int)).max() <= 1
    few_lines, many_lines = (Path(f"{count}.txt").read_text().splitlines() for count in (FEW, MANY))
    assert few_lines == many_lines[:FEW] and len(many_lines) == MANY


def test_a_traversal_and_a_walk(made: dict[str, Run]):
    few, many = (made["codes"].traverse(rows=rows, seed=4, steps=3) for rows in (1, 6))
    for name in few:
        torch.testing.assert_close(few[name], many[name][:1], rtol=1e-4, atol=1e-5)
    for name in ("images", "classes", "several"):
        few, many = (made[name].interpolate(count, 4, (0, 5)) for count in (1, 9))
        torch.testing.assert_close(few, many[:, :1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["images", "vectors", "codes", "several", "truncated"])
def test_a_walk_goes_between_the_samples_of_its_seeds(made: dict[str, Run], name: str):
    walk = made[name].interpolate(4, 3, (6, 8))
    for end, seed in ((0, 6), (-1, 8)):
        torch.testing.assert_close(walk[end], made[name].sample(30, seed)[:4], rtol=1e-3, atol=1e-4)


def test_pictures_of_one_sample_and_of_many_begin_alike(made: dict[str, Run], tmp_path: Path):
    """The first tile of the grid, at its size."""
    tiles = []
    for count in (1, 4, 64):
        out = tmp_path / f"{count}.png"
        assert main(["sample", str(made["images"].path), "-n", str(count), "--out", str(out)]) == 0
        tiles.append(np.asarray(Image.open(out).convert("L")).astype(float))
    first = made["images"].modality.store(made["images"].sample(1))[0, 0].numpy().astype(float)
    for tile in tiles:
        scale = max(s for s in range(1, 40) if 12 * s <= min(tile.shape))
        assert any(
            np.abs(tile[y : y + 12 * s, x : x + 12 * s][::s, ::s] - first).max() <= 1
            for s in range(1, scale + 1)
            for y in range(9)
            for x in range(9)
            if tile[y : y + 12 * s, x : x + 12 * s].shape == (12 * s, 12 * s)
        )
