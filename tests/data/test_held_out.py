"""Which samples are held out: by their files' names alone, partners and frames together, never all and never none."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from zerosum.data import DataError, load
from zerosum.data.held_out import names_to_hold_out, split


def save(folder: Path, names: list[str], side: int = 8) -> Path:
    """An image of its own grey for each name."""
    for k, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (side, side), k).save(path)
    return folder


NAMES = [f"{k}.png" for k in range(60)]


def test_a_file_stays_on_its_side_as_the_folder_grows(tmp_path: Path) -> None:
    folder = save(tmp_path / "x", NAMES[:30])
    before = names_to_hold_out(load(str(folder)), 0.2)
    save(folder, [f"more/{k}.png" for k in range(50)])
    after = names_to_hold_out(load(str(folder)), 0.2)
    assert {name for name in after if "/" not in name} == set(before) and len(after) > len(before)


def test_both_parts_are_all_of_it_and_their_content_is_known(tmp_path: Path) -> None:
    data = load(str(save(tmp_path / "x", NAMES)))
    names = names_to_hold_out(data, 0.3)
    kept, held_out = split(data, names)
    assert len(held_out) == len(names) and held_out.files["all"] == names
    assert not set(kept.files["all"]) & set(names) and len(kept) + len(held_out) == 60
    assert sorted([*kept.x[:, 0, 0, 0].tolist(), *held_out.x[:, 0, 0, 0].tolist()]) == list(range(60))
    assert len({data.fingerprint, kept.fingerprint, held_out.fingerprint}) == 3
    assert split(data, names).kept.fingerprint == kept.fingerprint
    assert split(data, names[1:]).kept.fingerprint != kept.fingerprint


def test_the_ending_of_a_name_does_not_count(tmp_path: Path) -> None:
    """A photograph that is stored anew, as another format, stays on its side."""
    one, other = (load(str(save(tmp_path / end, [f"{k}.{end}" for k in range(60)]))) for end in ("png", "bmp"))
    names = names_to_hold_out(one, 0.2)
    assert [name.replace("png", "bmp") for name in names] == list(names_to_hold_out(other, 0.2))
    assert torch.equal(split(other, names).held_out.x, split(one, names).held_out.x)


def test_a_larger_share_holds_out_what_a_smaller_one_does(tmp_path: Path) -> None:
    data = load(str(save(tmp_path / "x", NAMES)))
    held_out = [set(names_to_hold_out(data, share)) for share in (1e-9, 0.05, 0.2, 0.5)]
    assert all(less <= more for less, more in itertools.pairwise(held_out))


def test_what_is_wrong_with_the_files_is_said_once(tmp_path: Path) -> None:
    folder = save(tmp_path / "x", NAMES)
    (folder / "broken.png").write_bytes(b"none")
    data = load(str(folder))
    kept, held_out = split(data, names_to_hold_out(data, 0.2))
    assert len(kept.problems) == 1 and not held_out.problems


def test_about_the_share(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((5000, 3, 2, 2), np.uint8))
    count = len(names_to_hold_out(load(str(tmp_path / "x.npy")), 0.1))
    assert abs(count - 500) < 4 * math.sqrt(5000 * 0.1 * 0.9)


def test_partners_go_together_and_are_those_of_one_folder(tmp_path: Path) -> None:
    a, b = save(tmp_path / "a", NAMES), save(tmp_path / "b", [name.replace("png", "bmp") for name in NAMES])
    pairs = load(f"pairs:{a},{b}")
    names = names_to_hold_out(pairs, 0.2)
    assert names == names_to_hold_out(load(str(a)), 0.2) == names_to_hold_out(load(f"invert:{a}"), 0.2)
    held_out = split(pairs, names).held_out
    assert torch.equal(held_out.fields["a"].stored, held_out.fields["b"].stored)


def test_each_side_of_unpaired_data_holds_some_out(tmp_path: Path) -> None:
    a, b = save(tmp_path / "a", NAMES), save(tmp_path / "b", [f"other {k}.png" for k in range(7)])
    data = load(f"unpaired:{a},{b}")
    kept, held_out = split(data, names_to_hold_out(data, 0.05))
    for name in "ab":
        assert len(held_out.fields[name]) > 0
        assert len(kept.fields[name]) + len(held_out.fields[name]) == len(data.fields[name])
    apart = load(f"unpaired:invert:{a}")
    parts = split(apart, names_to_hold_out(apart, 0.2))
    assert not {*parts.kept.files["a"], *parts.kept.files["b"]} & set(names_to_hold_out(load(str(a)), 0.2))


def test_files_side_by_side(tmp_path: Path) -> None:
    for k in range(40):
        (tmp_path / "x").mkdir(exist_ok=True)
        Image.fromarray(np.full((8, 17), k, np.uint8)).save(tmp_path / "x" / f"{k}.png")
    data = load(f"side-by-side:{tmp_path / 'x'}")
    held_out = split(data, names_to_hold_out(data, 0.2)).held_out
    assert [f"{int(v)}.png" for v in held_out.fields["b"].stored[:, 0, 0, 0]] == list(held_out.files["all"])


def test_frames_and_crops_of_a_file_go_together(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    for k in range(8):
        pages = [Image.new("L", (20, 20), 10 * k + n) for n in range(5)]
        pages[0].save(tmp_path / "x" / f"{k}.tif", save_all=True, append_images=pages[1:])
    for name, more in ((str(tmp_path / "x"), {"frames": "all"}), (f"shrink@2:{tmp_path / 'x'}", {"size": (8, 8)})):
        data = load(name, **more)
        kept, held_out = split(data, names_to_hold_out(data, 0.3))
        values = [{int(v) // 10 for v in part.x[:, 0, 0, 0]} for part in (kept, held_out)]
        assert len(data) > 8 and not values[0] & values[1]


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, math.nan, math.inf])
def test_what_is_no_share(share: float) -> None:
    with pytest.raises(DataError, match="--held-out is a share of the files, above 0 and below 1"):
        names_to_hold_out(load("ring"), share)


def test_never_all_and_never_none(tmp_path: Path) -> None:
    data = load(str(save(tmp_path / "x", NAMES[:5])))
    assert len(names_to_hold_out(data, 1e-9)) == 1
    with pytest.raises(DataError, match=r"would hold out all 5 files of .* and leave none to learn from"):
        names_to_hold_out(data, 0.9999)
    with pytest.raises(DataError, match=r"would hold out the one file of"):
        names_to_hold_out(load(str(save(tmp_path / "y", ["one.png"]))), 0.5)
    with pytest.raises(DataError, match=r"are gone from"):
        split(data, ["never.png"])


def test_labels_go_with_their_samples() -> None:
    data = load("digits")
    kept, held_out = split(data, names_to_hold_out(data, 0.1))
    assert data.y is not None and kept.y is not None and held_out.y is not None
    assert torch.equal(data.y[: len(data)].bincount(), kept.y.bincount() + held_out.y.bincount())
    assert kept.without_labels().fingerprint not in (kept.fingerprint, data.without_labels().fingerprint)
