"""Options that count only beside another: what their annotations say of that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class With:
    """Metadata of an option, or of a group of them, that has an effect only while the option `switch` beside it is on.

    `on` says so of the options beside it, by default that `switch` is true, or a number but 0. An option of the group
    that they are in, `unless`, is another reader of this one, where it is set.
    """

    switch: str
    on: Callable[[Any], bool] | None = None
    unless: str = ""

    def holds(self, beside: object, above: object) -> bool:
        """Whether the option counts, by those beside it, and by those of the group above."""
        if self.unless and getattr(above, self.unless, None) is not None:
            return True
        return self.on(beside) if self.on else bool(getattr(beside, self.switch))
