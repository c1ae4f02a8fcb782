"""`sentences`: texts of a small grammar, of which it is known which are valid."""

from __future__ import annotations

import random
from functools import cache

import torch

from zerosum.data.dataset import Dataset, fingerprint_of
from zerosum.data.request import Request, no_option
from zerosum.data.text.grammar import ENGLISH, Grammar
from zerosum.data.text.lines import fields_of
from zerosum.modality import Tokens

NAME = "sentences"
COUNT = 10_000
LONGEST = 15  # words


@cache
def grammar() -> Grammar:
    """The grammar of `sentences`."""
    return Grammar(ENGLISH)


def modality() -> Tokens:
    return Tokens((Tokens.UNKNOWN, Tokens.END, *grammar().words), LONGEST + 1)


def grammar_of(name: str) -> Grammar | None:
    """The grammar that data of this name was drawn from, where there is one."""
    return grammar() if name == NAME else None


def sentences(request: Request) -> Dataset:
    """10,000 sentences of 2 to 15 words, drawn from the seed, as ids and lengths."""
    no_option(request)
    choices = random.Random(request.seed)
    texts = [grammar().sentence(choices, LONGEST) for _ in range(COUNT)]
    tokens = modality()
    ids = torch.tensor([tokens.ids(text) for text in texts])
    return Dataset(request.name, fields_of(tokens, ids), fingerprint_of(f"{ENGLISH} {COUNT} {LONGEST} {request.seed}"))
