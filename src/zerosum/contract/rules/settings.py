"""Options: what a run keeps of them, and what they say."""

from __future__ import annotations

import json

from zerosum import options
from zerosum.contract.case import Case
from zerosum.contract.rules.rule import Broken


def plain_options(case: Case) -> None:
    for name, value in case.recipe.resolve(case.options).items():
        text = json.dumps(options.to_json(value))
        if options.parse(type(value)(), json.loads(text)) != value:
            raise Broken(
                f"{name} comes back from JSON as another value",
                "give its fields types that JSON has: numbers, words, tuples, dataclasses",
            )
    for option in (row for default in case.recipe.options.values() for row in options.rows(default)):
        if not option.help:
            raise Broken(
                f"the option {option.name} does not say what it is",
                f'write {option.name.rpartition(".")[2]}: Annotated[{option.type.split()[0]}, "what it is"]',
            )
