"""MIDI files: which notes are taken, how they are cut, and what cannot be used, each named with its cure."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import mido
import pytest

from zerosum import data
from zerosum.data.check import check
from zerosum.data.dataset import DataError, Unreadable
from zerosum.data.music import midi
from zerosum.data.sources import absolute, find
from zerosum.modality import Notes
from zerosum.util.notes import Note, parse

SCALE = "C4:1/4 D4:1/4 E4:1/4 F4:1/4 G4:1/2 R:1/4 G4:1/4"


def notes(written: str) -> list[Note]:
    found = [parse(token) for token in written.split()]
    assert None not in found
    return [note for note in found if note is not None]


def save(
    path: Path, *tracks: Sequence[tuple[float, float, int, int]], beat: int = 480, kind: int = 1, **metre: int
) -> Path:
    """Tracks of notes: when they begin and end, in quarters, their pitch and channel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = mido.MidiFile(type=kind, ticks_per_beat=beat)
    for number, track in enumerate(tracks):
        events = sorted(
            [(round(beat * start), 1, pitch, channel) for start, _, pitch, channel in track]
            + [(round(beat * end), 0, pitch, channel) for _, end, pitch, channel in track]
        )
        row, now = mido.MidiTrack(), 0
        if not number and metre:
            row.append(mido.MetaMessage("time_signature", **metre))
        for tick, on, pitch, channel in events:
            kind_of = "note_on" if on else "note_off"
            row.append(mido.Message(kind_of, note=pitch, channel=channel, velocity=64, time=tick - now))
            now = tick
        file.tracks.append(row)
    file.save(path)
    return path


def quarters(*pitches: int, start: float = 0, channel: int = 0) -> list[tuple[float, float, int, int]]:
    return [(start + i, start + i + 1, pitch, channel) for i, pitch in enumerate(pitches)]


def read(path: Path) -> list[str]:
    return [" ".join(map(str, phrase)) for phrase in midi.read(path).phrases]


# ---- what is written is read again


def test_a_melody_comes_back(tmp_path: Path):
    midi.write(tmp_path / "a.mid", [notes(SCALE)])
    piece = midi.read(tmp_path / "a.mid")
    assert piece.phrases == [notes(SCALE)] and not piece.problems and not piece.said


def test_lengths_of_triplets_and_ties_come_back(tmp_path: Path):
    odd = "C4:1/12 D4:1/12 E4:1/12 F4:3/16 R:1/16 G4:5/16 C-1:1/16 G9:1/16"
    midi.write(tmp_path / "a.mid", [notes(odd)])
    assert read(tmp_path / "a.mid") == [odd]


def test_several_melodies_follow_each_other(tmp_path: Path):
    midi.write(tmp_path / "a.mid", [notes("C4:1/4 D4:1/4 E4:1/2"), notes("G4:1/4 F4:1/4 E4:1/4 D4:1/4")])
    assert read(tmp_path / "a.mid") == ["C4:1/4 D4:1/4 E4:1/2 R:1 G4:1/4 F4:1/4 E4:1/4 D4:1/4"]
    assert mido.MidiFile(tmp_path / "a.mid").length == pytest.approx(6.0), "seconds: three whole notes"


# ---- what is taken


def test_tempo_and_resolution_change_nothing(tmp_path: Path):
    for beat in (24, 96, 960):
        save(tmp_path / f"{beat}.mid", quarters(60, 62, 64, 65), beat=beat)
        assert read(tmp_path / f"{beat}.mid") == ["C4:1/4 D4:1/4 E4:1/4 F4:1/4"]
    slow = mido.MidiFile(tmp_path / "96.mid")
    slow.tracks[0].insert(0, mido.MetaMessage("set_tempo", tempo=2_000_000))
    slow.save(tmp_path / "slow.mid")
    assert read(tmp_path / "slow.mid") == ["C4:1/4 D4:1/4 E4:1/4 F4:1/4"]


def test_the_first_part_is_taken_and_drums_are_none(tmp_path: Path):
    drums = quarters(36, 38, 36, 38, channel=midi.DRUMS)
    tracks = [], drums, quarters(72, 71, 69, 67, channel=3), quarters(48, 50, 52, 53, channel=4)
    piece = midi.read(save(tmp_path / "band.mid", *tracks))
    assert piece.phrases == [notes("C5:1/4 B4:1/4 A4:1/4 G4:1/4")] and piece.said == {midi.PARTS, midi.WITH_DRUMS}
    both = quarters(72, 71, 69, 67, channel=5) + quarters(48, 50, 52, 53, start=1, channel=0)
    assert read(save(tmp_path / "one.mid", both, kind=0)) == ["C5:1/4 B4:1/4 A4:1/4 G4:1/4"]


def test_of_chords_the_highest_note_is_taken(tmp_path: Path):
    chords = quarters(60, 62, 64, 65) + quarters(67, 69, 71, 72) + [(0, 4, 48, 0)]
    piece = midi.read(save(tmp_path / "a.mid", chords))
    assert piece.phrases == [notes("G4:1/4 A4:1/4 B4:1/4 C5:1/4")] and piece.said == {midi.CHORDS}


def test_a_higher_note_ends_a_lower_one_and_hides_lower_ones():
    line, chords = midi.highest(
        midi.Sounding(Fraction(start), Fraction(end), pitch)
        for start, end, pitch in [(0, 4, 60), (1, 3, 64), (2, 3, 62), (3, 4, 59)]
    )
    assert chords and line == [(0, 1, 60), (1, 3, 64), (3, 4, 59)]


def test_a_long_note_follows_a_short_higher_one_that_begins_with_it(tmp_path: Path):
    graced = [note for i in range(6) for note in ((2 * i, 2 * i + 2, 60, 0), (2 * i, 2 * i + 0.25, 72, 0))]
    piece = midi.read(save(tmp_path / "a.mid", graced))
    both = "C5:1/16 C4:7/16"
    assert piece.phrases == [notes(" ".join([both] * 6))] and not piece.said
    longer = [note for i in range(6) for note in ((2 * i, 2 * i + 2, 60, 0), (2 * i, 2 * i + 0.5, 72, 0))]
    assert midi.read(save(tmp_path / "b.mid", longer)).said == {midi.CHORDS}, "what is left out is said"


def test_a_note_that_is_put_off_keeps_its_place_among_the_others():
    """Times are in 48ths of a whole note, of which a sixteenth has 3."""

    def line(*notes: tuple[int, int, int]) -> tuple[list[tuple[Fraction, Fraction, int]], bool]:
        sounding = [midi.Sounding(Fraction(start, 48), Fraction(end, 48), pitch) for start, end, pitch in notes]
        found, chords = midi.highest(sounding)
        return [(48 * start, 48 * end, pitch) for start, end, pitch in found], chords

    twice = [(2, 3, 72), (3, 4, 74), (4, 6, 76), (6, 10, 60)]
    assert line((2, 10, 60), (2, 4, 72), (3, 6, 74), (4, 6, 76)) == (twice, True)
    assert line((0, 3, 72), (0, 12, 64), (0, 24, 60)) == ([(0, 3, 72), (3, 12, 64)], True)


def test_played_freely_is_brought_to_the_grid(tmp_path: Path):
    """Notes that overlap a little, or end early, downwards as upwards."""
    free = [(0.02, 1.08, 67, 0), (0.97, 1.95, 65, 0), (2.03, 3.1, 64, 0), (3.01, 3.9, 62, 0)]
    piece = midi.read(save(tmp_path / "a.mid", free))
    assert piece.phrases == [notes("G4:1/4 F4:1/4 E4:1/4 D4:1/4")] and piece.said == {midi.MOVED}
    assert midi.on_grid(Fraction(3, 100)) == Fraction(0) and midi.on_grid(Fraction(41, 100)) == Fraction(5, 12)


def test_a_note_that_nothing_ends_lasts_to_the_end_of_its_track(tmp_path: Path):
    file = mido.MidiFile(ticks_per_beat=480)
    on = [mido.Message("note_on", note=60 + i, velocity=9, time=480 * (i > 0)) for i in range(4)]
    again = [mido.Message("note_on", note=63, velocity=9, time=480), mido.MetaMessage("end_of_track", time=960)]
    file.tracks.append(mido.MidiTrack(on + again))
    file.save(tmp_path / "a.mid")
    assert read(tmp_path / "a.mid") == ["C4:1/4 C#4:1/4 D4:1/4 D#4:1/4 D#4:1/2"]


# ---- phrases


def test_long_pieces_are_cut_at_bar_lines(tmp_path: Path):
    piece = midi.read(save(tmp_path / "a.mid", quarters(*range(50, 74)), numerator=3, denominator=4))
    assert [len(phrase) for phrase in piece.phrases] == [12, 12] and piece.said == {midi.CUT}
    assert piece.phrases[1][0] == Note(62, Fraction(1, 4))
    assert [len(phrase) for phrase in midi.read(save(tmp_path / "b.mid", quarters(*range(50, 74)))).phrases] == [16, 8]


def test_a_note_beyond_its_phrase_ends_with_it_and_rests_begin_at_a_bar(tmp_path: Path):
    long = [(6, 7, 60, 0), (7, 8, 62, 0), (8, 9, 64, 0), (9, 30, 65, 0), *quarters(67, 69, 71, 72, start=30)]
    piece = midi.read(save(tmp_path / "a.mid", long))
    first, second = (" ".join(map(str, phrase)) for phrase in piece.phrases)
    assert first == "R:1/2 C4:1/4 D4:1/4 E4:1/4 F4:11/4", "from the second bar on, to its fifth"
    assert second == "R:1/2 G4:1/4 A4:1/4 B4:1/4 C5:1/4"


def test_metres_may_change():
    bars = midi._bars({Fraction(0): Fraction(3, 4), Fraction(3): Fraction(1), Fraction(11, 2): Fraction(1, 2)})
    assert [bar.number for bar in bars] == [0, 4, 7]
    assert midi._bar_at(Fraction(9, 4), bars) == (3, Fraction(9, 4)) and midi._bar_at(Fraction(6), bars)[0] == 8
    assert midi._start_of(5, bars) == 4 and midi._start_of(8, bars) == 6


def test_phrases_that_are_too_full_or_too_short_are_left_out(tmp_path: Path):
    fast = [(i / 4, (i + 1) / 4, 60 + i % 9, 0) for i in range(midi.LONGEST)] + [(16, 17, 60, 0)]
    piece = midi.read(save(tmp_path / "a.mid", fast))
    assert len(piece.phrases) == 1 and piece.said == {midi.CUT, midi.SHORT}, "as many as are allowed"
    fuller = [(i / 6, (i + 1) / 6, 60 + i % 9, 0) for i in range(90)] + quarters(60, 62, 64, 65, start=16)
    save(tmp_path / "b.mid", fuller)
    (phrase,), (problem,), _ = midi.read(tmp_path / "b.mid")
    assert len(phrase) == 4 and problem.startswith("bars 1 to 4 have ") and "more than 64; simplify them" in problem


# ---- folders


def test_a_folder_is_data(tmp_path: Path):
    save(tmp_path / "a.mid", quarters(60, 62, 64, 65))
    save(tmp_path / "more" / "B.MIDI", quarters(60, 62, 64, 65, 67))
    (tmp_path / "no.mid").write_bytes(b"RIFF1234")
    (tmp_path / ".hidden.mid").write_bytes(b"")
    found = data.load(str(tmp_path))
    assert isinstance(found.modality, Notes) and len(found) == 2 and found.fields["lengths"].stored.tolist() == [4, 5]
    assert found.modality.write(found.x) == [
        "C4:1/4 D4:1/4 E4:1/4 F4:1/4", "C4:1/4 D4:1/4 E4:1/4 F4:1/4 G4:1/4"
    ]  # fmt: skip
    assert list(map(str, found.problems)) == ["no.mid: it is no MIDI file; export it again as a standard MIDI file"]
    lines = check(str(tmp_path)).lines()
    assert "training would use 2 melodies of up to 6 tokens" in lines[0]
    assert any(line.startswith("vocabulary: 7 notes with <unk> and <eos>") for line in lines)


def test_notes_say_what_was_done(tmp_path: Path):
    save(tmp_path / "a.mid", quarters(60, 62, 64, 65), quarters(48, 48, 48, 48))
    save(tmp_path / "b.mid", quarters(60, 62, 64, 65))
    assert data.load(str(tmp_path)).notes == ("of several parts, of which the first is taken: 1 of 2 files",)


def test_a_folder_with_pictures_is_one_of_images_unless_it_is_named(tmp_path: Path):
    save(tmp_path / "a.mid", quarters(60, 62, 64, 65))
    assert find(str(tmp_path))[0] is midi.folder
    (tmp_path / "cover.png").write_bytes(b"")
    assert find(str(tmp_path))[0] is not midi.folder
    named = data.load(f"melodies:{tmp_path}")
    assert len(named) == 1 and absolute(f"melodies:{tmp_path}/") == f"melodies:{tmp_path}"


# ---- what cannot be used


def header(beat: int) -> bytes:
    return b"MThd" + (6).to_bytes(4, "big") + bytes([0, 0, 0, 1]) + beat.to_bytes(2, "big", signed=True)


@pytest.mark.parametrize(("content", "why"), [
    (b"", "it is empty; export it again"),
    (b"ID3 something", "it is no MIDI file; export it again as a standard MIDI file"),
    (b"MThd", "it is cut off; export it again"),
    (header(480) + b"MTrk" + (40).to_bytes(4, "big") + bytes([0, 0x90, 60, 64]), "it is cut off; export it again"),
    (header(480) + b"MTrk" + (4).to_bytes(4, "big") + bytes([0, 0xFF, 0x2F, 0]), "it has no notes"),
    (header(-25 * 256 + 40) + b"MTrk" + (4).to_bytes(4, "big") + bytes([0, 0xFF, 0x2F, 0]), "film frames (SMPTE)"),
    (header(480) + b"MTrk" + (3).to_bytes(4, "big") + bytes([0, 60, 64]), "it is a damaged MIDI file"),
    (b"MThd" + bytes(midi.LARGEST), "it has 4 MB, more than 4; give the melody alone"),
])  # fmt: skip
def test_what_is_no_melody_is_named(tmp_path: Path, content: bytes, why: str):
    (tmp_path / "a.mid").write_bytes(content)
    with pytest.raises(Unreadable) as error:
        midi.read(tmp_path / "a.mid")
    assert why in str(error.value)


def test_drums_alone_and_too_few_notes(tmp_path: Path):
    with pytest.raises(Unreadable, match="it has drums alone, and no melody"):
        midi.read(save(tmp_path / "a.mid", quarters(36, 38, 36, 38, channel=midi.DRUMS)))
    with pytest.raises(Unreadable, match="it has no phrase of 4 notes"):
        midi.read(save(tmp_path / "b.mid", quarters(60, 62, 64)))


def test_every_cut_of_a_file_is_read_or_named(tmp_path: Path):
    whole = save(tmp_path / "a.mid", quarters(60, 62, 64, 65)).read_bytes()
    for length in range(len(whole)):
        (tmp_path / "b.mid").write_bytes(whole[:length])
        with pytest.raises(Unreadable):
            midi.read(tmp_path / "b.mid")


def test_a_folder_without_any_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match=r"no MIDI file in .* or its sub-folders; give a folder of files that end in"):
        data.load(f"melodies:{tmp_path}")
    (tmp_path / "a.mid").write_bytes(b"RIFF")
    with pytest.raises(DataError, match=r"no melody in .*the first problem is a.mid: it is no MIDI file"):
        data.load(str(tmp_path))
    with pytest.raises(DataError, match=r"a.mid is a single MIDI file; give the folder that it lies in"):
        data.load(str(tmp_path / "a.mid"))


def test_without_mido_the_command_that_installs_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    save(tmp_path / "a.mid", quarters(60, 62, 64, 65))
    monkeypatch.setitem(sys.modules, "mido", None)
    with pytest.raises(DataError, match=r"MIDI files need mido; run `pip install 'zerosum\[music\]'"):
        data.load(str(tmp_path))
    with pytest.raises(DataError, match="MIDI files need mido"):
        midi.write(tmp_path / "b.mid", [notes(SCALE)])


def test_a_metre_off_the_grid_is_moved_to_it_as_notes_are(tmp_path: Path) -> None:
    path = save(tmp_path / "a.mid", quarters(*range(60, 76), start=1), beat=15360)
    file = mido.MidiFile(path)
    file.tracks[0].insert(0, mido.MetaMessage("time_signature", numerator=4, denominator=4, time=1))
    file.tracks[0][1].time -= 1
    file.save(path)
    assert all(note.endswith(":1/4") for phrase in read(path) for note in phrase.split())
