"""How well policies act: the returns of their episodes, beside those demonstrated and those of acting at random."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum.data.behaviour import environment
from zerosum.data.behaviour.environment import Places
from zerosum.data.behaviour.episodes import Policy, play
from zerosum.data.dataset import Progress
from zerosum.evaluation.protocol import Evaluation, Protocol, Result, evaluation
from zerosum.evaluation.targets import target_of
from zerosum.metrics.intervals import of_mean
from zerosum.metrics.score import Score
from zerosum.roles import Acts, in_role
from zerosum.run.loaded import Run
from zerosum.run.sampling import device_of
from zerosum.util import checks, rng

METRIC = "return"
EPISODES = 50  # of each policy; Ho and Ermon, 2016, section 6
CALLED = {"policy": "the policy", "clone": "behaviour cloning"}
AT_RANDOM = "acting at random"
CPU = torch.device("cpu")


def at_random(places: Places) -> Policy:
    """A policy that looks at nothing: each choice alike, or numbers anywhere between their ends."""

    def act(states: Tensor) -> Tensor:
        if places.discrete:
            return F.one_hot(torch.randint(places.actions, (len(states),)), places.actions).float()
        low, high = places.ends()
        return low + (high - low) * torch.rand(len(states), places.actions)

    return act


def of_policy(places: Places, policy: Policy, episodes: int, seed: int, device: torch.device = CPU) -> Tensor:
    """(E,) the returns of so many episodes, whose beginnings the seed decides, and what is drawn in them.

    Args:
        device: where the policy is.
    """
    with rng.fork_rng(device, seed):
        return play(places, policy, count=episodes, seed=seed, device=device).returns().cpu()


def share(value: float, random: float, expert: float) -> float:
    """How much of the way from acting at random to the demonstrations a return is: 0 and 1 are these."""
    return (value - random) / (expert - random)


def measure(run: Run, *, episodes: int = EPISODES, seed: int = 0, progress: Progress | None = None) -> Result:
    """The mean return of each policy of a run, over new episodes.

    Raises:
        DataError: the environment is not there any more.
    """
    start, role = time.monotonic(), in_role(run.game, Acts)
    episodes, behaviour = checks.integer("episodes", episodes, 2), role.behaviour
    places = environment.of(behaviour.environment)
    policies: dict[str, Callable[[Tensor], Tensor]] = {**role.policies(), AT_RANDOM: at_random(places)}
    found: dict[str, Tensor] = {}
    for done, (name, policy) in enumerate(policies.items(), 1):
        found[name] = of_policy(places, policy, episodes, seed, device_of(run.game))
        if progress:
            progress("playing episodes", done, len(policies))
    random = float(found.pop(AT_RANDOM).double().mean())
    references = {"noise": random} | ({} if behaviour.returned is None else {"real": behaviour.returned})
    scores = {
        CALLED.get(name, name): Score(
            float(returns.double().mean()),
            "higher",
            of_mean(returns),
            f"of {episodes:,} episodes, whose returns deviate by {float(returns.double().std()):.3g}",
            references,
        )
        for name, returns in found.items()
    }
    protocol = Protocol(
        metric=METRIC,
        settings={"environment": behaviour.environment, "limit": behaviour.limit},
        precision="float32 states and actions",
        real=behaviour.episodes,
        fake=episodes,
        shape=behaviour.shape,
        reference=run.record.data.fingerprint,
        seed=seed,
    )
    return Result(protocol, scores, (), round(time.monotonic() - start, 2))


def lines(result: Result) -> list[str]:
    """What was measured, in words: of each policy its return, and how much of the demonstrations' that is."""
    said = []
    for name, score in result.scores.items():
        low, high = score.interval or (score.value, score.value)
        of_way = ""
        if "real" in score.references and score.references["real"] != score.references["noise"]:
            part = share(score.value, score.references["noise"], score.references["real"])
            of_way = f", {part:.0%} of the way from acting at random to the demonstrations"
        said.append(f"{name}: a return of {score.value:.1f} ({low:.1f} to {high:.1f}){of_way}")
    first = next(iter(result.scores.values()))
    shown = f"demonstrated {first.references['real']:.1f}, " if "real" in first.references else ""
    return [*said, f"{shown}at random {first.references['noise']:.1f}; means of {result.protocol.fake:,} episodes"]


def evaluation_of(run: Run, found: Result) -> Evaluation:
    """What `measure` found, as `evaluation.json` has it."""
    known = {"noise": "acting at random in the same environment", "real": "the demonstrated episodes"}
    references = {name: known[name] for name in next(iter(found.scores.values())).references}
    return evaluation(target_of(run), run.record.data.name, [found], references)
