"""Let a run act: returns of its policies, and a film of an episode; what `zerosum play` calls."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from zerosum.data.behaviour import environment
from zerosum.data.behaviour.episodes import play as episode
from zerosum.data.dataset import Progress
from zerosum.errors import ZerosumError
from zerosum.evaluation import returns
from zerosum.evaluation.protocol import Result
from zerosum.pictures.film import film
from zerosum.roles import Acts, in_role
from zerosum.run.loaded import Run, load
from zerosum.run.sampling import device_of
from zerosum.util import checks, rng

MOST = 400  # frames of a film
PACE = 1 / 30  # seconds of a frame


@dataclass(frozen=True)
class Acted:
    """What `play` found."""

    returns: Result  # of each policy, see `evaluation.returns`
    film: Path | None
    length: int  # steps of the filmed episode
    gained: float  # its return

    def lines(self) -> list[str]:
        """In words."""
        said = returns.lines(self.returns)
        if self.film is not None:
            said.append(f"filmed: an episode of {self.length:,} steps, with a return of {self.gained:.1f}")
        return said


def play(
    target: str | Path | Run,
    *,
    episodes: int = returns.EPISODES,
    policy: str = "policy",
    out: str | Path | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Acted:
    """Let the policies of a run act in new episodes, and film one.

    Args:
        target: a run, or a run directory.
        episodes: of each policy.
        policy: which to film: "policy", or "clone", which learnt by behaviour cloning.
        out: the `.gif` file of the film; none is made without.
        seed: of the episodes.

    Raises:
        ZerosumError: the run acts in no environment, or this is not there any more, or cannot be filmed.
    """
    run = target if isinstance(target, Run) else load(checks.path("target", target))
    role, seed = in_role(run.game, Acts), checks.seed(seed)
    if policy not in role.policies():
        raise ZerosumError(f"{run.path} has no policy {policy!r}; it has {' and '.join(role.policies())}")
    path = None if out is None else checks.path("out", out)
    if path is not None and path.suffix != ".gif":
        raise ZerosumError(f"--out {path}: a film is written to a .gif file")
    episodes = checks.integer("episodes", episodes, 2)
    # The film first: it may not be possible, and returns take long.
    length, gained = (0, 0.0) if path is None else write_film(run, path, policy, seed)
    measured = returns.measure(run, episodes=episodes, seed=seed, progress=progress)
    return Acted(measured, path, length, gained)


def write_film(run: Run, out: Path, policy: str = "policy", seed: int = 0) -> tuple[int, float]:
    """A film of one episode; its steps and its return."""
    role, frames = in_role(run.game, Acts), list[Image.Image]()
    device, places = device_of(run.game), environment.of(role.behaviour.environment)

    def watch(environments: Any) -> None:
        with environment.asked(places.environment, environment.FILMED, environment.NO_FILM):
            (seen,) = environments.render()
            frames.append(Image.fromarray(seen))

    with rng.fork_rng(device, seed):
        played = episode(places, role.policies()[policy], count=1, seed=seed, device=device, watch=watch)
    shown = frames[:: -(-len(frames) // MOST)]
    film(shown, out, PACE * len(frames), hold=0.5, most=MOST)
    return int(played.lengths()[0]), float(played.returns()[0])
