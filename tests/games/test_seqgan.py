"""SeqGAN: the gradient of its policy, the rewards of tokens, and the order of its phases."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor

from zerosum.batches import Sequences
from zerosum.errors import ZerosumError
from zerosum.games.seqgan import SeqGAN, of_others
from zerosum.modality import Tokens
from zerosum.networks.policy import Policy
from zerosum.networks.text_cnn import TextCNN
from zerosum.techniques import Techniques
from zerosum.techniques.apply import with_techniques

TOKENS = Tokens(("a", "b"), 3)
EVERY = torch.tensor(list(itertools.product(range(2), repeat=3)))


def seqgan(tokens: Tokens = TOKENS, **options: Any) -> SeqGAN:
    torch.manual_seed(2)
    settings = {"pretrain_generator": 0, "pretrain_discriminator": 0, "d_steps": 1} | options
    return SeqGAN(Policy(tokens, 3, 4, 1.0), TextCNN(tokens, 4, {1: 3, 2: 3}, 0.0), SeqGAN.Config(**settings))


def draw(count: int = 8) -> Sequences:
    ids = EVERY[torch.arange(count) % len(EVERY)]
    return Sequences(ids, torch.full((count,), 3))


def slopes(loss: Tensor, game: SeqGAN) -> Tensor:
    own = [p for p in game.generator.parameters() if p.requires_grad]
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, own)])


def expected_reward(game: SeqGAN) -> Tensor:
    """The mean over all texts of D's probability of "real", by enumeration."""
    with torch.no_grad():
        real = game.discriminator(EVERY).sigmoid()[:, 0]
    return (game.generator.log_likelihood(EVERY).sum(1).exp() * real).sum()


@pytest.mark.parametrize("baseline", [False, True])
def test_the_gradient_is_that_of_the_expected_reward(baseline: bool):
    """Of many texts, minus the mean gradient is the exact one, by enumeration; also with a baseline."""
    game, count = seqgan(rollouts=2, baseline=baseline), 20_000
    with torch.no_grad():
        game.discriminator.head.weight.mul_(8)  # verdicts that differ
    exact = slopes(expected_reward(game), game)
    move = next(game.round(lambda: draw(count), 0))
    assert move.player == "generator" and [*move.terms] == ["adversarial"]
    found = slopes(-3 * move.terms["adversarial"], game)  # a mean over the three tokens of each text
    assert float((found - exact).norm() / exact.norm()) < 0.1
    assert float(torch.cosine_similarity(found, exact, dim=0)) > 0.995


def test_a_whole_text_is_rewarded_by_d_and_a_beginning_by_completions():
    game = seqgan(rollouts=2_000)
    ids = EVERY[:4]
    rewards, real = game._rewards(ids), game.discriminator(EVERY).sigmoid()[:, 0].detach()
    assert rewards.shape == (4, 3)
    torch.testing.assert_close(rewards[:, 2], real[:4])
    chance = game.generator(ids)[:, 2].softmax(1).detach()
    expected = chance[:, 0] * real[[0, 0, 2, 2]] + chance[:, 1] * real[[1, 1, 3, 3]]
    torch.testing.assert_close(rewards[:, 1], expected, atol=0.02, rtol=0)


def test_rewards_that_know_no_data():
    assert (seqgan(reward="constant")._rewards(EVERY) == 0.5).all()
    drawn = seqgan(reward="random")._rewards(EVERY)
    assert drawn.unique().numel() == drawn.numel() and (drawn >= 0).all() and (drawn < 1).all()


def test_rewards_leave_the_mode_of_d_as_it_is():
    game = seqgan()
    for mode in (True, False):
        game.discriminator.train(mode)
        game._rewards(EVERY)
        assert game.discriminator.training is mode


def test_phases_go_one_after_the_other():
    game = seqgan(pretrain_generator=2, pretrain_discriminator=1, d_steps=3)
    played = [[(move.player, next(iter(move.terms))) for move in game.round(draw, step)] for step in range(4)]
    assert played[:2] == [[("generator", "likelihood")]] * 2
    assert played[2] == [("discriminator", "adversarial")]
    assert played[3] == [("generator", "adversarial"), *[("discriminator", "adversarial")] * 3]


def test_the_likelihood_is_the_mean_over_the_tokens_that_are_chosen():
    tokens = Tokens(("<unk>", "<eos>", "x", "y"), 4)
    game = seqgan(tokens, pretrain_generator=1)
    ids = torch.tensor([[2, 1, 1, 1], [2, 3, 2, 1]])
    move = next(game.round(lambda: Sequences(ids, tokens.lengths(ids)), 0))
    log_p = game.generator(ids).log_softmax(2)
    by_hand = [log_p[0, 0, 2], log_p[0, 1, 1], log_p[1, 0, 2], log_p[1, 1, 3], log_p[1, 2, 2]]
    torch.testing.assert_close(move.loss, -torch.stack(by_hand).mean())


def test_entropy_and_likelihood_are_terms_of_their_own():
    game = seqgan(entropy=0.5, likelihood=2.0, reward="constant")
    move = next(game.round(draw, 0))
    assert [*move.terms] == ["adversarial", "entropy", "likelihood"]
    torch.testing.assert_close(move.terms["likelihood"], 2 * game.generator.surprise(draw().ids))
    assert -0.5 * torch.log(torch.tensor(2.0)) <= move.terms["entropy"] < 0


def test_texts_are_completed_by_the_policy_that_lags():
    game = seqgan(lag=0.5, rollouts=3)
    assert game.behind is not None
    with torch.no_grad():
        game.behind.out.weight.zero_()
        game.behind.out.bias.copy_(torch.tensor([-50.0, 50.0]))  # it writes 1 alone
    real = game.discriminator(EVERY).sigmoid()[:, 0].detach()
    torch.testing.assert_close(game._rewards(EVERY[:4])[:, 1], real[[1, 1, 3, 3]])


def test_a_policy_that_lags_follows_the_current_one():
    game = seqgan(lag=0.75, pretrain_generator=1, rollouts=1)
    for step in range(2):
        moves = game.round(draw, step)
        next(moves)
        if step == 1:
            assert game.behind is not None
            first = game.behind.out.bias.clone()
            torch.testing.assert_close(first, game.generator.out.bias)
            with torch.no_grad():
                game.generator.out.bias.add_(1.0)  # a step of the optimiser
        list(moves)
    torch.testing.assert_close(game.behind.out.bias, first + 0.25)
    assert not any(p.requires_grad for p in game.behind.parameters()) and seqgan().behind is None


def test_d_sees_as_many_written_texts_as_real_ones_and_its_head_is_held_small():
    game = seqgan(l2=0.3)
    torch.nn.init.constant_(game.discriminator.head.bias, 2.0)
    *_, move = game.round(draw, 0)
    assert move.logits.real.shape == move.logits.fake.shape == (8, 1)
    head = game.discriminator.head
    torch.testing.assert_close(move.terms["l2"], 0.3 * (head.weight.square().sum() + head.bias.square().sum()))


def test_z_is_a_text_and_truncation_is_nucleus_sampling():
    game = seqgan().eval()
    z = game.prior.draw(500)
    made = game.generate(z)
    assert torch.equal(made, game.generate(-z)), "the size of a number counts"
    likeliest = game.generate(torch.zeros(1, 3))
    assert torch.equal(likeliest, game.generator.write(torch.rand(1, 3), temperature=1e-4))
    assert (game.generate(game.prior.truncated(z, 1e-3)) == likeliest).all()
    assert made.unique(dim=0).shape[0] > 4
    assert (game.complete(torch.tensor([1]), z)[:, 0] == 1).all()


def test_a_text_is_compared_with_the_others_that_have_a_token_there():
    rewards = torch.tensor([[1.0, 5.0], [2.0, 7.0], [6.0, 9.0]])
    chosen = torch.tensor([[1.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    assert of_others(rewards, chosen)[:, 0].tolist() == [4.0, 3.5, 1.5]
    assert of_others(rewards, chosen)[[0, 2], 1].tolist() == [9.0, 5.0]
    assert of_others(rewards[:1], chosen[:1]).tolist() == [[0.0, 0.0]], "of one text nothing is subtracted"


@pytest.mark.parametrize(("options", "message"), [
    ({"reward": "constant", "baseline": True}, "minus its mean is 0, so nothing is learnt; add --no-baseline"),
    ({"reward": "random", "lag": 0.5}, "--reward random completes no texts; leave --lag out"),
    ({"d_steps": 0}, "D never learns; raise --d-steps or --pretrain-discriminator"),
])  # fmt: skip
def test_options_that_cannot_be_honoured_are_refused(options: dict[str, Any], message: str):
    with pytest.raises(ZerosumError, match=message):
        seqgan(**options).check()


@pytest.mark.parametrize(("techniques", "message"), [
    (Techniques(feature_matching=1.0), "feature matching needs samples with a gradient, and seqgan's texts have none"),
    (Techniques(minibatch_discrimination=4), "seqgan asks its discriminator about single texts; leave it out"),
    (Techniques(virtual_batch_norm=4), "seqgan has no batch norm to make virtual"),
])  # fmt: skip
def test_techniques_that_do_not_fit_texts_are_refused(techniques: Techniques, message: str):
    game = seqgan()
    with pytest.raises(ZerosumError, match=message):
        with_techniques(game, techniques, game.generator.tokens)


def test_texts_of_one_token_are_refused():
    with pytest.raises(ZerosumError, match="texts of one token leave nothing to complete"):
        seqgan(Tokens(("a", "b"), 1)).check()
