"""Metrics of captions: what is ranked first, by hand."""

from __future__ import annotations

import pytest
import torch

from zerosum.metrics.matching import ranked_first


def test_the_right_caption_is_first_where_it_beats_all_others() -> None:
    right = torch.tensor([1.0, 0.0, 2.0, 1.0])
    wrong = torch.tensor([[0.0, 0.5], [-1.0, 1.0], [1.0, 1.5], [1.0, 0.0]])
    assert ranked_first(right, wrong) == 0.5, "a tie is not first"
    assert ranked_first(right, wrong[:, :1]) == 0.75


@pytest.mark.parametrize(("right", "wrong"), [((3,), (3,)), ((3,), (2, 1)), ((3, 1), (3, 1)), ((3,), (3, 0))])
def test_other_shapes_are_refused(right: tuple[int, ...], wrong: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"scores must be \(N,\) and \(N, K\)"):
        ranked_first(torch.zeros(right), torch.zeros(wrong))
