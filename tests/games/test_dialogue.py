"""The dialogue GAN: the gradient of its policy, the critic, the moves of a round, and what is asked of D."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor

from zerosum.batches import Dialogue
from zerosum.games import find
from zerosum.games.dialogue import DialogueGAN
from zerosum.modality import Spec, Tokens
from zerosum.networks.dialogue import Answerer, Critic, Discriminator, Reader

TOKENS = Tokens(("a", "b"), 3)
ENDING = Tokens(("<unk>", "<eos>", "x", "y"), 5)
EVERY = torch.tensor(list(itertools.product(range(2), repeat=3)))
ASKED = torch.tensor([[0, 1, 1], [1, 0, 0]])


def dialogue(tokens: Tokens = TOKENS, **options: Any) -> DialogueGAN:
    torch.manual_seed(2)
    settings = {"pretrain_generator": 0, "pretrain_discriminator": 0, "d_steps": 1} | options
    config = DialogueGAN.Config(**settings)
    generator = Answerer(tokens, tokens, 3, 4)
    with torch.no_grad():  # questions that matter
        for parameter in generator.parameters():
            parameter.mul_(4)
    d = Discriminator(tokens, tokens, 4, {1: 3, 2: 3}, 0.0)
    return DialogueGAN(generator, d, Critic(4, 8) if config.critic else None, tokens, config)


def draw(count: int = 8) -> Dialogue:
    rows = torch.arange(count)
    return Dialogue(ASKED[rows % 2], EVERY[rows % 8])


def slopes(loss: Tensor, game: DialogueGAN) -> Tensor:
    own = [p for p in game.generator.parameters() if p.requires_grad]
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, own)])


def expected_reward(game: DialogueGAN) -> Tensor:
    """The mean over both questions and all answers of D's probability of "real", by enumeration."""
    question, answer = ASKED.repeat_interleave(8, 0), EVERY.repeat(2, 1)
    with torch.no_grad():
        real = game.discriminator(question, answer).sigmoid()[:, 0]
    p = game.generator.policy.log_likelihood(answer, begun=game.embed(question)).sum(1).exp()
    return (p * real).sum() / 2


@pytest.mark.parametrize("critic", [False, True])
def test_the_gradient_is_that_of_the_expected_reward(critic: bool) -> None:
    """Of many answers, minus the mean gradient is the exact one, by enumeration; also with a critic."""
    game, count = dialogue(rollouts=2, critic=critic), 20_000
    with torch.no_grad():
        game.discriminator.head.weight.mul_(16)  # verdicts that differ
        game.discriminator.head.bias.sub_(game.discriminator(*draw(8)).mean())
    exact = slopes(expected_reward(game), game)
    move = next(game.round(lambda: draw(count), 0))
    assert move.player == "generator" and [*move.terms] == ["adversarial"]
    found = slopes(-3 * move.terms["adversarial"], game)  # a mean over the three tokens of each answer
    assert float((found - exact).norm() / exact.norm()) < 0.15
    assert float(torch.cosine_similarity(found, exact, dim=0)) > 0.99


def test_d_judges_each_completion_with_the_question_of_its_row() -> None:
    game = dialogue(rollouts=2_000)
    question, answer = ASKED.repeat(2, 1), EVERY[:4]
    found = game._rewards(question, answer, game.embed(question))
    whole = game.discriminator(question, answer).sigmoid()[:, 0].detach()
    torch.testing.assert_close(found[:, 2], whole)
    chance = game.generator.policy(answer, game.embed(question))[:, 2].softmax(1).detach()
    ends = torch.stack([torch.cat([answer[:, :2], torch.full((4, 1), last)], 1) for last in (0, 1)])
    judged = torch.stack([game.discriminator(question, own).sigmoid()[:, 0].detach() for own in ends])
    torch.testing.assert_close(found[:, 1], (chance.T * judged).sum(0), atol=0.02, rtol=0)


def test_a_constant_reward_is_one_and_the_critic_is_an_option() -> None:
    game = dialogue(rollouts=1, reward="constant")
    question, answer = draw(4)
    assert (game._rewards(question, answer, game.embed(question)) == 1).all()
    assert not any(name.startswith("critic") for name, _ in dialogue(critic=False).named_parameters())


def test_the_terms_of_policy_and_critic_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the tokens that the policy chose: what fills a row after its end counts for nothing."""
    game = dialogue(ENDING)
    question = torch.tensor([[2, 1, 1, 1, 1], [3, 2, 1, 1, 1]])
    answer = torch.tensor([[3, 1, 1, 1, 1], [2, 3, 3, 1, 1]])  # of two tokens and of four, with their ends
    worth = torch.rand(2, 5)
    monkeypatch.setattr(game, "_write", lambda begun: answer)
    monkeypatch.setattr(game, "_rewards", lambda question, answer, begun: worth)
    policys, critics, *_ = game.round(lambda: Dialogue(question, answer), 0)
    assert [*critics.terms] == ["error"] and critics.player == "critic" and game.critic is not None
    value = game.critic(game.generator.policy.hidden(answer, game.embed(question)))
    assert value.shape == (2, 5) and ((value > 0) & (value < 1)).all()
    by_hand = sum((value[i, t] - worth[i, t]) ** 2 for i, length in enumerate((2, 4)) for t in range(length)) / 6
    torch.testing.assert_close(critics.terms["error"], by_hand)
    log_p = game.generator.policy.log_likelihood(answer, begun=game.embed(question))
    weighed = (worth - value.detach()) * log_p
    expected = -sum(weighed[i, t] for i, length in enumerate((2, 4)) for t in range(length)) / 6
    torch.testing.assert_close(policys.terms["adversarial"], expected)
    critics.terms["error"].backward()
    reached = {name for name, parameter in game.named_parameters() if parameter.grad is not None}
    assert reached == {name for name, _ in game.named_parameters() if name.startswith("critic")}


def players(game: DialogueGAN, step: int) -> list[str]:
    return [f"{move.player}: {' '.join(move.terms)}" for move in game.round(draw, step)]


def test_the_moves_of_each_phase() -> None:
    game = dialogue(pretrain_generator=2, pretrain_discriminator=1, d_steps=2)
    learn, judge = "generator: likelihood", "discriminator: adversarial"
    assert [players(game, step) for step in range(3)] == [[learn], [learn], [judge]]
    assert players(game, 3) == ["generator: adversarial", "critic: error", learn, judge, judge]
    plain = dialogue(critic=False, teacher_forcing=False)
    assert players(plain, 0) == ["generator: adversarial", judge]
    assert [game.phase(step) for step in (0, 1, 2, 3)] == [
        *("generator alone", "generator alone", "discriminator alone", None)
    ]


def test_random_answers_are_those_of_other_questions() -> None:
    game, real = dialogue(fakes="random").eval(), draw(4)
    (move,) = (move for move in game.round(lambda: real, 0) if move.logits)
    assert move.logits is not None
    torch.testing.assert_close(move.logits.fake, game.discriminator(real.question, real.answer[[3, 0, 1, 2]]))
    torch.testing.assert_close(move.logits.real[:, 0], game.score(real.answer, real.question))


def test_rewards_leave_the_mode_of_d_as_it_is() -> None:
    game = dialogue()
    question, answer = draw(2)
    for mode in (True, False):
        game.discriminator.train(mode)
        game._rewards(question, answer, game.embed(question))
        assert game.discriminator.training is mode


def test_a_begun_policy_writes_by_its_own_probabilities() -> None:
    """What it writes is as frequent as its likelihood says, for each question."""
    game, count = dialogue(), 40_000
    for question in ASKED:
        begun = game.embed(question.expand(count, -1))
        ids = game.generator.policy.write(torch.rand(count, 3), begun=begun)
        shares = torch.stack([(ids == text).all(1).float().mean() for text in EVERY])
        p = game.generator.policy.log_likelihood(EVERY, begun=game.embed(question.expand(8, -1))).sum(1).exp()
        torch.testing.assert_close(shares, p.detach(), atol=0.01, rtol=0)


def test_what_fills_a_row_does_not_drown_the_question() -> None:
    """It is read before the text: the state differs by the first word most."""
    torch.manual_seed(0)
    reader = Reader(ENDING, 4, 6)
    texts = torch.tensor([[2, 1, 1, 1, 1], [3, 1, 1, 1, 1]])
    state = reader(texts)
    assert state.hidden.shape == state.cell.shape == (2, 6)
    longer = Reader(Tokens(ENDING.vocabulary, 9), 4, 6)
    longer.load_state_dict(reader.state_dict())
    again = longer(torch.nn.functional.pad(texts, (0, 4), value=1))
    apart = [float((own.hidden[0] - own.hidden[1]).detach().norm()) for own in (state, again)]
    assert apart[1] > 0.8 * apart[0] > 0


def test_d_sees_which_words_occur_in_the_other_text() -> None:
    """Two answers whose words D cannot tell apart differ by whether the question has them."""
    torch.manual_seed(0)
    d = Discriminator(ENDING, ENDING, 4, {1: 6}, 0.0).eval()
    with torch.no_grad():
        for filters in (d.question, d.answer):
            filters.embedding.weight.zero_()
    question = torch.tensor([[2, 1, 1, 1, 1]])
    said, other = (d(question, torch.tensor([[word, 1, 1, 1, 1]])) for word in (2, 3))
    assert not torch.equal(said, other)


def test_it_is_built_for_texts_of_one_vocabulary_alone() -> None:
    recipe = find("dialogue/lines")
    other = Tokens(("<unk>", "<eos>", "z"), 5)
    with pytest.raises(ValueError, match="questions and answers must be texts of one vocabulary"):
        recipe.build(Spec({"question": ENDING, "answer": other}))
    game = recipe.build(Spec({"question": ENDING, "answer": ENDING})).core
    with pytest.raises(ValueError, match="dialogue is conditional: pass y"):
        game.generate(torch.zeros(1, 5))  # type: ignore[operator]
