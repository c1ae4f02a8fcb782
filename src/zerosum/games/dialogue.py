"""A dialogue GAN; Li et al., 2017, "Adversarial learning for neural dialogue generation"."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor

from zerosum import latent
from zerosum.batches import Dialogue, Draw
from zerosum.errors import ZerosumError
from zerosum.game import Logits, Move, Player
from zerosum.games.seqgan import NEVER_LEARNS, alone
from zerosum.latent_game import LatentGame
from zerosum.losses import non_saturating
from zerosum.modality import Spec, Tokens
from zerosum.networks.choice import choose_by_rank
from zerosum.networks.dialogue import WIDTHS, Answerer, Critic, Discriminator
from zerosum.networks.discriminate import in_evaluation
from zerosum.networks.monte_carlo import rewards
from zerosum.networks.policy import State
from zerosum.optim import Adam, DiscriminatorOptimizer, GeneratorOptimizer, Optimizer
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.roles import Answers, Discriminates
from zerosum.util import distributed
from zerosum.util.switches import With


class DialogueGAN(LatentGame[Dialogue], Answers, Discriminates):
    """A policy that answers questions, and is rewarded by D's verdict; Li et al., 2017, algorithm 1.

    First the policy learns by maximum likelihood, then D learns to tell its answers from real ones. Then each step is a
    move of the policy by REINFORCE, one of the critic, one of the policy by a real answer (teacher forcing, without
    which the policy may lose its way and never see an answer that is rewarded), and `d_steps` moves of D. The reward of
    a token is D's mean probability of "real" for answers that the policy completes after it (Monte Carlo search), minus
    what the critic expected of the state before it.

    An answer is made from z in (-1, 1)^length, as SeqGAN's texts are.

    Args:
        generator: the policy, and the reader of questions that it begins with.
        discriminator: ids of questions and of answers, (B, length) each, to logits (B, 1).
        critic: what the policy's LSTM remembers, (B, L, H), to the rewards (B, L) that are to be expected;
            None: nothing is subtracted from the rewards.
        condition: the kind of the questions.
    """

    generator: Answerer
    name = "dialogue"
    makes = "answer"

    @dataclass(frozen=True)
    class Config(Checked):
        pretrain_generator: Annotated[int, Ge(0), "steps of maximum likelihood that the policy begins with"] = 3_000
        pretrain_discriminator: Annotated[int, Ge(0), "steps after these in which D alone learns"] = 1_000
        d_steps: Annotated[int, Ge(0), "discriminator moves per step"] = 5
        rollouts: Annotated[
            int,
            Gt(0),
            With("reward", lambda own: own.reward == "discriminator"),
            "completions of each beginning of an answer, whose mean is its reward",
        ] = 5
        reward: Annotated[
            Literal["discriminator", "constant"], "the probability that D gives an answer; or, as a control, always 1"
        ] = "discriminator"
        critic: Annotated[bool, "subtract from each reward what the critic expected"] = True
        teacher_forcing: Annotated[bool, "a move of the policy by real answers in each step"] = True
        fakes: Annotated[
            Literal["policy", "random"],
            With("d_steps", lambda own: own.d_steps or own.pretrain_discriminator),
            "what D is to tell from real answers: the policy's, or, as a control of D, those of other questions",
        ] = "policy"
        g_optimizer: GeneratorOptimizer = Adam(2e-3, (0.9, 0.999))
        d_optimizer: DiscriminatorOptimizer = Adam(2e-3, (0.9, 0.999))
        c_optimizer: Annotated[Optimizer, With("critic"), "the critic's"] = Adam(5e-4, (0.9, 0.999))

    def __init__(
        self,
        generator: Answerer,
        discriminator: Discriminator,
        critic: Critic | None,
        condition: Tokens,
        config: Config = Config(),
    ):
        super().__init__()
        self.generator, self.discriminator, self.critic, self.config = generator, discriminator, critic, config
        self.condition = condition
        self.prior = latent.Uniform(generator.policy.tokens.length)

    def check(self) -> None:
        if self.generator.policy.tokens.length < 2:
            raise ZerosumError("answers of one token leave nothing to complete; give longer ones")
        if self.config.reward == "constant" and self.config.critic:
            raise ZerosumError("--reward constant minus what the critic expects is soon 0; add --no-critic")
        if self.config.reward == "discriminator" and not self.config.d_steps + self.config.pretrain_discriminator:
            raise ZerosumError(NEVER_LEARNS)

    def players(self) -> dict[str, Player]:
        config = self.config
        critic = {} if self.critic is None else {"critic": Player(config.c_optimizer, (self.critic,))}
        return {
            "generator": Player(config.g_optimizer, (self.generator,), averaged=True),
            **critic,
            "discriminator": Player(config.d_optimizer, (self.discriminator,)),
        }

    def round(self, draw: Draw[Dialogue], step: int) -> Iterator[Move]:
        config, phase = self.config, self.phase(step)
        if phase == "generator alone":
            yield self._learn(draw())
            return
        if phase == "discriminator alone":
            yield self._tell_apart(draw())
            return
        yield from self._reinforce(draw().question)
        if config.teacher_forcing:
            yield self._learn(draw())
        for _ in range(config.d_steps):
            yield self._tell_apart(draw())

    def _learn(self, real: Dialogue) -> Move:
        """The policy's move by real answers."""
        return Move("generator", likelihood=self.generator.policy.surprise(real.answer, self.embed(real.question)))

    def _tell_apart(self, real: Dialogue) -> Move:
        """D's move: of real answers, and as many to the same questions that are none."""
        with torch.no_grad():
            fake = real.answer.roll(1, 0) if self.config.fakes == "random" else self._write(self.embed(real.question))
        logits = Logits(*(self.discriminator(real.question, answer) for answer in (real.answer, fake)))
        return Move("discriminator", adversarial=non_saturating.d(*logits), logits=logits)

    def _reinforce(self, question: Tensor) -> Iterator[Move]:
        """The policy's move, an answer to each question (B, length), and the critic's, by the same answers."""
        policy, begun = self.generator.policy, self.embed(question)
        answer = self._write(begun)
        worth, chosen = self._rewards(question, answer, begun), policy.chosen(answer)
        count = distributed.mean(chosen.sum())  # so that shares of a batch weigh by their tokens
        states = policy.hidden(answer, begun)
        before = states.detach()
        expected = torch.zeros_like(worth) if self.critic is None else self.critic(before).detach()
        log_p = policy.log_likelihood(answer, policy.logits(states, begun.known[begun.about][:, None]))
        mean_reward = (worth * chosen).sum() / count
        adversarial = -((worth - expected) * log_p).sum() / count
        yield Move("generator", log={"mean_reward": mean_reward}, adversarial=adversarial)
        if self.critic is not None:
            error = ((self.critic(before) - worth).square() * chosen).sum() / count
            yield Move("critic", error=error)

    @torch.no_grad()
    def _rewards(self, question: Tensor, answer: Tensor, begun: State) -> Tensor:
        """(B, length), of each token of answers (B, length), which `begun` began."""
        if self.config.reward == "constant":
            return torch.ones(answer.shape, device=answer.device)

        def real(texts: Tensor, rows: Tensor) -> Tensor:
            return self.discriminator(question[rows], texts).float().sigmoid()[:, 0]

        with in_evaluation(self.discriminator):  # the verdict on an answer is no matter of luck
            return rewards(self.generator.policy, answer, self.config.rollouts, real, begun)

    @torch.no_grad()
    def _write(self, begun: State) -> Tensor:
        u = torch.rand(len(begun.hidden), self.generator.policy.tokens.length, device=begun.hidden.device)
        return self.generator.policy.write(u, begun=begun)

    def phase(self, step: int) -> Hashable | None:
        return alone(step, self.config.pretrain_generator, self.config.pretrain_discriminator)

    def embed(self, question: Tensor) -> State:
        begun: State = self.generator.reader(question)
        return begun

    def generate(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        if y is None:
            raise ValueError(f"{self.name} is conditional: pass y")
        return self.generator.policy.write(z.abs().clamp(max=1), chosen_by=choose_by_rank, begun=self.embed(y))

    def score(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        logits: Tensor = self.discriminator(y, x)
        return logits.flatten()


@dataclass(frozen=True)
class Network(Checked):
    """The size of the networks."""

    embedding: Annotated[int, Gt(0), "numbers that a token becomes, for the policy"] = 64
    hidden: Annotated[int, Gt(0), "units of the LSTMs that read and answer"] = 128
    d_embedding: Annotated[int, Gt(0), "numbers that a token becomes, for D"] = 32
    filters: Annotated[float, Gt(0), "D's filters of each width, times 64 of 1 to 3 tokens, 32 of 4 and of 6"] = 0.5
    dropout: Annotated[float, Ge(0), Lt(1), "share of D's features that is left out in training"] = 0.1
    critic: Annotated[int, Gt(0), "units of the critic's hidden layer"] = 64


@recipe(data="dialogues", batch_size=64, steps=6_000, average=0.0, clip=5.0, precision="fp32", sample_every=1_000)
def lines(data: Spec, config: DialogueGAN.Config = DialogueGAN.Config(), network: Network = Network()) -> DialogueGAN:
    """Two LSTMs and filters of words, for any questions with answers, on a CPU."""
    question, answer = data.question, data.answer
    if not (isinstance(question, Tokens) and isinstance(answer, Tokens) and question.vocabulary == answer.vocabulary):
        raise ValueError("questions and answers must be texts of one vocabulary")
    filters = {width: max(1, round(count * network.filters)) for width, count in WIDTHS.items()}
    return DialogueGAN(
        Answerer(question, answer, network.embedding, network.hidden),
        Discriminator(question, answer, network.d_embedding, filters, network.dropout),
        Critic(network.hidden, network.critic) if config.critic else None,
        question,
        config,
    )
