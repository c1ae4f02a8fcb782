"""What is said of images, as tokens: words, and characters where a language has no spaces."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import replace

import torch

from zerosum.data.dataset import ALL, TEXT, DataError, Dataset, Field, Problem, digest_of, fingerprint_of
from zerosum.data.several import Several
from zerosum.data.text.lines import VOCABULARY, vocabulary
from zerosum.errors import ZerosumError
from zerosum.modality import Tokens
from zerosum.util.text import SPACELESS, SPACELESS_LETTER, abbreviate, shortened

LONGEST = 128  # tokens of a caption; longer ones are left out, and named
TOKEN = re.compile(rf"[{SPACELESS}]|[^\W{SPACELESS}]+|[^\w\s]")


def tokens(text: str) -> list[str]:
    """The words of a text in small letters, its signs, and each character of a language without spaces.

    A mark, as Hindi's vowels are, belongs to the letter or sign before it; of a word, so do the letters behind it.
    """
    found, end = list[str](), -1
    for match in TOKEN.finditer(unicodedata.normalize("NFKC", text).casefold()):
        token = match[0]
        if match.start() == end and (_is_mark(token) or _goes_on(found[-1], token)):
            found[-1] += token
        else:
            found.append(token)
        end = match.end()
    return found


def _is_mark(token: str) -> bool:
    joiner = token in ("\u200c", "\u200d")
    return (joiner or unicodedata.category(token[0]) in ("Mn", "Mc", "Me")) and not SPACELESS_LETTER.match(token)


def _goes_on(word: str, token: str) -> bool:
    """Whether a token is of the word before it, which ends in a mark."""
    letters = word[0].isalpha() and token[0].isalnum()
    return letters and _is_mark(word[-1]) and not SPACELESS_LETTER.match(word) and not SPACELESS_LETTER.match(token)


def modality(texts: Sequence[Sequence[str]]) -> Tokens:
    """The vocabulary of texts of tokens, the most frequent `VOCABULARY` of them, and how long they are."""
    longest = max(map(len, texts))
    spaceless = sum(bool(SPACELESS_LETTER.match(token)) for text in texts for token in text)
    separator = "" if 2 * spaceless > sum(map(len, texts)) else " "
    return Tokens(vocabulary(texts, True, VOCABULARY), longest + 1, separator)


def encoded(kind: Tokens, text: str) -> list[int]:
    """The ids of a text that somebody wrote, a caption or a question, (length,).

    Raises:
        ZerosumError: it says nothing, or more than any that was learnt from, or has a word that these do not have.
    """
    known = {*kind.known}
    words = [word for token in tokens(text) for word in _known_parts(token, known)]
    if not words:
        raise ZerosumError("the text is empty: write a word at least")
    if unknown := [word for word in dict.fromkeys(words) if word not in known]:
        close = [near[0] for word in unknown if (near := difflib.get_close_matches(word, kind.known, n=1))]
        cure = f"did you mean {', '.join(close)}?" if close else f"it knows {', '.join(abbreviate(kind.known))}"
        said = ", ".join(abbreviate([shortened(repr(word)) for word in unknown]))
        raise ZerosumError(f"nothing that was learnt from has the word {said}; {cure}")
    if len(words) >= kind.length:
        raise ZerosumError(
            f"the text has {len(words)} words, and none that was learnt from has more than {kind.length - 1}; say less"
        )
    return kind.ids(words)


def _known_parts(token: str, known: Collection[str]) -> list[str]:
    """A token itself, or, of a run whose vocabulary has marks apart, as older ones do, its parts."""
    if token in known:
        return [token]
    parts = TOKEN.findall(token)
    return parts if all(part in known for part in parts) else [token]


def with_captions(
    data: Dataset, texts: Sequence[Sequence[Sequence[str]]], problems: tuple[Problem, ...] = ()
) -> Dataset:
    """The same samples with their captions, of which each has some, as tokens, or none; the data itself where none has.

    Args:
        texts: of each sample its captions, without repetitions.
    """
    flat = [text for own in texts for text in own]
    data = replace(data, problems=data.problems + problems)
    if not flat:
        return data
    if len(texts) != len(data):
        raise DataError(f"{data.name} has {len(data):,} samples, and captions for {len(texts):,}; give each its own")
    kind = modality(flat)
    values = torch.tensor([kind.ids(text) for text in flat])
    starts = torch.tensor([0, *map(len, texts)]).cumsum(0)
    several = Several(values, starts)
    part = f"{kind!r} {digest_of(values)} {digest_of(starts)}"
    return replace(
        data,
        fields={**data.fields, TEXT: Field(kind, several.first, ALL, several=several)},
        fingerprint=fingerprint_of(f"{data.fingerprint} {part}"),
        uncaptioned=data.fingerprint,
        parts={**data.parts, TEXT: part} if data.parts else {},
    )
