"""Images from captions, as a person types it: a folder with captions or `shapes`, texts to sample, and bad texts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from shell import Call

import zerosum

QUICK = ("--steps", 4, "--encoder-steps", 2, "--batch-size", 4, "--sample-every", 2, "--checkpoint-every", 2)
NARROW = (
    "--network.width",
    4,
    "--network.generator-width",
    4,
    "--network.words",
    8,
    "--network.meaning",
    8,
    "--network.text",
    8,
)
CAPTIONS = [
    ("a.png", "a red bird"), ("a.png", "a bird"), ("b.png", "a blue fish"), ("c.png", "one green cat"),
    ("d.png", "a cat"), ("e.png", "a grey dog"), ("f.png", "a dog"), ("g.png", "two owls"), ("h.png", "an owl"),
]  # fmt: skip


@pytest.fixture
def photos(call: Call) -> Path:
    """Nine small pictures, a.png to i.png, of which the last has no caption."""
    folder = Path("photos")
    folder.mkdir()
    for number, name in enumerate("abcdefghi"):
        Image.new("RGB", (16, 16), (20 * number, 100, 200)).save(folder / f"{name}.png")
    write(folder, CAPTIONS)
    return folder


def write(folder: Path, rows: list[tuple[str, str]]) -> None:
    lines = ["file_name,text", *(f'{name},"{text}"' for name, text in rows)]
    (folder / "captions.csv").write_text("\n".join(lines), encoding="utf-8")


def train(call: Call, *more: object, data: str = "photos", out: str = "run") -> str:
    code, said, err = call("train", "gan-int-cls/shapes", "--data", data, "--out", out, *QUICK, *NARROW, *more)
    assert code == 0, err
    return said + err


def test_a_folder_with_captions_is_learnt_and_asked_in_words(call: Call, photos: Path) -> None:
    train(call)
    assert call("sample", "run", "--text", "A red BIRD", "-n", 6, "--out", "birds.npz")[0] == 0
    birds = np.load("birds.npz")
    assert birds["texts"].tolist() == ["a red bird"] * 6
    assert len(np.unique(birds["samples"], axis=0)) == 6, "one text, different images"
    assert call("sample", "run", "-n", 9, "--out", "all.npz")[0] == 0
    assert set(np.load("all.npz")["texts"].tolist()) <= {text for _, text in CAPTIONS}
    assert call("sample", "run", "--text", "a cat", "-n", 2, "--out", "folder")[0] == 0
    assert sorted(path.name for path in Path("folder").iterdir()) == ["00000-a_cat.png", "00001-a_cat.png"]
    assert call("sample", "run", "--text", "a cat", "-n", 3)[0] == 0 and Path("run/samples-seed-0.png").exists()
    run = zerosum.load("run")
    assert run.sample(2, texts="a cat").equal(run.sample(2, texts=["a cat"]))
    assert not run.sample(2, texts="a cat").equal(run.sample(2, texts="a dog"))
    scores = run.score(run.sample(2), ["a cat", "a dog"])
    assert scores.shape == (2,) and not scores.equal(run.score(run.sample(2), ["a dog", "a cat"]))
    assert run.score(run.sample(3), "a cat").equal(run.score(run.sample(3), ["a cat"] * 3)), "one text for all"
    for wrong in (5, ["a cat", 5]):
        with pytest.raises(zerosum.ZerosumError, match="text"):
            run.sample(2, texts=wrong)  # type: ignore[arg-type]


def test_a_text_is_no_list_of_its_characters(call: Call, photos: Path) -> None:
    write(photos, [("a.png", "红色"), ("b.png", "蓝色的"), ("c.png", "绿"), ("d.png", "黄色")])
    train(call)
    run = zerosum.load("run")
    assert run.score(run.sample(2), "红色").equal(run.score(run.sample(2), ["红色", "红色"]))
    assert not run.score(run.sample(2), "红色").equal(run.score(run.sample(2), ["红", "色"]))


def test_images_without_a_caption_are_said_not_to_be_learnt_from(call: Call, photos: Path) -> None:
    assert "note: gan-int-cls/shapes learns from the 8 images that have a caption alone" in train(call)
    write(photos, [*CAPTIONS, ("i.png", "a bat")])
    assert "that have a caption" not in train(call, out="whole")


def test_a_row_for_each_of_ten_different_captions(call: Call, photos: Path) -> None:
    texts = ["a cat", "a dog", "an owl", "a bird", "a fish", "a bat", "a fly", "an ant", "a bee", "an eel"]
    more = [("a.png", text) for text in texts[1:5]] + [("b.png", text) for text in texts[5:]]
    write(photos, [*((f"{name}.png", "a cat") for name in "abcdefghi"), *more])
    train(call)
    record = json.loads(Path("run/run.json").read_text())
    assert sorted(record["data"]["captions"]) == sorted(texts)


def test_a_picture_of_one_text_names_no_others(call: Call, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = "一个很大的红色的圆形在一个很小的蓝色的方形的左边而右边还有一个"
    write(photos, [("a.png", long), ("b.png", "蓝"), ("c.png", "绿"), ("d.png", "黄")])
    train(call)
    monkeypatch.setattr("zerosum.pictures.fonts._file", lambda characters: None)
    code, _, err = call("sample", "run", "-n", 6, "--out", "all.png")
    assert code == 0 and f"no font here can write the captions; in the picture: 0: {long}; 1: 蓝" in err
    with Image.open("all.png") as picture:
        assert "\n" not in picture.info["Title"] and long in picture.info["Title"]
    for flags in (("--text", "蓝"), ("--text", "蓝", "--to-text", "绿")):
        code, _, err = call("sample", "run", "-n", 4, "--out", "one.png", *flags)
        assert code == 0 and "in the picture" not in err, err


def test_what_ends_within_the_captions_says_so_and_is_not_matched(call: Call, photos: Path) -> None:
    said = train(call, "--steps", 3, "--encoder-steps", 9)
    assert "3 steps end in the phase 'captions' of gan-int-cls, before 'images', which" in " ".join(said.split())
    code, out, err = call("evaluate", "run", "-n", 8, "--metrics", "matching", "--no-references")
    whole = " ".join((out + err).split())
    assert code == 2 and "the run ends in the phase 'captions', and its discriminator learns later" in whole


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--text", ""), "--text is empty"),
        (("--text", "  "), "the text is empty: write a word at least"),
        (("--text", "a red elephant"), "nothing that was learnt from has the word 'elephant'; it knows a, "),
        (("--text", "a red brid"), "has the word 'brid'; did you mean bird?"),
        (
            ("--text", "a a a a a"),
            "the text has 5 words, and none that was learnt from has more than 3; say less",
        ),
        (("--class", "3"), "takes no class"),
        (("--condition", "3"), "takes no vector"),
        (("--to-text", "a cat"), "--to-text is where the pictures go to; say where they begin with --text"),
        (("--text", "a cat", "--to-text", "a zebra"), "has the word 'zebra'"),
        (("--text", "a cat", "--to-text", "a dog", "--out", "x.npz"), "is written to a .png or a .gif file"),
        (("--text", "a cat", "--to-text", "a dog", "--to-seed", "1"), "draw one at a time"),
        (("--text", "a cat", "--frames", "3"), "leave out --frames"),
    ],
)
def test_what_cannot_be_made_is_said_in_a_sentence(
    call: Call, photos: Path, arguments: tuple[str, ...], message: str
) -> None:
    train(call)
    code, _, err = call("sample", "run", *arguments)
    assert code == 2 and message in " ".join(err.split()), err
    assert "Traceback" not in err


def test_from_one_text_to_another(call: Call, photos: Path) -> None:
    train(call)
    assert call("sample", "run", "--text", "a cat", "--to-text", "a dog", "--out", "walk.png")[0] == 0
    with Image.open("walk.png") as walk:
        assert walk.width > walk.height, "four rows of eight"
    assert call("sample", "run", "--text", "a cat", "--to-text", "a dog", "-n", 1, "--out", "walk.gif")[0] == 0
    run = zerosum.load("run")
    steps = run.between_texts("a cat", "a dog", count=2, frames=5)
    assert steps.shape == (5, 2, 3, 16, 16)
    torch.testing.assert_close(steps[0], run.sample(2, texts="a cat"))
    torch.testing.assert_close(steps[-1], run.sample(2, texts="a dog"))
    assert not steps[2].equal(steps[0])


def test_a_gan_without_captions_takes_no_text(call: Call) -> None:
    assert call("train", "gan/toy", "--steps", 2, "--out", "toy")[0] == 0
    for flags in (("--text", "a cat"), ("--text", "a cat", "--to-text", "a dog")):
        code, _, err = call("sample", "toy", *flags)
        assert code == 2 and ("takes no text" in err or "draws nothing between texts" in err), err


def test_bad_captions_are_named_before_anything_is_written(call: Call, photos: Path) -> None:
    write(photos, [("ghost.png", "a ghost"), ("a.png", "")])
    code, _, err = call("train", "gan-int-cls/shapes", "--data", "photos", "--out", "run", *QUICK)
    assert code == 2 and "photos has no captions, but gan-int-cls/shapes learns from them; write" in " ".join(
        err.split()
    )
    code, out, _ = call("data", "check", "photos")
    said = " ".join(out.split())
    assert code == 0 and "name no image, the first in line 2: ghost.png" in said
    assert "have no text, the first in line 3: a.png" in said
    write(photos, [("a.png", "a cat"), ("b.png", "A CAT")])
    code, _, err = call("train", "gan-int-cls/shapes", "--data", "photos", "--out", "run", *QUICK, "--batch-size", 1)
    assert code == 2 and "has all the captions that there are" in " ".join(err.split())
    (photos / "captions.csv").write_bytes(b"file_name,text\na.png,caf\xe9\n")
    code, _, err = call("train", "gan-int-cls/shapes", "--data", "photos", "--out", "run", *QUICK)
    assert code == 2 and "captions.csv, line 2: this is not UTF-8; save the file as UTF-8" in " ".join(err.split())
    assert not Path("run").exists()


def test_captions_that_change_are_noticed_and_other_recipes_do_not_care(call: Call, photos: Path) -> None:
    train(call)
    plain = (
        "train",
        "dcgan",
        "--data",
        "photos",
        "--out",
        "plain",
        "--steps",
        2,
        "--batch-size",
        4,
        "--network.width",
        4,
    )
    assert call(*plain)[0] == 0
    write(photos, CAPTIONS[1:])
    code, _, err = call("resume", "run", "--steps", 6)
    assert code == 2 and "photos" in err, err
    assert call("resume", "plain", "--steps", 3)[0] == 0
    write(photos, CAPTIONS)
    assert call("resume", "run", "--steps", 6)[0] == 0


def test_a_run_that_is_stopped_in_either_phase_goes_on_bit_for_bit(call: Call, photos: Path) -> None:
    train(call, "--steps", 6, out="whole")
    for steps in (1, 2, 5):
        train(call, "--steps", steps, out=f"part{steps}")
        assert call("resume", f"part{steps}", "--steps", 6)[0] == 0
        one, other = (zerosum.load(name).game.state_dict() for name in ("whole", f"part{steps}"))
        assert all(one[name].equal(other[name]) for name in one), f"stopped after step {steps}"


def test_an_evaluation_says_how_captions_are_kept(call: Call) -> None:
    train(call, data="shapes")
    code, _, err = call(
        "evaluate", "run", "--metrics", "attributes:pictures=20", "matching:images=50", "-n", 20, "--out", "found.json"
    )
    assert code == 0, err
    results = {r["protocol"]["metric"]: r["scores"] for r in json.loads(Path("found.json").read_text())["results"]}
    assert set(results["attributes"]) == {"accuracy", "accuracy, held out"}
    assert results["attributes"]["accuracy, held out"]["references"]["real"] == 1
    assert 0 <= results["matching"]["first"]["value"] <= 1
    assert results["matching"]["first"]["note"] == "binomial, of 50 images not learnt from"


def test_an_evaluation_of_a_folder_measures_what_was_held_out(call: Call, photos: Path) -> None:
    train(call, "--held-out", 0.2, out="held")
    code, out, err = call("evaluate", "held", "--metrics", "matching", "-n", 4)
    assert code == 0 and "have learnt" not in out + err, out + err
    train(call)
    code, out, err = call("evaluate", "run", "--metrics", "matching", "-n", 4)
    assert code == 0 and "D has learnt these pairs" in " ".join((out + err).split())
    code, _, err = call("evaluate", "run", "--metrics", "attributes", "-n", 4)
    assert code == 2 and "no program reads pictures of" in " ".join(err.split())
