"""What is in some data, before anything is trained on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from zerosum.data import twins
from zerosum.data.dataset import ALL, QUESTION, Dataset, Problem, Progress
from zerosum.data.request import Alpha, Frames, Reading
from zerosum.data.sources import find, from_folder, load
from zerosum.modality import Image, Modality, Sound, Tokens
from zerosum.util.files import named
from zerosum.util.text import abbreviate, shortened

MODES = {1: "L", 3: "RGB"}  # Pillow's, of images in arrays
SHOWN, FREQUENT, SAME = 5, 10, 3  # texts, tokens, and members of a group of duplicates, that a report shows


@dataclass(frozen=True)
class Report:
    """What `check` found."""

    data: Dataset  # what training would use
    classes: dict[str, int]  # name: samples with this label
    sizes: dict[str, int]  # "HxW": images, as they are stored, the most frequent first
    modes: dict[str, int]  # Pillow's mode, such as RGB: images
    duplicates: tuple[tuple[str, ...], ...]  # groups of files, or numbers, of samples that are equal as trained on
    near: tuple[tuple[str, ...], ...] = ()  # groups of images that are nearly so: twins of which not all are equal
    unsearched: str = ""  # why none of these were looked for

    def lines(self) -> list[str]:
        """The report as text."""
        data = self.data
        lines = [f"{data.name}: training would use {counted_samples(data)}; fingerprint {data.fingerprint}"]
        lines += labels(data) + texts(data) + dialogues(data) + sounds(data) + captions(data)
        for title, counts in (("sizes", self.sizes), ("modes", self.modes)):
            if counts:
                lines.append(f"{title}: {_counted(counts)}")
        lines += [f"note: {note}" for note in data.notes]
        side = "" if data.samples in ("x", "ids") or QUESTION in data.fields else f" of {data.samples}"
        for title, sign, found, how in (
            ("duplicates", " = ", self.duplicates, "repeat another"),
            ("near duplicates", " ~ ", self.near, "repeat another but for small differences, as of compression"),
        ):
            if found:
                extra = sum(len(group) - 1 for group in found)
                groups = [sign.join(_few(group)) for group in found]
                lines.append(f"{title}{side}: {extra:,} of {len(data.x):,} {how}: {'; '.join(abbreviate(groups))}")
        if self.unsearched:
            lines.append(f"near duplicates{side}: not looked for, as {self.unsearched}")
        return lines + left_out(data.problems)


def check(
    name: str,
    *,
    size: tuple[int, int] | None = None,
    data_dir: Path | None = None,
    progress: Progress | None = None,
    value_range: tuple[float, float] | None = None,
    frames: Frames = "first",
    alpha: Alpha = "white",
) -> Report:
    """Read all of the data that `load` would read with these arguments, and say what it is.

    Raises:
        DataError: nothing could be trained on it.
    """
    reading = Reading(value_range, frames, alpha)
    data = load(name, size=size, data_dir=data_dir, progress=progress, **vars(reading))
    names: Sequence[str] = [str(k) for k in range(len(data.x))]
    sizes, modes = Counter[str](), Counter[str]()
    if find(name)[0] is from_folder:
        from zerosum.data.images.decode import Probe, probe_all  # needs Pillow, as folders do
        from zerosum.data.images.folder import listing, packed

        found = listing(named(name))
        probes = [probe for probe in probe_all(found.items) if isinstance(probe, Probe)]
        sizes.update(f"{probe.height}x{probe.width}" for probe in probes)
        modes.update(probe.mode for probe in probes)
        names = packed(found, size, None, reading=reading).names
    elif isinstance(data.modality, Image) and "x" in data.fields:
        sizes[f"{data.modality.height}x{data.modality.width}"] = len(data)
        channels = data.modality.channels
        modes[MODES.get(channels, f"{channels} channels")] = len(data)
    elif isinstance(data.modality, Sound):
        names = data.files.get(ALL, names)
    x = data.x if QUESTION not in data.fields else torch.cat([data.fields[QUESTION].stored, data.x], 1)  # both at once
    alike = twins.find(x, data.modality)
    duplicates, near = (tuple(tuple(names[row] for row in group) for group in kind) for kind in twins.groups(x, alike))
    counts = dict(sizes.most_common()), dict(modes.most_common())
    return Report(data, _classes(data), *counts, duplicates, near, alike.unsearched)


def counted_samples(data: Dataset) -> str:
    """`5,000 images of 1x28x28`, `3 aligned pairs: a 3x64x64, b 3x64x64`, `5 images of 3x64x64 as a and 3 ... as b`."""
    fields = {n: f for n, f in data.fields.items() if not f.modality.labels and f is not data.captions}
    if len(fields) == 1:
        return _number(len(data), data.modality)
    if len({field.deck for field in fields.values()}) == 1:
        shapes = ", ".join(f"{name} {'x'.join(map(str, field.modality.shape))}" for name, field in fields.items())
        return f"{len(data):,} aligned {'pair' if len(data) == 1 else 'pairs'}: {shapes}"
    sides = [f"{_number(len(field), field.modality)} as {name}" for name, field in fields.items()]
    return f"{' and '.join(sides)}, unpaired"


def left_out(problems: Sequence[Problem]) -> list[str]:
    """How many files, or parts of them, were left out, and which, in lines."""
    if not problems:
        return []
    return [f"left out: {len(problems):,}", *(f"  {line}" for line in abbreviate([*map(str, problems)]))]


def labels(data: Dataset) -> list[str]:
    """What the samples are labelled with, in lines: classes and how many samples each has; vectors and their ranges."""
    lines = []
    if data.y is not None:
        unlabelled = int((data.y < 0).sum())
        rest = f"; unlabelled: {unlabelled:,}" if unlabelled else ""
        lines.append(f"classes: {_counted(_classes(data))}{rest}")
    if data.vectors is not None:
        columns = data.vectors.T  # (K, N)
        ranges = [f"[{column.min():g}, {column.max():g}]" for column in columns]
        lines.append(f"conditions: vectors of {len(columns)}, with values in {', '.join(abbreviate(ranges))}")
    return lines


def texts(data: Dataset) -> list[str]:
    """Of texts: the vocabulary, the lengths, how many tokens are not in it, and some texts."""
    tokens, stored = data.modality, data.fields.get("lengths")
    if not isinstance(tokens, Tokens) or stored is None:
        return []
    lengths, ids = stored.stored, data.x
    special = tuple(token for token in (Tokens.UNKNOWN, Tokens.END) if token in tokens.vocabulary)
    counts = ids.flatten().bincount(minlength=tokens.size)
    by_count = counts.argsort(descending=True, stable=True).tolist()
    frequent = [token for k in by_count if counts[k] and (token := tokens.vocabulary[k]) not in special]
    unknown = int((ids == tokens.vocabulary.index(Tokens.UNKNOWN)).sum())
    total = int(lengths.sum())
    shown = torch.linspace(0, len(ids) - 1, SHOWN).long().unique()
    return [
        f"vocabulary: {tokens.size:,} {tokens.unit}s with {' and '.join(special)}; "
        f"most frequent: {' '.join(frequent[:FREQUENT])}",
        f"tokens in a text: {lengths.min()} to {lengths.max()}, median {lengths.median()}; {total:,} in all",
        f"{Tokens.UNKNOWN}: {unknown:,} tokens ({unknown / total:.2%}) are not in the vocabulary",
        f"some {tokens.plural}:",
        *(f"  {text}" for text in tokens.write(ids[shown])),
    ]


def dialogues(data: Dataset) -> list[str]:
    """Of questions and answers: how many different ones there are, the vocabulary, the lengths, and some."""
    question, answer = data.fields.get(QUESTION), data.modality
    if question is None or not (isinstance(answer, Tokens) and isinstance(kind := question.modality, Tokens)):
        return []
    sides = {"questions": (question.stored, kind), "answers": (data.x, answer)}
    counted = [
        f"{len(ids.unique(dim=0)):,} different {name}, of {tokens.lengths(ids).min()} to {tokens.lengths(ids).max()}"
        for name, (ids, tokens) in sides.items()
    ]
    units = "words" if kind.separator else "characters"
    shown = torch.linspace(0, len(data.x) - 1, SHOWN).long().unique()
    pairs = zip(*(tokens.write(ids[shown]) for ids, tokens in sides.values()), strict=True)
    return [
        f"dialogues: {len(data.x):,}; {', '.join(counted)} {units}; vocabulary: {kind.size - 2:,}",
        "some dialogues:",
        *(f"  {asked} - {said}" for asked, said in pairs),
    ]


def sounds(data: Dataset) -> list[str]:
    """Of sounds: how long they are and how loud, and how many are silent, in lines."""
    sound = data.modality
    if not isinstance(sound, Sound):
        return []
    peaks = torch.cat([x.int().abs().amax((1, 2)) for x in data.x.split(1000)]) / sound.FULL
    silent, clipped = int((peaks == 0).sum()), int((peaks >= 1 - 1 / sound.FULL).sum())
    lines = [f"length: {sound.samples / sound.rate:.3g} s; peaks: {peaks.min():.3g} to {peaks.max():.3g} of full scale"]
    if silent:
        lines.append(f"silent: {silent:,} of {len(peaks):,}")
    if clipped:
        lines.append(f"at full scale, perhaps cut off: {clipped:,} of {len(peaks):,}")
    return lines


def captions(data: Dataset) -> list[str]:
    """Of captions: how many there are, of how many samples; the vocabulary, the lengths, and some captions."""
    field = data.captions
    if field is None or field.several is None or not isinstance(tokens := field.modality, Tokens):
        return []
    counts, ids = field.several.counts, field.several.values
    lengths, without = tokens.lengths(ids), (counts == 0).nonzero()[:, 0].tolist()
    files = data.files.get(field.deck, ())
    shown = ids[torch.linspace(0, len(ids) - 1, SHOWN).long().unique()]
    lines = [
        f"captions: {len(ids):,} of {len(counts) - len(without):,} images, {counts[counts > 0].min()} to "
        f"{counts.max()} each, of {lengths.min()} to {lengths.max()} {tokens.unit}s; vocabulary: {tokens.size - 2:,}"
    ]
    if without:
        named = abbreviate([files[row] if files else str(row) for row in without])
        lines.append(f"without a caption: {len(without):,} of {len(counts):,} images: {', '.join(named)}")
    if unknown := int((ids == tokens.vocabulary.index(Tokens.UNKNOWN)).sum()):
        lines.append(f"{Tokens.UNKNOWN}: {unknown:,} words of captions are too rare for the vocabulary")
    if len(ids.unique(dim=0)) == 1:
        lines.append("note: all captions are the same, so that none is wrong for an image: no GAN learns from them")
    return [*lines, "some captions:", *(f"  {text}" for text in tokens.write(shown))]


def _few(group: Sequence[str]) -> list[str]:
    """The names of a group that may be large."""
    return [*group[:SAME], f"{len(group) - SAME:,} more"] if len(group) > SAME + 1 else list(group)


def _number(count: int, modality: Modality) -> str:
    return modality.counted(count) + (f" of {size}" if (size := modality.size_in_words) else "")


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(abbreviate([f"{shortened(key)} ({n:,})" for key, n in counts.items()]))


def _classes(data: Dataset) -> dict[str, int]:
    return dict(zip(data.classes, data.counts, strict=True))
