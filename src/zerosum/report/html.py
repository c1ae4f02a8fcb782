"""Building blocks of a page: HTML with every text escaped and every picture inlined."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image

from zerosum.pictures.film import opaque
from zerosum.util.files import read_bytes
from zerosum.util.memory import OutOfMemoryError

INLINE = 300_000  # bytes; a picture below is inlined as it is
WHOLE = 12_000_000  # bytes; the largest film, or sound, that is inlined


def image(path: Path, alt: str, side: int | None) -> str:
    """An `<img>` that holds the picture itself; "" where there is no file, a sentence where it cannot be shown.

    Args:
        side: largest width and height in pixels of a picture above 300 kB; None inlines the file as it is, up to 12 MB.
    """
    if not path.exists():
        return ""
    try:
        content = read_bytes(path)
        with Image.open(io.BytesIO(content)) as opened:
            size, kind = opened.size, opened.get_format_mimetype()
            if side is not None and len(content) > INLINE:
                picture, buffer, kind = opaque(opened), io.BytesIO(), "image/jpeg"
                picture.thumbnail((side, side), Image.Resampling.LANCZOS)
                picture.save(buffer, "JPEG", quality=90, subsampling=0)
                content, size = buffer.getvalue(), picture.size
            else:
                opened.load()
    except (OSError, OutOfMemoryError, SyntaxError, ValueError):  # Pillow calls some broken files a syntax error
        return f"<p>{escape(path.name)} is damaged.</p>"
    if len(content) > WHOLE:
        return f"<p>{escape(path.name)} is too large to be shown here.</p>"
    data, alt = base64.b64encode(content).decode(), escape(alt, quote=True)
    return f'<img alt="{alt}" width="{size[0]}" height="{size[1]}" src="data:{kind};base64,{data}">'


def sound(path: Path) -> str:
    """A player that holds the sound itself; "" where there is no file, a sentence where it cannot be played."""
    if not path.exists():
        return ""
    try:
        content = read_bytes(path)
    except (OSError, OutOfMemoryError):
        return f"<p>{escape(path.name)} is damaged.</p>"
    if len(content) > WHOLE:
        return f"<p>{escape(path.name)} is too large to be played here.</p>"
    return f'<audio controls src="data:audio/wav;base64,{base64.b64encode(content).decode()}"></audio>'


def figure(content: str, caption: str) -> str:
    """A framed `content`, HTML, with a caption; "" where there is no content."""
    return f"<figure>{content}<figcaption>{escape(caption)}</figcaption></figure>" if content else ""


def tiles(facts: Iterable[tuple[str, str]]) -> str:
    """(what, value) pairs, the value large."""
    inner = "".join(f"<div><dt>{escape(what)}</dt><dd>{escape(value)}</dd></div>" for what, value in facts)
    return f'<dl class="tiles">{inner}</dl>' if inner else ""


def table(rows: Iterable[Sequence[str]]) -> str:
    """Rows of HTML cells: a heading, a value, and remarks on it."""
    lines = [
        f'<tr><th scope="row">{heading}</th><td class="value">{value}</td>'
        + "".join(f'<td class="muted">{cell}</td>' for cell in more)
        + "</tr>"
        for heading, value, *more in rows
    ]
    return f'<div class="card"><table>{"".join(lines)}</table></div>' if lines else ""


def columns(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows of HTML cells below column heads; on a narrow screen each cell follows its head."""
    top = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    named = [zip(heads, row, strict=True) for row in rows]
    lines = [
        "<tr>" + "".join(f'<td data-head="{escape(head)}">{cell}</td>' for head, cell in row) + "</tr>" for row in named
    ]
    return f'<div class="card wide"><table><tr>{top}</tr>{"".join(lines)}</table></div>' if lines else ""


def bullets(lines: Iterable[str], name: str) -> str:
    """Lines of HTML as a list in the page's style `name`; "" where there are none."""
    items = "".join(f"<li>{line}</li>" for line in lines)
    return f'<div class="{name}"><ul>{items}</ul></div>' if items else ""


def key(color: str, name: str, value: str, dashed: bool = False) -> str:
    """The legend of a curve: its name, and its value at the end; `color` in CSS."""
    style = f"border-top: 2px dashed {color}; height: 0; vertical-align: 4px" if dashed else f"background: {color}"
    return f'<span class="key"><i style="{style}"></i>{escape(name)} <b>{escape(value)}</b></span>'


def plain(value: Any) -> str:
    """A plain value of JSON, as people write it."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    return ", ".join(map(plain, value)) or "none" if isinstance(value, list | tuple) else str(value)


def prose(text: str) -> str:
    """Text in which `backticks` mark code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))


def command(title: str, code: str, hint: str = "") -> str:
    """Code to copy: one click selects all of it."""
    below = f'<p class="muted">{escape(hint)}</p>' if hint else ""
    return f"<h3>{escape(title)}</h3><pre>{escape(code)}</pre>{below}"
