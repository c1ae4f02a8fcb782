"""Synthesis with games whose samples, classes and scores are known in closed form."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import zerosum
from zerosum import data, latent
from zerosum.batches import Draw, Labelled
from zerosum.data.images.write_labelled import safe_folders
from zerosum.game import Game, Move, Player
from zerosum.modality import Classes, Image, Points, Vector
from zerosum.optim import Adam
from zerosum.roles import Classifies, Discriminates, Generates
from zerosum.run import sampling
from zerosum.run.loaded import Run

NAMES = ("left", "right")


class Side(nn.Module):
    """Points (B, 2) to logits of left and right: p(right) = sigmoid(2 x0)."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([-x[:, 0], x[:, 0]], dim=1)


class Known(Game[Labelled], Generates, Discriminates):
    """Samples are z, mirrored to the side that is asked for if one can be; the higher, the more real."""

    name = "known"

    def __init__(self, asked: bool, scale: float = 1.0):
        super().__init__()
        self.weight, self.scale = nn.Parameter(torch.zeros(())), scale
        self.condition = Classes.numbered(2) if asked else None
        self.prior = latent.Normal(2)

    def players(self) -> dict[str, Player]:
        return {"generator": Player(Adam(), (self,))}

    def round(self, draw: Draw[Labelled], step: int) -> Iterator[Move]:
        yield Move("generator", nothing=self.weight.square())

    def score(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return x[:, 1]

    def generate(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        if y is None:
            return self.scale * z
        return self.scale * torch.stack([z[:, 0].abs() * (2 * y.float() - 1), z[:, 1]], dim=1)


class Sorter(Known, Classifies):
    """It tells the sides apart, too."""

    def classifier(self) -> nn.Module:
        return Side()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return zerosum.train("gan/toy", out=tmp_path_factory.mktemp("runs") / "toy", steps=1, batch_size=8, quiet=True)


def known(trained: Run, game: Game[Labelled], names: tuple[str, ...] = NAMES) -> Run:
    fields = {"x": Points(2), "y": Classes(names)} if names else {"x": Points(2)}
    record = replace(trained.record, data=replace(trained.record.data, fields=fields))
    return replace(trained, record=record, game=game)


def read(path: Path) -> tuple[Tensor, Tensor]:
    with np.load(path) as file:
        return torch.from_numpy(file["samples"]), torch.from_numpy(file["labels"])


def first(run: Run, count: int, name: str | None, block: int = 0) -> Tensor:
    return run.sample(count, sampling.block_seed(0, block), classes=name)


def test_classes_that_can_be_asked_for_are_asked_for(trained: Run, tmp_path: Path) -> None:
    run = known(trained, Known(asked=True))
    found = zerosum.synthesize(run, tmp_path / "a.npz", 40)
    x, y = read(tmp_path / "a.npz")
    assert y.tolist() == [0] * 40 + [1] * 40
    assert torch.equal(x, torch.cat([first(run, 40, "left"), first(run, 40, "right", 1)]))
    assert found.candidates == 80 and [m.kept for m in found.classes.values()] == [40, 40]
    assert found.classifier == ""


def test_other_samples_are_sorted_by_the_classifier(trained: Run, tmp_path: Path) -> None:
    run = known(trained, Sorter(asked=False))
    found = zerosum.synthesize(run, tmp_path / "a.npz", 200)
    x, y = read(tmp_path / "a.npz")
    assert y.tolist() == [0] * 200 + [1] * 200
    assert torch.equal(x[:, 0] > 0, y == 1)
    assert sum(made.candidates for made in found.classes.values()) == found.candidates >= 400


def test_confidence_keeps_who_is_sure_in_the_order_of_drawing(trained: Run, tmp_path: Path) -> None:
    run = known(trained, Sorter(asked=True))
    found = zerosum.synthesize(run, tmp_path / "a.npz", 300, confidence=0.9)
    x, _ = read(tmp_path / "a.npz")
    bound = math.log(9) / 2  # where sigmoid(2 x) is 0.9
    assert (x[:300, 0] <= -bound).all() and (x[300:, 0] >= bound).all()
    drawn = first(run, 300, "left")
    sure = drawn[drawn[:, 0] <= -bound]
    assert torch.equal(x[: len(sure)], sure)
    share = 2 * (1 - 0.5 * (1 + math.erf(bound / math.sqrt(2))))  # of |N(0, 1)| above the bound
    kept = sum(made.kept for made in found.classes.values()) / found.candidates
    assert kept == pytest.approx(share, abs=5 * math.sqrt(share * (1 - share) / found.candidates))


def test_keep_top_keeps_the_share_that_ranks_highest(trained: Run, tmp_path: Path) -> None:
    run = known(trained, Known(asked=True))
    zerosum.synthesize(run, tmp_path / "a.npz", 50, keep_top=0.25)
    x, _ = read(tmp_path / "a.npz")
    drawn = first(run, 200, "left")
    assert torch.equal(x[:50], drawn[drawn[:, 1] >= drawn[:, 1].sort(descending=True).values[49]])


def test_keep_top_ranks_among_all_so_far_and_after_confidence(trained: Run, tmp_path: Path) -> None:
    run = known(trained, Sorter(asked=False))
    found = zerosum.synthesize(run, tmp_path / "a.npz", 1500, confidence=0.8, keep_top=0.5)
    x, y = read(tmp_path / "a.npz")
    assert torch.sigmoid(2 * x[:, 0].abs()).min() >= 0.8
    bound = math.log(4) / 2
    sure = 1 - math.erf(bound / math.sqrt(2))
    for k, made in enumerate(found.classes.values()):
        assert made.kept / made.candidates == pytest.approx(0.5 * sure, rel=0.1)
        assert x[y == k, 1].mean() == pytest.approx(math.sqrt(2 / math.pi), abs=0.07)  # of the upper half of N(0, 1)


def test_equal_seeds_make_equal_samples(trained: Run, tmp_path: Path) -> None:
    run = known(trained, Sorter(asked=False))
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        zerosum.synthesize(run, tmp_path / f"{name}.npz", 20, seed=seed, keep_top=0.5)
    a, b, c = (read(tmp_path / f"{name}.npz")[0] for name in "abc")
    assert torch.equal(a, b) and not torch.equal(a, c)


def test_another_runs_classifier_sorts_by_its_own_names(trained: Run, tmp_path: Path) -> None:
    run = known(trained, Known(asked=False), names=())
    found = zerosum.synthesize(run, tmp_path / "a.npz", 30, classifier=known(trained, Sorter(False), ("links", "猫")))
    assert list(found.classes) == ["links", "猫"]
    x, y = read(tmp_path / "a.npz")
    assert torch.equal(x[:, 0] > 0, y == 1)


def test_classes_are_matched_by_name_not_by_number(trained: Run, tmp_path: Path) -> None:
    run = known(trained, Known(asked=True))
    judge = known(trained, Sorter(asked=False), ("right", "left"))  # calls the left side right
    with pytest.raises(zerosum.ZerosumError, match=r"left \(0 of 5\), right \(0 of 5\); ask for less confidence"):
        zerosum.synthesize(run, tmp_path / "a.npz", 5, confidence=0.6, classifier=judge, tries=20)


def test_what_was_done_is_written_beside_and_the_file_trains(trained: Run, tmp_path: Path) -> None:
    run = known(trained, Sorter(asked=False))
    zerosum.synthesize(run, tmp_path / "a.npz", 20, confidence=0.7, keep_top=0.5, seed=3)
    told = json.loads((tmp_path / "a-synthesis.json").read_text())
    assert told["seed"] == 3 and told["confidence"] == 0.7 and told["keep_top"] == 0.5 and told["step"] == 1
    assert told["classes"]["left"]["kept"] == 20 and told["candidates"] >= 80
    loaded = data.load(str(tmp_path / "a.npz"))
    assert loaded.y is not None and loaded.y.bincount().tolist() == [20, 20] and loaded.shape == (2,)


def test_a_class_that_does_not_fill_is_named_and_nothing_is_left(trained: Run, tmp_path: Path) -> None:
    class OneSided(Sorter):
        def generate(self, z: Tensor, y: Tensor | None = None) -> Tensor:
            return super().generate(z, y).abs()

    run = known(trained, OneSided(asked=False))
    with pytest.raises(zerosum.ZerosumError, match=r"of 200 candidates .* left \(0 of 10\); allow more tries") as error:
        zerosum.synthesize(run, tmp_path / "a.npz", 10, tries=10)
    assert "right" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_progress_ends_at_what_is_wanted(trained: Run, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    run = known(trained, Known(asked=True))
    zerosum.synthesize(run, tmp_path / "a.npz", 1200, progress=lambda *now: told.append(now))
    assert [done for _, done, _ in told] == [1000, 1200, 2200, 2400]
    assert {total for _, _, total in told} == {2400}


@pytest.mark.parametrize(
    ("asked", "sorts", "options", "says"),
    [
        (True, False, {"per_class": 0}, "0 per class makes nothing"),
        (True, False, {"tries": 0}, "0 tries makes nothing"),
        (True, True, {"confidence": 1.5}, "confidence is a share: above 0 and at most 1, not 1.5"),
        (True, True, {"confidence": 0.0}, "confidence is a share"),
        (True, True, {"keep_top": 0.0}, "keep_top is a share: above 0 and at most 1, not 0.0"),
        (True, False, {"confidence": 0.9}, "--confidence needs a classifier, and gan/toy learns none"),
        (False, False, {}, "nothing tells its classes apart: gan/toy learns none; .* --classifier"),
    ],
)
def test_what_cannot_be_done_is_refused(
    trained: Run, tmp_path: Path, asked: bool, sorts: bool, options: dict[str, float], says: str
) -> None:
    with pytest.raises(zerosum.ZerosumError, match=says):
        zerosum.synthesize(
            known(trained, (Sorter if sorts else Known)(asked)), tmp_path / "a.npz", **{"per_class": 5, **options}
        )
    assert list(tmp_path.iterdir()) == []


def test_a_useless_or_unfit_classifier_is_refused(trained: Run, tmp_path: Path) -> None:
    run, sorter = known(trained, Known(True)), known(trained, Sorter(False), ("left", "up"))
    with pytest.raises(zerosum.ZerosumError, match="a classifier is for --confidence alone"):
        zerosum.synthesize(run, tmp_path / "a.npz", 5, classifier=sorter)
    with pytest.raises(zerosum.ZerosumError, match="knows no class right; use another run"):
        zerosum.synthesize(run, tmp_path / "a.npz", 5, confidence=0.5, classifier=sorter)
    with pytest.raises(zerosum.ZerosumError, match=r"learns no classifier; train one of these recipes: .*sgan/toy"):
        zerosum.synthesize(run, tmp_path / "a.npz", 5, confidence=0.5, classifier=run)


def test_vectors_are_no_classes(trained: Run, tmp_path: Path) -> None:
    game = Sorter(True)
    game.condition = Vector(2)
    with pytest.raises(zerosum.ZerosumError, match="gan/toy learnt vectors of 2 numbers, not classes"):
        zerosum.synthesize(known(trained, game), tmp_path / "a.npz", 5)


def test_a_discriminator_that_judges_no_single_samples_is_not_asked(trained: Run, tmp_path: Path) -> None:
    packs = zerosum.train("two-player/toy", out=tmp_path / "run", steps=1, batch_size=8, packing=2, quiet=True)
    with pytest.raises(
        zerosum.ZerosumError, match="two-player/toy: its discriminator does not score single samples, only packs of 2"
    ):
        zerosum.synthesize(packs, tmp_path / "a.npz", 5, keep_top=0.5, classifier=known(trained, Sorter(False)))


def test_diverged_samples_are_refused(trained: Run, tmp_path: Path) -> None:
    with pytest.raises(zerosum.ZerosumError, match="has diverged: not all samples are finite"):
        zerosum.synthesize(known(trained, Known(True, scale=math.inf)), tmp_path / "a.npz", 5)


def test_what_is_there_is_never_overwritten(trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = known(trained, Known(asked=True))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "made").mkdir()
    for name, out in (("made/mine", "~/made"), ("a.npz", "~/a.npz"), ("b-synthesis.json", "~/b.npz")):
        (tmp_path / name).write_text("mine")
        with pytest.raises(zerosum.ZerosumError, match=r"is not empty; name a new|is there already; name a new"):
            zerosum.synthesize(run, out, 5)
        assert (tmp_path / name).read_text() == "mine"
    assert not (tmp_path / "b.npz").exists()


class Pictured(Known):
    """Images of one brightness: left is dark, right is bright."""

    def generate(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return super().generate(z, y)[:, :1, None, None].clamp(-1, 1).expand(-1, 1, 8, 8)


def pictured(trained: Run, names: tuple[str, ...]) -> Run:
    run = known(trained, Pictured(asked=True), names)
    fields = {**run.record.data.fields, "x": Image(1, 8, 8)}
    return replace(run, record=replace(run.record, data=replace(run.record.data, fields=fields)))


@pytest.mark.parametrize("names", [("a/b", '猫, "c"'), ("10", "NUL"), ("-1", "-2")])
def test_classes_keep_their_names(trained: Run, tmp_path: Path, names: tuple[str, str]) -> None:
    zerosum.synthesize(pictured(trained, names), tmp_path / "made", 3)
    made = data.load(str(tmp_path / "made"))
    assert made.y is not None and sorted(made.classes) == sorted(names)
    assert [made.classes[k] == names[1] for k in made.y.tolist()] == (made.x[:, 0, 0, 0] > 127).tolist()


@pytest.mark.parametrize(("names", "lost"), [(("-1", "a/b"), "-1"), (("a/b", " c "), " c "), (("", "c"), "")])
def test_classes_whose_names_would_be_lost_are_refused_before_work(
    trained: Run, tmp_path: Path, names: tuple[str, str], lost: str
) -> None:
    told: list[tuple[str, int, int]] = []
    with pytest.raises(zerosum.ZerosumError, match=f"a labels.csv cannot name the class '{lost}'; call it otherwise"):
        zerosum.synthesize(pictured(trained, names), tmp_path / "made", 3, progress=lambda *now: told.append(now))
    assert told == [] and list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_no_hindrance(trained: Run, tmp_path: Path) -> None:
    left = tmp_path / f".partial-{os.getpid()}-made" / "left" / "00007.png"
    left.parent.mkdir(parents=True)
    left.touch()
    zerosum.synthesize(pictured(trained, NAMES), tmp_path / "made", 3)
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
    assert len(data.load(str(tmp_path / "made"))) == 6


def test_a_failure_leaves_no_new_parents(trained: Run, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    diverged = pictured(trained, NAMES)
    diverged.game.scale = math.nan
    with pytest.raises(zerosum.ZerosumError, match="has diverged"):
        zerosum.synthesize(diverged, tmp_path / "old" / "new" / "newer" / "made", 3)
    assert [path.name for path in tmp_path.rglob("*")] == ["old"]


def test_folders_are_safe_and_all_different() -> None:
    assert safe_folders(["cat", "猫", "a/b", "..", ".hidden", "x. ", "NUL", "Cat", "", "a:b"]) == (
        *("cat", "猫", "a_b", "_", "_.hidden"),
        *("x", "_NUL", "Cat-2", "_-2", "a_b-2"),
    )
    long = safe_folders(["猫" * 300, "猫" * 301])
    assert all(len(name.encode()) <= 210 for name in long) and len(set(long)) == 2


@pytest.mark.parametrize("confidence", [None, 0.8])
@pytest.mark.parametrize("asked", [True, False])
def test_the_samples_of_a_smaller_request_are_the_first_of_a_larger(
    trained: Run, tmp_path: Path, asked: bool, confidence: float | None
) -> None:
    """Over the borders of the blocks of candidates, which are 1,000 at most and differ with what is asked for."""
    run = known(trained, Sorter(asked=asked))
    found = {}
    for count in (3, 40, 1200):
        zerosum.synthesize(run, tmp_path / f"{count}.npz", count, confidence=confidence)
        x, y = read(tmp_path / f"{count}.npz")
        found[count] = [x[y == k] for k in (0, 1)]
    for k in (0, 1):
        for few, many in ((3, 40), (40, 1200)):
            assert torch.equal(found[few][k], found[many][k][:few])
        assert len(found[1200][k].unique(dim=0)) == 1200
    if asked:
        assert not torch.equal(found[3][0][:, 1], found[3][1][:, 1]), "each class has its own z"


@pytest.mark.parametrize(("recorded", "given", "limit"), [(None, 0.5, 0.5), (0.5, None, 0.5), (0.5, 2.0, 2.0)])
def test_truncation_is_what_is_asked_for_or_the_recipes(
    trained: Run, tmp_path: Path, recorded: float | None, given: float | None, limit: float
) -> None:
    run = known(trained, Known(asked=True))
    run = replace(run, record=replace(run.record, training=replace(run.record.training, truncation=recorded)))
    made = zerosum.synthesize(run, tmp_path / "a.npz", 200, truncation=given)
    x, _ = read(tmp_path / "a.npz")
    assert 0.9 * limit < x.abs().max() <= limit and made.truncation == limit
