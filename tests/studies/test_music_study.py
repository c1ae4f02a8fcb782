"""The study of melodies: what is measured, what counts, and that it goes on where it stopped."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from zerosum import data
from zerosum.data.dataset import Dataset
from zerosum.modality import Notes
from zerosum.studies import STUDIES, music_seqgan
from zerosum.studies.music_seqgan import (
    KEYS,
    as_good,
    better,
    between_as_good,
    holds,
    in_few_numbers,
    scores,
    summarise,
)

STUDY = STUDIES["music-seqgan"]


def test_scores_of_real_melodies_are_near_and_of_noise_far():
    source = data.load("melodies", seed=3)
    notes = source.modality
    assert isinstance(notes, Notes)
    real = music_seqgan._near(notes.melodies(source.x[:3000]))
    near = scores(notes.melodies(source.x[3000:6000]), real)
    far = scores(notes.melodies(notes.noise(500, torch.Generator().manual_seed(0), source.x)), real)
    assert near["in_key"] == 1 and near["intervals"] < 0.03 and near["durations"] < 0.03
    assert far["in_key"] < 0.85 and far["intervals"] > 0.4 and far["durations"] > 0.2
    assert as_good(near, far) and not as_good(far, near) and as_good(near, near)
    assert better(near, far) and not better(near, near)


def point(share: float, intervals: float, durations: float, **more: float) -> dict[str, float]:
    known = dict(zip(KEYS, (share, intervals, durations, 0.5, 0.5, 2.0), strict=True))
    return {**known, **more}


def part(seed: int, ours: dict[str, float], control: dict[str, float], warm: dict[str, float]) -> dict[str, Any]:
    curve = [{**warm, "temperature": 0.9}, {**point(0.95, 0.1, 0.1), "temperature": 1.0}]
    rows = {"SeqGAN": [point(0, 1, 1), ours], "constant reward": [point(0, 1, 1), control]}
    return {"seed": seed, "curve": curve, "rows": rows, "real": point(1, 0.01, 0.01), "noise": point(0.7, 0.6, 0.4)}


def test_it_holds_where_all_three_scores_are_better_and_nothing_else_does_as_well():
    good = part(0, point(0.97, 0.05, 0.05), point(0.98, 0.2, 0.2), point(0.97, 0.06, 0.04))
    found = summarise([good, good])
    assert found["values"] == [0.97, 0.97] and found["mle"]["in_key"] == [0.95, 0.95] and found["matched"] == [[], []]
    assert holds(found) and STUDY.reached(found)
    told = in_few_numbers(found)
    assert told.startswith("SeqGAN 0.970 in key, intervals 0.050 and durations 0.050 from the data; maximum likelihood")
    for bad in (
        part(1, point(0.97, 0.11, 0.05), point(0.98, 0.2, 0.2), point(0.9, 0.2, 0.2)),
        part(1, point(0.97, 0.05, 0.05), point(0.98, 0.04, 0.04), point(0.9, 0.2, 0.2)),
        part(1, point(0.95, 0.05, 0.05), point(0.98, 0.2, 0.2), point(0.9, 0.2, 0.2)),
        part(1, point(0.97, 0.1, 0.05), point(0.98, 0.2, 0.2), point(0.9, 0.2, 0.2)),
        part(1, point(0.97, 0.05, 0.1), point(0.98, 0.2, 0.2), point(0.9, 0.2, 0.2)),
        part(1, point(0.96, 0.09, 0.09), point(0.98, 0.2, 0.2), point(0.98, 0.04, 0.075)),
        part(1, point(0.97, 0.05, 0.05), point(0.98, 0.2, 0.2), point(0.98, 0.04, 0.04)),
    ):
        assert not holds(summarise([good, bad])), "in one seed it does not"
    assert summarise([bad])["matched"] == [[[0.9, 1.0]]]


@pytest.mark.parametrize(("a", "b", "reached"), [
    (point(0.99, 0.2, 0.0), point(0.95, 0.0, 0.2), True),  # in its middle
    (point(0.99, 0.2, 0.0), point(0.94, 0.0, 0.2), False),  # that has too few in key
    (point(0.99, 0.2, 0.0), point(0.99, 0.0, 0.21), False),  # each score somewhere, but nowhere all of them
    (point(0.97, 0.1, 0.1), point(0.0, 1.0, 1.0), True),  # its beginning
    (point(0.0, 1.0, 1.0), point(0.97, 0.1, 0.1), True),  # its end
    (point(0.99, 0.11, 0.0), point(0.99, 0.11, 0.0), False),
    (point(0.97, 0.1, 0.1), point(0.97, 0.1, 0.1), True),
])  # fmt: skip
def test_a_line_between_temperatures_counts_as_they_do(a: dict[str, float], b: dict[str, float], reached: bool):
    assert between_as_good(a, b, point(0.97, 0.1, 0.1)) == reached


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = data.load

    def few(name: str, seed: int = 0) -> Dataset:
        found = whole(name, seed=seed)
        fields = {key: field.at(slice(200)) for key, field in found.fields.items()}
        return Dataset(found.name, fields, found.fingerprint)

    monkeypatch.setattr(data, "load", few)
    sizes = {"EPOCHS": 1, "ROUNDS": 2, "LOOK": 1, "STOPPED_BY": 50, "MEASURED": 100, "WRITTEN": 60, "ALIKE": 30}
    for name, value in {**sizes, "TEMPERATURES": (1.0, 0.8)}.items():
        monkeypatch.setattr(music_seqgan, name, value)
    rows = {name: {**own, "rollouts": 1, "pretrain_discriminator": 1} for name, own in music_seqgan.ROWS.items()}
    monkeypatch.setattr(music_seqgan, "ROWS", rows)


@pytest.mark.usefixtures("small")
def test_the_whole_of_it(tmp_path: Path):
    one = STUDY.run("melodies", 100, 1.0, tmp_path)
    assert [at["step"] for at in one["rows"]["SeqGAN"]] == [1, 2] and len(one["curve"]) == 2
    assert one["real"]["in_key"] == 1 > one["noise"]["in_key"] and (tmp_path / "melodies.png").exists()
    assert STUDY.run("melodies", 100, 1.0, tmp_path) == one, "what is done is not done again"
    found = summarise([one])
    assert found["values"] == [one["rows"]["SeqGAN"][-1]["in_key"]] and 0 < found["values"][0] < 1


def test_parts_can_be_sent_to_other_processes():
    assert pickle.loads(pickle.dumps(STUDY.run))
