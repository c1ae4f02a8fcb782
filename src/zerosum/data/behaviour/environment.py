"""Environments of Gymnasium, many at once: what they are, and how an error of theirs is told. Needs the extra `rl`."""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from zerosum.data.dataset import DataError
from zerosum.modality import Behaviour
from zerosum.util import blame
from zerosum.util.packages import install

if TYPE_CHECKING:
    import gymnasium

OF_PYGAME = {"SDL_VIDEODRIVER": "dummy", "PYGAME_HIDE_SUPPORT_PROMPT": "1"}  # it needs no screen, and greets nobody
FILMED, NO_FILM = "filmed", "leave the film out by --no-film"
LIMIT = 1_000  # steps after which an episode is cut off where the environment does not say


@dataclass(frozen=True)
class Places:
    """The shape of an environment: what a state and an action are."""

    environment: str
    states: int  # numbers of a state
    actions: int  # choices, or numbers of an action
    discrete: bool
    limit: int  # steps of an episode, at most
    low: tuple[float, ...] = ()  # the ends of each number of an action
    high: tuple[float, ...] = ()

    def ends(self) -> tuple[Tensor, Tensor]:
        """(A,) each, of the numbers of an action; -1 and 1 where there are none."""
        low, high = (torch.tensor(end).nan_to_num(posinf=1.0, neginf=-1.0) for end in (self.low, self.high))
        return low, high

    def behaviour(self, mean: Tensor, scale: Tensor, **shown: Any) -> Behaviour:
        """What is done here, whose numbers (S + A,) have this mean and deviation; `shown`, what is known besides."""
        return Behaviour(
            self.environment,
            self.states,
            self.actions,
            self.discrete,
            self.limit,
            mean=tuple(mean.tolist()),
            scale=tuple(scale.tolist()),
            **shown,
        )

    def taken(self, actions: NDArray[Any]) -> Tensor:
        """(N, A) actions as policies take them, of choices, (N,) or (N, 1), or of numbers, (N, A)."""
        if self.discrete:
            return F.one_hot(torch.from_numpy(actions.astype(np.int64).reshape(-1)), self.actions).float()
        return torch.from_numpy(actions.astype(np.float32))


def of(name: str) -> Places:
    """The shape of an environment.

    Raises:
        DataError: there is none of that name, it cannot be made, or its states or actions are of another kind.
    """
    with opened(name, 1) as environments:
        spaces = _gymnasium().spaces
        state, action = environments.single_observation_space, environments.single_action_space
        if not isinstance(state, spaces.Box) or len(state.shape) != 1:
            raise DataError(
                f"the states of {name} are {_kind(state)}, and policies take vectors of numbers: choose another "
                "environment, or wrap it in FlattenObservation and register that"
            )
        if isinstance(action, spaces.Discrete):
            if action.start:
                raise DataError(f"the actions of {name} begin at {action.start}; register it with actions from 0 on")
            return Places(name, state.shape[0], int(action.n), True, _limit(name))
        if not isinstance(action, spaces.Box) or len(action.shape) != 1:
            raise DataError(
                f"the actions of {name} are {_kind(action)}, and policies choose one of several, or a vector of "
                "numbers: choose another environment"
            )
        low, high = (tuple(map(float, end)) for end in (action.low, action.high))
        return Places(name, state.shape[0], action.shape[0], False, _limit(name), low, high)


@contextmanager
def opened(name: str, count: int, film: bool = False) -> Iterator[gymnasium.vector.VectorEnv[Any, Any, Any]]:
    """`count` environments that step together, closed at the end; an episode that ended begins anew a step later.

    Args:
        film: frames can be asked for, by `render`.
    """
    gym, limit = _gymnasium(), _limit(name)
    own: dict[str, Any] = {"max_episode_steps": limit}
    if film:
        own["render_mode"] = "rgb_array"
        for variable, value in OF_PYGAME.items():
            os.environ.setdefault(variable, value)
    kind = None if not film else gym.VectorizeMode.SYNC
    what, cure = (FILMED, NO_FILM) if film else ("made", "mend the environment, or choose another")
    with asked(name, what, cure), _quietly():
        environments = gym.make_vec(_registered(name), num_envs=count, vectorization_mode=kind, **own)
    try:
        yield environments
    except BaseException:
        with suppress(Exception):  # what was raised first is told
            environments.close()
        raise
    with asked(name, "closed"):
        environments.close()


def reset(environments: gymnasium.vector.VectorEnv[Any, Any, Any], name: str, seed: int) -> NDArray[Any]:
    """The first states, (N, S), of episodes that the seed decides; those of other seeds begin otherwise.

    Gymnasium would give the environments of seed s the seeds s, s + 1 ..., of which those of s + 1 are all but one the
    same. Environments that are computed all at once have one source of random numbers, and take one seed.
    """
    vector = _gymnasium().vector
    apart = isinstance(environments.unwrapped, vector.SyncVectorEnv | vector.AsyncVectorEnv)
    own = np.random.SeedSequence(seed % 2**64).generate_state(environments.num_envs if apart else 1).tolist()
    with asked(name, "begun"):
        states, _ = environments.reset(seed=own if apart else own[0])
        return np.array(states, np.float32)


@contextmanager
def asked(name: str, what: str, cure: str = "mend the environment") -> Iterator[None]:
    """Whatever an environment raises, in a sentence: that it cannot be `what`."""
    gym = _gymnasium()
    try:
        yield
    except DataError:
        raise
    except gym.error.DependencyNotInstalled as error:
        raise DataError(f"{name} needs a package more: {error}") from error
    except Exception as error:
        raise DataError(f"{name} cannot be {what}: {blame.sentence(error)}; {cure}") from error


def _limit(name: str) -> int:
    """Steps after which an episode is cut off.

    Raises:
        DataError: there is no environment of that name.
    """
    gym = _gymnasium()
    try:
        with _quietly():
            return int(gym.spec(_registered(name)).max_episode_steps or LIMIT)
    except (gym.error.Error, ImportError) as error:
        known = ", ".join(sorted(gym.registry)[:6])
        said = str(error).splitlines()[0].rstrip(".")
        raise DataError(
            f"there is no environment {name} ({said}); give one of Gymnasium's: {known} ..., or PACKAGE:NAME of a "
            "package that registers it"
        ) from error
    except Exception as error:  # of a package that is imported
        raise DataError(f"{name} cannot be looked up: {blame.sentence(error)}; mend the package") from error


def _registered(name: str) -> str:
    """As Gymnasium's registry has it: without the PACKAGE before a colon, which is imported, and then has it there."""
    package, _, bare = name.rpartition(":")
    if package:
        importlib.import_module(package)
    return bare


@contextmanager
def _quietly() -> Iterator[None]:
    """Gymnasium's warnings about old versions are not for people who chose these."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _gymnasium() -> Any:
    try:
        import gymnasium
    except ImportError as error:
        raise DataError(f"environments are Gymnasium's, which is not there: {install('rl')}") from error
    return gymnasium


def _kind(space: Any) -> str:
    shape = f" of shape {space.shape}" if getattr(space, "shape", None) else ""
    return f"{type(space).__name__}{shape}"
