"""A text file as data: one text a line, as ids of a vocabulary that is built from it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from zerosum.data.dataset import DataError, Dataset, Field, Problem, dataset_of
from zerosum.data.request import Request
from zerosum.modality import Lengths, Tokens
from zerosum.util.files import named
from zerosum.util.text import SPACELESS_LETTER, composed

SUFFIXES = (".txt",)
UTF_16 = "utf-16"  # as spreadsheets save "Unicode text"
VOCABULARY = 20_000  # tokens at most, the most frequent; all others are <unk>
MANY = 0.05  # of the tokens that are unknown, more than which is said
LONGEST = 512  # tokens of a text; longer ones are left out, and named


def lines(request: Request) -> Dataset:
    """Fields `ids`, int64 (N, length), and `lengths`, (N,), of the texts of a file, one a line.

    Tokens are words, as white space parts them; in a file without white space inside its lines they are characters, and
    likewise where most lines of a language that puts no spaces between words have none. Accents are in one spelling,
    however the file writes them. Texts of several lengths end in `<eos>`, which also fills the rest of the row; texts
    of one length have none. A token that is not among the most frequent is `<unk>`.

    Raises:
        DataError: the file cannot be read, holds no text, or has `<eos>` in a text.
    """
    path = named(request.name)
    # Not by str.splitlines, which also splits where no editor does.
    stripped = [composed(line.strip()) for line in re.split("\r\n|\r|\n", read_text(path))]
    if not stripped[-1]:
        stripped.pop()  # the last line has ended
    parted, spaceless = sum(len(line.split()) > 1 for line in stripped), _mostly_spaceless(stripped)
    words = parted > (len(stripped) / 2 if spaceless else 0)
    texts, problems = _texts(path, stripped, words)
    if not texts:
        first = f" (the first problem is {problems[0]})" if problems else ""
        raise DataError(f"{path} holds no text{first}: give one text a line")
    longest = max(map(len, texts))
    several = any(len(text) < longest for text in texts)
    modality = Tokens(vocabulary(texts, several, VOCABULARY), longest + several, " " if words else "")
    ids = torch.tensor([modality.ids(text) for text in texts])
    blanks = () if words or not parted else (f"read as characters, though {parted:,} of its lines have spaces",)
    return dataset_of(request.name, fields_of(modality, ids), tuple(problems), notes=blanks + _rare(ids, modality))


def _mostly_spaceless(texts: Sequence[str]) -> bool:
    """Whether most letters are of a language that puts no spaces between words."""
    letters = [letter for text in texts for letter in text if letter.isalpha()]
    return 2 * sum(bool(SPACELESS_LETTER.match(letter)) for letter in letters) > len(letters)


def fields_of(tokens: Tokens, ids: Tensor) -> dict[str, Field]:
    """The fields `ids`, (N, length), and `lengths`, (N,), of texts."""
    longest = tokens.length - (tokens.end is not None)
    return {"ids": Field(tokens, ids), "lengths": Field(Lengths(longest), tokens.lengths(ids))}


def _rare(ids: Tensor, tokens: Tokens) -> tuple[str, ...]:
    """A note where many tokens are none of the vocabulary."""
    share = float((ids == tokens.vocabulary.index(Tokens.UNKNOWN)).sum() / tokens.within(ids).sum())
    rare = f"none of the {VOCABULARY:,} most frequent {tokens.unit}s, and are {Tokens.UNKNOWN}"
    most = f"{share:.0%} of the tokens are {rare}"
    return (most,) if share > MANY else ()


def vocabulary(texts: Sequence[Sequence[str]], several: bool, most: int) -> tuple[str, ...]:
    """`<unk>`, `<eos>` where texts have several lengths, then the most frequent tokens; ties in order of spelling."""
    special = (Tokens.UNKNOWN, Tokens.END) if several else (Tokens.UNKNOWN,)
    counts = Counter(token for text in texts for token in text)
    known = sorted((token for token in counts if token not in special), key=lambda token: (-counts[token], token))
    return (*special, *known[: most - len(special)])


def _texts(path: Path, stripped: Sequence[str], words: bool) -> tuple[list[list[str]], list[Problem]]:
    texts, problems, empty = [], [], 0
    for number, line in enumerate(stripped, 1):
        tokens = line.split() if words else list(line)
        if Tokens.END in tokens:
            raise DataError(f"{path}, line {number}: {Tokens.END} is kept for the end of a text; remove it")
        if not tokens:
            empty += 1
        elif len(tokens) > LONGEST:
            reason = f"it has {len(tokens):,} tokens, more than {LONGEST}; cut it into several lines"
            problems.append(Problem(f"{path.name}, line {number}", reason))
        else:
            texts.append(tokens)
    if empty and texts:
        problems.append(Problem(path.name, "1 line is empty" if empty == 1 else f"{empty:,} lines are empty"))
    return texts, problems


def encoding_of(content: bytes) -> str:
    """That of a file by its first bytes: UTF-8 with or without a mark, or the UTF-16 of spreadsheets."""
    return UTF_16 if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"


def read_text(path: Path) -> str:
    """A whole file as people save it: UTF-8 with or without a mark, or the UTF-16 of spreadsheets.

    Raises:
        DataError: it cannot be read, or is in another encoding; the message names the line.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; check its permissions") from error
    encoding = encoding_of(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        where, kind = (f"{path}", "UTF-16") if encoding == UTF_16 else (f"{path}, line {line}", "UTF-8")
        raise DataError(f"{where}: this is not {kind}; save the file as UTF-8") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(
            f"{path}, line {line}: it holds the character NUL, as no text does, but UTF-16 and UTF-32 without a mark; "
            "save the file as UTF-8"
        )
    return text
