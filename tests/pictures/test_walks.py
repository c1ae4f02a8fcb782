"""Samples as z moves: walks between two points, and along each latent code."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from painter import FLAT, classes, painted

from zerosum.errors import ZerosumError
from zerosum.latent import Clustered, InfoGANPrior
from zerosum.modality import Classes, Condition, Vector
from zerosum.pictures.scatter import paths
from zerosum.pictures.walks import interpolation, latents_per_code, traversal
from zerosum.run.sampling import SampleRequest


@pytest.mark.parametrize(
    ("condition", "ending"),
    [(None, ""), (Classes.numbered(3), ", within a class"), (Vector(2), ", at one vector")],
)
def test_an_interpolation_of_images_has_a_row_for_each_walk(condition: Condition | None, ending: str) -> None:
    run = painted(condition, vectors=((3.0, 0.0), (1.0, 0.0)))
    picture = interpolation(run, (4, 9))
    assert picture.size == (10 * 50 - 2, 6 * 50 - 2) and latents_per_code(run) == 1
    assert picture.info["Title"] == f"Each row interpolates between two latent points in equal steps{ending}"
    expected = run.interpolate(6, 10, (4, 9))[:, :, 0, 0, 0].T  # (walks, steps)
    shown = torch.tensor(np.asarray(picture)).float()[24::50, 24::50]
    assert torch.allclose(shown, (expected + 1) * 127.5, atol=0.51)


def test_an_interpolation_of_points_is_paths_over_the_real_ones() -> None:
    run, real = painted(shape=(2,)), torch.randn(40, 2)
    picture = interpolation(run, (0, 1), real)
    assert np.array_equal(np.asarray(picture), np.asarray(paths(run.interpolate(24, 100, (0, 1)), real)))
    assert picture.info["Title"].startswith("Each line interpolates between two latent points, with a dot")
    assert latents_per_code(run) == 100


def test_a_row_is_a_code() -> None:
    run = painted(prior=InfoGANPrior(3, (4,), 2))
    picture = traversal(run, SampleRequest(1, seed=5), steps=6)
    moved = run.traverse(steps=6, seed=5)
    assert {name: tuple(x.shape) for name, x in moved.items()} == {
        "c1": (1, 4, *FLAT),
        "c2": (1, 6, *FLAT),
        "c3": (1, 6, *FLAT),
    }
    pixels = torch.tensor(np.asarray(picture)).float()[:, -298:]
    assert picture.height == 3 * 48 + 2 * 8
    for row, x in enumerate(moved.values()):
        shown = pixels[56 * row + 24, 24::50][: x.shape[1]]
        assert torch.allclose(shown, (x[0, :, 0, 0, 0] + 1) * 127.5, atol=0.51)
    assert picture.info["Title"].startswith("Each row moves one latent code")
    assert picture.info["Description"].endswith("c1 from 0 to 3, c2 from -1 to 1, c3 from -1 to 1")


def test_chosen_codes_and_several_lines_of_each() -> None:
    run = painted(prior=InfoGANPrior(3, (4,), 2))
    assert traversal(run, SampleRequest(5), ["c3"], steps=2).height == 5 * 50 - 2
    assert list(run.traverse(["c3", "c1"], rows=2)) == ["c3", "c1"]


def test_many_categories_are_cut_off_and_named_so() -> None:
    picture = traversal(painted(prior=Clustered(2, 300)), SampleRequest(1))
    assert picture.info["Description"].endswith("cluster from 0 to 29 of 300")
    assert 30 * 50 < picture.width < 31 * 50 + 200


def test_any_number_of_steps_is_drawn_and_large_images_smaller() -> None:
    run = painted(prior=InfoGANPrior(3, (), 1))
    assert traversal(run, SampleRequest(1), steps=70).width > 70 * 50 - 2
    large = traversal(painted(prior=InfoGANPrior(3, (), 1), shape=(3, 300, 300)), SampleRequest(1), steps=3)
    assert large.height == 128 and large.width > 3 * 130 - 2


def test_codes_of_points() -> None:
    real = torch.randn(40, 2)
    both = traversal(painted(prior=InfoGANPrior(3, (4,), 1), shape=(2,)), SampleRequest(100), real=real)
    assert both.height == 2 * 480 + 8
    assert both.info["Title"].startswith("In each plot one latent code moves")


@pytest.mark.parametrize("condition", [Classes.numbered(3), Vector(2)])
def test_codes_of_a_conditional_gan(condition: Condition) -> None:
    vectors = ((3.0, 0.0), (1.0, 0.0)) if condition.kind == "vector" else ()
    moved = painted(condition, vectors=vectors, prior=Clustered(1, 2)).traverse(rows=2)
    first, second = moved["cluster"][:, :, 0, 0, 0]
    expected = (0.0, 0.1) if condition.kind == "classes" else (0.3, 0.1)
    assert abs((second - first).mean().item() - (expected[1] - expected[0])) < 0.08


def test_what_cannot_be_traversed() -> None:
    run = painted(prior=InfoGANPrior(3, (4,), 1))
    with pytest.raises(ZerosumError, match="no code 'c9'; its codes are c1, c2"):
        run.traverse(["c1", "c9"])
    with pytest.raises(ZerosumError, match="at least 2 steps and 1 row, not 1 and 1"):
        run.traverse(steps=1)
    with pytest.raises(ZerosumError, match="not 10 and 0"):
        run.traverse(rows=0)
    with pytest.raises(ZerosumError, match="the z of painter has no codes to move; interpolate between two seeds"):
        painted().traverse()
    with pytest.raises(ZerosumError, match="takes no class"):
        run.traverse(classes=1)


def test_the_request_reaches_the_samples() -> None:
    run = classes(5, prior=InfoGANPrior(3, (4,), 0))
    request = SampleRequest(1, seed=3, truncation=0.1, classes=4)
    moved = run.traverse(seed=3, truncation=0.1, classes=4)["c1"]
    shown = torch.tensor(np.asarray(traversal(run, request))).float()[24, -198:][24::50]
    assert torch.allclose(shown, (moved[0, :, 0, 0, 0] + 1) * 127.5, atol=0.51)
