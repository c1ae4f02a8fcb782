"""GAIL: a policy acts, and D tells what it does from what was demonstrated; Ho and Ermon, 2016."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt
from torch import Tensor

from zerosum.acting_game import ActingGame, PolicyMoves
from zerosum.batches import Draw
from zerosum.data.behaviour.episodes import Played
from zerosum.errors import ZerosumError
from zerosum.game import Logits, Move, Player
from zerosum.losses import non_saturating, penalties
from zerosum.modality import Behaviour, Spec
from zerosum.networks.actor import HIDDEN, Actor, Critic, log_probability
from zerosum.optim import TRPO, Adam, Decay, DiscriminatorOptimizer, Optimizer
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.util import distributed
from zerosum.util.switches import With

Reward = Literal["auto", "positive", "negative", "signed", "constant", "random"]


def _is_of_d(own: GAIL.Config) -> bool:
    return own.reward not in ("constant", "random")


class GAIL(ActingGame[Tensor]):
    """Generative adversarial imitation learning; Ho and Ermon, 2016, algorithm 1.

    A round: the policy acts; D makes a move, to tell its states and actions from the demonstrated ones; then the policy
    learns by rewards that D gives each step. D is the probability that a step was demonstrated (in the paper it is that
    of the opposite). Beside it a policy clones what was demonstrated, by maximum likelihood.

    What ends an episode is worth as much as what comes after it. A reward that is always positive prolongs episodes,
    one that is always negative ends them, whatever was demonstrated. So the sign goes by how demonstrated episodes
    ended. Where some did and some did not, no sign will do: an episode that ended then goes on in an absorbing state,
    which D judges, too; Kostrikov et al., 2019 (discriminator-actor-critic), section 4.2.

    Args:
        actor: the policy.
        value: states (B, S) to values (B, 1).
        discriminator: states with actions (B, S + A) to logits (B, 1).
        clone: a further policy.
    """

    name = "gail"

    @dataclass(frozen=True)
    class Config(Checked):
        reward: Annotated[
            Reward,
            "of a step: positive is -log(1 - D), negative log D, signed their sum; auto: negative where most "
            "demonstrated episodes ended before the limit; or, as controls that know no data, 1, or a random number",
        ] = "auto"
        absorbing: Annotated[
            Literal["auto", "always", "never"],
            With("reward", on=_is_of_d),
            "whether episodes that ended go on in a state that D judges; auto: where some demonstrated ones ended, and "
            "some did not",
        ] = "auto"
        d_steps: Annotated[int, Gt(0), "discriminator moves per round"] = 5
        pairs: Annotated[int, Gt(0), "demonstrated steps, at least, in a move of D and of the clone"] = 256
        fakes: Annotated[
            int | None, Gt(0), "steps of the policy in a move of D, drawn from those of the round; none: all"
        ] = 1_000
        entropy: Annotated[float, Ge(0), "weight of the entropy of D's verdicts, in nats, against certainty"] = 0.001
        penalty: Annotated[
            float, Ge(0), "weight of D's squared gradients (R1 and R2), in demonstrated deviations, against memorising"
        ] = 0.0
        clone_steps: Annotated[int, Gt(0), "moves per round of the policy that clones"] = 5
        d_optimizer: DiscriminatorOptimizer = Adam(1e-2, (0.9, 0.999), decay=Decay("linear"))
        c_optimizer: Annotated[Optimizer, "the clone's optimiser"] = Adam(1e-3, (0.9, 0.999))

    def __init__(
        self,
        behaviour: Behaviour,
        actor: Actor,
        value: Critic,
        discriminator: Critic,
        clone: Actor,
        config: Config = Config(),
        moves: PolicyMoves = PolicyMoves(),
    ):
        super().__init__()
        self.behaviour, self.actor, self.value, self.clone = behaviour, actor, value, clone
        self.discriminator, self.config, self.moves = discriminator, config, moves

    def players(self) -> dict[str, Player]:
        return {
            "discriminator": Player(self.config.d_optimizer, (self.discriminator,)),
            **self.acting_players(),
            "clone": Player(self.config.c_optimizer, (self.clone,), averaged=True),
        }

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        played = self.collect()
        fake, after = played.pairs, self._absorbed(played)
        for _ in range(self.config.d_steps):
            yield self._tell_apart(self._demonstrated(draw), self._some(fake), after)
        rewards, at_end = self._rewards(played)
        yield from self.improve(played, rewards, at_end)
        for _ in range(self.config.clone_steps):
            states, actions = self._demonstrated(draw).split([self.behaviour.states, self.behaviour.actions], 1)
            yield Move("clone", likelihood=-log_probability(self.clone(states), actions).mean())

    def _demonstrated(self, draw: Draw[Tensor]) -> Tensor:
        """(N, S + A) of as many batches as give the pairs that are wanted."""
        batches = [draw()]
        while sum(map(len, batches)) < self.config.pairs:
            batches.append(draw())
        return torch.cat(batches)

    def _some(self, fake: Tensor) -> Tensor:
        """(N, S + A) of all that the policy did in a round, in any order."""
        count = self.config.fakes
        if count is None or count >= len(fake):
            return fake
        return fake[torch.randperm(len(fake), device=fake.device)[:count]]

    def _tell_apart(self, real: Tensor, fake: Tensor, after: float) -> Move:
        """D's move; `after`: the share of the policy's steps that come after the end of an episode."""
        logits = Logits(self.discriminator(real), self.discriminator(fake))
        of_real, of_fake = non_saturating.g(logits.real), non_saturating.g(-logits.fake)
        uncertain = (_entropy(logits.real).mean() + _entropy(logits.fake).mean()) / 2
        if self.discriminator.absorbing:
            end = self.discriminator.after_the_end(real)
            shown = self.behaviour.absorbed or 0.0
            of_real = (1 - shown) * of_real + shown * non_saturating.g(end)
            of_fake = (1 - after) * of_fake + after * non_saturating.g(-end)
        terms = {"adversarial": of_real + of_fake, "entropy": -self.config.entropy * uncertain}
        if self.config.penalty:
            seen = self.discriminator.standardised(real), self.discriminator.standardised(fake)
            terms["penalty"] = self.config.penalty * penalties.r1_r2(self.discriminator.judge, *seen)
        return Move("discriminator", logits=logits, log=None, **terms)

    @torch.no_grad()
    def _rewards(self, played: Played) -> tuple[Tensor, Tensor | float]:
        """(T, N) of each step, and the value of what comes after the end of an episode."""
        shape, form = played.rewards.shape, self.form
        if form == "constant":
            return torch.ones(shape, device=played.rewards.device), 0.0
        if form == "random":
            return torch.rand(shape, device=played.rewards.device), 0.0
        logits = self.discriminator(torch.cat([played.states[:-1], played.actions], 2).flatten(0, 1)).float()
        rewards = _reward(form, logits).view(shape) * played.within
        if not self.discriminator.absorbing:
            return rewards, 0.0
        each = _reward(form, self.discriminator.after_the_end(logits).float())[0, 0]
        return rewards, each / max(1 - self.moves.discount, 1 / self.behaviour.limit)

    def _absorbed(self, played: Played) -> float:
        """The share of steps that come after the end of an episode, each until the limit."""
        lengths = [steps.stop - steps.start for n, steps in played.episodes() if played.terminated[steps.stop - 1, n]]
        after = sum(self.behaviour.limit - length for length in lengths)
        steps = distributed.mean(torch.tensor([after, int(played.within.sum())], device=played.rewards.device).float())
        return float(steps[0] / steps.sum())

    @property
    def form(self) -> str:
        """That of the rewards."""
        if self.config.reward != "auto":
            return self.config.reward
        return "negative" if (self.behaviour.terminated or 0.0) > 0.5 else "positive"

    def remark(self) -> str:
        words = {"positive": "-log(1 - D)", "negative": "log D", "signed": "log D - log(1 - D)"}
        share, how = self.behaviour.terminated, "was asked for"
        if self.config.reward == "auto":
            how = "nothing says how demonstrated episodes ended"
            if share is not None:
                limit = self.behaviour.limit
                how = f"{share:.0%} of the demonstrated episodes ended before the limit of {limit:,} steps"
        end = "what comes after the end of an episode is worth 0"
        if self.discriminator.absorbing:
            end = "an episode that ended goes on in a state that D judges"
        return f"rewards: {words.get(self.form, self.form)}, as {how}; {end}"

    def policies(self) -> dict[str, Callable[[Tensor], Tensor]]:
        return {"policy": self.actor.act, "clone": self.clone.act}


def _reward(form: str, logits: Tensor) -> Tensor:
    """Of D's logits, of whatever shape: D is their sigmoid."""
    if form == "signed":
        return logits
    return F.softplus(logits) if form == "positive" else -F.softplus(-logits)


def _entropy(logits: Tensor) -> Tensor:
    """Of the verdicts, in nats: of a probability sigmoid(logit)."""
    p = logits.sigmoid()
    return p * F.softplus(-logits) + (1 - p) * F.softplus(logits)


@dataclass(frozen=True)
class Network(Checked):
    """The size of the networks."""

    width: Annotated[int, Gt(0), "units of each of the two hidden layers"] = HIDDEN[0]


_FALLING = PolicyMoves(optimizer=TRPO(decay=Decay("linear")))
_PAPER = GAIL.Config(absorbing="never", d_steps=1, fakes=None, d_optimizer=Adam(1e-2, (0.9, 0.999)))


@recipe(data="demonstrations", batch_size=16, steps=300, average=0.9, precision="fp32", sample_every=25, log_every=5)
def classic(
    data: Spec,
    config: GAIL.Config = GAIL.Config(),
    moves: PolicyMoves = _FALLING,
    network: Network = Network(),
) -> GAIL:
    """The paper's networks and TRPO, for environments of a few numbers; D makes five moves a round, and rates fall."""
    return _built(data, config, moves, network)


@recipe(data="demonstrations", batch_size=16, steps=300, average=0.0, precision="fp32", sample_every=25, log_every=5)
def paper(
    data: Spec,
    config: GAIL.Config = _PAPER,
    moves: PolicyMoves = PolicyMoves(),
    network: Network = Network(),
) -> GAIL:
    """As in the authors' code: one move of D a round, and nothing after the end of an episode."""
    return _built(data, config, moves, network)


def _built(data: Spec, config: GAIL.Config, moves: PolicyMoves, network: Network) -> GAIL:
    behaviour = data.x
    if not isinstance(behaviour, Behaviour):
        raise ValueError(f"gail learns from demonstrations, and x holds {behaviour}; zerosum record makes some")
    absorbing = config.absorbing == "always" and _is_of_d(config)
    if config.absorbing == "auto" and _is_of_d(config):
        absorbing = behaviour.absorbed is not None and 0 < (behaviour.terminated or 0) < 1
    if absorbing and behaviour.absorbed is None:
        raise ZerosumError(
            "nothing says how the demonstrated episodes ended, which --absorbing always needs: add `lengths` and "
            "`terminated` to the file, or leave it out"
        )
    hidden = (network.width,) * 2
    return GAIL(
        behaviour,
        Actor(behaviour, hidden),
        Critic(behaviour, of_pairs=False, hidden=hidden),
        Critic(behaviour, of_pairs=True, absorbing=absorbing, hidden=hidden),
        Actor(behaviour, hidden),
        config,
        moves,
    )
