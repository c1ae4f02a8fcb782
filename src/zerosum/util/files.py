"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zerosum.util.text import from_encodable


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, with its ending; renamed to `path` if the block succeeds, removed if not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def named(name: str) -> Path:
    """The file or folder that a name of data means: with the bytes that `text.encodable` took from it, if any."""
    path = Path(os.path.expanduser(name))
    return path if os.path.lexists(path) else Path(os.path.expanduser(from_encodable(name)))


def plain_name(text: str) -> str:
    """`text` as a part of a file's name: without characters that some system forbids, at most 200 bytes of it."""
    allowed = re.sub(r'[\x00-\x1f/\\:*?"<>|]', "_", text)
    return allowed.encode()[:200].decode(errors="ignore")  # no half a character


def write_atomic(path: Path, content: bytes) -> None:
    """Write `content` to `path`: a reader, or a crash at any instant, sees the old file or the new one."""
    with atomic_path(path) as partial:
        partial.write_bytes(content)
