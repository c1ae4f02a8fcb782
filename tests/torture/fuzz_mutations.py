"""Bytes changed as damage and malice change them; the same for the same seed."""

from __future__ import annotations

import random
import re
import struct
import zlib
from collections.abc import Callable

HEAD = 64  # bytes in which headers have their numbers
NUMBERS = (0, 1, 2, 127, 128, 255, 32767, 32768, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1, 10**6)
WORDS = (
    *("0", "-1", "1e308", "1e999", "-1e-400", "NaN", "Infinity", "-Infinity", "null", "true", "[]", "{}", '""', "0.5"),
    *("9" * 25, "9" * 5000, '"' + "x" * 3000 + '"', "[" * 3000, '{"a":' * 2000, '"\\ud800"', '"\\u0000"', "1000000000"),
    *('"../../etc/passwd"', '"=1+1"', '"\\u001b[2J"', '"__class__"', "2147483648", "-9223372036854775809"),
)


def mutated(content: bytes, others: list[bytes], draw: random.Random, text: bool) -> bytes:
    """One to four changes."""
    kinds = [_flip, _cut, _splice, _number, _noise, _repeat] + (
        [_word, _word, _word, _line, _line] if text else [_number]
    )
    for _ in range(draw.choice((1, 1, 2, 4))):
        content = draw.choice(kinds)(content, others, draw)
    return content


def _place(content: bytes, draw: random.Random) -> int:
    most = min(len(content), HEAD) if draw.random() < 0.5 else len(content)
    return draw.randrange(most) if most else 0


def _flip(content: bytes, others: list[bytes], draw: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(draw.choice((1, 1, 1, 8))):
        if changed:
            changed[_place(content, draw)] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _cut(content: bytes, others: list[bytes], draw: random.Random) -> bytes:
    place = draw.choice((0, 1, len(content) - 1, len(content) // 2, draw.randrange(len(content) + 1)))
    return content[: max(0, place)]


def _splice(content: bytes, others: list[bytes], draw: random.Random) -> bytes:
    other = draw.choice(others)
    return content[: draw.randrange(len(content) + 1)] + other[draw.randrange(len(other) + 1) :]


def _number(content: bytes, others: list[bytes], draw: random.Random) -> bytes:
    size, place = draw.choice((1, 2, 4, 8)), _place(content, draw)
    value = (draw.choice(NUMBERS) % 2 ** (8 * size)).to_bytes(size, draw.choice(("big", "little")))
    return content[:place] + value + content[place + size :]


def _noise(content: bytes, others: list[bytes], draw: random.Random) -> bytes:
    place, size = _place(content, draw), draw.choice((1, 4, 64))
    return content[:place] + draw.randbytes(size) + content[place + draw.choice((0, size)) :]


def _repeat(content: bytes, others: list[bytes], draw: random.Random) -> bytes:
    start = _place(content, draw)
    part = content[start : start + draw.choice((1, 16, 500))]
    return content[:start] + part * draw.choice((0, 2, 40)) + content[start + len(part) :]


def _word(content: bytes, others: list[bytes], draw: random.Random) -> bytes:
    """A number, a quoted text or a word becomes another."""
    found = list(re.finditer(rb'-?\d[\d.e+-]*|"[^"\n]*"|\w+', content))
    if not found:
        return content + draw.choice(WORDS).encode()
    chosen = draw.choice(found)
    return content[: chosen.start()] + draw.choice(WORDS).encode() + content[chosen.end() :]


def _line(content: bytes, others: list[bytes], draw: random.Random) -> bytes:
    lines = content.split(b"\n")
    place = draw.randrange(len(lines))
    match draw.randrange(4):
        case 0:
            del lines[place]
        case 1:
            lines.insert(place, lines[draw.randrange(len(lines))])
        case 2:
            draw.shuffle(lines)
        case _:
            lines[place] = draw.choice(WORDS).encode()
    return b"\n".join(lines)


def with_checksums(png: bytes) -> bytes:
    """A PNG whose chunks have the checksums of what they hold now, so that decoders look at that."""
    fixed, place = bytearray(png[:8]), 8
    while place + 12 <= len(png):
        length = int.from_bytes(png[place : place + 4], "big")
        end = place + 8 + length
        if end + 4 > len(png):
            break
        body = png[place + 4 : end]
        fixed += png[place : place + 4] + body + struct.pack(">I", zlib.crc32(body))
        place = end + 4
    return bytes(fixed) + png[place:]


Mutate = Callable[[bytes, list[bytes], random.Random], bytes]
