"""All rounds of a run in its directory, and everything that happens around them."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from PIL import Image
from rich.console import Console

from zerosum import checkpoint, data, distributed, report
from zerosum.files import atomic_path
from zerosum.gallery import neighbours, walks
from zerosum.health import History, Verdict
from zerosum.hooks.checkpoints import Checkpoints
from zerosum.hooks.console import Progressing
from zerosum.hooks.interrupt import Interrupt, Interrupted
from zerosum.hooks.jsonl import JsonLines
from zerosum.hooks.log import Log, Sink
from zerosum.hooks.monitor import Monitor
from zerosum.hooks.samples import Samples
from zerosum.pictures import film, picture
from zerosum.recovery import Recovery
from zerosum.runs import Record, RunDirectory
from zerosum.sampling import asked
from zerosum.trained import Run
from zerosum.trainer import Diverged, Hook, Trainer
from zerosum.vitals import Vitals

PICTURED, POINTS = 64, 2000  # samples in a picture of images, and of points
COMPARED = 8  # samples beside their nearest real images
WALKS_OF_IMAGES, WALKS_OF_POINTS = (6, 10), (24, 100)  # (walks, steps of each) between samples


def play(
    directory: RunDirectory,
    trainer: Trainer,
    loaded: data.Dataset,
    record: Record,
    *,
    tensorboard: bool,
    quiet: bool,
    new: bool,
) -> Run:
    """Play all rounds that are left and leave a complete run directory."""
    if distributed.rank() > 0:  # the first process alone writes
        if not new and (found := checkpoint.find(directory.checkpoints)):
            checkpoint.resume(trainer, found[-1])
        trainer.train()
        return Run(directory.path, record, trainer.sampler, trainer.step)
    console = console_of(quiet)
    with ExitStack() as stack:
        stack.enter_context(directory.locked())
        if new:
            directory.create(record)
        else:
            if found := checkpoint.find(directory.checkpoints):
                checkpoint.resume(trainer, found[-1])
            directory.write(record)  # it may be longer now
        directory.forget_after(trainer.step)
        _introduce(console, directory, trainer, loaded, record)
        progress = stack.enter_context(Progressing(console, trainer.training.steps))
        interrupt = stack.enter_context(Interrupt())
        training, before = trainer.training, directory.seconds_so_far()
        monitor = _monitor(directory, loaded, trainer, console, before) if training.health else None
        log = Log(training.log_every, training.checkpoint_every, _sinks(directory, progress, tensorboard), before)
        samples = _samples(directory, trainer, loaded)
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
    """The files people look at: `samples.png`, `neighbours.png` (of images), `interpolation.png`, `film.gif`,
    `report.html`.
    """
    made = run.sample(samples.count, seed=1)
    _save(picture(made, samples.real), run.path / "samples.png")
    if loaded.is_image:
        _save(neighbours(made[:COMPARED], loaded.x), run.path / "neighbours.png")
    count, frames = WALKS_OF_IMAGES if loaded.is_image else WALKS_OF_POINTS
    _save(walks(run.interpolate(count, frames, (1, 2)), samples.real), run.path / "interpolation.png")
    film(sorted(samples.folder.glob("step-*.png")), run.path / "film.gif")
    report.write(run.path)


def _save(image: Image.Image, path: Path) -> None:
    with atomic_path(path) as partial:
        image.save(partial)


def console_of(quiet: bool) -> Console:
    """Where progress is shown."""
    return Console(stderr=True, quiet=quiet, soft_wrap=True, highlight=False)


def _sinks(directory: RunDirectory, progress: Progressing, tensorboard: bool) -> list[Sink]:
    sinks: list[Sink] = [JsonLines(directory.metrics), progress.sink]
    if tensorboard:
        from zerosum.hooks.tensorboard import TensorBoard

        sinks.append(TensorBoard(directory.path / "tensorboard"))
    return sinks


def _monitor(
    directory: RunDirectory, loaded: data.Dataset, trainer: Trainer, console: Console, before: float
) -> Monitor:
    def say(verdict: Verdict) -> None:
        console.print(f"round {trainer.step}: {verdict.sentence}")

    history = History.read(directory.health, trainer.training.steps)
    return Monitor(Vitals(loaded, trainer.training.seed), directory.health, history, say, before)


def _samples(directory: RunDirectory, trainer: Trainer, loaded: data.Dataset) -> Samples:
    count = PICTURED if loaded.is_image else POINTS
    labels = asked(trainer.game.condition, count, loaded.conditions)
    return Samples(directory.samples, loaded.shape, labels, None if loaded.is_image else loaded.x[:POINTS], count)


def _introduce(
    console: Console, directory: RunDirectory, trainer: Trainer, loaded: data.Dataset, record: Record
) -> None:
    shape = "x".join(map(str, loaded.shape))
    players = ", ".join(f"{player} {count:,}" for player, count in record.players.items())
    console.print(f"{record.recipe} on {record.data.name}: {len(loaded):,} samples of {shape}; parameters: {players}")
    if loaded.problems:
        more = f" and {len(loaded.problems) - 3} more" if len(loaded.problems) > 3 else ""
        listed = "; ".join(str(problem) for problem in loaded.problems[:3])
        console.print(f"left out {len(loaded.problems)} unreadable files: {listed}{more}")
    start = f"going on from round {trainer.step} to" if trainer.step else "playing"
    console.print(f"{start} {trainer.training.steps:,} rounds, in {directory.path}")
