"""Text files as people save them: UTF-8 with or without a mark, or the UTF-16 of spreadsheets."""

from __future__ import annotations

from pathlib import Path

from zerosum.data.dataset import DataError


def read_text(path: Path) -> str:
    """The whole file.

    Raises:
        DataError: it cannot be read, or is in another encoding; the message names the line.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; check its permissions") from error
    utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))  # as spreadsheets save "Unicode text"
    try:
        return content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        where, kind = (f"{path}", "UTF-16") if utf16 else (f"{path}, line {line}", "UTF-8")
        raise DataError(f"{where}: this is not {kind}; save the file as UTF-8") from error
