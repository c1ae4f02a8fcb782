"""The rules of the contract, each a function of a `Case` that raises `Broken` where a game does not keep it.

`RULES` is the only list of them: `tests/contract/test_rules.py` asks them of every recipe, and `zerosum check` of a
user's game.
"""

from __future__ import annotations

from zerosum.contract.rules import machine, players, repeating, samples, settings, values
from zerosum.contract.rules.rule import Rule

PARTITION = Rule("partition", "each parameter belongs to exactly one player", players.partition)
RULES = (
    Rule("options", "options survive run.json, and each says what it is", settings.plain_options),
    PARTITION,
    Rule("turns", "every player moves", players.turns),
    Rule("moves", "a move changes its player alone, and only moves change anything", players.own_moves),
    Rule("gradients", "a gradient reaches every parameter of the player that moves", players.gradients),
    Rule("terms", "terms are finite float32 scalars", values.terms),
    Rule("logs", "what is logged is tensors of finite numbers under names of their own", values.logs),
    Rule("logits", "logits, scores and classifiers have the shapes that commands read", values.logits),
    Rule("samples", "samples have the shape and type of the data", samples.samples),
    Rule("sampling", "equal z and conditions give equal samples, alone and in batches", samples.sampling),
    Rule("modes", "rounds stay in training mode, and sampling in evaluation changes nothing", samples.modes),
    Rule("device", "a round makes nothing on another device and reads nothing from it", machine.device),
    Rule("phases", "rounds of one phase make the same computation", machine.phases),
    Rule("random", "random numbers are PyTorch's", repeating.one_source),
    Rule("seed", "a seed decides everything", repeating.seed),
    Rule("resume", "a resumed run goes on bit for bit", repeating.resume),
    Rule("precision", "it plays in bf16, with clipped gradients", machine.precision),
)
