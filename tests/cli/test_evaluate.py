"""`zerosum evaluate` and `zerosum compare`, as a person types them."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from shell import EXAMPLE, Call

import zerosum
from zerosum.evaluation.protocol import read
from zerosum.evaluation.targets import of_run
from zerosum.metrics import METRICS, extractors
from zerosum.workflows.evaluate import evaluate

QUICK = ("frechet", "kernel:subsets=5", "precision-recall", "density-coverage", "ms-ssim:pairs=9", "two-sample:steps=9")
FEW = ("-n", 120, "--extractor", "random")


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run of points."""
    out = tmp_path_factory.mktemp("runs") / "points"
    zerosum.train("gan/toy", "ring", out, steps=20, batch_size=32, quiet=True)
    return out


def found(path: Path) -> dict[str, dict[str, Any]]:
    """The results of a JSON file by metric."""
    plain = json.loads(path.read_text())
    return {result["protocol"]["metric"]: result for result in plain["results"]}


def refused(call: Call, *arguments: object) -> str:
    """The one line on standard error of a command that must fail, and write nothing to standard output."""
    code, out, err = call(*arguments)
    lines = [line for line in err.splitlines() if line.startswith("zerosum: ")]
    assert (code, len(lines), out) == (2, 1, ""), (code, out, err)
    return lines[0]


def test_a_run_of_images(call: Call, images: Path) -> None:
    code, out, err = call("evaluate", images, "-n", 200)
    assert code == 0, err
    assert out.splitlines()[-1] == str(images / "evaluation.json")
    results = found(images / "evaluation.json")
    usual = {"frechet", "kernel", "inception-score", "precision-recall", "density-coverage", "ms-ssim", "two-sample"}
    assert set(results) == {*usual, "memorization", "discriminator"}
    stamp = results["frechet"]["protocol"]
    assert (stamp["extractor"], stamp["real"], stamp["fake"], stamp["shape"]) == ("digits", 200, 200, [1, 28, 28])
    assert re.fullmatch("[0-9a-f]{16}", stamp["identity"]) and re.fullmatch("[0-9a-f]{16}", stamp["reference"])
    distance = results["frechet"]["scores"]["distance"]
    assert distance["interval"][0] <= distance["value"] <= distance["interval"][1]
    assert distance["references"]["real"] < distance["references"]["noise"]
    assert distance["references"]["real"] < distance["value"]
    low, high = distance["reference_intervals"]["real"]
    assert low <= distance["references"]["real"] <= high and set(distance["reference_intervals"]) == {"real", "noise"}
    assert results["discriminator"]["protocol"]["extractor"] == ""
    assert results["memorization"]["protocol"]["held_out"] == "each training sample in turn"
    for metric in results:
        assert re.search(rf"^{metric} ", out, re.MULTILINE)
    assert "real: 200 other samples of digits" in out
    assert "warning: frechet: 200 real and 200 fake samples are few" in out


def test_a_run_of_points_with_known_modes(call: Call, points: Path) -> None:
    assert call("evaluate", points, "-n", 400)[0] == 0
    results = found(points / "evaluation.json")
    assert set(results) >= {"modes", "frechet", "two-sample"}
    modes = results["modes"]["scores"]
    assert modes["modes"]["references"]["real"] == 8
    assert modes["high quality"]["references"]["real"] == pytest.approx(0.989, abs=0.03)
    assert "samples are few" not in call("evaluate", points, "-n", 400, "--metrics", "modes")[1]
    assert "10 samples are few for 8 modes" in call("evaluate", points, "-n", 10, "--metrics", "modes")[1]


def test_a_run_with_classes(call: Call, labelled: Path) -> None:
    recipe = f"{EXAMPLE}:digits"
    arguments = ("--recipe", recipe, *FEW, "--metrics", "tstr:steps=3", "discriminator:samples=50")
    assert call("evaluate", labelled, *arguments)[0] == 0
    results = found(labelled / "evaluation.json")
    assert results["tstr"]["protocol"]["held_out"] == "half of digits"
    assert results["tstr"]["protocol"]["settings"] == {"steps": 3}
    assert 0 <= results["tstr"]["scores"]["accuracy"]["references"]["real"] <= 1
    assert "--recipe" in refused(call, "evaluate", labelled, *FEW)


def test_equal_seeds_give_equal_numbers_and_other_seeds_others(images: Path) -> None:
    first, again, other = (
        evaluate(images, metrics=QUICK, samples=100, seed=seed, extractor="random", references=False)
        for seed in (1, 1, 2)
    )
    assert [r.scores for r in first.results] == [r.scores for r in again.results]
    assert first["frechet"].value != other["frechet"].value


def test_nothing_is_disturbed(images: Path) -> None:
    state = torch.get_rng_state()
    evaluate(
        images, metrics=["frechet", "two-sample:steps=9", "discriminator:samples=50"], samples=50, extractor="random"
    )
    assert torch.equal(torch.get_rng_state(), state)


def test_a_run_scores_as_the_files_of_its_samples_do(call: Call, images: Path) -> None:
    call("sample", images, "-n", 150, "--seed", 3, "--out", "made.npz")
    call("sample", images, "-n", 150, "--seed", 3, "--out", "made")
    shared = ("--seed", 3, "-n", 150, "--extractor", "random", "--metrics", "frechet", "precision-recall")
    assert call("evaluate", images, *shared, "--out", "run.json")[0] == 0
    for target in ("made.npz", "made"):
        code, out, err = call("evaluate", target, "--against", "digits", *shared)
        assert code == 0, err
        assert out.splitlines()[-1] == str(Path("made-evaluation.json").resolve())
        ours, theirs = found(Path("run.json")), found(Path("made-evaluation.json"))
        assert theirs["frechet"]["protocol"] == ours["frechet"]["protocol"]
        assert theirs["frechet"]["scores"]["distance"]["value"] == pytest.approx(
            ours["frechet"]["scores"]["distance"]["value"], rel=1e-9
        )
        for name, figure in ours["precision-recall"]["scores"].items():
            assert theirs["precision-recall"]["scores"][name]["value"] == figure["value"]
    code, out, err = call("compare", "run.json", "made-evaluation.json")
    assert code == 0, err
    assert re.search(r"precision .* equal", out)


def test_real_data_in_a_folder_and_fakes_in_another(call: Call) -> None:
    draw = np.random.default_rng(0)
    for folder, low in (("real", 100), ("fake", 90)):
        Path(folder).mkdir()
        for i in range(40):
            Image.fromarray(draw.integers(low, 200, (16, 16, 3), dtype=np.uint8)).save(f"{folder}/{i}.png")
    code, out, err = call("evaluate", "fake", "--against", "real", "--extractor", "random", "--metrics", "frechet")
    assert code == 0, err
    assert "one half of real against the other, 20 and 20 samples" in out
    assert found(Path("fake-evaluation.json"))["frechet"]["protocol"]["fake"] == 40


def test_labels_of_a_file_are_used(call: Call) -> None:
    digits = zerosum.data.load("digits")
    assert digits.y is not None
    np.savez("copied.npz", samples=digits.x.numpy(), labels=digits.y.numpy())
    shared = ("--against", "digits", "-n", 2000, "--extractor", "pixels")
    code, _, err = call("evaluate", "copied.npz", *shared, "--metrics", "tstr:steps=100")
    assert code == 0, err
    accuracy = found(Path("copied-evaluation.json"))["tstr"]["scores"]["accuracy"]
    assert accuracy["value"] > 0.8 and accuracy["references"]["real"] > 0.8


def test_copies_are_found(call: Call) -> None:
    np.savez("copied.npz", samples=zerosum.data.load("digits").x[::25].numpy())
    arguments = ("--against", "digits", "--extractor", "pixels", "--metrics", "memorization")
    assert call("evaluate", "copied.npz", *arguments)[0] == 0
    figures = found(Path("copied-evaluation.json"))["memorization"]["scores"]
    assert figures["z"]["value"] < -10 and figures["copies"]["value"] > 0.99


def test_samples_are_drawn_without_the_recipes_truncation(call: Call) -> None:
    zerosum.train("two-player/toy", out="run", steps=2, batch_size=8, truncation=0.4, quiet=True)
    shared = ("evaluate", "run", "-n", 300, "--metrics", "frechet", "--out")
    code, out, _ = call(*shared, "none.json")
    assert code == 0
    assert "note: the recipe draws with a truncation of 0.4; measured with none" in out
    assert "note" not in call(*shared, "own.json", "--truncation", 0.4)[1]
    none, own = (found(Path(name))["frechet"] for name in ("none.json", "own.json"))
    assert none["protocol"]["truncation"] is None and own["protocol"]["truncation"] == 0.4
    assert none["scores"]["distance"]["value"] != own["scores"]["distance"]["value"]
    assert "frechet: truncation is none in A, 0.4 in B" in refused(call, "compare", "none.json", "own.json")


def test_pairs_are_compared_by_name_each_at_its_own_size(call: Call) -> None:
    draw = np.random.default_rng(0)
    for folder in ("real", "made"):
        Path(folder).mkdir()
    for i in range(6):
        image = draw.integers(20, 200, (20 + i, 30, 3), dtype=np.uint8)
        Image.fromarray(image).save(f"real/{i}.png")
        Image.fromarray(image + np.uint8(10)).save(f"made/{i}.png")
    shared = ("evaluate", "made", "--against", "real", "--metrics", "psnr:border=2", "ssim")
    assert call(*shared)[0] == 0
    results = found(Path("made-evaluation.json"))
    psnr = results["psnr"]["scores"]["mean"]
    assert psnr["value"] == pytest.approx(20 * np.log10(255 / 10), rel=1e-6)
    assert psnr["interval"] == pytest.approx([psnr["value"]] * 2, rel=1e-6)
    assert 0.8 < results["ssim"]["scores"]["mean"]["value"] < 1
    stamp = results["psnr"]["protocol"]
    assert (stamp["settings"], stamp["fake"], stamp["shape"]) == ({"luma": False, "border": 2}, 6, [])
    call(*shared, "--out", "again.json")
    assert call("compare", "again.json", "made-evaluation.json")[0] == 0
    assert "evaluate them separately" in refused(call, *shared, "frechet")
    Path("made/5.png").rename("made/six.png")
    assert "made has no 5.png (2 of 7 names have no partner)" in refused(call, *shared)
    Path("made/six.png").rename("made/5.png")
    Image.new("RGB", (9, 9)).save("made/5.png")
    assert "called 5.png are of 9x9 and 25x30; pairs need equal sizes" in refused(call, *shared)
    Path("made/5.png").write_bytes(b"no image")
    assert "made/5.png: not an image" in refused(call, *shared)


def test_metrics_that_walk_and_that_look_at_pairs_of_samples(call: Call, images: Path) -> None:
    metrics = ("--metrics", "path-length:paths=30", "ms-ssim:pairs=40")
    assert call("evaluate", images, *FEW, *metrics, "--out", "x.json")[0] == 0
    results = found(Path("x.json"))
    length, similarity = results["path-length"]["scores"]["length"], results["ms-ssim"]["scores"]["similarity"]
    assert length["value"] > 0 and length["references"] == {}
    assert results["path-length"]["protocol"]["extractor"] == "random"
    assert results["ms-ssim"]["protocol"]["extractor"] == ""
    assert similarity["references"]["noise"] < similarity["references"]["real"] < 1


def test_reference_scores_may_be_left_out(call: Call, images: Path) -> None:
    code, out, _ = call("evaluate", images, *FEW, "--metrics", "frechet", "--no-references", "--out", "x.json")
    assert code == 0
    assert "noise" not in out
    assert found(Path("x.json"))["frechet"]["scores"]["distance"]["references"] == {}


def test_compare_prints_both_and_who_is_better(call: Call, images: Path, tmp_path: Path) -> None:
    shutil.copytree(images, "other")
    for target, weights in ((images, ()), ("other", ("--last",))):
        assert call("evaluate", target, *FEW, "--metrics", "frechet", "precision-recall", *weights)[0] == 0
    code, out, err = call("compare", images, "other")
    assert code == 0, err
    assert f"A: {images.resolve()} (gan/tutorial, step 4, averaged weights)" in out
    assert f"B: {tmp_path / 'other'} (gan/tutorial, step 4, last weights)" in out
    assert re.search(r"^frechet +distance .* [AB](, within chance)?$", out, re.MULTILINE)


def test_compare_names_none_without_reference_scores_and_tells_settings_apart(call: Call, images: Path) -> None:
    both = ("--metrics", "precision-recall:k=3", "precision-recall:k=5")
    for name, weights in (("a.json", ()), ("b.json", ("--last",))):
        code, out, _ = call("evaluate", images, *FEW, *both, *weights, "--no-references", "--out", name)
        assert code == 0 and re.findall(r"^precision-recall:k=\d", out, re.MULTILINE) == list(both[1:])
    code, out, err = call("compare", "a.json", "b.json")
    assert code == 0, err
    assert re.findall(r"^precision-recall:k=\d", out, re.MULTILINE) == [*both[1:], both[1]]
    assert out.count("none: real data's is not known") == 4 and "none is called better" in " ".join(out.split())
    assert call("evaluate", images, *FEW, *both, "--out", "c.json")[0] == 0
    out = call("compare", "a.json", "c.json", "--metrics", "precision-recall:k=5")[1]
    assert "is not known" not in out and "is taken from B, which was measured alike" in " ".join(out.split())


def test_compare_refuses_unequal_protocols(call: Call, images: Path) -> None:
    for n, name in ((100, "a.json"), (110, "b.json")):
        assert call("evaluate", images, "-n", n, "--extractor", "random", "--metrics", "frechet", "--out", name)[0] == 0
    message = refused(call, "compare", "a.json", "b.json")
    assert "frechet: real is 100 in A, 110 in B; frechet: fake is 100 in A, 110 in B" in message


def test_the_file_holds_what_the_function_gives(call: Call, images: Path) -> None:
    assert call("evaluate", images, *FEW, "--metrics", "kernel", "frechet", "--out", "x.json")[0] == 0
    made = evaluate(images, samples=120, extractor="random", metrics=["kernel", "frechet"])
    written = read(Path("x.json"))
    for ours, theirs in zip(made.results, written.results, strict=True):
        assert replace(ours, seconds=theirs.seconds) == theirs
    assert (written.references, written.notes, written.target) == (made.references, made.notes, made.target)


def test_moments_of_many_samples_are_those_of_kept_features(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = evaluate(images, samples=150, extractor="random", metrics=["frechet"])
    monkeypatch.setattr("zerosum.workflows.evaluate.CACHED", 10)
    streamed = evaluate(images, samples=150, extractor="random", metrics=["frechet"])
    assert streamed["frechet"].value == pytest.approx(kept["frechet"].value, rel=1e-9)
    ours, theirs = (made["frechet"].scores["distance"].interval for made in (kept, streamed))
    assert ours == pytest.approx(theirs, rel=1e-6)


def test_a_loaded_run_is_measured_with_the_weights_it_has(images: Path) -> None:
    shared = {"samples": 60, "extractor": "random", "metrics": ["frechet"]}
    by_path, averaged, last = (
        evaluate(target, **shared) for target in (images, zerosum.load(images), zerosum.load(images, average=False))
    )
    assert by_path["frechet"].scores == averaged["frechet"].scores != last["frechet"].scores
    assert (by_path.target, averaged.target.averaged, last.target.averaged) == (averaged.target, True, False)


def test_a_callable_may_extract(images: Path) -> None:
    def halves(x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1).unflatten(1, (2, -1)).mean(2)

    made = evaluate(images, samples=60, extractor=halves, metrics=["frechet"])
    assert made["frechet"].protocol.extractor == "halves"


def test_help_names_every_metric(call: Call) -> None:
    text = re.sub(r"[\s│]+", "", call("evaluate", "--help")[1])
    assert all(f"{name}," in text or f"{name};" in text for name in METRICS)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nowhere",), "there is no nowhere; give a run directory, a folder of images, or an .npz file"),
        (("empty",), "no image in"),
        (("empty", "--against", "digits"), "no image in"),
        (("made.npz",), "say which real data to compare"),
        (("made.npz", "--against", "digist"), "no data called 'digist'"),
        (("made.npz", "--against", "ring"), "ring"),
        (("made.npz", "--against", "points.npz"), "cannot compare with points.npz: points.npz holds points"),
        (("broken.npz", "--against", "digits"), "cannot read"),
        (("RUN", "--metrics", "frechte"), "there is no metric 'frechte'; did you mean 'frechet'?"),
        (("RUN", "--metrics", "kernel:subset=3"), "kernel: there is no option 'subset'; did you mean 'subsets'?"),
        (("RUN", "--metrics", "precision-recall:k=0"), "precision-recall: k: should be greater than 0"),
        (("RUN", "--metrics", "precision-recall:5"), "precision-recall:NAME=VALUE"),
        (("RUN", "--metrics", "modes"), "modes cannot be measured here: it needs data whose modes are known"),
        (("RUN", "--metrics", "tstr"), "tstr cannot be measured here: it needs samples with classes"),
        (("RUN", "--against", "digits", "--metrics", "memorization"), "leave out --against"),
        (("RUN", "--extractor", "digist"), "did you mean 'digits'"),
        (("RUN", "--extractor", "inception-v3"), "inception-v3 knows no digits"),
        (("RUN", "-n", 0), "cannot evaluate 0 samples"),
        (("RUN", "--real", 1), "cannot evaluate 1 samples"),
        (("RUN", "--truncation", 0), "truncation must be above 0"),
        (("RUN", "--checkpoint", 3), "has no checkpoint of step 3"),
        (("RUN", "--out", "empty"), "--out empty is a folder"),
        (("RUN", "--device", "abacus"), "cannot compute on 'abacus'"),
        (("POINTS", "--extractor", "random"), "use 'pixels'"),
        (("POINTS", "--metrics", "parzen"), "it is for images"),
        (("made.npz", "--against", "digits", "--metrics", "discriminator"), "it needs a run"),
        (("made.npz", "--against", "digits", "--metrics", "path-length"), "it needs a run"),
        (("POINTS", "--metrics", "ms-ssim"), "it is for images"),
        (("made.npz", "--against", "digits", "--metrics", "psnr"), "made.npz is no folder of images"),
        (("RUN", "--against", "empty", "--metrics", "psnr"), "is no translator: name a folder of images"),
        (("empty", "--metrics", "psnr"), "say which images to compare"),
        (("made.npz", "--against", "digits", "--truncation", 1), "holds samples, not a run: leave out --truncation"),
        (("made.npz", "--against", "digits", "--last"), "holds samples, not a run: leave out --last"),
        (("made.npz", "--against", "digits", "--checkpoint", 1), "holds samples, not a run: leave out --checkpoint"),
        (("made.npz", "--against", "digits", "--recipe", "no.py:f"), "holds samples, not a run: leave out --recipe"),
    ],
)
def test_bad_input_is_named_and_nothing_is_overwritten(
    call: Call, images: Path, points: Path, arguments: tuple[object, ...], says: str
) -> None:
    Path("empty").mkdir()
    Path("broken.npz").write_bytes(b"PK\x03\x04 no archive")
    np.savez("made.npz", samples=np.zeros((30, 1, 28, 28), np.uint8))
    np.savez("points.npz", samples=np.zeros((30, 6, 2), np.float32)[:, 0])
    Path("kept.json").write_text("kept")
    targets: dict[object, Path] = {"RUN": images, "POINTS": points}
    given = [targets.get(argument, argument) for argument in arguments]
    if "--out" not in given:
        given += ["--out", "kept.json"]
    assert says in refused(call, "evaluate", *given)
    assert Path("kept.json").read_text() == "kept"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "there is no evaluation x.json"),
        ("{", "x.json is damaged"),
        ("{}", "x.json is damaged, or no evaluation"),
    ],
)
def test_compare_names_bad_files(call: Call, content: str | None, says: str) -> None:
    if content is not None:
        Path("x.json").write_text(content)
    assert says in refused(call, "compare", "x.json", "x.json")


def test_a_run_without_an_evaluation_says_how_to_make_one(call: Call, images: Path) -> None:
    shutil.copytree(images, "fresh")
    Path("fresh/evaluation.json").unlink(missing_ok=True)
    assert "make it with `zerosum evaluate`" in refused(call, "compare", "fresh", "fresh")


def test_a_diverged_run_is_not_measured(images: Path) -> None:
    run = zerosum.load(images)
    with torch.no_grad():
        next(run.game.parameters()).fill_(torch.nan)
    side = of_run(run, truncation=None).samples(10, 0, zerosum.data.load("digits"), extractors.find("pixels"), None)
    with pytest.raises(zerosum.ZerosumError, match="has diverged: not all samples are finite"):
        _ = side.stored
