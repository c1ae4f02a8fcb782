"""docs/api.md is what the docstrings say."""

from __future__ import annotations

import importlib
import re

from tools.api import PAGE, SECTIONS, first_sentence, page

from zerosum.losses import OBJECTIVES, PENALTIES
from zerosum.metrics import METRICS


def test_the_page_is_that_of_the_docstrings() -> None:
    assert PAGE.read_text() == page(), "run `python -m tools.api`"


def test_every_part_can_be_imported_by_its_name() -> None:
    names = re.findall(r"^\| `(\S+)` \|", PAGE.read_text(), re.M)
    assert len(names) > 200 and len({*names}) == len(names)
    for name in names:
        module, _, part = name.rpartition(".")
        assert getattr(importlib.import_module(module), part)


def test_all_losses_penalties_and_metrics_are_there() -> None:
    text = PAGE.read_text()
    functions = [f for one in OBJECTIVES.values() for f in (one.d_loss, one.g_loss)] + list(PENALTIES.values())
    for part in [*functions, *(type(metric) for metric in METRICS.values())]:
        assert f"`{part.__module__}.{part.__qualname__}`" in text
    for name in SECTIONS:
        assert f"\n## {name}\n" in text


def test_a_line_is_a_first_sentence() -> None:
    def one() -> None:
        """What a | b is: a word; Goodfellow et al., 2014. More of it.

        And more.
        """

    assert first_sentence(one) == "What a \\| b is: a word; Goodfellow et al., 2014."
