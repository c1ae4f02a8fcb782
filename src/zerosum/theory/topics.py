"""All topics of `zerosum theory`. This file is the only list of them."""

from __future__ import annotations

from typing import Any

from zerosum.errors import ZerosumError, unknown
from zerosum.theory.actor_critic import ACTOR_CRITIC
from zerosum.theory.claim import Topic
from zerosum.theory.distances import DISTANCES
from zerosum.theory.figure_1 import FIGURE_1
from zerosum.theory.gradient import GRADIENT
from zerosum.theory.likelihood import LIKELIHOOD
from zerosum.theory.linear_models import LINEAR_MODELS
from zerosum.theory.lines import LINES
from zerosum.theory.optimum import OPTIMUM
from zerosum.theory.saddle import SADDLE

TOPICS: dict[str, Topic[Any]] = {
    topic.name: topic
    for topic in (OPTIMUM, DISTANCES, LIKELIHOOD, LINES, GRADIENT, SADDLE, FIGURE_1, LINEAR_MODELS, ACTOR_CRITIC)
}


def find(name: str) -> Topic[Any]:
    """The topic called `name`; `ZerosumError` with the nearest name where there is none."""
    if name in TOPICS:
        return TOPICS[name]
    raise ZerosumError(unknown("topic", name, TOPICS))
