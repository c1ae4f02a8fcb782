"""Translate images by a run whose game has that role: what `zerosum translate` calls."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from zerosum.data.dataset import Problem, Progress
from zerosum.data.images import depth, whole
from zerosum.data.images.decode import Encoded, Whole
from zerosum.data.images.fit import fitted
from zerosum.data.images.pack import Notes
from zerosum.data.pairs import tasks
from zerosum.data.request import Asked, Frames, Reading
from zerosum.errors import ZerosumError
from zerosum.modality import Image
from zerosum.pictures.grids import grid
from zerosum.pictures.png import IMAGE, save
from zerosum.roles import Translates
from zerosum.run.loaded import Run, load
from zerosum.util import checks
from zerosum.util.files import atomic_path, named, plain_name
from zerosum.workflows.together import Together

BLOCK = 64  # images of an array read, translated and written at a time
ARRAY = "translations.npy"  # (N, C, H, W) of images that no picture holds, of other than 1 or 3 channels
MADE_BY = "translation.json"  # in the folder: what its images were made by, so that a half-done one can go on


@dataclass(frozen=True)
class Translation:
    """What was written."""

    files: tuple[Path, ...]  # one for each image
    problems: tuple[Problem, ...] = ()  # files that cannot be read, or not be translated
    notes: tuple[str, ...] = ()  # on how files were taken, and what was changed in the images beyond their size
    kept: int = 0  # of the files, that were there from before


def translate(
    run: str | Path | Run,
    images: str | Path,
    out: str | Path,
    *,
    back: bool = False,
    task: str | None = None,
    seed: int = 0,
    data_dir: str | Path | None = None,
    value_range: tuple[float, float] | None = None,
    frames: Frames | None = None,
    progress: Progress | None = None,
) -> Translation:
    """Write the translation of each image to a folder, as a PNG of the same name; all of them to an array there,
    uint8 (N, C, H, W), where they have other than 1 or 3 channels and are no RGBA.

    Image files keep their size, and what is transparent in them, which a run that learnt RGBA translates, too, where
    the translator takes any size, as those of pix2pix and CycleGAN do; a large one goes in tiles, but through a U-Net,
    which changes nothing but the memory that it takes. A folder that was left half-done by the same weights and options
    goes on where it stopped. Other translators, arrays and known sets: at the size that was learnt.

    Args:
        run: a run directory, whose newest EMA weights are used on the CPU, or what `zerosum.load` returned.
        images: an image file, or what `zerosum.train` takes as data: a folder, an .npy or .npz file, a known set, or
            pairs, whose `a` are translated.
        out: a folder, which is made if it is not there; files in it are overwritten where names are equal.
        back: from b to a, by a run that learnt both directions.
        task: spoil the images first, to look at: "denoise", "denoise@40" ... (`data.pairs.tasks`).
        seed: of the noise of each translation, where the translator has any.
        data_dir: where published sets are looked for first.
        value_range, frames: how image files are read, as in `zerosum.train`; by default as the run's own data were.
        progress: called with (what is being done, done so far, total).

    Raises:
        ZerosumError: no run there, or one that is not an image-to-image model, or not in that direction; nothing
            readable there; `out` is a file, or the folder of the images.
    """
    loaded, folder = run if isinstance(run, Run) else load(run), checks.path("out", out)
    images, seed = checks.text("images", images), checks.seed(seed)
    role, (source, target) = loaded.translator(back), loaded.direction(back)
    if not isinstance(source, Image) or not isinstance(target, Image):
        raise ZerosumError(f"{loaded.path} translates {source} to {target}, not images to images")
    if folder.exists() and not folder.is_dir():
        raise ZerosumError(f"--out {folder} is a file; name a folder for the translated images")
    its = named(images)
    if folder.resolve() in (its.resolve(), its.resolve().parent):
        raise ZerosumError(f"--out {folder} holds the images themselves; name another folder for their translations")
    spoils = None if task is None else _task(task, source, target)
    where = None if data_dir is None else checks.path("data_dir", data_dir)
    asked, usual = Asked(value_range, frames), loaded.record.data.reading
    work = _Work(loaded, role, source, target, back, spoils, seed, progress)
    if role.any_size and whole.is_of_files(its):
        return work.of_files(its, folder, asked.over(usual))
    read = source if spoils is None else target
    given = fitted(images, read, field=role.takes, data_dir=where, progress=progress, asked=asked, reading=usual)
    paths = _names(given.files, folder)
    drawable = (1, 3, 4) if usual.alpha == "keep" else (1, 3)
    array = None if target.channels in drawable else np.empty((len(paths), *target.shape), np.uint8)
    for start in range(0, len(paths), BLOCK):
        x = work.spoiled(given.data.x[start : start + BLOCK], start)
        made = work.translated(x)
        if array is None:
            for path, image in zip(paths[start : start + BLOCK], made, strict=True):
                save(grid(image[None], scale=1), path, IMAGE)
        else:
            array[start : start + BLOCK] = target.store(made).cpu().numpy()
        if progress:
            progress("translating", min(start + BLOCK, len(paths)), len(paths))
    if array is not None:
        paths = [folder / ARRAY] * len(paths)
        with atomic_path(folder / ARRAY) as new:
            np.save(new, array)
    return Translation(tuple(paths), given.data.problems, given.notes)


@dataclass(frozen=True)
class _Work:
    """How images are translated."""

    run: Run
    role: Translates
    source: Image
    target: Image
    back: bool
    task: tuple[str, float] | None  # what images are spoiled by before, and how strongly
    seed: int
    progress: Progress | None

    def spoiled(self, x: Tensor, first: int) -> Tensor:
        """Stored images (N, C, H, W), the first of which has the place `first`, as they are to be translated."""
        return x if self.task is None else tasks.spoiled(x, *self.task, first)

    def translated(self, x: Tensor) -> Tensor:
        """Images (N, C, H, W), stored or as the network sees them, to floats (N, C', H', W')."""
        return self.run.assert_finite(self.run.translate(x, back=self.back, seed=self.seed), "translations")

    def of_files(self, images: Path, out: Path, reading: Reading) -> Translation:
        """Each image of a folder, or the one that it is, at its own size; those of one size, in a row, together."""
        channels = (self.target if self.task else self.source).channels
        if channels not in (1, 3, 4):
            raise ZerosumError(
                f"{self.run.path} translates images of {channels} channels, which no image file has; give an .npy file"
            )
        items, problems, notes = whole.files(images)
        since = self._begin(out, reading)
        paths = _names([item.path for item in items], out)
        taken = set(paths)
        done, left_out, kept, seen = list[Path](), list(problems), 0, Notes()
        with Together(self._made, self._at_once) as together:
            for number, (item, path) in enumerate(zip(items, paths, strict=True)):
                if since is not None and reading.frames == "first" and _is_newer(path, item, since):
                    done.append(path)
                    kept += 1
                else:
                    for image in whole.images(item, channels, reading):
                        if isinstance(image, Problem) or min(image.pixels.shape[1:]) < self.role.smallest:
                            left_out.append(image if isinstance(image, Problem) else self._too_small(image))
                            continue
                        own = path
                        if image.frame:
                            own = _free(path.with_name(f"{path.stem}[{image.frame + 1}].png"), taken)
                        together.add(own, image, self._seen(image, number))
                        done.append(own)
                        seen.add(image)
                if self.progress:
                    self.progress("translating", number + 1, len(items))
        return Translation(tuple(done), tuple(left_out), (*notes, *seen.lines()), kept)

    def _too_small(self, image: Whole) -> Problem:
        height, width = image.pixels.shape[1:]
        reason = f"it has {height}x{width} pixels; a side must have {self.role.smallest} or more"
        return Problem(image.path, reason)

    def _seen(self, image: Whole, number: int) -> Tensor:
        """What of an image the network is to see, as it is stored: (C, H, W), of 8 bits or of 16."""
        x = torch.from_numpy(image.pixels)
        if x.dtype == torch.uint8:
            return self.spoiled(x[None], number)[0]
        wanted = (self.target if self.task else self.source).channels
        if wanted != len(x) and {wanted, len(x)} == {1, 3}:
            grey = tasks.luminance(x[None].float())[0].round().to(torch.uint16)
            x = grey if wanted == 1 else x.expand(3, -1, -1)
        if self.task is not None:
            floats = tasks.spoiled_floats(x[None].float() * (255 / depth.TOP), *self.task, number)[0]
            x = (floats * (depth.TOP / 255)).round().to(torch.uint16)
        return x

    def _load(self, x: Tensor) -> Tensor:
        """Stored pixels, of 8 bits or 16, to what the network sees."""
        return x.float() * (2 / depth.TOP) - 1 if x.dtype == torch.uint16 else self.source.load(x)

    def _at_once(self, x: Tensor) -> int:
        """How many images of this shape (C, H, W) go through the network at once; those that go in tiles, alone."""
        passage, (height, width) = self.run.passage(self.back), x.shape[1:]
        return 1 if passage.in_parts(height, width) else passage.at_once(height, width)

    def _made(self, x: Tensor) -> Tensor:
        """Stored images to others (N, C', H', W') of as many bits; one that is too large for all layers in tiles."""
        passage, stored = self.run.passage(self.back), partial(self._stored, dtype=x.dtype)
        if not passage.in_parts(*x.shape[2:]):
            return stored(self.translated(self._load(x)))
        progress = None if self.progress is None else partial(self.progress, "translating in tiles")
        return passage.tiled(x[0], self._load, stored, progress)[None]

    def _stored(self, made: Tensor, dtype: torch.dtype) -> Tensor:
        made = self.run.assert_finite(made, "translations").cpu()
        if dtype == torch.uint16:
            return ((made.float().clamp(-1, 1) + 1) * (depth.TOP / 2)).round().to(torch.uint16)
        return self.target.store(made)

    def _begin(self, out: Path, reading: Reading) -> int | None:
        """Say in the folder what its images are made by; since when, in nanoseconds, it says so: older ones are not.

        None where it said something else before, or nothing.
        """
        made_by = {
            "weights": _digest(self.role.network(self.back) or self.run.game),
            "back": self.back,
            "task": None if self.task is None else "{}@{:g}".format(*self.task),
            "seed": self.seed,
            "bits": 16,  # of what has more than 8
            "value_range": reading.value_range and list(reading.value_range),
        }
        path = out / MADE_BY
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            before = None
        if before == made_by:
            return path.stat().st_mtime_ns
        with atomic_path(path) as new:
            new.write_text(json.dumps(made_by, indent=2) + "\n", encoding="utf-8")
        return None


def _task(name: str, source: Image, target: Image) -> tuple[str, float]:
    """The task of that name; a `ZerosumError` where its images are none that the translator takes."""
    found = tasks.parse(name)
    if found is None:
        raise ZerosumError(f"there is no task {name!r}; choose one of {', '.join(tasks.TASKS)}")
    channels = 1 if tasks.TASKS[found[0]].grey else target.channels
    if channels != source.channels:
        raise ZerosumError(f"{found[0]} makes images of {channels} channels, and the run takes {source.channels}")
    return found


def _names(files: Sequence[str], folder: Path) -> list[Path]:
    """In the same sub-folders, as PNGs, each its own; `x.jpg` and `x.bmp` of one as `x.jpg.png` and `x.bmp.png`."""
    plain = [folder.joinpath(*map(plain_name, file.split("/"))) for file in files]
    paths = [path.with_suffix(".png") for path in plain]
    times, taken = Counter(paths), set[Path]()
    wanted = (p if times[p] == 1 else own.with_name(f"{own.name}.png") for p, own in zip(paths, plain, strict=True))
    return [_free(path, taken) for path in wanted]


def _free(path: Path, taken: set[Path]) -> Path:
    """The path, or, if it is taken, with the first number that makes another of it; which is taken then."""
    numbered = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in itertools.count(2))
    free = next(own for own in itertools.chain([path], numbered) if own not in taken)
    taken.add(free)
    return free


def _is_newer(made: Path, item: Encoded, since: int) -> bool:
    """Whether an image was made after the file that it is made of, and after `since`, in nanoseconds."""
    try:
        source = item.file.stat().st_mtime_ns if isinstance(item.file, Path) else None
        return source is not None and made.stat().st_mtime_ns >= max(source, since)
    except OSError:
        return False


def _digest(module: nn.Module) -> str:
    """Of the weights."""
    found = hashlib.sha256()
    for name, value in module.state_dict().items():
        found.update(name.encode())
        found.update(value.detach().cpu().flatten().view(torch.uint8).numpy().data if value.numel() else b"")
    return found.hexdigest()[:16]
