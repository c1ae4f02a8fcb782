"""The quick form: some inputs for each reader; `python -m tests.torture fuzz` has as many as are asked for."""

from __future__ import annotations

import gc
import mmap
import os
from pathlib import Path

import pytest
from tests.torture import fuzz
from tests.torture.fuzz_readers import OF_RUN, READERS

FEW = 3  # of the files of a run, which take longer
SOME = 12


def test_damaged_and_hostile_files_are_read_or_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZEROSUM_CACHE", str(tmp_path / "cache"))
    of_runs = {Path(name).name for name in OF_RUN}
    found = fuzz.fuzz({name: FEW if name in of_runs else SOME for name in READERS}, seed=1)
    assert len(found) == FEW * len(of_runs) + SOME * (len(READERS) - len(of_runs))
    assert not fuzz.wrong(found)
    assert {"read", "refused"} == {outcome.kind for outcome in found}


def test_the_same_seed_makes_the_same_inputs() -> None:
    for name in (".npy", ".png", "labels.csv", ".txt"):
        assert fuzz.content_of(name, 3, 0) == fuzz.content_of(name, 3, 0) != fuzz.content_of(name, 4, 0)


class Garbage:
    """Holds a mapping, and itself."""

    def __init__(self, size: int) -> None:
        self.mapping = mmap.mmap(-1, size)
        self.itself = self


class Twice(Garbage):
    """What leaves more garbage as it is freed."""

    def __del__(self) -> None:
        Garbage(8 * fuzz.MEMORY)


@pytest.mark.parametrize("garbage", [Garbage, Twice])
def test_what_a_reader_does_wrong_is_seen(
    garbage: type[Garbage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    garbage(8 * fuzz.MEMORY)  # of a test before, and freed while a reader reads

    def read(folder: Path, content: bytes) -> object:
        match content:
            case b"0":
                raise KeyError("no sentence")
            case b"1":
                os._exit(3)
            case b"2":
                gc.collect()
                return bytearray(4 * fuzz.MEMORY)
        return None

    made = fuzz.fuzz_readers.Reader(lambda: [b""], read)
    monkeypatch.setitem(READERS, "made", made)
    monkeypatch.setattr(fuzz, "content_of", lambda reader, number, seed: str(number).encode())
    found = fuzz.fuzz({"made": 4}, 0, tmp_path / "kept")
    assert [outcome.kind for outcome in found] == ["KeyError", "the process ended with 3", "MemoryError", "read"]
    assert sorted(path.name for path in (tmp_path / "kept").glob("made-?")) == ["made-0", "made-1", "made-2"]
