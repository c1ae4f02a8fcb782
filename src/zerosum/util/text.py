"""How quantities are written for people, and the one door for text from outside: names of files, labels, arguments."""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

SHOWN = 10  # entries of a long list
QUOTED = 120  # letters of a name or a cell that a sentence repeats
UNKNOWN = "\ufffd"  # the replacement character
# Control characters, which steer a terminal; what ends a line or turns its direction; halves of no character.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# Letters of languages that put no spaces between words: Thai, Lao, Burmese, Khmer, kana, and Chinese characters.
SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
SPACELESS_LETTER = re.compile(f"[{SPACELESS}]")
SURROGATE = re.compile("[\ud800-\udfff]")  # what Python makes of bytes that are no UTF-8, and of half a character
FORMULA = re.compile("[=+@\t\r-]")  # how one begins in a cell
NUMBER = re.compile(r"-?[0-9.]+(e[+-]?[0-9]+)?")
BYTE = re.compile(f"{UNKNOWN}([89a-f][0-9a-f])")
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,4000}")  # Python reads no longer ones


def composed(text: str) -> str:
    """Letters and their accents in one spelling, in one character where there is one: macOS, say, stores several."""
    return unicodedata.normalize("NFC", text)


def without_ending(file: str) -> str:
    """The name of a file without its ending, in one spelling."""
    return composed(str(PurePosixPath(file).with_suffix("")))


def legible(text: str) -> str:
    """`text` in one line, as every file, page and terminal takes it; names that differ go on differing.

    Control characters become their pictures (an escape is `␛`, a line's end `␊`), a byte that is no UTF-8 becomes the
    replacement character and its two hex digits.
    """
    return UNSAFE.sub(lambda found: _shown(found[0]), text)


def printable(text: str) -> str:
    """As `legible`, but lines and tabs stay: for whole outputs."""
    return UNSAFE.sub(lambda found: found[0] if found[0] in "\n\t" else _shown(found[0]), text)


def encodable(text: str) -> str:
    """`text` as UTF-8 can hold it: without its bytes that are no UTF-8, which `from_encodable` brings back."""
    return SURROGATE.sub(lambda found: _shown(found[0]), text)


def from_encodable(text: str) -> str:
    """What `encodable`, or a terminal, made `text` of: the name of a file, with the bytes that it has."""
    return BYTE.sub(lambda found: chr(0xDC00 + int(found[1], 16)), text)


def shell_word(text: str) -> str:
    """`text` as one word of a command to copy, in ASCII wherever a terminal would not show it as it is.

    Control characters and bytes that are no UTF-8 are written as bash and zsh read them: `$'caf\\xe9'`.
    """
    if not UNSAFE.search(text):
        return shlex.quote(text)
    return "$'" + "".join(map(_escaped, text)) + "'"


def _escaped(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if not UNSAFE.match(character):
        return character
    half = "surrogateescape" if "\udc80" <= character <= "\udcff" else "surrogatepass"
    return "".join(f"\\x{byte:02x}" for byte in character.encode(errors=half))


def _shown(character: str) -> str:
    code = ord(character)
    if code <= 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return f"{UNKNOWN}{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else UNKNOWN


def cell(text: str) -> str:
    """`text` as a cell of a CSV that no spreadsheet takes for a formula; `unquoted` brings it back."""
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def unquoted(text: str) -> str:
    """The text of such a cell."""
    return text[1:] if text.startswith("'") and FORMULA.match(text[1:]) else text


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """The different names of classes: by number if all are whole numbers, else by letter."""
    known = sorted(set(names))
    return tuple(sorted(known, key=int) if all(map(WHOLE_NUMBER.fullmatch, known)) else known)


def abbreviate(items: Sequence[str]) -> list[str]:
    """The items, or the first of a long list and how many more there are."""
    return list(items) if len(items) <= SHOWN else [*items[:SHOWN], f"... and {len(items) - SHOWN:,} more"]


def shortened(text: str) -> str:
    """`text`, or the beginning and the end of a long one: a sentence quotes it, and stays a sentence."""
    return text if len(text) <= QUOTED else f"{text[: QUOTED // 2]}...{text[-QUOTED // 4 :]}"


def shape_text(shape: Iterable[int]) -> str:
    """`1x28x28`."""
    return "x".join(map(str, shape))


def duration(seconds: float) -> str:
    """`42 s`, `3 min 20 s`, `5 h 10 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
