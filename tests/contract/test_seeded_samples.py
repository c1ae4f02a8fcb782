"""What a seed draws does not depend on how many are asked for, nor on the size of a batch: of every recipe."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from zerosum.game import Game
from zerosum.latent import ROWS, draw_rows
from zerosum.modality import Tokens
from zerosum.roles import Classifies, Discriminates, Generates, Translates, has_role, in_role
from zerosum.run import sampling

COUNTS = (1, 2, 7, 15, 16, 17, 64)
STEP = 1 / 255  # half of the step from one 8-bit pixel to the next, in [-1, 1]


@pytest.fixture
def settled(case) -> Game[Any]:
    """The game with statistics of batch norm that are not those it was built with, in training mode."""
    torch.manual_seed(0)
    game = case.game().train()
    for _ in range(3):
        for move in game.round(case.batch, 0):
            del move
    return game


def drawn(game: Game[Any], count: int, seed: int = 5, **how: Any) -> Tensor:
    return sampling.sample(game, count, seed=seed, labels=labels_of(game, count), **how)


def labels_of(game: Game[Any], count: int) -> Tensor | None:
    condition, rows = in_role(game, Generates).condition, None
    if isinstance(condition, Tokens):
        rows = torch.arange(3 * condition.length).view(3, condition.length) % condition.size
    return sampling.default_labels(condition, count, rows)


def assert_first_rows(few: Tensor, many: Tensor) -> None:
    if few.is_floating_point():
        torch.testing.assert_close(few, many[: len(few)], atol=STEP, rtol=1e-3)
    else:
        assert torch.equal(few, many[: len(few)])


def test_z_is_the_same_bit_for_bit(case, settled: Game[Any]):
    if not has_role(settled, Generates):
        pytest.skip("it has no z")
    prior = in_role(settled, Generates).prior
    many = draw_rows(prior, 2 * ROWS + 3, seed=4)
    assert many.shape == (2 * ROWS + 3, prior.dim) and len(many.unique(dim=0)) > ROWS
    for count in (*COUNTS, ROWS - 1, ROWS, ROWS + 1):
        assert torch.equal(draw_rows(prior, count, seed=4), many[:count])
    for start in (1, 63, ROWS - 1, ROWS, ROWS + 1, 2 * ROWS):
        assert torch.equal(draw_rows(prior, 3, seed=4, start=start), many[start : start + 3])
    assert not torch.equal(draw_rows(prior, 3, seed=5), many[:3])
    kept, cut = (sampling._latents(settled, 40, 4, 0, limit, 256, "rows") for limit in (None, 0.5))
    assert torch.equal(cut[:1], sampling._latents(settled, 1, 4, 0, 0.5, 256, "rows"))
    assert not torch.equal(kept, cut)


def test_samples_of_a_seed_share_their_first(case, settled: Game[Any]):
    if not has_role(settled, Generates):
        pytest.skip("it makes nothing of z alone")
    state = torch.get_rng_state()
    many = drawn(settled, 64)
    assert len(many) == 64
    for count in COUNTS:
        for batch_size in (1, 16, 64):
            assert_first_rows(drawn(settled, count, batch_size=batch_size), many)
    assert_first_rows(drawn(settled, 7, truncation=0.7), drawn(settled, 64, truncation=0.7))
    assert_first_rows(drawn(settled, 5, start=0), many)
    if in_role(settled, Generates).condition is None:
        assert_first_rows(drawn(settled, 9, start=7), many[7:])
    walk, longer = (
        sampling.interpolate(settled, count, 3, (1, 2), labels=labels_of(settled, count)).transpose(0, 1)
        for count in (1, 7)
    )
    assert_first_rows(walk, longer)
    assert torch.equal(torch.get_rng_state(), state), "the training's random numbers stay as they were"
    assert settled.training


def test_traversals_of_more_points_share_their_first(case, settled: Game[Any]):
    codes = in_role(settled, Generates).prior.codes if has_role(settled, Generates) else ()
    if not codes:
        pytest.skip("z has no codes")
    one, more = (sampling.traverse(settled, codes, 3, rows, seed=2, labels=labels_of(settled, rows)) for rows in (1, 6))
    for name in one:
        assert_first_rows(one[name], more[name])


def test_what_is_said_of_a_sample_does_not_depend_on_the_others(case, settled: Game[Any]):
    """Translations, scores and classes, in batches of any size."""
    batch = case.batch()
    x = batch if isinstance(batch, Tensor) else batch[0]
    said: list[Any] = []
    if has_role(settled, Translates):
        said.append(lambda x: in_role(settled, Translates).translate(x))
    if has_role(settled, Classifies):
        said.append(in_role(settled, Classifies).classifier())
    if has_role(settled, Discriminates) and not case.packs and in_role(settled, Generates).condition is None:
        said.append(lambda x: in_role(settled, Discriminates).score(x))
    for function in said:
        with sampling.eval_no_grad(settled, 0):
            one, two, all_ = (
                torch.cat(list(sampling.row_by_row(settled, function, [x[:n]], size, lambda number: 0)))
                for n, size in ((1, 64), (len(x), 1), (len(x), 64))
            )
        torch.testing.assert_close(one, all_[:1], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(two, all_, atol=1e-4, rtol=1e-4)
