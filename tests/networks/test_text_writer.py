"""Soft-argmax: gradients pass through it, and towards temperature 0 it is the likeliest token."""

from __future__ import annotations

import pytest
import torch

from zerosum.modality import Tokens
from zerosum.networks.text_cnn import TextCNN
from zerosum.networks.text_writer import TextWriter, softened

ENDING = Tokens(("<unk>", "<eos>", "x", "y", "z"), 6)
FIXED = Tokens(("a", "b", "c"), 4)


def writer(tokens: Tokens, scale: float = 3.0) -> TextWriter:
    torch.manual_seed(3)
    made = TextWriter(tokens, 4, 5, 8)
    with torch.no_grad():
        made.out.weight.mul_(scale)
        made.embedding.weight.mul_(10)
    return made


@pytest.mark.parametrize("straight_through", [True, False])
def test_softened_by_hand(straight_through: bool):
    logits = torch.tensor([[1.0, 2.0, 0.0]], requires_grad=True)
    p = (logits / 0.5).softmax(1)
    made = softened(logits, 0.5, straight_through)
    torch.testing.assert_close(made, torch.tensor([[0.0, 1.0, 0.0]]) if straight_through else p)
    weights = torch.tensor([[1.0, -2.0, 0.5]])
    ours, plain = (torch.autograd.grad((y * weights).sum(), logits)[0] for y in (made, p))
    torch.testing.assert_close(ours, plain)


@pytest.mark.parametrize("tokens", [ENDING, FIXED])
def test_soft_tokens_are_the_written_ones_in_the_limit(tokens: Tokens):
    g, z = writer(tokens), torch.randn(40, 4)
    ids = g(z)
    hard = torch.nn.functional.one_hot(ids, tokens.size).float()
    assert ids.shape == (40, tokens.length) and ids.dtype == torch.int64 and len(ids.unique(dim=0)) > 3
    torch.testing.assert_close(g.soft(z, 1.0, True), hard)
    torch.testing.assert_close(g.soft(z, 1e-7, False), hard)
    soft = g.soft(z, 1.0, False)
    assert float((soft - hard).abs().max().detach()) > 0.1
    torch.testing.assert_close(soft.sum(2), torch.ones(40, tokens.length))


def test_a_text_ends_once():
    g, z = writer(ENDING), torch.randn(60, 4)
    ids = g(z)
    ended = (ids == ENDING.end).cumsum(1) > 0
    assert (ids[ended] == ENDING.end).all() and (ids[:, -1] == ENDING.end).all()
    assert len(ENDING.lengths(ids).unique()) > 1
    soft = g.soft(z, 1.0, False)
    assert (soft[:, :, ENDING.end].diff(dim=1) >= -1e-6).all(), "the share that has ended only grows"


@pytest.mark.parametrize("tokens", [ENDING, FIXED])
def test_the_likeliest_token_of_the_logits_is_what_is_written(tokens: Tokens):
    """Read with its own text before it, G has the logits by which it wrote."""
    g, z = writer(tokens), torch.randn(40, 4)
    ids = g(z)
    chosen = tokens.chosen(ids).bool()
    assert torch.equal(g.logits(z, ids).argmax(2)[chosen], ids[chosen])


def test_the_surprise_is_a_mean_over_the_tokens_that_are_chosen():
    g, z = writer(ENDING), torch.randn(2, 4)
    ids = torch.tensor([[2, 1, 1, 1, 1, 1], [2, 3, 4, 2, 3, 1]])
    log_p = g.logits(z, ids).log_softmax(2)
    by_hand = [log_p[0, 0, 2], log_p[0, 1, 1], *(log_p[1, i, ids[1, i]] for i in range(5))]
    torch.testing.assert_close(g.surprise(z, ids), -torch.stack(by_hand).mean())


@pytest.mark.parametrize("straight_through", [True, False])
@pytest.mark.parametrize("tokens", [ENDING, FIXED])
def test_gradients_pass_through_every_token(tokens: Tokens, straight_through: bool):
    """Of what D says of soft tokens: to z, to all weights of G, and back from the last token to the first."""
    g, d = writer(tokens, 1.0), TextCNN(tokens, 4, {1: 3, 2: 3}, 0.0)
    z = torch.randn(8, 4, requires_grad=True)
    soft = g.soft(z, 1.0, straight_through)
    slopes = torch.autograd.grad(d(soft).sum(), [z, *g.parameters()], retain_graph=True)
    assert all(float(slope.abs().sum()) > 0 for slope in slopes)
    place = tokens.length - 1 - (tokens.end is not None)
    (late,) = torch.autograd.grad(soft[:, place].square().sum(), g.begin.weight)
    assert float(late.abs().sum()) > 0


def test_d_takes_ids_and_soft_tokens_alike():
    torch.manual_seed(0)
    d, ids = TextCNN(ENDING, 4, {1: 3, 2: 3}, 0.0), torch.randint(5, (7, 6))
    torch.testing.assert_close(d(torch.nn.functional.one_hot(ids, 5).float()), d(ids))
    mixed = torch.full((1, 6, 5), 0.2)
    torch.testing.assert_close(d.embed(mixed)[0, 0], d.embedding.weight.mean(0))
