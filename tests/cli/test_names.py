"""Names from old archives, and names that would steer a terminal or a spreadsheet, through whole commands."""

from __future__ import annotations

import csv
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from zerosum.cli import main
from zerosum.data.images.write_labelled import name_classes
from zerosum.workflows.classify import Classification, write

HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_run_on_data_of_such_names_and_in_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Trained inside its data, whose path is no UTF-8; resumed, sampled into the data, exported, and checked again."""
    monkeypatch.setenv("ZEROSUM_CACHE", str(tmp_path / "cache"))
    data = Path(os.fsdecode(os.fsencode(tmp_path) + b"/d\xe4ta\x1b[31m"))
    draw = np.random.default_rng(0)
    for name in (b"K\xe4tzchen", b"=cmd", b"[bold]\x1b]0;x\x07"):
        folder = data / os.fsdecode(name)
        folder.mkdir(parents=True)
        for k in range(4):
            Image.fromarray(draw.integers(0, 256, (8, 8), np.uint8)).save(folder / f"{k}.png")
    (data / os.fsdecode(b"br\xfcchig.png")).write_bytes(b"no image")
    monkeypatch.chdir(data)
    run = os.fsdecode(b"runs/r\xfcn\x1b[32m")
    recipe = ["train", "acgan", "--data", ".", "--batch-size", "4", "--no-health"]
    assert main([*recipe, "--steps", "1", "--out", run]) == 0
    assert main(["resume", run, "--steps", "2"]) == 0
    assert main(["sample", run, "-n", "2", "--out", "more"]) == 0
    assert main(["sample", run, "-n", "2", "--out", "grid.png"]) == 0
    assert main(["synthesize", run, "--per-class", "1", "--out", os.fsdecode(b"s\xe4")]) == 0
    assert main(["classify", run, "."]) == 0
    assert main(["list"]) == main(["list", "."]) == 0
    capsys.readouterr()
    assert main([*recipe, "--steps", "2", "--dry-run"]) == main(["data", "check", "."]) == 0
    for said in capsys.readouterr().out.split("training would use"):
        assert "=cmd (4), K�e4tzchen (4), [bold]␛]0;x␇ (4)" in said and "br�fcchig.png: not an image" in said
        assert re.search(r"left out what runs of zerosum wrote: runs/r�fcn␛\[32m \(\d pictures\)", said)
        assert "left out 1 picture that zerosum drew: grid.png" in said
        assert "left out 5 images that zerosum made: more/00000-=cmd.png, more/00001-K�e4tzchen.png" in said
        assert not HIDDEN.search(said)
    main(["export", run])
    shutil.move(data, tmp_path / "moved")
    said = capsys.readouterr()
    assert not HIDDEN.search(said.out + said.err)


NAMES = ("=1+1", "+1", "@x", "\t1", "-x", "-1", "1e3", "plain", "it's")


def test_no_cell_of_predictions_is_a_formula(tmp_path: Path) -> None:
    found = Classification(
        run="run",
        step=1,
        images="photos",
        files=tuple(f"{name}.png" for name in NAMES),
        classes=NAMES,
        probabilities=torch.eye(len(NAMES)),
        labels=(*NAMES[:-1], None),
    )
    write(found, tmp_path / "p.csv")
    with (tmp_path / "p.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header[4:] == ["'=1+1", "'+1", "'@x", "'\t1", "'-x", "-1", "1e3", "plain", "it's"]
    assert [row[0] for row in rows[:6]] == [f"./{name}.png" for name in NAMES[:6]] and rows[7][0] == "plain.png"
    assert [row[2] for row in rows] == header[4:] and rows[0][1] == "'=1+1" and rows[-1][1] == ""
    assert not [cell for row in [header, *rows] for cell in row if cell[:1] in "=+@\t" and cell]


def test_classes_called_like_formulas_come_back_from_a_labels_file(tmp_path: Path) -> None:
    names = {f"{k}.png": name for k, name in enumerate(("=1+1", "@x", "-x", "'=y", "plain"))}
    if lost := [name for name in names.values() if name.startswith("'=")]:  # it would come back as another
        with pytest.raises(Exception, match=re.escape(f"cannot name the class {lost[0]!r}")):
            name_classes(tmp_path, names)
    name_classes(tmp_path, {file: name for file, name in names.items() if name not in lost})
    assert "'=1+1" in (tmp_path / "labels.csv").read_text()
