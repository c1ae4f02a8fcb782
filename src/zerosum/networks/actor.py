"""Policies: what to do in a state; and what judges states, or states with the actions taken there."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Categorical, Normal, kl_divergence

from zerosum.modality import Behaviour
from zerosum.util import checks

HIDDEN = (100, 100)  # units of each layer; Ho and Ermon, 2016, section 6
HALF_LOG_2_PI = math.log(2 * math.pi) / 2
SMALL = 0.01  # gain of a policy's last layer, so that it begins with every action alike
NARROWEST, WIDEST = -5.0, 2.0  # the logarithm of the deviation of an action, in demonstrated deviations

Choice = Categorical | Normal  # a distribution of actions


class Standardised(nn.Module):
    """Numbers (B, D) in demonstrated deviations from the demonstrated mean, which stay as they are."""

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: Sequence[float], scale: Sequence[float]):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.scale


class Actor(nn.Module):
    """A policy: states (B, S) to a distribution over actions, of the kind that the behaviour's are.

    Of choices it is categorical, else normal, with a deviation of each number that is the same in all states.
    """

    def __init__(self, behaviour: Behaviour, hidden: Sequence[int] = HIDDEN):
        super().__init__()
        mean, scale = _known(behaviour)
        states = behaviour.states
        self.discrete, self.actions = behaviour.discrete, behaviour.actions
        self.standardised = Standardised(mean[:states], scale[:states])
        self.layers = perceptron(states, behaviour.actions, hidden, SMALL)
        self.unit = None if behaviour.discrete else Standardised(mean[states:], scale[states:])
        self.log_deviation = None if behaviour.discrete else nn.Parameter(torch.zeros(behaviour.actions))

    def forward(self, states: Tensor) -> Choice:
        found = self.layers(self.standardised(states)).float()
        if self.unit is None or self.log_deviation is None:
            return Categorical(logits=found, validate_args=False)
        deviation = self.log_deviation.clamp(NARROWEST, WIDEST).exp() * self.unit.scale
        middle = self.unit.mean + self.unit.scale * found
        return Normal(middle, deviation.expand_as(middle), validate_args=False)

    def act(self, states: Tensor, greedy: bool = False) -> Tensor:
        """(B, A) actions drawn from it, of choices that of the one is 1; `greedy`: the likeliest."""
        found = self(states)
        if isinstance(found, Categorical):
            chosen = found.logits.argmax(1) if greedy else found.sample()
            return F.one_hot(chosen, self.actions).float()
        return found.mean if greedy else found.sample()


def log_probability(found: Choice, actions: Tensor) -> Tensor:
    """(B,) the log probability, or density, in nats, of actions (B, A); `ArgumentError` where there are not as many."""
    of_each = found.logits if isinstance(found, Categorical) else found.mean
    checks.shapes("B A", {"B": (len(of_each),), "A": (of_each.shape[1],)}, actions=actions)
    if isinstance(found, Categorical):
        return found.logits.gather(1, actions.argmax(1, keepdim=True))[:, 0]
    return -((actions - found.mean) / found.stddev).square().div(2).add(found.stddev.log() + HALF_LOG_2_PI).sum(1)


def entropy(found: Choice) -> Tensor:
    """(B,) in nats."""
    own: Tensor = found.entropy()  # type: ignore[no-untyped-call]
    return own if isinstance(found, Categorical) else own.sum(1)


def divergence(before: Choice, after: Choice) -> Tensor:
    """(B,) the KL divergence of the second from the first, in nats."""
    own: Tensor = kl_divergence(before, after)
    return own if isinstance(before, Categorical) else own.sum(1)


class Critic(nn.Module):
    """States (B, S), or states with actions (B, S + A), to numbers (B, 1): a value, or D's logit.

    Args:
        of_pairs: whether it sees actions.
        absorbing: whether a further number says that an episode has ended.
    """

    def __init__(
        self, behaviour: Behaviour, *, of_pairs: bool, absorbing: bool = False, hidden: Sequence[int] = HIDDEN
    ):
        super().__init__()
        mean, scale = _known(behaviour)
        seen = behaviour.dim if of_pairs else behaviour.states
        self.standardised = Standardised(mean[:seen], scale[:seen])
        self.absorbing = absorbing
        self.layers = perceptron(seen + absorbing, 1, hidden)

    def forward(self, x: Tensor) -> Tensor:
        return self.judge(self.standardised(x))

    def judge(self, x: Tensor) -> Tensor:
        """(B, 1) of what is in demonstrated deviations already."""
        return self.layers(F.pad(x, (0, 1)) if self.absorbing else x)

    def after_the_end(self, like: Tensor) -> Tensor:
        """(1, 1) what it gives the state in which an episode is after its end, on the device of `like`."""
        if not self.absorbing:
            raise ValueError("it knows no absorbing state")
        width = len(self.standardised.mean)
        return self.layers(F.pad(like.new_zeros(1, width), (0, 1), value=1.0))


def perceptron(inputs: int, outputs: int, hidden: Sequence[int], gain: float = 1.0) -> nn.Sequential:
    """Hidden layers of tanh; weights begin orthogonal, the last ones times `gain`."""
    layers: list[nn.Module] = []
    for before, after in zip([inputs, *hidden], hidden, strict=False):
        layers += [_linear(before, after, math.sqrt(2)), nn.Tanh()]
    return nn.Sequential(*layers, _linear(hidden[-1], outputs, gain))


def _linear(inputs: int, outputs: int, gain: float) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(layer.weight, gain)
    nn.init.zeros_(layer.bias)
    return layer


def _known(behaviour: Behaviour) -> tuple[Sequence[float], Sequence[float]]:
    """Mean and scale (S + A,); 0 and 1 where nothing is known."""
    return behaviour.mean or (0.0,) * behaviour.dim, behaviour.scale or (1.0,) * behaviour.dim
