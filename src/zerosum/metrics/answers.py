"""How many answers are valid for their question, by the grammar that the dialogues were drawn from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import torch
from annotated_types import Gt
from torch import Tensor

from zerosum.data.text.dialogues import Dialogues, dialogues_of
from zerosum.metrics import intervals
from zerosum.metrics.metric import Context, Metric
from zerosum.metrics.score import Score
from zerosum.modality import Tokens
from zerosum.roles import Answers, has_role, in_role
from zerosum.util import rng

if TYPE_CHECKING:
    from zerosum.data.dataset import Dataset


@dataclass(frozen=True)
class Found:
    """What an exact checker finds of answers."""

    valid: float  # the share that are sentences of the grammar and answer their question
    coverage: float  # the share of the answers' productions that these use
    productions: int  # of the grammar


def found_of(rules: Dialogues, questions: Sequence[str], answers: Sequence[str]) -> Found:
    """Of answers, each to the question of its place; words are parted by blanks."""
    derived = [rules.derivation(q.split(), a.split()) for q, a in zip(questions, answers, strict=True)]
    valid = [own for own in derived if own is not None]
    used, count = {production for own in valid for production in own.productions}, len(rules.answers.productions)
    return Found(len(valid) / len(answers), len(used) / count, count)


@dataclass(frozen=True)
class ValidAnswers(Metric):
    """The share of answers that are valid for their question, by an exact parser, and productions that these use.

    Questions are those that were learnt from, and those of the source's test part, which never were. Beside them
    stand real answers, those of other questions (shuffled), and the answers of the likeliest words (greedy).
    """

    answers: Annotated[int, Gt(1), "of each part"] = 2_000

    name = "answers"
    needs = "none"
    kind = Tokens
    needs_distinct = False
    has_references = False
    draws = "answers"

    def each(self, context: Context) -> int:
        return 4 * 8 * math.prod(context.fake.shape)  # its own, the likeliest, the real one, that of another question

    def why_not(self, context: Context) -> str:
        if context.run is None or not has_role(context.run.game, Answers):
            return "it needs a run that answers questions"
        if dialogues_of(context.data.name) is None:
            return f"no grammar knows the answers of {context.data.name}, only those of dialogues"
        if context.data.captions is None or context.data.captions.modality != context.run.condition:
            return f"the run reads other words than the questions of {context.data.name} have"
        return ""

    def held_out(self, context: Context) -> str:
        return "" if context.test is None else f"{len(context.test)} of {context.test.fingerprint}"

    def measure(self, context: Context) -> dict[str, Score]:
        assert context.run is not None
        scores: dict[str, Score] = {}
        for part, data in (("", context.data), (", held out", context.test)):
            if data is not None and data.captions is not None:
                scores |= _measured(context, data, self.answers, part)
        return scores


def _measured(context: Context, data: Dataset, count: int, part: str) -> dict[str, Score]:
    from zerosum.run import sampling

    run, seed = context.run, context.seed
    assert run is not None
    rules, kind, answer = dialogues_of(data.name), in_role(run.game, Answers).condition, data.fields[run.game.makes]
    assert rules is not None and data.captions is not None
    rows = rng.shuffled(len(data), seed)[torch.arange(count) % len(data)]
    asked = data.captions.stored[rows]

    def found(ids: Tensor) -> Found:
        return found_of(rules, kind.write(asked), run.texts(ids))

    own = found(sampling.sample(run.game, count, seed=seed, labels=asked, truncation=context.truncation))
    role, device = in_role(run.game, Answers), sampling.device_of(run.game)
    with sampling.eval_no_grad(run.game, seed):
        likeliest = role.generate(torch.zeros(count, role.prior.dim, device=device), asked.to(device)).cpu()
    real = answer.stored[rows]
    others = {"real": found(real), "shuffled": found(real.roll(1, 0)), "greedy": found(likeliest)}
    note, interval = f"binomial, of {count:,} answers", intervals.of_share(own.valid, count)
    used = f"of {own.productions}; no interval: a count"
    return {
        f"valid{part}": Score(own.valid, "higher", interval, note, {name: x.valid for name, x in others.items()}),
        f"coverage{part}": Score(
            own.coverage, "higher", note=used, references={name: x.coverage for name, x in others.items()}
        ),
    }
