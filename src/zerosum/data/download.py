"""Fetch one file from its mirrors: verified, and put in place whole or not at all."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.client
import os
import urllib.request
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from zerosum.data.dataset import DataError, Progress
from zerosum.util.files import held, remove_leftovers

TIMEOUT = 30.0  # seconds without a byte before a mirror is given up
CHUNK = 1 << 20  # bytes


class _Refused(Exception):
    """What a mirror sent cannot be used."""


def sha256_of(path: Path) -> str:
    """SHA-256 (64 hex digits) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_unpacked(path: Path) -> str:
    """SHA-256 (64 hex digits) of what a .gz file holds: copies packed differently are equal."""
    with gzip.open(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(
    urls: Sequence[str],
    target: Path,
    sha256: str,
    *,
    digest: Callable[[Path], str] = sha256_of,
    progress: Progress | None = None,
) -> Path:
    """Download to `target` from the first of `urls` whose file is whole and has the checksum.

    Args:
        urls: mirrors of one file, tried in turn.
        target: the file's final place; its folder is created. Nothing but a verified file is ever there.
        sha256: what `digest` must say of the file, 64 hex digits.
        progress: called with ("downloading NAME", bytes so far, bytes in total or 0).

    Raises:
        DataError: no mirror sent the file, with each URL's reason; or the folder cannot be written.
    """
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    reasons = []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(target.parent)
        for url in urls:
            try:
                _receive(url, partial, f"downloading {target.name}", progress)
                _verify(partial, sha256, digest)
            except _Refused as error:
                reasons.append(f"{url}: {error}")
                continue
            os.replace(partial, target)
            return target
    except OSError as error:
        raise DataError(
            f"cannot write {target.parent}: {error.strerror or error}; free some space there "
            f"or set ZEROSUM_CACHE to another folder"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    raise DataError(
        f"could not download {target.name} ({'; '.join(reasons)}); check the connection, "
        f"or put the file at {target} by hand"
    )


def _receive(url: str, partial: Path, what: str, progress: Progress | None) -> None:
    """Stream `url` into `partial` and flush it to the disk; _Refused if it does not arrive whole."""
    request = urllib.request.Request(url, headers={"User-Agent": "zerosum"})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except (OSError, http.client.HTTPException) as error:
        raise _Refused(str(error)) from error
    with response, partial.open("wb") as file, held(partial):
        total = int(response.headers.get("Content-Length") or 0)
        done = 0
        while chunk := _read(response):
            file.write(chunk)
            done += len(chunk)
            if progress:
                progress(what, done, total)
        if total and done != total:
            raise _Refused(f"truncated: {done:,} of {total:,} bytes arrived")
        file.flush()
        os.fsync(file.fileno())


def _read(response: http.client.HTTPResponse) -> bytes:
    # Apart from the writes, so that a broken connection goes on to the next mirror and a full disk does not.
    try:
        return response.read(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _Refused(f"the connection broke: {error}") from error


def _verify(partial: Path, sha256: str, digest: Callable[[Path], str]) -> None:
    try:
        found = digest(partial)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _Refused(f"damaged: {error}") from error
    if found != sha256:
        raise _Refused(f"wrong checksum: SHA-256 {found[:16]}..., not {sha256[:16]}...")
