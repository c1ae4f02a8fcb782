"""The report of runs that ended, were killed, are damaged, or hardly began."""

from __future__ import annotations

import base64
import json
import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from made_runs import NASTY, Checked, fields, line, page_of, record

from zerosum import report
from zerosum.games import find
from zerosum.pictures.grids import grid
from zerosum.pictures.png import save, with_caption
from zerosum.report import commands, pictures

OLD = Path(__file__).parents[1] / "run" / "old_runs"  # of format 1; see test_formats
IMAGE = {"kind": "image", "channels": 3, "height": 64, "width": 48}
TEXT = {"kind": "tokens", "vocabulary": ["a", "b", "<eos>", "<unk>"], "length": 7}


def test_a_complete_run(run: Path) -> None:
    text, page = page_of(run)
    assert "<title>wgan-gp/images on digits</title>" in text
    assert "200 of 200 steps in 5 s on the CPU in bf16, batches of 64, seed 3." in page.text
    assert 'class="note"' not in text and not page.all("progress")
    sources = [str(image["src"]) for image in page.all("img")]
    assert len(sources) == 4 + pictures.DURING
    for name, kind in (("samples.png", "png"), ("film.gif", "gif")):
        assert f"data:image/{kind};base64,{base64.b64encode((run / name).read_bytes()).decode()}" in sources
    assert "step 0" in page.text and "step 200" in page.text
    assert len(page.all("svg")) == 5 + 5  # five of health; D's loss, its penalty, its logits; G's loss; speed
    assert "real logits 1" in page.text and "fake logits -1" in page.text
    ids = [str(attributes["id"]) for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_every_option_has_its_value_and_meaning(run: Path) -> None:
    _, page = page_of(run)
    for value in ("critic_steps", "optimizer.lr", "batch_size", "checkpoint_every", "n_critic", "samples in a batch"):
        assert value in page.text
    assert re.search(r"steps200\s*default: [\d,]+training steps \(in one step", page.text)
    assert "diff_augmentnoneDiffAugment" in page.text
    for value in ("abcdef", "1x28x28", "3.11.9", "2.13.0", "2026-03-01", "2 classes"):
        assert value in page.text


def test_classes_with_their_counts(run: Path) -> None:
    data = record()["data"] | {"fields": fields(["猫", NASTY]), "counts": [1200, 3], "labels": 1203}
    (run / "run.json").write_text(json.dumps(record(data=data)))
    text, page = page_of(run)
    assert '<span class="chip">猫 <small>1,200</small></span>' in text and NASTY in page.text
    assert "3,797 samples without a label" in page.text and "labels kept1,203" in page.text
    for counts in ([1200], [1200, "x"], None, 7, [3800, 1200]):
        (run / "run.json").write_text(json.dumps(record(data=data | {"counts": counts})))
        assert "without a label" not in page_of(run)[1].text


@pytest.mark.parametrize("content", [b"", b"\x89PNG nonsense"])
def test_pictures_with_captions(run: Path, content: bytes) -> None:
    for name in ("samples.png", "codes.png", "interpolation.png"):
        save(with_caption(grid(torch.zeros(4, 1, 28, 28)), f"{NASTY} in {name}", f"all of {name}"), run / name)
    _, page = page_of(run)
    for name in ("samples.png", "codes.png", "interpolation.png"):
        assert f"{NASTY} in {name}" in page.text
    alts = [str(image["alt"]) for image in page.all("img")]
    assert "Samples of wgan-gp/images trained on digits: all of samples.png" in alts and "all of codes.png" in alts
    (run / "codes.png").write_bytes(content)
    assert "codes.png is damaged" in page_of(run)[1].text
    (run / "samples.png").unlink()
    save(with_caption(grid(torch.zeros(4, 1, 28, 28)), "the newest rows"), run / "samples" / "step-00000200.png")
    assert "The newest samples, step 200. the newest rows" in page_of(run)[1].text


def test_commands_are_copyable(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.parent)
    text, _ = page_of(Path("a run"))
    assert "<pre>zerosum train wgan-gp --data digits --steps 200 --seed 3</pre>" in text
    assert "<pre>zerosum resume &#x27;a run&#x27;</pre>" in text
    assert "<pre>zerosum sample &#x27;a run&#x27; -n 64 --seed 0</pre>" in text
    monkeypatch.chdir(run)
    assert f"zerosum resume &#x27;{run}&#x27;" in page_of(Path("."))[0]


def called(page: Checked, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The arguments of the call of `zerosum.train` that a page shows, the recipe among them."""
    code = page.text[page.text.index("import zerosum") : page.text.index("Resume from")]
    given: dict[str, Any] = {}
    monkeypatch.setattr("zerosum.workflows.train.train", lambda recipe, **options: given.update(options, recipe=recipe))
    exec(code)
    return given


def test_a_run_made_from_python_shows_a_call_that_makes_it_again(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (run / "run.json").write_text(json.dumps(record(command="zerosum.train(...)")))
    given = called(page_of(run)[1], monkeypatch)
    from zerosum.workflows.train import split

    recipe = find(given.pop("recipe"))
    assert (given.pop("data"), given.pop("size")) == ("digits", (28, 28))
    training, options = split(recipe, given)
    assert (training.steps, training.seed) == (200, 3)
    assert recipe.resolve(options) == recipe.options
    (run / "run.json").write_text(
        json.dumps(record(command="zerosum.train(...)", data=record()["data"] | {"labels": 100}))
    )
    assert "    labels=100,\n" in page_of(run)[1].text


def test_code_from_outside_the_package_is_not_run(run: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    (run / "run.json").write_text(json.dumps(record(recipe=f"{own}:mine")))
    text, _ = page_of(run)
    assert not (tmp_path / "ran").exists()
    assert f"--recipe {own}:mine" in text


def test_a_killed_run(run: Path) -> None:
    (run / "samples.png").unlink()
    (run / "film.gif").unlink()
    for step in range(130, 201, 10):
        (run / "samples" / f"step-{step:08d}.png").unlink()
    shutil.rmtree(run / "checkpoints")
    lines = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
    (run / "metrics.jsonl").write_text("".join(lines[:12]) + lines[12][:20])
    text, page = page_of(run)
    assert "120 of 200 steps in 3 s" in page.text and "incomplete" in page.text
    assert page.all("progress") == [{"value": "120", "max": "200"}]
    for words in ("samples.png is missing", "film.gif is missing", "Unreadable lines of metrics.jsonl, ignored: 1"):
        assert words in page.text
    assert "The newest samples, step 120" in page.text
    assert "zerosum resume" in text


def test_an_empty_folder(tmp_path: Path) -> None:
    text, page = page_of(tmp_path)
    assert "Nothing is recorded here yet." in page.text
    for name in (
        "run.json",
        "metrics.jsonl",
        "health.jsonl",
        "samples/",
        "samples.png",
        "interpolation.png",
        "film.gif",
    ):
        assert name in page.text
    assert "<h2>" not in text


@pytest.mark.parametrize(
    "name", ["run.json", "metrics.jsonl", "health.jsonl", "samples", "samples.png", "film.gif", "checkpoints"]
)
def test_anything_may_be_missing(run: Path, name: str) -> None:
    path = run / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    _, page = page_of(run)
    assert name == "checkpoints" or name in page.text


@pytest.mark.parametrize("name", ["run.json", "metrics.jsonl", "samples.png", "film.gif", "samples/step-00000010.png"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00 nonsense", None])
def test_anything_may_be_damaged(run: Path, name: str, content: bytes | None) -> None:
    path = run / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if content is None else content)
    page_of(run)


@pytest.mark.parametrize("value", [None, 7, "text", [], [1, None], {}, {"a": {"b": [{"c": None}]}}])
def test_records_of_another_shape_do_no_harm(tmp_path: Path, value: Any) -> None:
    records: list[Any] = [value]
    for plain in (record(), json.loads((OLD / "digits" / "run.json").read_text())):
        records += [{**plain, key: value} for key in plain]
        for inner in ("training", "data"):
            records += [{**plain, inner: {**plain[inner], key: value}} for key in plain[inner]]
    x = record()["data"]["fields"]["x"]
    records += [record(data={"fields": {"x": {**x, key: value}}}) for key in x]
    for changed in records:
        (tmp_path / "run.json").write_text(json.dumps(changed))
        page_of(tmp_path)


def with_fields(run: Path, fields: dict[str, Any], **changes: Any) -> Checked:
    """The page of a run whose data has these fields."""
    data = {"name": "made", "fields": fields, "count": 5000, "vectors": []}
    (run / "run.json").write_text(json.dumps(record(data=data, **changes)))
    return page_of(run)[1]


@pytest.mark.parametrize(
    ("fields", "rows", "tiles"),
    [
        ({"x": IMAGE}, ["sample shapeimages, 3x64x48"], ["sample shape3x64x48"]),
        ({"x": {"kind": "points", "dim": 2}}, ["sample shapepoints, 2 numbers"], ["sample shape2 numbers"]),
        (
            {"ids": TEXT, "lengths": {"kind": "lengths", "longest": 6}},
            ["sample shapetexts, up to 7 tokens"],
            ["sample shapeup to 7 tokens"],
        ),
        (
            {"ids": {**TEXT, "vocabulary": ["a", "b"]}},
            ["sample shapetexts, 7 tokens"],
            ["sample shape7 tokens"],
        ),
        (
            {"a": IMAGE, "b": {**IMAGE, "channels": 1}},
            ["sample shape of aimages, 3x64x48", "sample shape of bimages, 1x64x48"],
            ["sample shape of a3x64x48", "sample shape of b1x64x48"],
        ),
        (
            {"x": IMAGE, "y": {"kind": "vector", "size": 5}},
            ["sample shapeimages, 3x64x48", "conditionvectors of 5 numbers"],
            ["sample shape3x64x48"],
        ),
        ({"x": {"kind": "of the future", "size": 3}}, [], []),
    ],
)
def test_every_kind_of_data_says_what_a_sample_is(
    run: Path, fields: dict[str, Any], rows: list[str], tiles: list[str]
) -> None:
    text = with_fields(run, fields).text
    data = text[text.index("Data\n") : text.index("Environment")]
    head = text[: text.index("Health\n")]
    assert all(row in data for row in rows) and data.count("shape") + data.count("condition") == len(rows)
    assert all(tile in head for tile in tiles) and head.count("shape") == len(tiles)
    assert "lengths" not in data


def test_the_commands_suit_the_kind_of_data(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.parent)
    assert "Draw 64 sampleszerosum sample" in with_fields(run, {"x": IMAGE}, command="zerosum.train(...)").text
    assert "    size=(64, 48),\n" in page_of(run)[1].text
    page = with_fields(run, {"ids": TEXT}, command="zerosum.train(...)")
    assert "zerosum sample 'a run' -n 64 --seed 0" in page.text and " size=" not in page.text
    (run / "interpolation.png").unlink()  # a translator has no latent space
    assert "interpolation.png is missing" in page_of(run)[1].text
    page = with_fields(run, {"a": IMAGE, "b": IMAGE}, recipe="own.py:pairs", command="zerosum.train(...)")
    assert "zerosum translate 'a run' IMAGES --out translated --recipe own.py:pairs" in page.text
    assert "zerosum sample" not in page.text and "    size=(64, 48),\n" in page.text
    assert "interpolation.png" not in page.text and "zerosum evaluate" not in page.text
    assert "Translations of the same inputs over training" in page.text
    generator = with_fields(run, {"a": IMAGE, "b": IMAGE}, roles=["Generates"])
    assert "zerosum sample" in generator.text and "zerosum translate" not in generator.text
    translator = with_fields(run, {"source": IMAGE, "b": IMAGE}, roles=["Translates"])
    assert "zerosum translate" in translator.text and "zerosum sample" not in translator.text


def test_the_title_has_the_last_part_of_each_path(run: Path) -> None:
    titles = {"/a/b": "b", "pairs:/a/photos": "pairs:photos", "pairs:/a/b,/c/d": "pairs:b,d", "C:\\x\\y": "y"}
    for name, shown in {**titles, "mnist:test": "mnist:test", "a/b": "a/b"}.items():
        (run / "run.json").write_text(json.dumps(record(data={"name": name})))
        assert f"<title>wgan-gp/images on {shown}</title>" in page_of(run)[0]


def test_logits_at_the_end_are_of_who_moves_then(run: Path) -> None:
    lines = [
        '{"step": 5, "seconds": 1, "first-d/logits/real": 0.5, "first-d/logits/fake": 0.1}',
        '{"step": 9, "seconds": 2, "d/logits/real": 0.5, "d/logits/fake": 1.5}',
    ]
    (run / "metrics.jsonl").write_text("\n".join(lines))
    assert "At the end the d's mean logit was 1.00 lower for real than for fake samples." in report.summary(run)


def test_equal_logits_are_called_so(run: Path) -> None:
    (run / "metrics.jsonl").write_text('{"step": 9, "seconds": 1, "d/logits/real": 0.5, "d/logits/fake": 0.504}\n')
    assert "At the end the d's mean logit was the same for real and fake samples." in report.summary(run)


@pytest.mark.parametrize(
    ("name", "title", "facts", "data"),
    [
        (
            "toy",
            "gan/toy on ring",
            "40 of 60 steps",
            ["samples100,000", "sample shapepoints, 2 numbers"],
        ),
        (
            "digits",
            "cgan/digits on digits",
            "20 of 30 steps",
            ["samples5,000", "sample shapeimages, 1x12x12", "10 classes0 5001 500"],
        ),
    ],
)
def test_a_run_of_an_older_version(
    tmp_path: Path, name: str, title: str, facts: str, data: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(shutil.copytree(OLD / name, tmp_path / name))
    _, page = page_of(run)
    assert title in page.text and facts in page.text and "is missing or damaged" not in page.text
    assert all(row in page.text for row in data)
    old = json.loads((run / "run.json").read_text())
    if name == "digits":
        assert f"Train it again{commands.elsewhere(old['command'])}" in page.text
    else:
        call = called(page, monkeypatch)
        assert (call.pop("recipe"), call.pop("data")) == ("gan/toy", "ring")
        assert call.items() >= {"steps": 60, "batch_size": 32, "precision": "fp32", "latent_dim": 2}.items()
    assert json.loads((run / "run.json").read_text()) == old, "a report changes no file"


def test_a_record_of_a_newer_version_is_shown_as_far_as_it_is_known(run: Path) -> None:
    (run / "run.json").write_text(json.dumps(record(format=99, surprise={"of": "the future"})))
    _, page = page_of(run)
    assert "200 of 200 steps" in page.text and "sample shape" in page.text


def test_everything_is_escaped(run: Path) -> None:
    data = {
        "name": NASTY,
        "shape": [NASTY],
        "classes": [NASTY],
        "count": NASTY,
        "fingerprint": NASTY,
        "problems": [NASTY],
    }
    options = {NASTY: {NASTY: NASTY, "nested": {NASTY: [NASTY]}}}
    texts = dict.fromkeys(("recipe", "summary", "device", "precision", "command", "created"), NASTY)
    changes: dict[str, Any] = {
        **texts,
        "data": data,
        "options": options,
        "versions": {NASTY: NASTY},
        "players": {NASTY: 5},
    }
    (run / "run.json").write_text(json.dumps(record(**changes)))
    values = {f"{NASTY}/{NASTY}": 1.0, NASTY: 2.0, f"player/{NASTY}": float("nan")}
    (run / "metrics.jsonl").write_text(json.dumps({"step": 1, "seconds": 1, **values}) + "\n")
    text, page = page_of(run)
    assert "<script" not in text
    assert page.text.count(NASTY) > 15


def test_chinese_names_stand_as_they_are(run: Path) -> None:
    data = record()["data"] | {"name": "/资料/猫和狗", "classes": ["猫", "狗"], "problems": ["坏.png: truncated"]}
    (run / "run.json").write_text(json.dumps(record(data=data), ensure_ascii=False), encoding="utf-8")
    with (run / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"step": 200, "seconds": 5, "判别器/损失": 0.5}, ensure_ascii=False) + "\n")
    text, page = page_of(run)
    assert "<title>wgan-gp/images on 猫和狗</title>" in text
    assert '<meta charset="utf-8">' in text
    for word in ("/资料/猫和狗", "坏.png", "判别器", "损失"):
        assert word in page.text


def test_a_run_that_diverged_says_so(run: Path) -> None:
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 190, "seconds": 4.9, "critic/adversarial": NaN}\n')
    _, page = page_of(run)
    assert "critic/adversarial was NaN or infinite at step 190: training diverged." in page.text


def test_a_hundred_thousand_lines_make_a_small_page_in_seconds(run: Path) -> None:
    (run / "metrics.jsonl").write_text("".join(map(line, range(1, 100_001))))
    began = time.perf_counter()
    text, _ = page_of(run)
    assert time.perf_counter() - began < 10
    pictures = sum(map(len, re.findall(r"base64,[^\"]*", text)))
    assert len(text) - pictures < 400_000


def test_big_pictures_are_made_smaller(run: Path) -> None:
    for step in range(0, 201, 10):
        (run / "samples" / f"step-{step:08d}.png").unlink()
    for step in (100, 200):
        grid(torch.rand(4, 3, 300, 600) * 2 - 1).save(run / "samples" / f"step-{step:08d}.png")
    grid(torch.rand(4, 4, 900, 900) * 2 - 1).save(run / "samples.png")
    text, page = page_of(run)
    assert len(text) < 5e6 < (run / "samples.png").stat().st_size
    sizes = [(int(str(image["width"])), int(str(image["height"]))) for image in page.all("img")]
    assert sizes == [(1400, 1400), *[(114, 114)] * 3, (480, 240), (480, 240)]


def test_a_film_that_is_too_large_is_not_inlined(run: Path) -> None:
    with (run / "film.gif").open("ab") as file:
        file.write(b"\x00" * 13_000_000)
    text, page = page_of(run)
    assert "film.gif is too large to be shown here." in page.text
    assert len(text) < 1e6


def test_summary_is_the_sentence_of_the_page(run: Path) -> None:
    facts = "200 of 200 steps in 5 s on the CPU in bf16, batches of 64, seed 3."
    logits = "At the end the critic's mean logit was 2.00 higher for real than for fake samples."
    verdict = "Verdict: Healthy. The fakes are close to the data, and as varied. They still come closer"
    assert report.summary(run).startswith(f"{facts} {logits} {verdict}")
    (run / "health.jsonl").unlink()
    assert report.summary(run) == f"{facts} {logits}"


def test_the_report_is_replaced_whole(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page_of(run)
    before = (run / "report.html").read_bytes()

    def full(self: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        report.write(run)
    assert (run / "report.html").read_bytes() == before
