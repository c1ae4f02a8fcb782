"""Each rule finds what breaks it, says where, and says the cure: one broken game for each."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
import torch
from annotated_types import Gt
from new_kinds import PAIRS
from torch import Tensor, nn

from zerosum import latent
from zerosum.batches import Draw, Labelled
from zerosum.contract.case import CLASSES, Case, fields, spec_for
from zerosum.contract.rules import RULES
from zerosum.contract.rules.rule import Rule
from zerosum.game import Game, Logits, Move, Player
from zerosum.games import find
from zerosum.latent_game import LatentGame, TwoPlayerGame
from zerosum.losses import non_saturating
from zerosum.modality import Image, Points
from zerosum.networks import mlp
from zerosum.optim import Adam, Optimizer
from zerosum.recipe import Recipe, Training
from zerosum.roles import Classifies, Discriminates, Encodes
from zerosum.techniques import NONE
from zerosum.workflows.check import ask

BY_NAME = {rule.name: rule for rule in RULES}
CLOCK = itertools.count()


@dataclass(frozen=True)
class Config:
    latent_dim: Annotated[int, Gt(0), "size of z"] = 2
    g_optimizer: Annotated[Optimizer, "the generator's"] = Adam(1e-3)
    d_optimizer: Annotated[Optimizer, "the discriminator's"] = Adam(1e-3)


@dataclass(frozen=True)
class Silent(Config):
    secret: int = 3


class Good(LatentGame[Tensor], Discriminates):
    """Plays by the rules; what a test breaks is one of its hooks, which do nothing here."""

    name = "good"

    def __init__(self, config: Config = Config()):
        super().__init__()
        self.config, self.prior = config, latent.Normal(config.latent_dim)
        self.generator, self.discriminator = mlp.toy_pair(config.latent_dim, (2,))
        self.start()

    def players(self) -> dict[str, Player]:
        return {
            "generator": Player(self.config.g_optimizer, (self.generator,), averaged=True),
            "discriminator": Player(self.config.d_optimizer, (self.discriminator,)),
        }

    def round(self, draw: Draw[Tensor], step: int) -> Iterator[Move]:
        real = self.seen(draw(), step)
        with torch.no_grad():
            fake = self.generate(self.latents(len(real)))
        logits = Logits(self.discriminator(real), self.discriminator(fake))
        yield Move("discriminator", adversarial=non_saturating.d(*logits), **self.told(logits))
        yield from self.last(self.generate(self.latents(len(real))), step)

    def last(self, fake: Tensor, step: int) -> Iterator[Move]:
        yield Move("generator", adversarial=non_saturating.g(self.discriminator(fake)))

    def score(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.discriminator(x).flatten()

    def start(self) -> None:
        return

    def seen(self, real: Tensor, step: int) -> Tensor:
        return real

    def told(self, logits: Logits) -> dict[str, Any]:
        return {"logits": logits}


def case_of(game: type[Game[Any]], config: Config = Config()) -> Case:
    def build(data: Any, config: Config) -> Game[Any]:
        return game(config)

    options = {"config": config, "techniques": NONE}
    return Case(Recipe("mine", "", "ring", game.batch, Training(), options, build), fields(game.batch, Points(2)))


def broken(**methods: Any) -> type[Game[Any]]:
    """A game with some of its methods replaced."""
    return type("Broken", (Good,), methods)


def found(rule: str, case: Case) -> str:
    answer = ask(BY_NAME[rule], case)
    assert answer.verdict == "FAIL", answer
    assert "; " in answer.why and "\n" not in answer.why, "one sentence with its cure"
    return answer.why


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_good_game_keeps_it(rule: Rule) -> None:
    assert ask(rule, case_of(Good)).verdict == ("skip" if rule.name == "phases" else "pass")


def test_options() -> None:
    assert "the option secret does not say what it is" in found("options", case_of(Good, Silent()))


def orphan(self: Any) -> None:
    self.extra = nn.Linear(2, 2)


def shared(self: Any) -> dict[str, Player]:
    return {name: Player(Adam(), (self.generator, self.discriminator)) for name in ("generator", "discriminator")}


def empty(self: Any) -> dict[str, Player]:
    return {"generator": Player(Adam(), (self.generator, self.discriminator)), "judge": Player(Adam(), ())}


def outside(self: Any) -> dict[str, Player]:
    return {"generator": Player(Adam(), (self.generator, self.discriminator)), "judge": Player(Adam(), (OUTSIDE,))}


OUTSIDE = nn.Linear(1, 1)


@pytest.mark.parametrize(
    ("methods", "says"),
    [
        ({"start": orphan}, "extra.weight belongs to no player"),
        ({"players": shared}, "belongs to generator and discriminator"),
        ({"players": empty}, "'judge' has no parameters"),
        ({"players": outside}, "in no module of the game"),
    ],
)
def test_partition(methods: dict[str, Any], says: str) -> None:
    assert says in found("partition", case_of(broken(**methods)))


def test_turns() -> None:
    def never(self: Any, fake: Tensor, step: int) -> Iterator[Move]:
        return iter(())

    def sometimes(self: Any, fake: Tensor, step: int) -> Iterator[Move]:
        if step % 5 == 4:
            yield Move("generator", adversarial=non_saturating.g(self.discriminator(fake)))

    def unknown(self: Any, fake: Tensor, step: int) -> Iterator[Move]:
        yield Move("G", adversarial=non_saturating.g(self.discriminator(fake)))

    assert "generator made no move" in found("turns", case_of(broken(last=never)))
    assert ask(BY_NAME["turns"], case_of(broken(last=sometimes))).verdict == "pass"
    assert "a move is of 'G', and the players are generator and discriminator" in found(
        "turns", case_of(broken(last=unknown))
    )


def test_moves() -> None:
    def by_hand(self: Any, fake: Tensor, step: int) -> Iterator[Move]:
        loss = non_saturating.g(self.discriminator(fake))
        loss.backward(retain_graph=True)
        yield Move("generator", adversarial=loss)

    def detached(self: Any, fake: Tensor, step: int) -> Iterator[Move]:
        yield Move("generator", adversarial=0 * non_saturating.g(self.discriminator(fake)))

    assert "computes a gradient" in found("moves", case_of(broken(last=by_hand)))
    assert "generator's move changes nothing" in found("moves", case_of(broken(last=detached)))


def test_gradients() -> None:
    def idle(self: Any) -> None:
        self.generator.register_module("idle", nn.Linear(2, 2))

    def cut(self: Any, fake: Tensor, step: int) -> Iterator[Move]:
        yield Move("generator", adversarial=self.discriminator(fake).mean().detach())

    why = found("gradients", case_of(broken(start=idle)))
    assert "generator.idle.weight and 1 more no gradient" in why and "requires_grad_(False)" in why
    assert "the loss of generator depends on no parameter" in found("gradients", case_of(broken(last=cut)))


def a_term(change: Any) -> Any:
    def last(self: Any, fake: Tensor, step: int) -> Iterator[Move]:
        yield Move("generator", adversarial=change(self.discriminator(fake)))

    return last


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda x: x, "has the shape (4, 1)"),
        (lambda x: x.double().mean(), "is torch.float64"),
        (lambda x: (x - x).log().mean(), "is -inf"),
        (lambda x: 3.0, "is a float"),
    ],
)
def test_terms(change: Any, says: str) -> None:
    assert says in found("terms", case_of(broken(last=a_term(change))))


@pytest.mark.parametrize(
    ("log", "says"),
    [
        ({"k": 0.5}, "logs k as a float"),
        ({"k": torch.tensor(torch.nan)}, "discriminator/k is logged and nan"),
        ({"adversarial": torch.tensor(1.0)}, "discriminator/adversarial is logged twice"),
        ({"k": torch.empty(0)}, "discriminator/k is logged and empty"),
    ],
)
def test_logs(log: dict[str, Any], says: str) -> None:
    assert says in found("logs", case_of(broken(told=lambda self, logits: {"log": log})))


def test_logits() -> None:
    def whole(self: Any, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.discriminator(x)

    assert "of the shape (4, 1) for 4 samples" in found("logits", case_of(broken(score=whole)))
    integers = broken(told=lambda self, logits: {"logits": Logits(logits.real > 0, logits.fake)})
    assert "the real logits of discriminator's move are torch.bool" in found("logits", case_of(integers))


class Learner(TwoPlayerGame[Labelled], Classifies, Encodes):
    """Says it learns a classifier and an encoder, which have the wrong sizes."""

    name = "learner"

    def __init__(self, config: Config = Config()):
        super().__init__()
        self.config, self.prior = config, latent.Normal(config.latent_dim)
        self.generator, self.discriminator = mlp.toy_pair(2, (2,))
        self.classes, self.dim = nn.Linear(2, 2, bias=False).requires_grad_(False), 2

    def round(self, draw: Draw[Labelled], step: int) -> Iterator[Move]:
        real, _ = draw()
        yield Move("discriminator", adversarial=self.discriminator(real).mean())
        yield Move("generator", adversarial=self.discriminator(self.generate(self.latents(len(real)))).mean())

    def classifier(self) -> nn.Module:
        return self.classes

    def encode(self, x: Tensor) -> Tensor:
        return x.new_zeros(len(x), self.dim)


def test_classifiers_and_encoders() -> None:
    assert f"for 4 samples of {CLASSES.size} classes" in found("logits", case_of(Learner))
    wide = type("Wide", (Learner,), {"classifier": lambda self: nn.Linear(2, CLASSES.size)})
    assert ask(BY_NAME["logits"], case_of(wide)).verdict == "pass"
    off = type("Off", (wide,), {"encode": lambda self, x: x.new_zeros(len(x), 5)})
    assert "encode gives torch.float32 of the shape (4, 5)" in found("logits", case_of(off))


def generates(function: Any) -> type[Game[Any]]:
    return broken(generate=lambda self, z, y=None: function(self, self.generator(z)))


def test_samples() -> None:
    assert "samples have the shape (4, 1)" in found("samples", case_of(generates(lambda self, x: x[:, :1])))
    assert "not finite" in found("samples", case_of(generates(lambda self, x: x / 0)))
    assert "stored as torch.float64" in found("samples", case_of(generates(lambda self, x: x.double())))


def test_translating(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = find(PAIRS)
    case = Case(recipe, fields(recipe.batch, Image(1, 8, 8)))
    assert ask(BY_NAME["sampling"], case).verdict == "pass"

    def broken_by(translate: Any) -> str:
        monkeypatch.setattr(recipe.game, "translate", translate)
        return found("sampling", case)

    def remember(self: Any, a: Tensor, seeds: Tensor | None = None) -> Tensor:
        known = getattr(self, "known", 0.0)
        self.known = a.mean() + 1
        return self.translator(a) + known

    batch = torch.nn.BatchNorm2d(1)
    assert "draws random numbers" in broken_by(lambda self, a, seeds=None: a + torch.rand(1))
    assert "after a round" in broken_by(remember)
    assert "alone is another" in broken_by(lambda self, a, seeds=None: a - a.mean())
    assert "in training than in use" in broken_by(lambda self, a, seeds=None: batch.train(self.training)(a))


def test_sampling() -> None:
    def remember(self: Any, real: Tensor, step: int) -> Tensor:
        self.last_batch = real.mean()
        return real

    data = broken(
        seen=remember,
        generate=lambda self, z, y=None: self.generator(z) + getattr(self, "last_batch", 0.0),
    )
    assert "equal z give other samples" in found("sampling", case_of(data))
    assert "do not depend on z" in found("sampling", case_of(generates(lambda self, x: x * 0)))
    assert "alone is another" in found("sampling", case_of(generates(lambda self, x: x - x.mean(0))))
    pairs = generates(lambda self, x: x.view(-1, 2, 2).flatten(0, 1))
    assert "a sample alone cannot be made" in found("sampling", case_of(pairs))
    noisy = generates(lambda self, x: x + 0.1 * torch.randn_like(x))
    assert ask(BY_NAME["sampling"], case_of(noisy)).verdict == "pass"  # it is asked for one sample at a time


def test_modes() -> None:
    def asleep(self: Any, real: Tensor, step: int) -> Tensor:
        self.generator.eval()
        return real

    def counting(self: Any) -> None:
        self.register_buffer("count", torch.zeros(()))

    def counted(self: Any, x: Tensor) -> Tensor:
        self.count += 1
        return x

    assert "after a round generator" in found("modes", case_of(broken(seen=asleep)))
    counter = type("Counter", (generates(counted),), {"start": counting})
    assert "sampling changes count" in found("modes", case_of(counter))


def test_device() -> None:
    def reads(self: Any, real: Tensor, step: int) -> Tensor:
        return real if real.mean() > 0 else -real

    def made(self: Any, real: Tensor, step: int) -> Tensor:
        return real + torch.zeros(len(real), 2).sum().to(real.device)

    def attribute(self: Any) -> None:
        self.scale = torch.ones(2)

    assert "reads a number" in found("device", case_of(broken(seen=reads)))
    assert "made a tensor on cpu" in found("device", case_of(broken(seen=made)))
    scaled = broken(start=attribute, seen=lambda self, real, step: real * self.scale)
    assert "register_buffer" in found("device", case_of(scaled))


def test_phases() -> None:
    def more(self: Any, real: Tensor, step: int) -> Tensor:
        return real * 2 if step % 2 else real

    one = broken(phase=lambda self, step: "one", seen=more)
    assert "rounds 0 and 1 of phase 'one' differ" in found("phases", case_of(one))


def test_random() -> None:
    by_python = broken(seen=lambda self, real, step: real + random.random())
    by_numpy = broken(seen=lambda self, real, step: real + float(np.random.rand()))
    assert "Python's global random numbers" in found("random", case_of(by_python))
    assert "NumPy's global random numbers" in found("random", case_of(by_numpy))


def test_seed() -> None:
    by_time = broken(seen=lambda self, real, step: real + next(CLOCK))
    assert "differ in" in found("seed", case_of(by_time))
    assert "are equal" in found("seed", case_of(seeded()))


def seeded() -> type[Game[Any]]:
    """Sets a seed of its own before each round, and its first weights."""

    def start(self: Any) -> None:
        torch.manual_seed(0)
        for p in self.parameters():
            nn.init.normal_(p)

    return broken(start=start)


def test_resume() -> None:
    def start(self: Any) -> None:
        self.rounds = 0

    def counting(self: Any, real: Tensor, step: int) -> Tensor:
        self.rounds += 1
        return real * self.rounds

    why = found("resume", case_of(broken(start=start, seen=counting)))
    assert "a resumed run differs from one that never stopped in" in why and "register_buffer" in why


def test_precision() -> None:
    def matrix(self: Any, real: Tensor, step: int) -> Tensor:
        mixed = torch.nn.functional.linear(real, torch.eye(2))
        out = mixed.new_empty(2, 2)
        torch.mm(torch.eye(2), torch.eye(2), out=out)
        return real

    answer = ask(BY_NAME["precision"], case_of(broken(seen=matrix)))
    assert answer.verdict == "FAIL"


def test_an_exception_is_told_by_its_line() -> None:
    def raises(self: Any, real: Tensor, step: int) -> Tensor:
        raise ValueError("of my own")

    answer = ask(BY_NAME["terms"], case_of(broken(seen=raises)))
    line = raises.__code__.co_firstlineno + 1
    assert answer.verdict == "FAIL" and f"ValueError: of my own (tests/contract/test_rules.py:{line})" in answer.why


def test_the_page_names_every_rule() -> None:
    page = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text()
    table = page.partition("| rule | what it asks |")[2].partition("\n\n")[0]
    assert sorted(re.findall(r"`(\w+)`", re.sub(r"\|[^|]*\|$", "", table, flags=re.M))) == sorted(BY_NAME)


def test_the_kinds_of_data_of_a_recipe() -> None:
    recipe = case_of(Good).recipe
    assert spec_for(recipe)[0].x == Points(2) and spec_for(recipe)[1] == "ring"
    assert spec_for(recipe, "digits")[0].x.shape == (1, 28, 28)
