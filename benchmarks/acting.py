"""Steps a second that a policy plays in CartPole: `python -m benchmarks.acting` prints medians, and their ratios.

Each loop has a policy of two layers of 100 units, which draws an action in every step. `zerosum` steps 25 environments
together, as `gail/classic` does; `one` steps a single environment of Gymnasium, as an agent's loop in a textbook does;
`stable-baselines3`, where it is installed, collects rollouts for PPO in 25 environments, with values of states and a
buffer. Loops take turns, so that all see the same machine.
"""

from __future__ import annotations

import argparse
import statistics
import warnings
from collections.abc import Callable
from time import perf_counter

import gymnasium
import torch

from zerosum.data.behaviour import environment
from zerosum.data.behaviour.episodes import play
from zerosum.modality import Behaviour
from zerosum.networks.actor import HIDDEN, Actor

NAME, COUNT, STEPS = "CartPole-v1", 25, 500
CART = Behaviour(NAME, 4, 2, True, STEPS)


def of_zerosum() -> int:
    places, actor = environment.of(NAME), Actor(CART)
    return int(play(places, actor.act, count=COUNT, seed=0, steps=STEPS).within.sum())


@torch.no_grad()
def of_one() -> int:
    actor, single = Actor(CART), gymnasium.make(NAME)
    state, _ = single.reset(seed=0)
    for _ in range(2_000):
        choice = int(actor.act(torch.from_numpy(state)[None]).argmax())
        state, _, terminated, cut, _ = single.step(choice)
        if terminated or cut:
            state, _ = single.reset()
    single.close()
    return 2_000


def of_stable_baselines() -> Callable[[], int] | None:
    try:
        from stable_baselines3 import PPO
        from stable_baselines3.common.env_util import make_vec_env
    except ImportError:
        return None
    network = {"net_arch": list(HIDDEN)}
    agent = PPO("MlpPolicy", make_vec_env(NAME, COUNT), n_steps=STEPS, policy_kwargs=network, device="cpu")
    _, callback = agent._setup_learn(COUNT * STEPS)

    def collect() -> int:
        agent.collect_rollouts(agent.env, callback, agent.rollout_buffer, STEPS)
        return COUNT * STEPS

    return collect


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    warnings.simplefilter("ignore")
    loops: dict[str, Callable[[], int]] = {"zerosum": of_zerosum, "one": of_one}
    if (other := of_stable_baselines()) is not None:
        loops["stable-baselines3"] = other
    speeds: dict[str, list[float]] = {name: [] for name in loops}
    for loop in loops.values():
        loop()  # libraries choose their kernels
    for _ in range(repeats):
        for name, loop in loops.items():
            began = perf_counter()
            speeds[name].append(loop() / (perf_counter() - began))
    medians = {name: statistics.median(own) for name, own in speeds.items()}
    for name, speed in medians.items():
        print(f"{name}: {speed:,.0f} steps/s, {medians['zerosum'] / speed:.1f} times as long as zerosum for one")


if __name__ == "__main__":
    main()
