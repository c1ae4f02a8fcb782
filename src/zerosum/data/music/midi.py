"""MIDI files: melodies of a folder of them as data, and melodies as files."""

from __future__ import annotations

import bisect
import heapq
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import torch

from zerosum.data.dataset import DataError, Dataset, Problem, Unreadable, dataset_of, with_progress
from zerosum.data.paths import listing
from zerosum.data.request import Request
from zerosum.data.text.lines import VOCABULARY, fields_of, vocabulary
from zerosum.modality import Notes
from zerosum.util.files import atomic_path, named
from zerosum.util.notes import Note
from zerosum.util.packages import install

SUFFIXES = (".mid", ".midi")
LARGEST = 4_000_000  # bytes of a file
BARS = 4  # of a phrase
FEWEST, LONGEST = 4, 64  # notes of a phrase at least, notes and rests at most
DRUMS = 9  # the channel of General MIDI whose notes are no pitches
SIXTEENTH = Fraction(1, 16)  # of a whole note, in which all times here are
QUARTER = Fraction(1, 4)
IN_QUARTER = (Fraction(0), Fraction(1, 4), Fraction(1, 3), Fraction(1, 2), Fraction(2, 3), Fraction(3, 4), Fraction(1))
SHORTEST_BAR, LONGEST_BAR = Fraction(1, 8), Fraction(4)
TICKS = 480  # of a quarter, in files that are written
TEMPO = 120  # quarters a minute, likewise
LOUD = 80  # of 127
CURE = "export it again as a standard MIDI file"


class Sounding(NamedTuple):
    """A note of a piece."""

    start: Fraction  # whole notes from the beginning
    end: Fraction
    pitch: int


class Bar(NamedTuple):
    """Where a metre begins to hold."""

    start: Fraction
    length: Fraction
    number: int  # of the bar that begins here, from 0


class Piece(NamedTuple):
    """What is learnt from a file."""

    phrases: list[list[Note]]
    problems: list[str]
    said: frozenset[str]  # what was done to it, in words


PARTS = "of several parts, of which the first is taken"
WITH_DRUMS = "with drums, which are left out"
CHORDS = "with notes that sound together, of which the highest is taken"
MOVED = "played freely, and moved to sixteenths and triplets"
CUT = f"longer than {BARS} bars, and cut into phrases of {BARS} bars"
SHORT = f"with phrases of fewer than {FEWEST} notes, which are left out"


def folder(request: Request) -> Dataset:
    """The melodies of the MIDI files under a folder, cut at bar lines into phrases of four bars: `ids` and `lengths`.

    Of a file the first part, a channel of a track, that has notes and is no drums is taken; where notes sound together,
    the highest. Times become the nearest sixteenths and triplets of eighths, gaps shorter than a sixteenth are closed,
    and a note that lasts beyond its phrase ends with it. Tempo and loudness are passed over. Notes say what was done.

    Raises:
        DataError: there is no MIDI file in the folder, or no melody in any; mido is not installed.
    """
    root = named(request.option or request.name)
    names = listing(root, SUFFIXES)
    if not names:
        raise DataError(f"no MIDI file in {root} or its sub-folders; give a folder of files that end in .mid")
    phrases, problems, said = list[list[str]](), list[Problem](), Counter[str]()
    for name in with_progress("reading melodies", names, len(names), request.progress):
        try:
            piece = read(root / name)
        except Unreadable as error:
            problems.append(Problem(name, str(error)))
            continue
        phrases += [[str(note) for note in phrase] for phrase in piece.phrases]
        problems += [Problem(name, problem) for problem in piece.problems]
        said.update(piece.said)
    if not phrases:
        first = f" (the first problem is {problems[0]})" if problems else ""
        raise DataError(f"no melody in {root}{first}; give MIDI files of at least {FEWEST} notes in {BARS} bars")
    longest = max(map(len, phrases))
    several = any(len(phrase) < longest for phrase in phrases)
    notes = Notes(vocabulary(phrases, several, VOCABULARY), longest + several)
    ids = torch.tensor([notes.ids(phrase) for phrase in phrases])
    order = (PARTS, WITH_DRUMS, CHORDS, MOVED, CUT, SHORT)
    told = tuple(f"{what}: {said[what]:,} of {len(names):,} files" for what in order if said[what])
    return dataset_of(request.name, fields_of(notes, ids), tuple(problems), told)


def read(path: Path) -> Piece:
    """The melody of a file, cut into phrases; `Unreadable` where it is no MIDI file, is damaged, or has none.

    Raises:
        DataError: mido is not installed.
    """
    file = _opened(path)
    if file.ticks_per_beat <= 0:
        raise Unreadable(f"its times are those of film frames (SMPTE), not of beats; {CURE}")
    whole = 4 * file.ticks_per_beat  # ticks
    parts, metres, drums = dict[tuple[int, int], list[tuple[int, int, int]]](), dict[int, Fraction](), False
    for number, track in enumerate(file.tracks):
        of_track, own = _parts(track)
        drums = drums or DRUMS in of_track
        parts.update({(number, channel): notes for channel, notes in of_track.items() if channel != DRUMS})
        metres.update(own)
    if not parts:
        raise Unreadable("it has drums alone, and no melody" if drums else "it has no notes")
    ticks = next(iter(parts.values()))
    exact = [Sounding(Fraction(start, whole), Fraction(end, whole), pitch) for start, end, pitch in ticks]
    rounded = [_rounded(note) for note in exact]
    line, chords = highest(rounded)
    bars = _bars({on_grid(Fraction(tick, whole)): length for tick, length in sorted(metres.items())})
    phrases, problems, short, cut = _phrases(line, bars)
    said = {
        PARTS: len(parts) > 1,
        WITH_DRUMS: drums,
        CHORDS: chords,
        MOVED: any(a.start != b.start for a, b in zip(exact, rounded, strict=True)),
        CUT: cut,
        SHORT: short,
    }
    if not phrases and not problems:
        raise Unreadable(f"it has no phrase of {FEWEST} notes")
    return Piece(phrases, problems, frozenset(what for what, is_so in said.items() if is_so))


def _mido() -> Any:
    try:
        import mido
    except ImportError:
        raise DataError(f"MIDI files need mido; run `{install('music')}`") from None
    return mido


def _opened(path: Path) -> Any:
    """As mido has it; `Unreadable` where it is damaged."""
    mido = _mido()
    if not path.is_file():
        raise Unreadable("it is no file")
    size = path.stat().st_size
    if not size:
        raise Unreadable("it is empty; export it again")
    if size > LARGEST:
        raise Unreadable(f"it has {size / 1e6:.0f} MB, more than {LARGEST / 1e6:.0f}; give the melody alone")
    try:
        with path.open("rb") as file:
            if file.read(4) != b"MThd":
                raise Unreadable(f"it is no MIDI file; {CURE}")
            file.seek(0)
            return mido.MidiFile(file=file, clip=True)
    except EOFError:
        raise Unreadable("it is cut off; export it again") from None
    except PermissionError as error:
        raise Unreadable(f"cannot be read: {error.strerror}; check its permissions") from None
    except Unreadable:
        raise
    except Exception as error:  # mido raises many kinds of them at bytes that no program writes
        raise Unreadable(f"it is a damaged MIDI file ({error}); {CURE}") from None


def _parts(track: Iterable[Any]) -> tuple[dict[int, list[tuple[int, int, int]]], dict[int, Fraction]]:
    """Of a track: by channel its notes, (start, end, pitch) in ticks, in the order of their ends; and by tick the
    lengths of bars in whole notes.

    A note that nothing ends lasts to the end of the track; one that begins again ends there.
    """
    tick, begun = 0, dict[tuple[int, int], int]()
    parts, metres = dict[int, list[tuple[int, int, int]]](), dict[int, Fraction]()

    def end(channel: int, pitch: int) -> None:
        if (start := begun.pop((channel, pitch), None)) is not None and tick > start:
            parts[channel].append((start, tick, pitch))

    for message in track:
        tick += message.time
        if message.type == "time_signature":
            length = Fraction(message.numerator, message.denominator)
            if SHORTEST_BAR <= length <= LONGEST_BAR:
                metres[tick] = length
        elif message.type in ("note_on", "note_off"):
            end(message.channel, message.note)
            if message.type == "note_on" and message.velocity:
                parts.setdefault(message.channel, [])  # in the order in which they begin
                begun[message.channel, message.note] = tick
    for channel, pitch in [*begun]:
        end(channel, pitch)
    return {channel: notes for channel, notes in parts.items() if notes}, metres


def _rounded(note: Sounding) -> Sounding:
    """To the grid; a note that nothing is left of has a sixteenth."""
    start, end = on_grid(note.start), on_grid(note.end)
    return Sounding(start, end if end > start else start + SIXTEENTH, note.pitch)


def on_grid(time: Fraction) -> Fraction:
    """The nearest sixteenth or triplet of an eighth, in whole notes."""
    quarter, rest = divmod(time, QUARTER)
    return QUARTER * (quarter + min(IN_QUARTER, key=lambda place: abs(4 * rest - place)))


def highest(notes: Iterable[Sounding]) -> tuple[list[Sounding], bool]:
    """The highest voice, in order, no two notes at once; and whether others sounded with it.

    A note ends where a higher one begins; one that begins below a note that sounds is left out, unless that one ends
    within a sixteenth: such a short overlap is how people play, and the first note ends there. Of two that begin at
    once the higher is the first; where it lasts a sixteenth at most, the lower one begins at its end.
    """
    line, chords = list[Sounding](), False
    ahead = [(note.start, -note.pitch, -note.end, note) for note in notes]
    heapq.heapify(ahead)
    while ahead:
        *_, note = heapq.heappop(ahead)
        before = line[-1] if line else None
        if before is not None and note.start < before.end:
            overlaps = before.end - note.start > SIXTEENTH or note.end <= before.end
            chords = chords or overlaps
            if overlaps and (note.start == before.start or note.pitch < before.pitch):
                continue
            if note.start == before.start:
                later = note._replace(start=before.end)
                heapq.heappush(ahead, (later.start, -later.pitch, -later.end, later))
                continue
            line[-1] = before._replace(end=note.start)
        line.append(note)
    return line, chords


def _bars(metres: dict[Fraction, Fraction]) -> list[Bar]:
    """Where metres begin, in order; 4/4 before the first one. A bar that a new metre interrupts is a bar."""
    bars = [Bar(Fraction(0), metres.get(Fraction(0), Fraction(1)), 0)]
    for start in sorted(metres.keys() - {Fraction(0)}):
        last = bars[-1]
        bars.append(Bar(start, metres[start], last.number + math.ceil((start - last.start) / last.length)))
    return bars


def _phrases(line: Sequence[Sounding], bars: Sequence[Bar]) -> tuple[list[list[Note]], list[str], bool, bool]:
    """A melody in phrases of so many bars from that of its first note on; problems; whether some are too short, and
    whether there is more than one.
    """
    first = _bar_at(line[0].start, bars)[0]
    groups: dict[int, list[Sounding]] = {}
    for note in line:
        groups.setdefault((_bar_at(note.start, bars)[0] - first) // BARS, []).append(note)
    phrases, problems, short = [], [], False
    for number, group in groups.items():
        _, begins = _bar_at(group[0].start, bars)
        bar = first + BARS * number
        phrase = _written(group, begins, _start_of(bar + BARS, bars))
        if len(group) < FEWEST:
            short = True
        elif len(phrase) > LONGEST:
            problems.append(
                f"bars {bar + 1} to {bar + BARS} have {len(phrase)} notes and rests, more than {LONGEST}; simplify them"
            )
        else:
            phrases.append(phrase)
    return phrases, problems, short, len(groups) > 1


def _bar_at(time: Fraction, bars: Sequence[Bar]) -> tuple[int, Fraction]:
    """The number of the bar that holds a time, and where it begins."""
    held = bars[bisect.bisect_right(bars, time, key=lambda bar: bar.start) - 1]
    within = (time - held.start) // held.length
    return held.number + within, held.start + within * held.length


def _start_of(number: int, bars: Sequence[Bar]) -> Fraction:
    """Where a bar begins."""
    held = bars[bisect.bisect_right(bars, number, key=lambda bar: bar.number) - 1]
    return held.start + (number - held.number) * held.length


def _written(line: Sequence[Sounding], start: Fraction, end: Fraction) -> list[Note]:
    """Notes, and rests between them, from `start` on; what lasts beyond `end` ends there."""
    written: list[Note] = []
    for i, note in enumerate(line):
        if note.start - start > 0:
            written.append(Note(None, note.start - start))
        following = line[i + 1].start if i + 1 < len(line) else end
        stop = min(note.end, end)
        start = following if i + 1 < len(line) and 0 < following - stop < SIXTEENTH else stop
        written.append(Note(note.pitch, start - note.start))
    return written


def write(path: Path, melodies: Sequence[Sequence[Note]]) -> None:
    """Melodies as a MIDI file of one track, at 120 quarters a minute, one after the other.

    Each further one begins with a whole note, at least a quarter after the one before.

    Raises:
        DataError: mido is not installed.
    """
    mido = _mido()
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(TEMPO))])
    now = written = Fraction(0)  # whole notes; of the last message

    def say(what: str, pitch: int) -> None:
        nonlocal written
        ticks = round(4 * TICKS * now) - round(4 * TICKS * written)
        track.append(mido.Message(what, note=pitch, velocity=LOUD, time=ticks))
        written = now

    for number, melody in enumerate(melodies):
        if number:
            now = Fraction(math.ceil(now + QUARTER))
        for note in melody:
            if note.pitch is not None:
                say("note_on", note.pitch)
            now += note.length
            if note.pitch is not None:
                say("note_off", note.pitch)
    track.append(mido.MetaMessage("end_of_track"))
    with atomic_path(path) as partial:
        mido.MidiFile(type=0, ticks_per_beat=TICKS, tracks=[track]).save(partial)
