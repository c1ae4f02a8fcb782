"""Translate images by a run whose game has that role: what `zerosum translate` calls."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from zerosum.data.dataset import Problem, Progress
from zerosum.data.images import depth, whole
from zerosum.data.images.contents import look, mark_of, without_ending_of_image
from zerosum.data.images.decode import Encoded, Whole
from zerosum.data.images.fit import fitted
from zerosum.data.images.pack import Notes
from zerosum.data.pairs import tasks
from zerosum.data.request import Asked, Frames, Reading
from zerosum.data.sources import check_range, paths_of
from zerosum.errors import ZerosumError
from zerosum.modality import Image
from zerosum.pictures.grids import grid
from zerosum.pictures.png import IMAGE, made_of, save
from zerosum.roles import Translates
from zerosum.run.loaded import Run, load
from zerosum.util import checks
from zerosum.util.files import atomic_path, is_regular, named
from zerosum.util.memory import OutOfMemoryError
from zerosum.workflows.together import Together, Waiting

BLOCK = 64  # images of an array read, translated and written at a time
LONGEST = 200  # bytes of a name without its ending; systems take 255, and a file has a longer one while it is written
ARRAY = "translations.npy"  # (N, C, H, W) of images that no picture holds, of other than 1 or 3 channels
MADE_BY = "translation.json"  # in the folder: what its images were made by


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
    which changes nothing but the memory that it takes. A folder that was left half-done goes on where it stopped: what
    the same weights and options made of the same files, as they are, is kept. Other translators, arrays and known sets:
    at the size that was learnt.

    Args:
        run: a run directory, whose newest EMA weights are used on the CPU, or what `zerosum.load` returned.
        images: an image file, or what `zerosum.train` takes as data: a folder, an .npy or .npz file, a known set, or
            pairs, whose `a` are translated.
        out: a folder, which is made if it is not there; of files with the names of translations those are overwritten
            that zerosum made.
        back: from b to a, by a run that learnt both directions.
        task: spoil the images first, to look at: "denoise", "denoise@40" ... (`data.pairs.tasks`).
        seed: of the noise of each translation, where the translator has any.
        data_dir: where published sets are looked for first.
        value_range, frames: how image files are read, as in `zerosum.train`; by default as the run's own data were.
        progress: called with (what is being done, done so far, total).

    Raises:
        ZerosumError: no run there, or one that is not an image-to-image model, or not in that direction; nothing
            there that can be translated; `out` is a file, or the folder of the images, or one with others of their
            names; what is made has channels that no image file holds.
    """
    loaded, folder = run if isinstance(run, Run) else load(run), checks.path("out", out)
    images, seed = checks.text("images", images), checks.seed(seed)
    role, (source, target) = loaded.translator(back), loaded.direction(back)
    if not isinstance(source, Image) or not isinstance(target, Image):
        raise ZerosumError(f"{loaded.path} translates {source} to {target}, not images to images")
    if folder.exists() and not folder.is_dir():
        raise ZerosumError(f"--out {folder} is a file; name a folder for the translated images")
    its = named(images)
    at_own_size = role.any_size and whole.is_of_files(its)
    places = (its,) if at_own_size else paths_of(images)
    if _holds_images(folder, places):
        raise ZerosumError(f"--out {folder} holds the images themselves; name another folder for their translations")
    spoils = None if task is None else _task(task, source, target)
    where = None if data_dir is None else checks.path("data_dir", data_dir)
    asked, usual = Asked(value_range, frames), loaded.record.data.reading
    work = _Work(loaded, role, source, target, back, spoils, seed, progress)
    if at_own_size:
        return work.of_files(its, folder, asked.over(usual))
    read = source if spoils is None else target
    given = fitted(images, read, field=role.takes, data_dir=where, progress=progress, asked=asked, reading=usual)
    paths = _names(given.files, folder)
    array = None if target.channels in _drawable(usual) else np.empty((len(paths), *target.shape), np.uint8)
    _require_free(paths if array is None else [folder / ARRAY], _files_of(places))
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
        if self.target.channels not in _drawable(reading):
            raise ZerosumError(
                f"{self.run.path} makes images of {self.target.channels} channels, which no PNG holds; give an .npy "
                f"file, whose translations become {ARRAY}"
            )
        check_range(reading)
        items, problems, notes = whole.files(images, out)
        plan = self._plan(items, images, out, reading)
        _require_free([path for _, _, path in plan], (str(item.file) for item in items))
        made_by = self._begin(out, reading)
        done, left_out, kept, seen = list[Path](), list(problems), 0, Notes()
        with Together(self._made, self._at_once) as together:
            for place, item, path in plan:
                digest = self._made_of(made_by, item, place)
                if digest and made_of(path) == digest:
                    done.append(path)
                    kept += 1
                else:
                    image = self._read(item, channels, reading)
                    if isinstance(image, Problem):
                        left_out.append(image)
                    else:
                        together.add(Waiting(path, image, self._seen(image, place), digest))
                        done.append(path)
                        seen.add(image)
                if self.progress:
                    self.progress("translating", kept + len(left_out) - len(problems) + together.written, len(plan))
        if self.progress:
            self.progress("translating", len(plan), len(plan))
        if not done:
            others = f", and {len(left_out) - 1:,} others" if len(left_out) > 1 else ""
            raise ZerosumError(f"nothing of {images} could be translated: {left_out[0]}{others}; give other images")
        return Translation(tuple(done), tuple(left_out), (*notes, *seen.lines()), kept)

    def _plan(
        self, items: Sequence[Encoded], images: Path, out: Path, reading: Reading
    ) -> list[tuple[int, Encoded, Path]]:
        """Each image that is to be translated: the place of its file, the image, and the path of its translation."""
        root = images if images.is_dir() else images.parent
        paths = _names([Path(os.path.relpath(str(item.file), root)).as_posix() for item in items], out)
        taken, plan = set(paths), []
        for place, (item, path) in enumerate(zip(items, paths, strict=True)):
            for own in [item] if reading.frames == "first" else whole.frames(item):
                its = _free(path.with_name(f"{path.stem}[{own.frame + 1}].png"), taken) if own.frame else path
                plan.append((place, own, its))
        return plan

    def _read(self, item: Encoded, channels: int, reading: Reading) -> Whole | Problem:
        """One image; or why it cannot be translated."""
        image = whole.image(item, channels, reading)
        if isinstance(image, Problem):
            return image
        height, width = image.pixels.shape[1:]
        if min(height, width) < self.role.smallest:
            reason = f"it has {height}x{width} pixels; a side must have {self.role.smallest} or more"
            return Problem(item.name, reason)
        try:
            self.run.passage(self.back).require(height, width)
        except OutOfMemoryError as error:
            return Problem(item.name, str(error))
        return image

    def _made_of(self, made_by: str, item: Encoded, place: int) -> str:
        """Hex digits of all that a translation depends on: how it is made, its file as it is now, and the frame of it;
        of one that is spoiled before, the place of the file, too. "" where the file cannot be looked at.
        """
        try:
            about = os.stat(item.file)
        except OSError:
            return ""
        path = os.path.realpath(item.file)
        own = [made_by, path, about.st_size, about.st_mtime_ns, item.frame, place if self.task else 0]
        return hashlib.sha256(json.dumps(own).encode()).hexdigest()[:32]

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

    def _begin(self, out: Path, reading: Reading) -> str:
        """Say in the folder what its images are made by; the same in one line."""
        made_by = {
            "weights": _digest(self.role.network(self.back) or self.run.game),
            "back": self.back,
            "task": None if self.task is None else "{}@{:g}".format(*self.task),
            "seed": self.seed,
            "bits": 16,  # of what has more than 8
            "value_range": reading.value_range and list(reading.value_range),
        }
        with atomic_path(out / MADE_BY) as new:
            new.write_text(json.dumps(made_by, indent=2) + "\n", encoding="utf-8")
        return json.dumps(made_by)


def _task(name: str, source: Image, target: Image) -> tuple[str, float]:
    """The task of that name; a `ZerosumError` where its images are none that the translator takes."""
    found = tasks.parse(name)
    if found is None:
        raise ZerosumError(f"there is no task {name!r}; choose one of {', '.join(tasks.TASKS)}")
    channels = 1 if tasks.TASKS[found[0]].grey else target.channels
    if channels != source.channels:
        raise ZerosumError(f"{found[0]} makes images of {channels} channels, and the run takes {source.channels}")
    return found


def _drawable(reading: Reading) -> tuple[int, ...]:
    """Numbers of channels that become PNGs."""
    return (1, 3, 4) if reading.alpha == "keep" else (1, 3)


def _names(files: Sequence[str], folder: Path) -> list[Path]:
    """In the same sub-folders, as PNGs, each its own; `x.jpg` and `x.bmp` of one as `x.jpg.png` and `x.bmp.png`."""
    whole = [folder.joinpath(*map(_cut, file.split("/"))) for file in files]
    paths = [folder.joinpath(*map(_cut, without_ending_of_image(file).split("/"))) for file in files]
    times, taken = Counter(paths), set[Path]()
    wanted = (path if times[path] == 1 else own for path, own in zip(paths, whole, strict=True))
    return [_free(path.with_name(f"{path.name}.png"), taken) for path in wanted]


def _cut(name: str) -> str:
    """Of a name as much as leaves room for more."""
    own = os.fsencode(name)
    return name if len(own) <= LONGEST else own[:LONGEST].decode(errors="ignore")  # no half a character


def _free(path: Path, taken: set[Path]) -> Path:
    """The path, or, if it is taken, with the first number that makes another of it; which is taken then."""
    numbered = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in itertools.count(2))
    free = next(own for own in itertools.chain([path], numbered) if own not in taken)
    taken.add(free)
    return free


def _holds_images(out: Path, places: Iterable[Path]) -> bool:
    """Whether a folder is one of the places, or that of a file, or lies in one and holds images that zerosum did not
    make.
    """
    whole, folder = [(place if place.is_dir() else place.parent).resolve() for place in places], out.resolve()
    within = folder.is_dir() and any(folder.is_relative_to(place) for place in whole)
    return folder in whole or (within and any(not image.made for image in look(folder).images))


def _files_of(places: Iterable[Path]) -> list[str]:
    """The images under some folders, and the files that others are."""
    return [
        path
        for place in places
        for path in ([image.path for image in look(place).used()] if place.is_dir() else [str(place)])
    ]


def _require_free(targets: Sequence[Path], images: Iterable[str]) -> None:
    """A `ZerosumError` where one of the images to translate, or one that zerosum did not make, has the path that a
    translation is to have.
    """
    standing, originals = [path for path in targets if is_regular(path)], set[tuple[int, int]]()
    for image in images if standing else ():
        with suppress(OSError):
            originals.add(_identity(os.stat(image)))
    for path in standing:
        if _identity(path.stat()) in originals:
            raise ZerosumError(f"{path} is one of the images themselves; name another folder (--out)")
        if path.suffix == ".png" and mark_of(path) != IMAGE:
            raise ZerosumError(f"{path} is there, and zerosum did not make it; name another folder (--out), or move it")


def _identity(about: os.stat_result) -> tuple[int, int]:
    """What a file has alone, whatever its names."""
    return about.st_dev, about.st_ino


def _digest(module: nn.Module) -> str:
    """Of the weights."""
    found = hashlib.sha256()
    for name, value in module.state_dict().items():
        found.update(name.encode())
        found.update(value.detach().cpu().flatten().view(torch.uint8).numpy().data if value.numel() else b"")
    return found.hexdigest()[:16]
