"""SeqGAN: a policy writes texts, and D's verdict on them is its reward; Yu et al., 2017."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import torch
from annotated_types import Ge, Gt, Le, Lt
from torch import Tensor

from zerosum import latent
from zerosum.batches import Draw, Sequences
from zerosum.errors import ZerosumError
from zerosum.game import Logits, Move
from zerosum.latent_game import TwoPlayerGame
from zerosum.losses import non_saturating
from zerosum.modality import Spec
from zerosum.networks.choice import choose_by_rank
from zerosum.networks.discriminate import in_evaluation
from zerosum.networks.monte_carlo import rewards
from zerosum.networks.policy import Policy
from zerosum.networks.text_cnn import FILTERS, TextCNN
from zerosum.optim import Adam, DiscriminatorOptimizer, GeneratorOptimizer
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.roles import Completes
from zerosum.util import distributed
from zerosum.util.switches import With

NEVER_LEARNS = "rewards are D's verdicts, and D never learns; raise --d-steps or --pretrain-discriminator"


class SeqGAN(TwoPlayerGame[Sequences], Completes):
    """A policy that is rewarded by D's verdict on what it writes; Yu et al., 2017, algorithm 1.

    First the policy learns by maximum likelihood, then D learns to tell its texts from real ones. Then each step is a
    move of the policy, by REINFORCE, and `d_steps` moves of D. The reward of a token is D's mean
    probability of "real" for texts that the policy completes after it (Monte Carlo search). All terms of the policy are
    means over tokens.

    A text is made from z in (-1, 1)^length: the number |z| of a place chooses its token among the likeliest first, so
    that truncation to p cuts off all but those that make up p, much as nucleus sampling does.

    Args:
        generator: the policy.
        discriminator: ids (B, length) to logits (B, 1), its last layer called `head`.
    """

    generator: Policy
    discriminator: TextCNN
    config: Config
    name = "seqgan"
    makes = "ids"

    @dataclass(frozen=True)
    class Config(Checked):
        pretrain_generator: Annotated[int, Ge(0), "steps of maximum likelihood that the policy begins with"] = 5_000
        pretrain_discriminator: Annotated[int, Ge(0), "steps after these in which D alone learns"] = 1_000
        d_steps: Annotated[int, Ge(0), "discriminator moves per step"] = 15
        rollouts: Annotated[
            int,
            Gt(0),
            With("reward", lambda own: own.reward == "discriminator"),
            "completions of each beginning of a text, whose mean is its reward",
        ] = 16
        reward: Annotated[
            Literal["discriminator", "constant", "random"],
            "the probability that D gives a text; or, as controls that know no data, 0.5, or a random number",
        ] = "discriminator"
        baseline: Annotated[bool, "subtract from each reward the mean of the other texts' at its place"] = False
        entropy: Annotated[float, Ge(0), "weight of the policy's entropy, in nats a token, against sharpening"] = 0.0
        likelihood: Annotated[
            float, Ge(0), "weight of the likelihood of real texts, in nats a token, in the policy's moves"
        ] = 0.0
        lag: Annotated[
            float, Ge(0), Le(1), "how much of the policy that completes texts stays at a step; 0: it is the current one"
        ] = 0.0
        l2: Annotated[float, Ge(0), "weight of the squared norm of D's last layer"] = 0.1
        g_optimizer: GeneratorOptimizer = Adam(1e-2, (0.9, 0.999))
        d_optimizer: DiscriminatorOptimizer = Adam(1e-4, (0.9, 0.999))

    def __init__(self, generator: Policy, discriminator: TextCNN, config: Config = Config()):
        super().__init__()
        self.generator, self.discriminator, self.config = generator, discriminator, config
        self.prior = latent.Uniform(generator.tokens.length)
        self.behind = copy.deepcopy(generator).requires_grad_(False) if config.lag else None

    def check(self) -> None:
        if self.generator.tokens.length < 2:
            raise ZerosumError("texts of one token leave nothing to complete; give longer ones")
        if self.config.reward == "constant" and self.config.baseline:
            raise ZerosumError("--reward constant minus its mean is 0, so nothing is learnt; add --no-baseline")
        if self.config.reward != "discriminator" and self.config.lag:
            raise ZerosumError(f"--reward {self.config.reward} completes no texts; leave --lag out")
        if self.config.reward == "discriminator" and not self.config.d_steps + self.config.pretrain_discriminator:
            raise ZerosumError(NEVER_LEARNS)

    def round(self, draw: Draw[Sequences], step: int) -> Iterator[Move]:
        config, phase = self.config, self.phase(step)
        if phase == "generator alone":
            yield Move("generator", likelihood=self.generator.surprise(draw().ids))
            return
        if phase == "discriminator alone":
            yield self._tell_apart(draw().ids)
            return
        if self.behind is not None and step == config.pretrain_generator + config.pretrain_discriminator:
            self.behind.load_state_dict(self.generator.state_dict())
        yield self._reinforce(draw().ids)
        if self.behind is not None:
            with torch.no_grad():
                for old, new in zip(self.behind.parameters(), self.generator.parameters(), strict=True):
                    old.lerp_(new, 1 - config.lag)
        for _ in range(config.d_steps):
            yield self._tell_apart(draw().ids)

    def phase(self, step: int) -> Hashable | None:
        return alone(step, self.config.pretrain_generator, self.config.pretrain_discriminator)

    def _tell_apart(self, real: Tensor) -> Move:
        """D's move: of real texts (B, length), and as many new ones of the policy."""
        fake = self._write(len(real), real.device)
        logits = Logits(self.discriminator(real), self.discriminator(fake))
        head = self.discriminator.head
        norm = head.weight.square().sum() + head.bias.square().sum()
        return Move("discriminator", adversarial=non_saturating.d(*logits), l2=self.config.l2 * norm, logits=logits)

    def _reinforce(self, real: Tensor) -> Move:
        """The policy's move: as many texts as real ones, (B, length), each token weighed by its reward."""
        config = self.config
        ids = self._write(len(real), real.device)
        worth, chosen = self._rewards(ids), self.generator.chosen(ids)
        count = distributed.mean(chosen.sum())  # so that shares of a batch weigh by their tokens
        mean_reward = (worth * chosen).sum() / count
        if config.baseline:
            worth = worth - of_others(worth, chosen)
        logits = self.generator(ids).float()
        log_p = self.generator.log_likelihood(ids, logits)
        terms: dict[str, Any] = {"adversarial": -(worth * log_p).sum() / count}
        if config.entropy:
            p = logits.log_softmax(2)
            entropy = -((p.exp() * p).sum(2) * chosen).sum() / count
            terms["entropy"] = -config.entropy * entropy
        if config.likelihood:
            terms["likelihood"] = config.likelihood * self.generator.surprise(real)
        return Move("generator", log={"mean_reward": mean_reward}, **terms)

    @torch.no_grad()
    def _rewards(self, ids: Tensor) -> Tensor:
        """(B, length), of each token of ids (B, length)."""
        if self.config.reward == "constant":
            return torch.full(ids.shape, 0.5, device=ids.device)
        if self.config.reward == "random":
            return torch.rand(ids.shape, device=ids.device)
        with in_evaluation(self.discriminator):  # the verdict on a text is no matter of luck
            policy = self.behind or self.generator
            return rewards(policy, ids, self.config.rollouts, lambda texts, rows: self._real(texts))

    def _real(self, ids: Tensor) -> Tensor:
        """(N,) probabilities of "real" of texts ids (N, length)."""
        return self.discriminator(ids).float().sigmoid()[:, 0]

    def _write(self, count: int, device: torch.device) -> Tensor:
        return self.generator.write(torch.rand(count, self.generator.tokens.length, device=device))

    def generate(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return self.complete(z.new_empty(0, dtype=torch.long), z)

    def complete(self, start: Tensor, z: Tensor) -> Tensor:
        return self.generator.write(z.abs().clamp(max=1), start, chosen_by=choose_by_rank)

    def log_likelihood(self, ids: Tensor) -> Tensor:
        return self.generator.log_likelihood(ids)

    def choices(self, ids: Tensor) -> Tensor:
        return self.generator.chosen(ids)


def alone(step: int, generator: int, discriminator: int) -> str | None:
    """Who learns alone in a step, of so many of the generator's and of the discriminator's after these; None: nobody.

    The rounds of the game itself, in which policies write and are rewarded, are no phase that is recorded.
    """
    if step < generator:
        return "generator alone"
    return "discriminator alone" if step < generator + discriminator else None


def of_others(rewards: Tensor, chosen: Tensor) -> Tensor:
    """(B, length): of each reward (B, length) the mean of the other texts' at its place, where tokens are `chosen`.

    A text's own reward is no part of it, so that the gradient stays unbiased; 0 where there is no other.
    """
    own = rewards * chosen
    return (own.sum(0) - own) / (chosen.sum(0) - chosen).clamp(min=1)


@dataclass(frozen=True)
class Network(Checked):
    """The size of the networks."""

    embedding: Annotated[int, Gt(0), "numbers that a token becomes, for the policy"] = 32
    hidden: Annotated[int, Gt(0), "units of the policy's LSTM"] = 32
    d_embedding: Annotated[int, Gt(0), "numbers that a token becomes, for D"] = 64
    filters: Annotated[float, Gt(0), "D's filters of each width, times those of the authors' code"] = 1.0
    dropout: Annotated[float, Ge(0), Lt(1), "share of D's features that is left out in training"] = 0.25


@recipe(data="oracle", batch_size=64, steps=42_320, average=0.0, clip=5.0, precision="fp32", sample_every=5_000)
def oracle(
    data: Spec,
    config: SeqGAN.Config = SeqGAN.Config(pretrain_generator=18_720, pretrain_discriminator=23_400, d_steps=156),
    network: Network = Network(),
) -> SeqGAN:
    """The networks of the authors' code; D goes once through the data in a step, where theirs does fifteen times."""
    return _built(data, config, network)


_LINES = SeqGAN.Config(
    pretrain_generator=5_000,
    pretrain_discriminator=1_000,
    d_steps=5,
    rollouts=8,
    baseline=True,
    g_optimizer=Adam(5e-4, (0.9, 0.999)),
    d_optimizer=Adam(1e-3, (0.9, 0.999)),
)
_MELODIES = replace(_LINES, pretrain_generator=14_000, pretrain_discriminator=500, likelihood=0.1)
_WIDE = Network(embedding=64, hidden=128, filters=0.25)


@recipe(data="sentences", batch_size=64, steps=6_500, average=0.0, clip=5.0, precision="fp32", sample_every=1_000)
def lines(data: Spec, config: SeqGAN.Config = _LINES, network: Network = _WIDE) -> SeqGAN:
    """A wider policy and fewer filters, for the lines of a text file: words, or characters."""
    return _built(data, config, network)


@recipe(data="melodies", batch_size=64, steps=14_600, average=0.0, clip=5.0, precision="fp32", sample_every=1_000)
def melodies(data: Spec, config: SeqGAN.Config = _MELODIES, network: Network = _WIDE) -> SeqGAN:
    """The networks of `seqgan/lines`, for notes; the policy goes on to learn from real ones beside D's verdict."""
    return _built(data, config, network)


def _built(data: Spec, config: SeqGAN.Config, network: Network) -> SeqGAN:
    tokens = data.texts
    filters = {width: max(1, round(count * network.filters)) for width, count in FILTERS.items()}
    policy = Policy(tokens, network.embedding, network.hidden)
    return SeqGAN(policy, TextCNN(tokens, network.d_embedding, filters, network.dropout), config)
