"""The recurrent policy: how tokens are chosen, what it says of texts, and how it completes them."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from zerosum.modality import Tokens
from zerosum.networks.choice import choose, choose_by_rank
from zerosum.networks.policy import START, Policy

WORDS = Tokens(("<unk>", "<eos>", "x", "y"), 4)
FIXED = Tokens(("a", "b", "c"), 3)


def policy(tokens: Tokens, std: float = 1.0) -> Policy:
    torch.manual_seed(1)
    return Policy(tokens, 5, 6, std)


def every_text(tokens: Tokens) -> Tensor:
    """All rows of ids that can be written."""
    rows = torch.tensor(list(itertools.product(range(tokens.size), repeat=tokens.length)))
    if tokens.end is None:
        return rows
    ended = (rows == tokens.end).int().cumsum(1).clamp(max=1)
    return rows[
        (rows[:, -1] == tokens.end)
        & (ended.diff(dim=1) >= 0).all(1)
        & ((ended[:, :-1] == 0) | (rows[:, 1:] == tokens.end)).all(1)
    ]


@pytest.mark.parametrize("chosen_by", [choose, choose_by_rank])
def test_tokens_are_chosen_by_their_probability(chosen_by):
    logits = torch.tensor([0.0, 1.0, -20.0, 2.0, 0.5, 1.5, -1.0])
    count = 20_000
    u = (torch.arange(count) + 0.5) / count
    shares = chosen_by(logits.expand(count, -1), u).bincount(minlength=7) / count
    torch.testing.assert_close(shares, logits.softmax(0), atol=2 / count, rtol=0)


@pytest.mark.parametrize("chosen_by", [choose, choose_by_rank])
def test_what_has_no_probability_is_never_chosen(chosen_by):
    logits = torch.full((4, 10), -torch.inf)
    logits[:, 3], logits[:, 4] = 1.0, 0.0
    assert set(chosen_by(logits, torch.tensor([0.0, 0.4, 0.9999999, 1.0])).tolist()) <= {3, 4}
    assert chosen_by(torch.zeros(2, 1), torch.tensor([0.0, 1.0])).tolist() == [0, 0]


def test_by_rank_the_likeliest_come_first():
    """So that u below p is nucleus sampling."""
    logits = torch.tensor([0.1, 0.6, 0.05, 0.25]).log()
    u = torch.tensor([0.0, 0.59, 0.61, 0.84, 0.86, 0.94, 0.96])
    assert choose_by_rank(logits.expand(7, -1), u).tolist() == [1, 1, 3, 3, 0, 0, 2]


@pytest.mark.parametrize("tokens", [WORDS, FIXED])
def test_the_probabilities_of_all_texts_sum_to_one(tokens):
    texts = every_text(tokens)
    assert policy(tokens).log_likelihood(texts).sum(1).exp().detach().sum().item() == pytest.approx(1, abs=1e-5)


def test_nothing_behind_the_end_and_no_forced_end_counts():
    model = policy(WORDS)
    ids = torch.tensor([[2, 1, 1, 1], [2, 3, 2, 1], [1, 1, 1, 1]])
    assert model.chosen(ids).tolist() == [[1, 1, 0, 0], [1, 1, 1, 0], [1, 0, 0, 0]]
    assert ((model.log_likelihood(ids) < 0) == model.chosen(ids).bool()).all()
    assert policy(FIXED).chosen(torch.zeros(1, 3, dtype=torch.long)).tolist() == [[1, 1, 1]]


@pytest.mark.parametrize("tokens", [WORDS, FIXED])
def test_it_writes_texts_as_often_as_it_says(tokens):
    model, count = policy(tokens), 40_000
    written = model.write(torch.rand(count, tokens.length, generator=torch.Generator().manual_seed(3)))
    texts = every_text(tokens)
    powers = tokens.size ** torch.arange(tokens.length)
    shares = (written @ powers).bincount(minlength=int(tokens.size**tokens.length)) / count
    expected = model.log_likelihood(texts).sum(1).exp()
    assert float(shares[texts @ powers].sum()) == pytest.approx(1), "a text that cannot be was written"
    torch.testing.assert_close(shares[texts @ powers], expected, atol=0.012, rtol=0)


def test_a_text_depends_on_its_own_numbers_alone():
    model, u = policy(WORDS), torch.rand(300, 4)  # more than are written together
    written = model.write(u)
    assert torch.equal(model.write(u[:1]), written[:1]) and torch.equal(model.write(u[299:]), written[299:])


def test_texts_begin_as_they_are_told_to():
    model, u = policy(WORDS), torch.rand(50, 4)
    written = model.write(u, torch.tensor([3, 2]))
    assert (written[:, :2] == torch.tensor([3, 2])).all() and written[:, 2].unique().numel() > 1


def test_a_low_temperature_writes_the_likeliest_token():
    model = policy(FIXED)
    written = model.write(torch.rand(20, 3), temperature=1e-4)
    assert (written == written[0]).all()
    assert written[0, 0] == model(torch.zeros(1, 3, dtype=torch.long))[0, 0].argmax()


@pytest.mark.parametrize("tokens", [WORDS, FIXED])
def test_rollouts_keep_what_was_written_and_go_on_from_it(tokens):
    """Shared states give what a loop over all beginnings gives, where no luck is in it."""
    model = policy(tokens)
    with torch.no_grad():
        model.out.weight.mul_(1e4)  # then the likeliest token has the probability 1
        model.out.bias.mul_(1e4)
    ids = every_text(tokens)[:7]
    made = model.rollouts(ids, 2)
    assert made.shape == (tokens.length - 1, 2, 7, tokens.length)
    for given in range(1, tokens.length):
        for row in range(7):
            start = ids[row, :given]
            ended = tokens.end is not None and bool((start == tokens.end).any())
            expected = ids[row] if ended else model.write(torch.rand(1, tokens.length), start)[0]
            assert (made[given - 1, :, row] == expected).all()


def test_rollouts_are_drawn_from_the_policy():
    model = policy(FIXED)
    ids = torch.tensor([[1, 0, 2]]).expand(20_000, 3)
    made = model.rollouts(ids, 1)
    after_two = made[1, 0, :, 2].bincount(minlength=3) / 20_000
    torch.testing.assert_close(after_two, model(ids[:1])[0, 2].softmax(0).detach(), atol=0.015, rtol=0)
    assert (made[0, 0, :, 0] == 1).all() and (made[1, 0, :, :2] == ids[:, :2]).all()
    after_one = made[0, 0, :, 1].bincount(minlength=3) / 20_000
    torch.testing.assert_close(after_one, model(ids[:1])[0, 1].softmax(0).detach(), atol=0.015, rtol=0)


def test_texts_begin_after_the_start_token():
    model = policy(FIXED)
    ids = torch.tensor([[2, 1, 0]])
    state = model.read(torch.tensor([START]), None)
    for place in range(3):
        torch.testing.assert_close(model(ids)[:, place], model.out(state.hidden))
        state = model.read(ids[:, place], state)


def test_texts_that_have_ended_are_dropped_where_that_is_cheap_and_nothing_changes(monkeypatch: pytest.MonkeyPatch):
    model, u = policy(WORDS), torch.rand(200, 4)
    ids = model.write(u)
    torch.manual_seed(5)
    dropped = model.rollouts(ids, 3)
    monkeypatch.setattr("zerosum.networks.policy.drops", lambda ended: False)
    assert torch.equal(model.write(u), ids)
    made = model.rollouts(ids, 3)
    begins = model.begins(ids)
    assert begins.shape == (3, 200) and 0 < begins.float().mean() < 1
    for completed in (dropped, made):
        assert torch.equal(
            completed[~begins[:, None].expand(completed.shape[:3])],
            ids.expand(3, 3, 200, 4)[~begins[:, None].expand(3, 3, 200)],
        )
        after = (completed == WORDS.end).int().cumsum(-1) > 0
        assert (completed[after] == WORDS.end).all() and after[..., -1].all()
    shares = [(c[1, :, begins[1]] == 2).float().mean() for c in (dropped, made)]
    torch.testing.assert_close(*shares, atol=0.05, rtol=0)
