"""All rounds of a run in its directory, and everything that happens around them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from rich.console import Console

from zerosum import data, report
from zerosum.game import Condition
from zerosum.health.monitor import Monitor
from zerosum.health.signals import SignalMeter
from zerosum.health.verdicts import History, Verdict
from zerosum.pictures.gallery import neighbours, walks
from zerosum.pictures.grids import film, save, with_caption
from zerosum.pictures.overview import MOST_ROWS, choices, overview, traversal
from zerosum.run.loaded import Run
from zerosum.run.record import Record, RunDirectory
from zerosum.training import checkpoint
from zerosum.training.hooks.checkpoints import Checkpoints
from zerosum.training.hooks.console import TrainingProgress
from zerosum.training.hooks.interrupt import Interrupt, Interrupted
from zerosum.training.hooks.jsonl import JsonLines
from zerosum.training.hooks.log import Log, Sink
from zerosum.training.trainer import Diverged, Hook, Trainer
from zerosum.util import distributed
from zerosum.util.console import errors
from zerosum.workflows.rollback import Recovery
from zerosum.workflows.sample_hook import Samples

SIDE, POINTS = 8, 2000  # images in a row of a picture, and rows or more; points in a picture
COMPARED = 8  # samples beside their nearest real images
WALKS_OF_IMAGES, WALKS_OF_POINTS = (6, 10), (24, 100)  # (walks, steps of each) between samples


def play(
    directory: RunDirectory,
    trainer: Trainer,
    loaded: data.Dataset,
    record: Record,
    about: Sequence[str],
    *,
    tensorboard: bool,
    quiet: bool,
    new: bool,
) -> Run:
    """Play all rounds that are left and leave a complete run directory; `about` are lines to say of the data."""
    if distributed.rank() > 0:  # the first process alone writes
        if not new and (found := checkpoint.find(directory.checkpoints)):
            checkpoint.resume(trainer, found[-1])
        trainer.train()
        return Run(directory.path, record, trainer.sampler, trainer.step)
    console = errors(quiet)
    with ExitStack() as stack:
        stack.enter_context(directory.locked())
        if new:
            directory.create(record)
        training = trainer.training
        vitals = SignalMeter(loaded, training.seed) if training.health else None  # draws, so before a state is restored
        if not new:
            if found := checkpoint.find(directory.checkpoints):
                checkpoint.resume(trainer, found[-1])
            directory.write(record)  # it may be longer now
        directory.forget_after(trainer.step)
        _introduce(console, directory, trainer, loaded, record, about)
        progress = stack.enter_context(TrainingProgress(console, trainer.training.steps))
        interrupt = stack.enter_context(Interrupt())
        before = directory.seconds_so_far()
        monitor = _monitor(directory, vitals, trainer, console, before) if vitals else None
        log = Log(training.log_every, training.checkpoint_every, _sinks(directory, progress, tensorboard), before)
        samples = _samples(directory, trainer, loaded, record)
        saver = Checkpoints(directory.checkpoints)
        recovery = Recovery(directory, saver, monitor, console)
        if trainer.step == 0:
            samples(trainer)
            saver.save(trainer)  # somewhere to go back to
        hooks: list[Hook] = [progress, *([monitor] if monitor else []), log, samples, saver, interrupt]
        while trainer.step < training.steps:
            try:
                trainer.train(hooks)
            except Diverged as error:
                recovery.roll_back(trainer, error)
            except Interrupted:
                log.flush(trainer)
                saver.save(trainer)
                raise Interrupted(
                    f"stopped and saved at round {trainer.step}; go on with: zerosum resume {directory.path}"
                ) from None
    run = Run(directory.path, record, trainer.sampler, trainer.step)
    finish(run, samples, loaded)
    return run


def finish(run: Run, samples: Samples, loaded: data.Dataset) -> None:
    """The files people look at: `samples.png`, `neighbours.png` (of images), `interpolation.png`, `codes.png` (where z
    has codes), `film.gif`, `report.html`.
    """
    save(overview(run, samples.count, seed=1, real=samples.real), run.path / "samples.png")
    if loaded.is_image:
        made = run.sample(samples.count, seed=1)[:COMPARED]
        save(neighbours(made, loaded.x), run.path / "neighbours.png")
    count, frames = WALKS_OF_IMAGES if loaded.is_image else WALKS_OF_POINTS
    walked = walks(run.interpolate(count, frames, (1, 2)), samples.real)
    save(with_caption(walked, _walking(run.game.condition, loaded.is_image)), run.path / "interpolation.png")
    if run.game.prior.codes:
        save(traversal(run, seed=1, real=samples.real), run.path / "codes.png")
    film(sorted(samples.directory.samples.glob("step-*.png")), run.path / "film.gif")
    report.write(run.path)


def _walking(condition: Condition | None, images: bool) -> str:
    within = "" if condition is None else ", within a class" if condition.kind == "classes" else ", at one vector"
    return (
        f"Each row walks from one z to another in equal steps{within}"
        if images
        else f"Each line walks from one z to another{within}, with a dot at equal steps"
    )


def _sinks(directory: RunDirectory, progress: TrainingProgress, tensorboard: bool) -> list[Sink]:
    sinks: list[Sink] = [JsonLines(directory.metrics), progress.sink]
    if tensorboard:
        from zerosum.training.hooks.tensorboard import TensorBoard

        sinks.append(TensorBoard(directory.path / "tensorboard"))
    return sinks


def _monitor(
    directory: RunDirectory, vitals: SignalMeter, trainer: Trainer, console: Console, before: float
) -> Monitor:
    def say(verdict: Verdict) -> None:
        console.print(f"round {trainer.step}: {verdict.sentence}")

    history = History.read(directory.health, trainer.training.steps)
    return Monitor(vitals, directory.health, history, say, before)


def _samples(directory: RunDirectory, trainer: Trainer, loaded: data.Dataset, record: Record) -> Samples:
    if not loaded.is_image:
        return Samples(directory, record, loaded.x[:POINTS], POINTS)
    rows = min(len(choices(trainer.game.condition, record.data)), MOST_ROWS) or 1
    return Samples(directory, record, None, rows * SIDE * max(1, SIDE // rows))


def _introduce(
    console: Console,
    directory: RunDirectory,
    trainer: Trainer,
    loaded: data.Dataset,
    record: Record,
    about: Sequence[str],
) -> None:
    shape = "x".join(map(str, loaded.shape))
    players = ", ".join(f"{player} {count:,}" for player, count in record.players.items())
    console.print(f"{record.recipe} on {record.data.name}: {len(loaded):,} samples of {shape}; parameters: {players}")
    for line in about:
        console.print(line)
    if loaded.problems:
        more = f" and {len(loaded.problems) - 3} more" if len(loaded.problems) > 3 else ""
        listed = "; ".join(str(problem) for problem in loaded.problems[:3])
        console.print(f"left out {len(loaded.problems):,}: {listed}{more}")
    start = f"going on from round {trainer.step} to" if trainer.step else "playing"
    console.print(f"{start} {trainer.training.steps:,} rounds, in {directory.path}")
