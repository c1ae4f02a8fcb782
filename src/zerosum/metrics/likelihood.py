"""Likelihoods of texts: how surprised a model is by real ones, and how surprised the true one is by the model's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from zerosum.metrics import intervals
from zerosum.metrics.metric import Context
from zerosum.metrics.score import Score
from zerosum.metrics.text_metric import HeldOutTextMetric, TextMetric, likeliest, shuffled
from zerosum.roles import Completes, has_role, in_role
from zerosum.run.sampling import device_of, eval_no_grad

LOGITS = 2**24  # at a time


def nll(
    ids: Tensor, log_likelihood: Callable[[Tensor], Tensor], choices: Callable[[Tensor], Tensor], vocabulary: int
) -> Score:
    """Nats a token, of texts ids (N, length), over all tokens that are chosen; with an interval over texts.

    Args:
        log_likelihood: ids (B, length) to log probabilities (B, length), 0 where nothing is chosen.
        choices: ids (B, length) to 1 where a token is chosen, (B, length).
        vocabulary: tokens in all, by which it is decided how many texts are looked at together.
    """
    sums, numbers = [], []
    for part in ids.split(max(1, LOGITS // (ids.shape[1] * vocabulary))):
        sums.append(-log_likelihood(part).double().sum(1).cpu())
        numbers.append(choices(part).double().sum(1).cpu())
    total, count = torch.cat(sums), torch.cat(numbers)
    mean = float(total.sum() / count.sum())
    spread = (total - mean * count) / count.mean() + mean  # a ratio of means, linear in the texts
    interval = intervals.of_mean(spread, 0.0) if len(ids) > 1 else None
    return Score(mean, "lower", interval, "Student's t, of the texts")


@dataclass(frozen=True)
class NllTest(HeldOutTextMetric):
    """How surprised the run's own model is by real texts, in nats a token: held-out ones, where there are any.

    exp of it is the perplexity. A model that leaves out what is real is punished for it, unlike by BLEU. Beside it
    stand the same texts with their tokens in any order (shuffled), and the text of the model's likeliest tokens
    (greedy).
    """

    name = "nll-test"
    needs = "none"
    has_references = False  # its own are other texts in the place of the real ones
    truncates = False

    def why_not(self, context: Context) -> str:
        if context.run is None:
            return "it needs a run, whose model finds texts likely or not"
        if not has_role(context.run.game, Completes):
            return f"{context.run.game.name} gives texts no likelihood"
        return ""

    def fakes(self, context: Context) -> int:
        return 0

    def warnings(self, context: Context) -> list[str]:
        if context.test is not None or context.training is None:
            return []
        return ["these texts were learnt from: train with --held-out 0.1 to know the likelihood of others"]

    def measure(self, context: Context) -> dict[str, Score]:
        assert context.run is not None
        game, tokens, ids = context.run.game, self.tokens(context), self.real(context)
        role, device = in_role(game, Completes), device_of(game)
        others = {"shuffled": shuffled(tokens, ids, context.seed), "greedy": likeliest(game, context.seed)}
        with eval_no_grad(game, context.seed):
            score, *known = (
                nll(own.to(device), role.log_likelihood, role.choices, tokens.size) for own in (ids, *others.values())
            )
        references = {name: other.value for name, other in zip(others, known, strict=True)}
        return {"NLL": replace(score, references=references)}


@dataclass(frozen=True)
class NllOracle(TextMetric):
    """How surprised the network that wrote the data is by the samples, in nats a token; Yu et al., 2017, section 4.

    Samples that are less varied than the data score better than it does: read it beside `nll-test`, `self-bleu` and
    `distinct-n`, and beside the score of real texts.
    """

    name = "nll-oracle"

    def why_not(self, context: Context) -> str:
        is_known = context.data.name.partition(":")[0] == "oracle"
        return "" if is_known else "it needs texts that a known network wrote: oracle"

    def measure(self, context: Context) -> dict[str, Score]:
        from zerosum.data.text.oracle import oracle_of  # of this data alone

        model = oracle_of(context.data.name, context.data_dir)
        assert model is not None
        with torch.no_grad():
            return {"NLL": nll(context.fake.stored, model.log_likelihood, model.chosen, model.tokens.size)}
