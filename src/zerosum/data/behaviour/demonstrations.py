"""Demonstrations: what was done in an environment, as an `.npz` file that anybody can make, and as data.

The file has `environment`, a name; `states`, (N, S), and `actions`, (N,) whole numbers that choose, or (N, A). That is
enough. `lengths`, `returns` and `terminated` say of each whole episode, (E,), how many steps it had, the sum of its
rewards, and whether the environment ended it, not its limit: of episodes of which only some steps are in the file, too.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Generator, Tensor

from zerosum.data.behaviour import environment, experts
from zerosum.data.behaviour.environment import Places
from zerosum.data.behaviour.episodes import Policy, play
from zerosum.data.dataset import DataError, Dataset, Field, dataset_of
from zerosum.data.request import Request
from zerosum.modality import Behaviour
from zerosum.util.files import write_atomic

REQUIRED = ("environment", "states", "actions")
OF_EPISODES = ("lengths", "returns", "terminated")
ARRAYS = (*REQUIRED, *OF_EPISODES)
CURE = "zerosum record makes such files, and docs/imitation.md says what is in them"
FIRST = "CartPole-v1"  # what `demonstrations` alone means
EPISODES, EVERY = 10, 10  # of it
SMALL = 1e-3  # the least deviation of a number, so that one that never changes counts as 0


@dataclass(frozen=True)
class Demonstrations:
    """Some steps of E episodes."""

    places: Places
    pairs: Tensor  # (N, S + A)
    lengths: Tensor | None = None  # (E,) of the whole episodes
    returns: Tensor | None = None  # (E,)
    terminated: Tensor | None = None  # (E,) bool

    def modality(self) -> Behaviour:
        """With what is known of the episodes."""
        places, states = self.places, self.pairs if not self.places.discrete else self.pairs[:, : self.places.states]
        rest = self.pairs.shape[1] - states.shape[1]  # choices stay as they are
        mean, scale = F.pad(states.mean(0), (0, rest)), F.pad(scale_of(states), (0, rest), value=1.0)
        ended, absorbed = None if self.terminated is None else self.terminated.float(), None
        if self.lengths is not None and ended is not None:
            after = (places.limit - self.lengths).clamp(min=0) * ended
            absorbed = float(after.sum() / (after.sum() + self.lengths.sum()))
        return places.behaviour(
            mean,
            scale,
            episodes=0 if self.lengths is None else len(self.lengths),
            terminated=None if ended is None else float(ended.mean()),
            absorbed=absorbed,
            returned=None if self.returns is None else float(self.returns.mean()),
        )

    def save(self, path: Path) -> None:
        """As an `.npz` file."""
        states, actions = self.pairs.split([self.places.states, self.places.actions], 1)
        arrays: dict[str, NDArray[Any]] = {
            "environment": np.array(self.places.environment),
            "states": states.numpy(),
            "actions": (actions.argmax(1) if self.places.discrete else actions).numpy(),
        }
        arrays |= {name: known.numpy() for name in OF_EPISODES if (known := getattr(self, name)) is not None}
        content = io.BytesIO()
        np.savez(content, allow_pickle=False, **arrays)
        write_atomic(path, content.getvalue())


def scale_of(x: Tensor) -> Tensor:
    """(D,) the standard deviations of numbers (N, D); 1 of one that never changes."""
    deviation = x.std(0, correction=0)
    return torch.where(deviation > SMALL, deviation, 1.0)


def demonstrated(places: Places, policy: Policy, episodes: int, every: int, seed: int) -> Demonstrations:
    """What a policy shows: of each episode every `every`-th step, from a random one of the first so many on.

    So Ho and Ermon, 2016, appendix B, thin trajectories out, so that cloning cannot copy them whole.
    """
    played, draw, chosen = play(places, policy, count=episodes, seed=seed), Generator().manual_seed(seed), []
    for n, steps in played.episodes():
        start = int(torch.randint(min(every, steps.stop), (), generator=draw))
        own = slice(start, steps.stop, every)
        chosen.append(torch.cat([played.states[:-1][own, n], played.actions[own, n]], 1))
    return Demonstrations(places, torch.cat(chosen), played.lengths(), played.returns(), played.terminated.any(0))


def read(path: Path, arrays: Mapping[str, NDArray[Any]]) -> Demonstrations:
    """Of the arrays of a file.

    Raises:
        DataError: an array is missing, has another shape than the environment's, or numbers that are not finite.
    """
    if missing := [name for name in REQUIRED if name not in arrays]:
        raise DataError(f"{path} has no {' and no '.join(missing)}; {CURE}")
    name = arrays["environment"]
    if name.dtype.kind not in "US" or name.size != 1:
        raise DataError(f"{path}: environment is {name.dtype} {name.shape}, and should be a name, as 'CartPole-v1'")
    word = name.reshape(-1)[0]
    places = environment.of(word.decode() if isinstance(word, bytes) else str(word))
    states, actions = arrays["states"], arrays["actions"]
    if states.ndim != 2 or states.shape[1] != places.states or states.dtype.kind not in "fiu" or not len(states):
        raise DataError(
            f"{path}: states are {states.dtype} {states.shape}, and {places.environment} has states of "
            f"{places.states} numbers: give floats (N, {places.states})"
        )
    pairs = torch.cat([torch.from_numpy(states.astype(np.float32)), _actions(path, places, actions, len(states))], 1)
    if not bool(pairs.isfinite().all()):
        raise DataError(f"{path} has states or actions that are not finite; remove these rows")
    return Demonstrations(places, pairs, *_of_episodes(path, places, arrays))


def _actions(path: Path, places: Places, actions: NDArray[Any], count: int) -> Tensor:
    """(N, A) as policies take them."""
    if places.discrete:
        if actions.shape not in ((count,), (count, 1)) or actions.dtype.kind not in "iu":
            raise DataError(
                f"{path}: actions are {actions.dtype} {actions.shape}, and {places.environment} takes one of "
                f"{places.actions} choices: give whole numbers ({count},)"
            )
        if actions.min() < 0 or actions.max() >= places.actions:
            wrong = actions[(actions < 0) | (actions >= places.actions)].flat[0]
            raise DataError(
                f"{path} has the action {wrong}, and {places.environment} has the choices 0 to {places.actions - 1}"
            )
        return places.taken(actions)
    if actions.shape != (count, places.actions) or actions.dtype.kind not in "fiu":
        raise DataError(
            f"{path}: actions are {actions.dtype} {actions.shape}, and {places.environment} takes {places.actions} "
            f"numbers: give floats ({count}, {places.actions})"
        )
    return places.taken(actions)


def _of_episodes(path: Path, places: Places, arrays: Mapping[str, NDArray[Any]]) -> list[Tensor | None]:
    """Lengths, returns, and whether the environment ended each."""
    known = {name: arrays[name] for name in OF_EPISODES if name in arrays}
    shapes = {own.shape for own in known.values()}
    if len(shapes) > 1 or any(len(shape) != 1 or not shape[0] for shape in shapes):
        listed = ", ".join(f"{name} {own.shape}" for name, own in known.items())
        raise DataError(f"{path}: {listed}, and each should have a number for each episode, (E,)")
    if "terminated" in known and known["terminated"].dtype != np.bool_:
        raise DataError(
            f"{path}: terminated is {known['terminated'].dtype}, and should be true or false for each episode"
        )
    for name in OF_EPISODES[:2]:
        if name in known and known[name].dtype.kind not in "fiu":
            raise DataError(f"{path}: {name} are {known[name].dtype}, and should be a number for each episode")
    if "returns" in known and not np.isfinite(known["returns"]).all():
        raise DataError(f"{path} has returns that are not finite; mend the rewards, or leave returns out")
    if "lengths" in known:
        lengths, most = known["lengths"], places.limit
        if len(wrong := lengths[~((lengths >= 1) & (lengths <= most) & (lengths == np.floor(lengths)))]):
            raise DataError(
                f"{path} has an episode of {wrong[0]} steps, and {places.environment} has from 1 to {most:,}: count "
                "all steps of an episode, or leave lengths out"
            )
    found: list[Tensor | None] = [
        torch.from_numpy(known[name].astype(np.float32)) if name in known else None for name in OF_EPISODES[:2]
    ]
    return [*found, torch.from_numpy(known["terminated"]) if "terminated" in known else None]


def dataset(name: str, shown: Demonstrations) -> Dataset:
    """As data: states with their actions."""
    kind = shown.modality()
    return dataset_of(name, {"x": Field(kind, shown.pairs)}, notes=tuple(notes(shown, kind)))


def notes(shown: Demonstrations, kind: Behaviour) -> list[str]:
    """What is known of the episodes, in lines."""
    if shown.lengths is None:
        return ["nothing says how many episodes were shown, nor how they ended"]
    count = "one episode" if kind.episodes == 1 else f"{kind.episodes:,} episodes"
    line = f"demonstrated: {count} of {float(shown.lengths.double().mean()):.0f} steps"
    line += f", with a return of {kind.returned:.1f}" if kind.returned is not None else ""
    if shown.terminated is None:
        return [f"{line}; nothing says whether the environment ended them, or its limit of {kind.limit:,} steps"]
    ended = int(shown.terminated.sum())
    how = "all" if ended == len(shown.terminated) else "none" if not ended else f"{ended:,}"
    return [f"{line}; {how} ended before the limit of {kind.limit:,} steps"]


def demonstrations(request: Request) -> Dataset:
    """Ten episodes of a written expert (`experts.EXPERTS`), every tenth step: of "demonstrations:ENVIRONMENT"."""
    places = environment.of(request.option or FIRST)
    shown = demonstrated(places, experts.find(places), EPISODES, EVERY, request.seed)
    return dataset(request.name, shown)
