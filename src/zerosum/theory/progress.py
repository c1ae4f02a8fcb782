"""How far an experiment has come, for whoever waits for it: experiments take no arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from zerosum.training.trainer import Hook, Trainer

Watch = Callable[[str, int, int], None]  # (what is being done, done so far, in all)

_watch: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextmanager
def watched(by: Watch) -> Iterator[None]:
    """A context in which `by` is told of every step."""
    token = _watch.set(by)
    try:
        yield
    finally:
        _watch.reset(token)


def tell(what: str, done: int, total: int) -> None:
    """Say that `done` of `total` steps are behind; nothing where nobody watches."""
    if (watch := _watch.get()) is not None:
        watch(what, done, total)


def telling(what: str) -> Hook:
    """A hook that tells of every step of a training."""

    def hook(trainer: Trainer) -> None:
        tell(what, trainer.step, trainer.training.steps)

    return hook
