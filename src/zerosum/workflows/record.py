"""Record demonstrations: what `zerosum record` calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zerosum.data.behaviour import environment, experts
from zerosum.data.behaviour.demonstrations import Demonstrations, demonstrated, notes, scale_of
from zerosum.data.behaviour.environment import Places
from zerosum.data.behaviour.episodes import Policy, play
from zerosum.data.dataset import Progress
from zerosum.errors import ZerosumError
from zerosum.evaluation.returns import at_random
from zerosum.games import run_file
from zerosum.games.reinforced import Reinforced
from zerosum.recipe import Training
from zerosum.roles import Acts, in_role
from zerosum.run.loaded import load
from zerosum.training.trainer import Trainer
from zerosum.util import blame, checks, rng

RULE, LEARNT, RANDOM = "rule", "learnt", "random"  # experts by name
ROUNDS = 100  # of learning


@dataclass(frozen=True)
class Recorded:
    """What was recorded."""

    path: Path
    shown: Demonstrations
    expert: str  # who demonstrated, in words

    def lines(self) -> list[str]:
        """In words."""
        steps = len(self.shown.pairs)
        whole = int(self.shown.lengths.sum()) if self.shown.lengths is not None else steps
        kept = f"{steps:,} of {whole:,} steps are kept" if steps < whole else f"all {steps:,} steps are kept"
        return [f"{self.expert}; {kept}", *notes(self.shown, self.shown.modality())]


def record(
    name: str,
    out: str | Path,
    *,
    expert: str | None = None,
    episodes: int = 10,
    every: int = 1,
    rounds: int = ROUNDS,
    seed: int = 0,
    progress: Progress | None = None,
) -> Recorded:
    """Write what an expert does in an environment to an `.npz` file.

    Args:
        name: of the environment, as Gymnasium calls it.
        out: the file, which must not be there.
        expert: "rule", an expert that is written down (of CartPole, MountainCar, Acrobot, Pendulum); "learnt", one that
            learns by the environment's rewards now; "random"; a run directory, whose policy it is; or FILE.py:FUNCTION,
            which makes of states, an array (N, S), actions (N,) or (N, A). By default the first that there is.
        episodes: how many.
        every: of each episode every so-many-th step is kept, from a random one on.
        rounds: of learning, where the expert does.
        seed: of everything that is random.
        progress: called with (what is being done, done so far, total).

    Raises:
        ZerosumError: the environment or the expert is not there or does not fit; the file is there already.
    """
    name, out, seed = checks.text("environment", name), checks.path("out", out), checks.seed(seed)
    episodes, every = checks.integer("episodes", episodes, 1), checks.integer("every", every, 1)
    rounds = checks.integer("rounds", rounds, 1)
    if out.suffix != ".npz":
        raise ZerosumError(f"--out {out}: demonstrations are written to an .npz file")
    if out.exists():
        raise ZerosumError(f"{out} is there already; remove it, or choose another --out")
    places = environment.of(name)
    policy, words = _expert(places, expert, rounds, seed, progress)
    with rng.fork_rng(torch.device("cpu"), seed):
        shown = demonstrated(places, policy, episodes, every, seed)
    if out.parent != Path():
        out.parent.mkdir(parents=True, exist_ok=True)
    shown.save(out)
    return Recorded(out, shown, words)


def _expert(
    places: Places, expert: str | None, rounds: int, seed: int, progress: Progress | None
) -> tuple[Policy, str]:
    """Who demonstrates, and how it is called."""
    expert = expert or (RULE if experts.is_known(places) else LEARNT)
    if expert == RULE:
        return experts.find(places), "demonstrated by a rule that is written down"
    if expert == RANDOM:
        return at_random(places), "demonstrated by nobody: actions are random"
    if expert == LEARNT:
        return learnt(places, rounds, seed, progress), f"demonstrated by a policy that learnt for {rounds:,} rounds"
    if expert.rpartition(":")[0].endswith(".py"):
        return _of_file(places, expert), f"demonstrated by {expert}"
    if not (Path(expert) / "run.json").exists():
        raise ZerosumError(
            f"there is no expert {expert}; give {RULE}, {LEARNT}, {RANDOM}, a run directory, or FILE.py:FUNCTION"
        )
    role = in_role((run := load(Path(expert))).game, Acts)
    if role.behaviour.environment != places.environment:
        raise ZerosumError(f"{run.path} acts in {role.behaviour.environment}, and not in {places.environment}")
    return role.policies()["policy"], f"demonstrated by the policy of {run.path}"


def learnt(places: Places, rounds: int, seed: int, progress: Progress | None = None) -> Policy:
    """A policy that learns by the environment's own rewards, for so many rounds, and then does what is likeliest."""
    with rng.fork_rng(torch.device("cpu")):
        rng.seed(seed)
        seen = play(places, at_random(places), count=8, seed=seed).states.flatten(0, 1)
        middle, half = torch.zeros(places.actions), torch.ones(places.actions)
        if not places.discrete:
            low, high = places.ends()
            middle, half = (low + high) / 2, (high - low) / 2
        mean, scale = torch.cat([seen.mean(0), middle]), torch.cat([scale_of(seen), half])
        game = Reinforced(places.behaviour(mean, scale))
        trainer = Trainer(
            game, Nothing(), Training(steps=rounds, batch_size=1, average=0.0, precision="fp32", seed=seed)
        )
        game.train()
        for done in range(rounds):
            trainer.round()
            trainer.pop_metrics()  # which says where it has diverged
            if progress:
                progress("learning to demonstrate", done + 1, rounds)
    return lambda states: game.actor.act(states, greedy=True)


def _of_file(places: Places, where: str) -> Policy:
    """A function of a user's file as a policy."""
    path, _, function = where.rpartition(":")
    module, _, _ = run_file(Path(path))
    own: Callable[[Any], Any] | None = getattr(module, function, None)
    if not callable(own):
        raise ZerosumError(f"{path} has no function {function!r}; give FILE.py:FUNCTION of states (N, S) to actions")
    known = own

    def act(states: Tensor) -> Tensor:
        try:
            actions = np.asarray(known(states.numpy().copy()))  # which it may change
        except Exception as error:
            raise ZerosumError(f"{where} does not act: {blame.sentence(error)}") from error
        whole = actions.dtype.kind in "iu" and actions.shape == (len(states),)
        if places.discrete and whole and ((actions >= 0) & (actions < places.actions)).all():
            return places.taken(actions)
        if not places.discrete and actions.shape == (len(states), places.actions) and actions.dtype.kind in "fiu":
            return places.taken(actions)
        wanted = (
            f"whole numbers ({len(states)},) from 0 to {places.actions - 1}"
            if places.discrete
            else f"floats ({len(states)}, {places.actions})"
        )
        raise ZerosumError(f"{where} gives {actions.dtype} {actions.shape} for {len(states)} states; give {wanted}")

    return act


class Nothing:
    """A stream of no data: an expert learns from its environment alone."""

    def __call__(self) -> Any:
        raise ValueError("there is nothing to draw")

    def state(self) -> Mapping[str, int | Tensor]:
        return {}

    def restore(self, state: Mapping[str, int | Tensor]) -> None:
        return
