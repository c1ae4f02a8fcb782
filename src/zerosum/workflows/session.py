"""All steps of a run in its directory, and everything that happens around them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from PIL import Image
from rich.console import Console
from torch import Tensor

from zerosum import data, report
from zerosum.data.check import counted_samples
from zerosum.errors import ZerosumError
from zerosum.evaluation import protocol, returns
from zerosum.game import Game
from zerosum.health.history import History
from zerosum.health.monitor import Monitor
from zerosum.health.signals import SignalMeter
from zerosum.modality import Modality
from zerosum.pictures.classified import classified
from zerosum.pictures.film import film
from zerosum.pictures.overview import MOST_ROWS, choices, overview
from zerosum.pictures.png import save
from zerosum.pictures.predictions import predictions
from zerosum.pictures.render import renderer
from zerosum.pictures.translations import translations
from zerosum.pictures.walks import interpolation, latents_per_code, traversal
from zerosum.recipe import RECIPES
from zerosum.roles import Acts, Classifies, Generates, Predicts, Translates, has_role, in_role, makes_samples
from zerosum.run.directory import RunDirectory
from zerosum.run.loaded import Run
from zerosum.run.record import Record
from zerosum.run.sampling import SampleRequest
from zerosum.training import checkpoint
from zerosum.training.estimate import pace_of, smaller_batch
from zerosum.training.hooks.checkpoints import Checkpoints
from zerosum.training.hooks.console import TrainingProgress
from zerosum.training.hooks.interrupt import Interrupt, Interrupted
from zerosum.training.hooks.log import JsonLines, Log, Sink
from zerosum.training.trainer import Diverged, Hook, Trainer
from zerosum.util import distributed, files, memory, rng
from zerosum.util.console import errors
from zerosum.util.text import duration
from zerosum.workflows.predict import write_film
from zerosum.workflows.prepare import Prepared
from zerosum.workflows.sample import default_ending, samples_at_end, write_samples

COMPARED, TRANSLATED = 8, 8  # samples with their nearest training images, and those that are translated
VISITS = 1000  # states in a picture of what a policy does
FORESEEN = 4  # videos in a picture of what is foreseen
LAST_SEED = 1  # of the files at the end; another than the film's
FIRST_PICTURES = (10.0, 30.0, 60.0)  # seconds of training before pictures by time; then after twice as many each
RECENT = 0.75  # of the time before a picture is due: one by steps that came later stands for it
ON_CPU = "r3gan/small"  # what trains images where there is no GPU
TIMED = 2.0  # seconds that steps are timed for before a training begins
DAY, LONG = 24 * 3600.0, 4 * 3600.0  # seconds: of a training on a CPU that lasts longer, what else there is


def play(
    directory: RunDirectory,
    prepared: Prepared,
    *,
    tensorboard: bool,
    quiet: bool,
    new: bool,
    hooks: Sequence[Hook] = (),
) -> Run:
    """Play all steps that are left, or until a hook stops, and leave a complete run directory."""
    trainer, loaded, record, about, shown = prepared
    if distributed.rank() > 0:
        return _follow(directory, prepared, new, hooks)
    console = errors(quiet)
    with ExitStack() as stack:
        stack.enter_context(directory.locked())
        directory.tidy()
        if new:
            directory.create(record)
            stack.enter_context(_unmade(directory, trainer))
        training = trainer.training
        meter = SignalMeter(loaded, trainer.game.makes, training.seed) if training.health else None
        saver = Checkpoints(directory.checkpoints)
        if not new:
            if not saver.resume(trainer):
                _begin_again(directory, record, console)
            if trainer.step > training.steps:
                raise ZerosumError(
                    f"{directory.path} has played {trainer.step:,} steps already, more than --steps {training.steps:,}"
                )
            directory.write(record)  # it may be longer now
        # The last line of a run that was stopped is of values that a later line will have too: the checkpoint has them.
        directory.forget_after(trainer.step - bool(trainer.pending))
        _introduce(console, directory, trainer, loaded, record, about)
        _project(console, directory, trainer, record)
        progress = stack.enter_context(TrainingProgress(console, trainer.training.steps))
        interrupt = stack.enter_context(Interrupt(quiet))
        before = directory.seconds_so_far()
        monitor = None
        if meter:
            history = History.read(directory.health, training.steps)
            monitor = Monitor(
                meter, directory.health, history, lambda v: console.print(f"step {trainer.step}: {v.sentence}"), before
            )
        sinks: list[Sink] = [JsonLines(directory.metrics), progress.sink]
        if tensorboard:
            from zerosum.training.hooks.tensorboard import TensorBoard

            sinks.append(TensorBoard(directory.path / "tensorboard"))
        log = Log(training.log_every, training.checkpoint_every, sinks, before)  # its reading is `_follow`'s, too
        drawing = _drawing(trainer.game, record, shown, seed=0)

        def draw(run: Run) -> Image.Image:
            directory.require_there()  # saving the picture would make a new one
            return drawing(run)

        pictures = SamplePictures(directory, record, draw, before, lambda line: console.print(line))
        recovery = Recovery(directory, saver, monitor, console)
        if trainer.step == 0:
            pictures(trainer)
            saver.save(trainer)  # somewhere to go back to
        every: list[Hook] = [progress, *([monitor] if monitor else []), log, pictures, saver, interrupt, *hooks]
        while trainer.step < training.steps:
            try:
                trainer.train(every)
            except Diverged as error:
                recovery.roll_back(trainer, error)
            except Exception as error:
                if memory.is_failure(error):
                    raise _no_memory(trainer, new, directory) from error
                if isinstance(error, FileNotFoundError):
                    directory.require_there()
                raise
            if trainer.stopping and trainer.step < training.steps:
                if _stopped_by_signal(trainer, log, saver, interrupt):
                    with suppress(KeyboardInterrupt):  # a second Ctrl-C: it is saved already
                        conclude(Run(directory.path, record, trainer.sampler, trainer.step), shown)
                        console.print(f"samples, film and report so far: {directory.path}")
                    go_on = directory.command("resume")
                    raise Interrupted(f"stopped and saved at step {trainer.step}; go on with: {go_on}")
                console.print(f"a hook stopped the training at step {trainer.step:,}")
                break
    run = Run(directory.path, record, trainer.sampler, trainer.step)
    try:
        finish(run, loaded, shown, lambda line: console.print(line))
    except KeyboardInterrupt:
        raise Interrupted(
            f"stopped at step {trainer.step}, which is saved, before all pictures and the report were written; they "
            f"come by: {directory.command('resume')}"
        ) from None
    return run


def _begin_again(directory: RunDirectory, record: Record, console: Console) -> None:
    """Say that a run without a checkpoint begins at step 0; `ZerosumError` where steps of it were played."""
    if directory.was_trained:
        others = sorted(path.name for path in directory.checkpoints.iterdir()) if directory.checkpoints.is_dir() else []
        found = f" ({others[0]} is not called step- and eight digits)" if others else ""
        raise ZerosumError(
            f"{directory.checkpoints} has no checkpoint to go on from{found}: put one back, or train again in another "
            f"directory: {record.command}"
        )
    console.print(f"{directory.path} was stopped before its first checkpoint: it begins at step 0")


def _no_memory(trainer: Trainer, new: bool, directory: RunDirectory) -> memory.OutOfMemoryError:
    """What a step that found no memory says: how to do with less, or how to go on."""
    batch = trainer.training.batch_size
    if new and trainer.step == 0:
        cure = smaller_batch(trainer, trainer.stream())
    else:
        cure = f"free some, then go on with: {directory.command('resume')}"
    return memory.OutOfMemoryError(
        f"there is not enough memory for step {trainer.step + 1:,}, with a batch of {batch:,}: {cure}"
    )


def _stopped_by_signal(trainer: Trainer, log: Log, saver: Checkpoints, interrupt: Interrupt) -> bool:
    """Read and save where a run stops, each process in the same order; whether a signal stopped one of them."""
    saver.save(trainer)  # before the log is read: what it has is to be part of its next line
    log.flush(trainer)
    return distributed.any_says(interrupt.asked)


def _follow(directory: RunDirectory, prepared: Prepared, new: bool, hooks: Sequence[Hook]) -> Run:
    """What processes after the first do: the same steps, readings and stops, in the same order, and no file."""
    trainer, training = prepared.trainer, prepared.trainer.training
    log, saver = Log(training.log_every, training.checkpoint_every, []), Checkpoints(directory.checkpoints)
    if not new:
        saver.resume(trainer)
    with Interrupt() as interrupt:
        if trainer.step == 0:
            saver.save(trainer)
        trainer.train([log, saver, interrupt, *hooks])
        if trainer.stopping and trainer.step < training.steps and _stopped_by_signal(trainer, log, saver, interrupt):
            raise Interrupted
    return Run(directory.path, prepared.record, trainer.sampler, trainer.step)


@contextmanager
def _unmade(directory: RunDirectory, trainer: Trainer) -> Iterator[None]:
    """Take a new run away again where there was not enough memory for its first step."""
    try:
        yield
    except Exception as error:
        if trainer.step == 0 and memory.is_failure(error):
            directory.unmake()
        raise


def finish(run: Run, loaded: data.Dataset, shown: data.Dataset, say: Callable[[str], None]) -> None:
    """Write the files of `run.artifacts` that are due at the end; `shown` is what translations are of; `say` prints."""
    seed = LAST_SEED
    if has_role(run.game, Generates):
        if (ending := default_ending(run)) != ".png":
            write_samples(run, run.path / f"samples{ending}", SampleRequest(samples_at_end(run), seed))
        draw, real = renderer(run.modality), _behind(run.modality, loaded)
        if draw.nearest:
            samples = run.sample(draw.count(_rows(run.game, run.record)), seed)[:COMPARED]
            save(draw.nearest(samples, loaded.x), run.path / "neighbours.png")
        save(interpolation(run, (seed, seed + 1), real), run.path / "interpolation.png")
        if run.codes:
            request = SampleRequest(latents_per_code(run), seed)
            save(traversal(run, request, real=real), run.path / "codes.png")
    if has_role(run.game, Acts):
        found = returns.measure(run, seed=seed)
        protocol.write(returns.evaluation_of(run, found), run.path / protocol.FILE)
        for line in returns.lines(found):
            say(line)
    if has_role(run.game, Predicts):
        write_film(run, run.path / "samples.gif", seed=seed, data=loaded)
    conclude(run, shown)


def conclude(run: Run, shown: data.Dataset) -> None:
    """Write the files that every run has, a stopped one, too: samples, film and report."""
    save(_drawing(run.game, run.record, shown, LAST_SEED)(run), run.path / "samples.png")
    if frames := sorted((run.path / "samples").glob("step-*.png")):
        film(frames, run.path / "film.gif")
    report.write(run.path)


class SamplePictures:
    """A hook: a picture every `training.sample_every` steps and after the last one, a frame of the film.

    There is one after 10, 30 and 60 s of training, too, 120 s, 240 s and so on, unless one by steps came shortly
    before, and a line says where. It costs none of the training's random numbers.

    Args:
        draw: makes it, of a run as it is now.
        seconds_before: of training, before this process.
        say: prints a line.
        clock: seconds.
    """

    def __init__(
        self,
        directory: RunDirectory,
        record: Record,
        draw: Callable[[Run], Image.Image],
        seconds_before: float = 0.0,
        say: Callable[[str], None] = lambda line: None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.directory, self.record, self.draw, self.say, self.clock = directory, record, draw, say, clock
        self.began, self.last = clock() - seconds_before, 0.0  # when there was one by steps
        self.due = _next_picture(seconds_before)

    def __call__(self, trainer: Trainer) -> None:
        seconds = self.clock() - self.began
        if trainer.step % trainer.training.sample_every == 0 or trainer.step == trainer.training.steps:
            self._save(trainer)
            self.last = seconds
        elif seconds >= self.due:
            if self.last <= self.due * RECENT:
                self.say(f"samples after {duration(seconds)}: {self._save(trainer)}")
            self.due = _next_picture(seconds)

    def _save(self, trainer: Trainer) -> Path:
        run = Run(self.directory.path, self.record, trainer.sampler, trainer.step)
        path = self.directory.samples / f"step-{trainer.step:08d}.png"
        save(self.draw(run), path)
        return path


def _next_picture(seconds: float) -> float:
    """When the next picture by time is due, after so many seconds."""
    due = next((due for due in FIRST_PICTURES if due > seconds), FIRST_PICTURES[-1])
    while due <= seconds:
        due *= 2
    return due


class Recovery:
    """Rolls a run that diverged back to its last good checkpoint, `training.retries` times at most, with other noise.

    The learning rates are halved each time, and the factor is kept in the checkpoints, so that a resumed run goes on
    with it. A second divergence before a newer checkpoint was saved goes back to the one before. All of this follows
    from the checkpoints that lie there: a run that was killed on the way does the same once it is resumed.
    """

    def __init__(self, directory: RunDirectory, saver: Checkpoints, monitor: Monitor | None, console: Console):
        self.directory, self.saver, self.monitor, self.console = directory, saver, monitor, console

    def roll_back(self, trainer: Trainer, error: Diverged) -> None:
        """Put the trainer back, or raise `error` again."""
        self._note(trainer, "diverged", error.what)
        tries, allowed = round(-math.log2(trainer.lr_scale)), trainer.training.retries
        if any(self.saver.is_due(checkpoint.number_of(path), trainer) for path in self._found()):
            self.saver.remove_between(trainer)  # of a run that was stopped: it would not be there without
        found = self._found()
        if distributed.world_size() > 1 or tries >= allowed or not found:
            raise Diverged(error.step, error.value_name, error.value, tries) from None
        if len(found) > 1 and checkpoint.lr_scale_of(found[-1]) < checkpoint.lr_scale_of(found[-2]):
            files.remove(found.pop())  # it was gone back to already, and no newer one was saved
        rate = trainer.lr_scale / 2
        checkpoint.resume(trainer, found[-1])
        trainer.pending.clear()
        trainer.lr_scale, self.saver.saved = rate, -1
        rng.seed(trainer.training.seed + 2 + tries)
        self.saver.save(trainer)  # so that a resumed run has the new rate
        self.directory.forget_after(trainer.step)
        done = f"back to step {trainer.step} with learning rates times {rate:g}, try {tries + 1} of {allowed}"
        self._note(trainer, "rolled back", done)
        self.console.print(f"{error.what}: {done}")

    def _found(self) -> list[Path]:
        return checkpoint.find(self.directory.checkpoints)

    def _note(self, trainer: Trainer, event: str, detail: str) -> None:
        if self.monitor:
            self.monitor.event(trainer.step, event, detail)


def _drawing(game: Game[Any], record: Record, loaded: data.Dataset, seed: int) -> Callable[[Run], Image.Image]:
    """What draws the samples of a run as it is now: of fixed latent points, of fixed sources, or of fixed videos; where
    it classifies alone, fixed real samples by what they are taken for.
    """
    if has_role(game, Translates):
        takes = in_role(game, Translates).takes
        a, b = (loaded.fields[name] for name in (takes, game.makes))
        if takes == game.makes:  # classes may lie in order
            spread = a.stored[:: max(1, len(a) // TRANSLATED)][:TRANSLATED]
            return lambda run: translations(run, spread)
        aligned = a.deck == b.deck
        return lambda run: translations(run, a.stored[:TRANSLATED], b.stored[:TRANSLATED] if aligned else None)
    if has_role(game, Predicts):
        videos, actions = (loaded.fields[name].stored[:FORESEEN] for name in (game.makes, "actions"))
        return lambda run: predictions(run, videos, actions)
    if has_role(game, Classifies) and not makes_samples(game):
        x = loaded.fields.get("target", loaded.fields[game.makes]).stored
        return lambda run: classified(run, x)
    modality = record.data.fields[game.makes]
    real = _behind(modality, loaded)
    if has_role(game, Acts):
        draw = renderer(modality).picture
        return lambda run: draw(in_role(run.game, Acts).behave(VISITS, seed), real)
    request = SampleRequest(renderer(modality).count(_rows(game, record)), seed)
    return lambda run: overview(run, request, real)


def _rows(game: Game[Any], record: Record) -> int:
    """Rows of a picture: one for each class or vector."""
    return min(len(choices(in_role(game, Generates).condition, record.data)), MOST_ROWS) or 1


def _behind(modality: Modality, loaded: data.Dataset) -> Tensor | None:
    """Real samples to draw behind others, of kinds that show them."""
    count = renderer(modality).behind
    return loaded.x[:count] if count else None


def _introduce(
    console: Console,
    directory: RunDirectory,
    trainer: Trainer,
    loaded: data.Dataset,
    record: Record,
    about: Sequence[str],
) -> None:
    players = ", ".join(f"{player} {count:,}" for player, count in record.players.items())
    console.print(f"{record.recipe} on {record.data.name}: {counted_samples(loaded)}; parameters: {players}")
    for line in about:
        console.print(line)
    if loaded.problems:
        more = f" and {len(loaded.problems) - 3} more" if len(loaded.problems) > 3 else ""
        listed = "; ".join(str(problem) for problem in loaded.problems[:3])
        console.print(f"left out {len(loaded.problems):,}: {listed}{more}")
    if trainer.step >= trainer.training.steps:
        longer = directory.command("resume", f"--steps {2 * trainer.training.steps}")
        console.print(
            f"{directory.path} is finished: all {trainer.training.steps:,} steps are played; to go on: {longer}"
        )
        return
    start = f"resuming at step {trainer.step:,} of" if trainer.step else "training for"
    console.print(f"{start} {trainer.training.steps:,} steps, in {directory.path}")
    if (world := distributed.world_size()) > 1:
        share = trainer.training.batch_size
        console.print(f"a step learns from {share * world:,} samples, {share:,} on each of {world} processes")


def _project(console: Console, directory: RunDirectory, trainer: Trainer, record: Record) -> None:
    """Say how long the training will take and what to expect when: on a CPU, where a step may take long."""
    steps, played = trainer.training.steps, trainer.step
    if console.quiet or trainer.device.type != "cpu" or distributed.world_size() > 1 or played >= steps:
        return
    seconds, source, word = pace_of(trainer, TIMED)
    left = seconds * (steps - played)
    slow = f"; `zerosum train {ON_CPU}` trains images on a CPU" if left > LONG and record.recipe != ON_CPU else ""
    slow += ", `--dry-run` measures what fits into a day" if left > DAY else ""
    how = f" ({source})" if source else ""
    console.print(f"{word} {duration(left)} on this machine, at {seconds:.2g} s a step{how}{slow}")
    known = RECIPES[record.recipe].milestones if record.recipe in RECIPES else {}
    for step, what in known.items():
        if played < step <= steps:
            console.print(f"after about {duration(seconds * (step - played))} ({step:,} steps): {what}")
    first = f", the first within {FIRST_PICTURES[0] + seconds:.0f} s" if played == 0 else ""
    console.print(f"pictures of samples: {directory.samples}{first}")
