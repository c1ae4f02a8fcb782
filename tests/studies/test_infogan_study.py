"""`zerosum reproduce infogan-error-own` on two hundred tiny images: its code, not its result."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from halves import halves
from torch import Tensor

from zerosum.games import find
from zerosum.games.infogan import InfoGAN
from zerosum.losses.mutual_information import Posterior
from zerosum.recipe import Recipe
from zerosum.studies import infogan_error as study
from zerosum.studies.infogan_error import INFOGAN_ERROR, INFOGAN_ERROR_OWN
from zerosum.studies.training import Split

PARTS = INFOGAN_ERROR_OWN.parts(0)


SHAPE = (1, 8, 8)
SPLIT = Split(halves(300, 1, SHAPE), halves(40, 2, SHAPE))


@pytest.mark.parametrize("part", PARTS)
def test_a_training_is_looked_at_to_its_end_and_taken_up_again(part: str, tmp_path: Path, monkeypatch):
    fraction = 8 / find("infogan/clusters").training.steps
    figures = study.train(SPLIT, part, 3, fraction, tmp_path / "whole", width=16)
    assert [point["round"] for point in figures["series"]] == [2, 4, 6, 8]
    assert figures["rounds"] == 8 and figures["seed"] == 3 and figures["part"] == part
    assert figures["error"] == figures["series"][-1]["error"] and len(figures["shares"]) == 2

    seen, match_categories = [], study.match_categories

    def stopped(game: InfoGAN, split: Split) -> dict[str, object]:
        """The third look fails."""
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(match_categories(game, split))
        return seen[-1]

    monkeypatch.setattr(study, "match_categories", stopped)
    with pytest.raises(KeyboardInterrupt):
        study.train(SPLIT, part, 3, fraction, tmp_path / "halves", width=16)
    monkeypatch.setattr(study, "match_categories", match_categories)
    torch.manual_seed(7)  # another process has other random numbers
    assert study.train(SPLIT, part, 3, fraction, tmp_path / "halves", width=16) == figures


def test_the_plain_part_learns_from_fakes_alone(tmp_path: Path, monkeypatch):
    made: list[InfoGAN] = []
    monkeypatch.setattr(
        study, "match_categories", lambda game, split: made.append(game) or {"error": 0.0, "shares": [1.0]}
    )
    for part in PARTS:
        study.train(SPLIT, part, 0, 1e-9, tmp_path / part, width=16)
    real, plain = (game.config for game in made)
    assert real.clusters.weight > 0 and plain.clusters.weight == 0 and plain.start == 0


def told(categories: Tensor) -> InfoGAN:
    """An InfoGAN whose Q says these categories, of has_ten_clusters, one after the other."""
    game = find("infogan/clusters").build(SPLIT.train.spec, {"network": {"width": 8, "recogniser_width": 8}})
    assert isinstance(game, InfoGAN)
    rest = [categories]

    def say(x: Tensor) -> Posterior:
        now, rest[0] = rest[0][: len(x)], rest[0][len(x) :]
        nothing = torch.zeros(len(x), 0)
        return Posterior((torch.nn.functional.one_hot(now, 10).float(),), nothing, nothing)

    game.posterior = say
    return game


def test_categories_are_matched_on_the_training_images_and_counted_on_the_test_images():
    train = torch.where(SPLIT.train.y == 0, 7, 2)  # category 7 is class 0, category 2 class 1
    train[(SPLIT.train.y == 1).nonzero()[:10]] = 5  # a third category is of no class
    test = torch.where(SPLIT.test.y == 0, 7, 2)
    test[:4] = 5
    test[4] = 9 - test[4]  # the other class
    found = study.match_categories(told(torch.cat([train, test])), SPLIT)
    assert found["error"] == pytest.approx(100 * 5 / 40)
    ones = int((SPLIT.train.y == 1).sum())
    assert found["shares"] == [1.0, pytest.approx((ones - 10) / ones, abs=1e-4)]


def test_ten_clusters_are_a_category_of_its_own_for_each_class():
    assert study.has_ten_clusters({"shares": [0.51, 0.99]}) and not study.has_ten_clusters({"shares": [0.5, 0.99]})


def test_values_are_those_with_real_samples():
    real, plain = PARTS
    parts = [
        {"part": real, "seed": 0, "rounds": 9, "error": 3.0, "shares": [0.9, 0.8], "series": []},
        {"part": plain, "seed": 0, "rounds": 9, "error": 30.0, "shares": [0.9, 0.0], "series": []},
        {"part": real, "seed": 1, "rounds": 9, "error": 12.0, "shares": [0.9, 0.4], "series": []},
        {"part": plain, "seed": 1, "rounds": 9, "error": 40.0, "shares": [0.2, 0.3], "series": []},
    ]
    figures = study.summarise(parts)
    assert figures["values"] == [3.0, 12.0] and figures["ten_clusters"] == 0.5
    assert figures["plain"] == [30.0, 40.0] and figures["plain_ten_clusters"] == 0


def test_the_authors_networks_are_judged_by_their_best_seed():
    def part(seed: int, error: float, least: float) -> dict[str, object]:
        of = {"seed": seed, "rounds": 5, "error": error, "shares": [0.9, least]}
        return {"part": "infogan/mnist", **of, "series": [{"round": 5, "error": error}]}

    found = INFOGAN_ERROR.summarise([part(0, 30.0, 0.4), part(1, 4.5, 0.8)])
    assert (found["values"], found["best"], found["share"]) == ([30.0, 4.5], 4.5, 0.5)
    assert INFOGAN_ERROR.reached(found) and INFOGAN_ERROR.verdict(found) == "met"
    assert not INFOGAN_ERROR.reached({**found, "values": [30.0, 5.5]})
    assert INFOGAN_ERROR.ours(found) == "30, 4.5: best 4.5, mean 17.2; ten clusters in 50 %"


def test_the_authors_networks_learn_from_as_many_images_without_averaged_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    seen: list[tuple[int, str, float, int]] = []

    def measured(split: Split, recipe: Recipe, options: object, *_: object) -> dict[str, float]:
        assert options == {}
        seen.append((len(split.train), recipe.name, recipe.training.average, recipe.training.steps))
        return {"error": 1.0}

    monkeypatch.setattr(study, "measured", measured)
    monkeypatch.setattr(Split, "mnist", lambda: SPLIT)
    monkeypatch.setattr(study, "PUBLISHED", 200)
    assert INFOGAN_ERROR.run("infogan/mnist", 0, 1.0, tmp_path) == {"part": "infogan/mnist", "error": 1.0}
    assert seen == [(200, "infogan/mnist", 0.0, 5_000)]
