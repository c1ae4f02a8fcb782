"""Which samples stand on which side of a comparison: reference scores, files, pairs, and what is compared at all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Picture
from torch import Tensor

from zerosum import data
from zerosum.data.dataset import Field, dataset, dataset_of
from zerosum.errors import ZerosumError
from zerosum.evaluation import real_data, reference_scores
from zerosum.evaluation.compare import Comparison, compare, letter
from zerosum.evaluation.pairs import _at_the_size_of, match, measure, measure_run
from zerosum.evaluation.protocol import FORMAT, Evaluation, Protocol, Result, Target
from zerosum.evaluation.reference_scores import noise_for, references_for
from zerosum.evaluation.standing import beside
from zerosum.evaluation.targets import of_files, of_run
from zerosum.games import find
from zerosum.metrics import extractors
from zerosum.metrics.metric import Context, PairMetric
from zerosum.metrics.samples import of_dataset
from zerosum.metrics.score import Score
from zerosum.metrics.text_metric import shuffled
from zerosum.modality import Image, Points, Spec
from zerosum.util.bicubic import enlarged_bytes

PIXELS = extractors.find("pixels")


def context(compared: int, fakes: int) -> Context:
    """The first `compared` of a hundred reals, numbered, against fakes of numbers from a thousand on."""
    reference = dataset("real", torch.arange(100.0)[:, None])
    real = of_dataset(reference, PIXELS, chosen=torch.arange(compared))
    made = of_dataset(dataset("fake", 1000 + torch.arange(float(fakes))[:, None]), PIXELS)
    return Context(real, made, 0, "cpu", (), reference, None, None, None, None)


def numbers(side: Any) -> list[int]:
    return [int(v) for v in side.x.flatten().tolist()]


def test_the_real_reference_is_what_is_not_compared_with():
    """Half as many as there are fakes are enough, and then the fakes beside them are as few."""
    whole = context(80, 40)
    reference = references_for(whole, whole.data, torch.arange(80, 100), noise_for(whole))[0]
    assert numbers(reference.context.fake) == list(range(80, 100))
    assert numbers(reference.context.real) == list(range(80))
    assert reference.fakes is not None and numbers(reference.fakes.fake) == list(range(1000, 1020))
    assert reference.description == "20 other samples of real"
    many = context(60, 40)
    reference = references_for(many, many.data, torch.arange(60, 100), noise_for(many))[0]
    assert numbers(reference.context.fake) == list(range(60, 100)) and reference.fakes is None


def test_where_few_reals_are_left_one_half_stands_against_the_other():
    whole = context(81, 40)
    reference = references_for(whole, whole.data, torch.arange(81, 100), noise_for(whole))[0]
    assert numbers(reference.context.real) == list(range(40))
    assert numbers(reference.context.fake) == list(range(40, 81))
    assert reference.fakes is not None
    assert numbers(reference.fakes.real) == list(range(40)) and numbers(reference.fakes.fake) == list(range(1000, 1040))


def test_samples_of_files_are_drawn_at_random(tmp_path: Path):
    """A file lies in the order of its classes: its first samples would be of one."""
    np.save(tmp_path / "sorted.npy", np.arange(200.0, dtype=np.float32)[:, None])
    source = of_files(tmp_path / "sorted.npy", None, None)
    drawn = numbers(source.samples(20, 3, dataset("real", torch.zeros(2, 1)), PIXELS, None))
    assert len(set(drawn)) == 20 and max(drawn) > 100 and drawn != sorted(drawn)


@pytest.mark.parametrize(("average", "decay", "averaged"), [(True, 0.9, True), (False, 0.9, False), (True, 0.0, False)])
def test_a_target_says_whether_its_weights_are_averaged(average: bool, decay: float, averaged: bool, tmp_path: Path):
    record = SimpleNamespace(
        training=SimpleNamespace(average=decay), recipe="gan/toy", data=SimpleNamespace(classes=())
    )
    game = find("gan/toy").build(Spec({"x": Points(2)}))
    run: Any = SimpleNamespace(
        average=average,
        record=record,
        path=tmp_path,
        step=3,
        game=game,
        modality=Points(2),
        truncated=lambda asked: asked,
    )
    assert of_run(run, None).target.averaged is averaged


@dataclass(frozen=True)
class Difference(PairMetric):
    name = "difference"

    def measure(self, image: Tensor, reference: Tensor) -> float:
        return float((image - reference).abs().max())


def test_each_translation_stands_beside_its_own_partner():
    """Seventy pairs, which are more than are translated at once; the translator knows the answers."""
    a = torch.randint(256, (70, 1, 8, 8), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    image = Image(1, 8, 8)
    loaded = dataset_of("pairs", {"a": Field(image, a, "all"), "b": Field(image, 255 - a, "all")})
    run: Any = SimpleNamespace(
        modality=image, translate=lambda stored, seed: -image.load(stored), assert_finite=lambda x, what: x
    )
    (result,), notes = measure_run([Difference()], run, loaded, 0, None)
    assert result.scores["mean"].value < 1e-6 and result.protocol.real == 70 and not notes
    apart = (2 * a.double() - 255).abs().flatten(1).amax(1) / 127.5  # of an input and its target
    assert result.scores["of the inputs"].value == pytest.approx(float(apart.mean()), rel=1e-5)


def test_as_many_pairs_as_are_asked_for_with_the_noise_of_the_seed():
    """Each translation is its row and the seed."""
    a, image, seen = (
        torch.arange(70, dtype=torch.uint8).view(-1, 1, 1, 1).repeat(1, 1, 8, 8),
        Image(1, 8, 8),
        set[int](),
    )
    loaded = dataset_of("pairs", {"a": Field(image, a, "all"), "b": Field(image, a, "all")})

    def translate(stored: Tensor, seed: int) -> Tensor:
        seen.add(seed)
        return image.load(stored + torch.tensor(seed, dtype=torch.uint8))

    run: Any = SimpleNamespace(modality=image, translate=translate, assert_finite=lambda x, what: x)
    (result,), _ = measure_run([Difference()], run, loaded, 5, None, 20)
    assert result.protocol.real == 20 and seen == {5}
    assert result.scores["mean"].value == pytest.approx(5 / 127.5, rel=1e-5)  # each beside its own partner
    (whole,), _ = measure_run([Difference()], run, loaded, 5, None, 200)
    assert whole.protocol.real == 70


def test_images_belong_together_by_name_and_else_without_their_endings(tmp_path: Path):
    names = {"made": ["a.png", "b.v1.png", "c.jpg.png", "c.bmp.png", "d.png"]}
    names["real"] = ["a.jpg", "b.v1.bmp", "c.jpg", "c.bmp", "d.png"]
    for folder, files in names.items():
        (tmp_path / folder).mkdir()
        for level, name in enumerate(files):
            Picture.new("L", (8, 8), 9 * level).save(tmp_path / folder / name, "PNG")
    found = match(tmp_path / "made", tmp_path / "real")
    assert {one.path: other.path for one, other in found} == dict(zip(*names.values(), strict=True))
    Picture.new("L", (8, 8)).save(tmp_path / "real" / "a.bmp")
    with pytest.raises(ZerosumError, match=r"real has no a\.png|made has no a\.bmp"):
        match(tmp_path / "made", tmp_path / "real")
    Picture.new("L", (8, 8)).save(tmp_path / "made" / "d.jpg", "PNG")  # as d.png stands beside d.png, of nobody
    (tmp_path / "real" / "a.bmp").unlink()
    with pytest.raises(ZerosumError, match=r"real has no d\.jpg \(1 of 6 names"):
        match(tmp_path / "made", tmp_path / "real")


def test_images_and_their_references_have_fingerprints_of_their_own(tmp_path: Path):
    """Two folders of images beside one of references."""
    for name, level in (("one", 10), ("other", 20), ("references", 30)):
        (tmp_path / name).mkdir()
        Picture.new("L", (8, 8), level).save(tmp_path / name / "x.png")
    found = [measure([Difference()], tmp_path / name, tmp_path / "references", 0, None) for name in ("one", "other")]
    targets, results = [target for target, _, _ in found], [own for _, (own,), _ in found]
    assert len({target.fingerprint for target in targets} | {results[0].protocol.reference}) == 3
    assert results[0].protocol.reference == results[1].protocol.reference
    assert results[0].scores["mean"].value == pytest.approx(20 / 127.5)


def test_a_score_no_better_than_noise_is_still_the_worse_of_two():
    protocol = Protocol(
        metric="precision-recall", settings={}, precision="float32", real=9, fake=9, shape=(1,), reference="x", seed=0
    )
    known = {"real": 0.9, "noise": 0.65}

    def evaluation(value: float) -> Evaluation:
        score = Score(value, "higher", (value - 0.02, value + 0.02), references=known)
        return Evaluation(FORMAT, Target("folder", "/x"), "d", {}, (Result(protocol, {"p": score}),), (), {}, "")

    (row,) = compare(evaluation(0.6), evaluation(0.8))
    assert row.better == "B" and row.significant is True


@pytest.mark.parametrize(
    ("value", "real", "noise", "expected"),
    [
        (0.5, 0.9, 0.5, "no better than noise"),
        (0.51, 0.9, 0.5, ""),
        (0.9, 0.9, 0.5, ""),
        (0.91, 0.9, 0.5, "better than real data"),
        (0.9, 0.9, 0.9, ""),
        (0.7, 0.8, 0.9, "noise wins"),
    ],
)
@pytest.mark.parametrize("better", ["higher", "lower"])
def test_as_good_as_noise_is_no_better_and_as_good_as_real_data_no_worse(
    better: Any, value: float, real: float, noise: float, expected: str
):
    sign = 1 if better == "higher" else -1
    references = {"real": sign * real, "noise": sign * noise}
    assert beside(Score(sign * value, better), references) == expected
    ends = sorted((sign * value, sign * (value + 0.05)))
    wide = Score(sign * (value + 0.02), better, (ends[0], ends[1]))
    assert beside(wide, references) == expected, "the worse end of an interval counts"


def compared(*intervals: tuple[float, float]) -> Comparison:
    """Scores in the middle of their intervals, beside real data of 0.9."""
    scores = (Score((low + high) / 2, "higher", (low, high), references={"real": 0.9}) for low, high in intervals)
    return Comparison("precision-recall", "precision", tuple(scores))


def test_intervals_that_touch_are_not_apart_and_what_beats_real_data_is_not_asked():
    assert compared((0.5, 0.6), (0.6, 0.7)).significant is False
    assert compared((0.5, 0.6), (0.61, 0.7)).significant is True
    three = compared((0.5, 0.6), (0.85, 0.95), (0.91, 0.99))
    assert three.candidates == (0, 1) and three.better == "B" and three.significant is True


def test_evaluations_are_called_by_letters_and_then_by_two():
    assert [letter(n) for n in (0, 25, 26, 27, 52, 701, 702)] == ["A", "Z", "AA", "AB", "BA", "ZZ", "AAA"]


def test_noise_lies_in_the_range_of_the_real_data_and_is_drawn_anew_in_each_block(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reference_scores, "BLOCK", 15)
    noise = noise_for(context(80, 40)).x
    assert len(noise) == 40 == len(noise.unique()) and float(noise.min()) >= 0 and float(noise.max()) <= 79


def test_an_input_is_enlarged_by_the_bicubic_kernel_where_its_target_is_larger():
    x = torch.randint(256, (2, 1, 4, 6), generator=torch.Generator().manual_seed(0)).to(torch.uint8)

    def shown(*shape: int) -> Tensor | None:
        return _at_the_size_of(shape, x)

    larger, same = shown(3, 12, 18), shown(1, 4, 6)
    assert larger is not None and torch.equal(larger, enlarged_bytes(x, 3))
    assert same is not None and torch.equal(same, x) and shown(1, 8, 18) is None and shown(1, 2, 3) is None


@pytest.mark.parametrize("name", ["cifar10", "cifar10 (jpeg)"])
def test_cifar_has_a_test_part_whatever_it_was_read_from(monkeypatch: pytest.MonkeyPatch, name: str):
    asked = list[str]()
    monkeypatch.setattr(data, "load", lambda name, **_: asked.append(name))
    real_data.held_out(dataset(name, torch.zeros(4, 3, 8, 8, dtype=torch.uint8)), None, None)
    real_data.held_out(dataset("folder (jpeg)", torch.zeros(4, 3, 8, 8, dtype=torch.uint8)), None, None)
    assert asked == ["cifar10:test"]


def test_shuffled_texts_are_as_long_as_they_were() -> None:
    """What fills a row stays behind the text."""
    loaded = data.load("sentences", seed=3)
    tokens, ids = loaded.spec.texts, loaded.x[:200]
    mixed = shuffled(tokens, ids, seed=0)
    assert torch.equal(tokens.lengths(mixed), tokens.lengths(ids))
    assert torch.equal(mixed.sort(1).values, ids.sort(1).values) and (mixed != ids).any(1).double().mean() > 0.5
