"""The one loop: whose gradients, which learning rate, what is logged, and when it stops."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

import pytest
import torch
from torch import Tensor, nn

from zerosum import latent
from zerosum.batches import PartlyLabelled, field_names
from zerosum.game import Game, Logits, Move, Player
from zerosum.latent_game import LatentGame
from zerosum.optim import SGD, Adam, Decay
from zerosum.recipe import Training
from zerosum.roles import Generates
from zerosum.training.hardware import resolve_precision
from zerosum.training.trainer import Average, Diverged, Trainer
from zerosum.util import rng


class Ones:
    """A stream of ones that counts its batches."""

    def __init__(self) -> None:
        self.drawn = 0

    def __call__(self) -> Tensor:
        self.drawn += 1
        return torch.ones(4, 2)

    def state(self) -> dict[str, int]:
        return {"drawn": self.drawn}

    def restore(self, state: dict[str, int]) -> None:
        self.drawn = state["drawn"]


class Duel(Game[Tensor], Generates):
    """`a` descends 3a - b, then `b` descends b; every slope is known: 3 and 1."""

    name = "duel"

    def __init__(self, optimizer: Any = SGD(0.1, 0.0)):
        super().__init__()
        self.a, self.b = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
        for layer in (self.a, self.b):
            nn.init.ones_(layer.weight)
        self.register_buffer("k", torch.zeros(2))
        self.optimizer, self.prior = optimizer, latent.Normal(2)
        self.terms: Callable[[int, str], float] = lambda step, player: 1.0

    def players(self) -> dict[str, Player]:
        return {"a": Player(self.optimizer, (self.a,), averaged=True), "b": Player(self.optimizer, (self.b,))}

    def round(self, draw, step: int) -> Iterator[Move]:
        draw()
        a, b = self.a.weight.sum(), self.b.weight.sum()
        yield Move("a", slope=3 * a * self.terms(step, "a"), against=-b, log={"k": self.k})
        self.k.add_(1)  # as BEGAN's k: in place, after it was logged
        yield Move("b", slope=self.b.weight.sum() * self.terms(step, "b"))

    def generate(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return self.a.weight * z


def trainer(game: Duel | None = None, **training: Any) -> Trainer:
    return Trainer(game or Duel(), Ones(), Training(**{"average": 0.0, "precision": "fp32", "steps": 10, **training}))


def test_a_game_says_what_it_draws():
    class Few(Game[PartlyLabelled]):
        pass

    class Fewer(Few):  # as tests subclass games
        pass

    assert Duel.batch is Tensor and Few.batch is Fewer.batch is PartlyLabelled


class Own(NamedTuple):
    """A batch of a game's own."""

    left: Tensor
    right: Tensor


def test_a_batch_is_any_named_tuple_and_a_game_may_draw_several():
    class Either(Game[Own | Tensor]):
        pass

    assert Either.batch is Own and field_names(Own) == ("left", "right") and field_names(Tensor) == ("x",)


T = TypeVar("T")


@pytest.mark.parametrize("base", [Game, LatentGame])
def test_a_game_that_does_not_say_what_it_draws_is_refused(base: Any):
    """It would be given no labels, without a word."""
    with pytest.raises(TypeError, match=r"Mute must say what it draws, as class Mute\(Game\[Tensor\]\)$"):

        class Mute(base):
            pass


@pytest.mark.parametrize("batch", [int, Tensor | int, dict])
def test_a_game_that_draws_what_no_stream_serves_is_refused(batch: Any):
    with pytest.raises(TypeError, match=r"^Mute draws .*: give Tensor, or a NamedTuple of tensors$"):

        class Mute(Game[batch]):
            pass


@pytest.mark.parametrize("batch", [T, Any])
def test_an_abstract_game_leaves_it_open(batch: Any):
    class Abstract(Game[batch]):
        pass

    assert not hasattr(Abstract, "batch")


def test_moves_descend_the_sum_of_their_terms_for_their_own_player():
    t = trainer()
    t.round()
    assert t.game.a.weight.item() == pytest.approx(1 - 0.1 * 3)  # the term -b moved no b
    assert t.game.b.weight.item() == pytest.approx(1 - 0.1 * 1)


def test_a_move_without_terms_is_refused():
    with pytest.raises(ValueError, match="the move of 'a' has no term"):
        Move("a")


FALLING = (SGD(0.1, 0.0, Decay("linear", start=2, steps=4, final=0.5)), Adam(0.1, decay=Decay("cosine")))


@pytest.mark.parametrize("optimizer", [SGD(0.1, 0.0), *FALLING])
def test_the_learning_rate_follows_its_decay(optimizer):
    t, rates = trainer(Duel(optimizer)), []
    while t.step < 10:
        t.round()
        rates.append([o.param_groups[0]["lr"] for o in t.optimizers.values()])
    assert rates == [[0.1 * optimizer.decay(step, 10)] * 2 for step in range(10)]


@pytest.mark.parametrize(("clip", "moved"), [(None, 3.0), (1.5, 1.5), (2.9, 2.9), (3.1, 3.0)])
def test_clipping_limits_the_norm_and_logs_it_as_it_was(clip, moved: float):
    t = trainer(clip=clip)
    t.round()
    assert t.game.a.weight.item() == pytest.approx(1 - 0.1 * moved, rel=1e-5)
    values = t.pop_metrics()
    assert values["a/gradient_norm"] == pytest.approx(3.0) and values["b/gradient_norm"] == pytest.approx(1.0)
    t.round()
    assert ("a/gradient_norm" in t.pop_metrics()) == (clip is not None)  # else it is logged every `log_every` rounds


def test_read_gives_the_mean_since_the_last_read():
    t = trainer()
    t.round()
    t.round()
    values = t.pop_metrics()
    assert list(values) == ["a/slope", "a/against", "a/k", "a/gradient_norm", "b/slope", "b/gradient_norm"]
    assert values["a/slope"] == pytest.approx((3 * 1 + 3 * 0.7) / 2)
    assert values["a/against"] == pytest.approx(-(1 + 0.9) / 2)
    assert values["a/k"] == 0.5  # 0, then 1: as it was when it was logged
    t.round()
    assert t.pop_metrics()["a/slope"] == pytest.approx(3 * 0.4) and t.pop_metrics() == {}


def test_training_plays_its_rounds_and_calls_each_hook_after_each():
    t, calls = trainer(steps=3), []
    t.train([lambda t: calls.append(("first", t.step)), lambda t: calls.append(("second", t.step))])
    assert calls == [(hook, step) for step in (1, 2, 3) for hook in ("first", "second")]
    assert t.stream.drawn == 3 and t.game.training
    t.train()
    assert t.step == 3  # nothing is left to play


def test_the_game_is_set_to_training_before_it_plays():
    game = Duel().eval()
    t = trainer(game, steps=1)
    t.train()
    assert game.training and game.a.training


@pytest.mark.parametrize(("player", "bad"), [("a", math.nan), ("b", math.inf), ("a", -math.inf)])
def test_divergence_names_round_move_and_term(player: str, bad: float):
    game = Duel(SGD(0.01, 0.0))  # slow: a stays positive
    game.terms = lambda step, who: bad if (step, who) == (4, player) else 1.0
    t = trainer(game)
    for _ in range(4):
        t.round()
        t.pop_metrics()
    t.round()
    with pytest.raises(Diverged, match=rf"^training diverged: {player}/slope is {bad} in step 4; .*--clip") as told:
        t.pop_metrics()
    assert (told.value.step, told.value.value_name) == (4, f"{player}/slope")


def test_divergence_is_found_late_at_its_own_round():
    game = Duel()
    game.terms = lambda step, who: math.nan if step >= 2 else 1.0
    t = trainer(game)
    for _ in range(6):
        t.round()
    with pytest.raises(Diverged, match=r"a/slope is nan in step 2;"):
        t.pop_metrics()


def test_an_infinite_gradient_is_told_where_gradients_are_clipped():
    class Root(Duel):
        def round(self, draw, step: int) -> Iterator[Move]:
            yield Move("a", root=(self.a.weight - 1).sum().sqrt())  # 0, with an infinite slope
            yield Move("b", slope=self.b.weight.sum())

    t = trainer(Root(), clip=1.0)
    t.round()
    with pytest.raises(Diverged, match="a/gradient_norm is inf in step 0"):
        t.pop_metrics()


class Left(Duel):
    def players(self) -> dict[str, Player]:
        return {"a": Player(self.optimizer, (self.a,))}


class Both(Duel):
    def players(self) -> dict[str, Player]:
        return {"a": Player(self.optimizer, (self.a, self.b)), "b": Player(self.optimizer, (self.b,))}


class Outside(Duel):
    def players(self) -> dict[str, Player]:
        return super().players() | {"c": Player(self.optimizer, (nn.Linear(1, 1),))}


class Empty(Duel):
    def players(self) -> dict[str, Player]:
        return super().players() | {"c": Player(self.optimizer, (nn.ReLU(),))}


@pytest.mark.parametrize(("game", "told"), [
    (Left, r"parameter b.weight belongs to no player"),
    (Both, r"parameter b.weight belongs to \['a', 'b'\]"),
    (Outside, r"player 'c' needs parameters to move, all of them in modules of the game"),
    (Empty, r"player 'c' needs parameters to move"),
])  # fmt: skip
def test_players_share_the_parameters_out(game: type[Duel], told: str):
    with pytest.raises(ValueError, match=told):
        trainer(game())


def test_frozen_parameters_belong_to_nobody_and_stay():
    game = Duel()
    game.extra = nn.Linear(2, 2).requires_grad_(False)  # a fixed feature extractor
    game.a.register_parameter("fixed", nn.Parameter(torch.ones(1), requires_grad=False))  # a frozen layer of a player
    t = trainer(game, average=0.5)
    assert [p.shape for p in t.parameters["a"]] == [(1, 1)]
    t.round()
    assert game.a.fixed.item() == 1 and game.a.weight.item() == pytest.approx(0.7)
    assert set(t.average.followers) == {"a.weight"}


class Tied(Duel):
    def __init__(self) -> None:
        super().__init__()
        self.c = nn.Linear(1, 1, bias=False)
        self.c.weight = self.a.weight

    def players(self) -> dict[str, Player]:
        return {"a": Player(self.optimizer, (self.a, self.c)), "b": Player(self.optimizer, (self.b,))}


def test_weights_tied_within_a_player_are_moved_once():
    t = trainer(Tied(), average=0.5)
    t.round()
    assert len(t.parameters["a"]) == 1 and t.game.c.weight.item() == pytest.approx(0.7)
    assert t.sampler.c.weight is t.sampler.a.weight


def test_convolutions_lie_channels_last_and_compute_the_same():
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.LeakyReLU(0.2), nn.ConvTranspose2d(8, 2, 4), nn.Flatten(), nn.Linear(98, 1)
    )
    x = torch.randn(2, 3, 6, 6)
    expected = net(x)
    game = Duel()
    game.a = net
    before = [p.detach().clone() for p in net.parameters()]
    trainer(game)
    assert net[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
    torch.testing.assert_close(net(x), expected)


def test_precision():
    assert resolve_precision("fp32", torch.device("cpu")) == "fp32"
    assert resolve_precision("bf16", torch.device("cpu")) == "bf16"
    assert resolve_precision("auto", torch.device("meta")) == "fp32"


@pytest.mark.parametrize(("amx", "expected"), [(True, "bf16"), (False, "fp32")])
def test_the_fast_precision_of_a_processor_is_bf16_where_it_has_amx_and_not_for_avx_512_alone(
    amx: bool, expected: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert resolve_precision("auto", torch.device("cpu")) == expected


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_moves_are_computed_in_the_precision_and_made_in_fp32(precision: str):
    seen = []

    class Look(Duel):
        def round(self, draw, step: int) -> Iterator[Move]:
            seen.append(self.a(torch.ones(1, 1)).dtype)
            yield Move("a", x=self.a.weight.sum())
            seen.append(self.a(torch.ones(1, 1)).dtype)
            yield Move("b", x=self.b.weight.sum())

    t = trainer(Look(), precision=precision)
    t.round()
    half = torch.bfloat16 if precision == "bf16" else torch.float32
    assert seen == [half, half] and not torch.is_autocast_enabled("cpu")
    assert t.game.a.weight.dtype == t.game.a.weight.grad.dtype == torch.float32


# ---- averaged weights


@pytest.mark.parametrize("decay", [0.0, 0.3, 0.9, 0.999])
def test_the_average_follows_a_hand_written_loop(decay: float):
    game = Duel()
    average, expected = Average(game, game.players(), decay), 1.0
    for n in range(40):
        with torch.no_grad():
            game.a.weight.fill_(math.sin(n))
        average.update()
        rate = min(decay, (1 + n) / (10 + n))  # warm-up: the first rounds count little for long
        expected = rate * expected + (1 - rate) * math.sin(n)
        assert average.followers["a.weight"].item() == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert average.rounds == 40
    if decay == 0:
        assert torch.equal(average.followers["a.weight"], game.a.weight)


def test_only_averaged_players_are_copied_and_all_else_is_shared():
    t = trainer(average=0.9)
    t.round()
    sampler = t.sampler
    assert sampler is not t.game and sampler.a.weight is not t.game.a.weight
    assert sampler.b.weight is t.game.b.weight and sampler.k is t.game.k
    assert not sampler.training and t.game.training
    assert not sampler.a.weight.requires_grad and t.game.a.weight.requires_grad
    assert trainer(average=0.0).average is None
    plain = trainer(average=0.0)
    assert plain.sampler is plain.game


def test_a_buffer_that_the_game_replaces_is_shared_still():
    t = trainer(average=0.9)
    t.game.k = torch.tensor([7.0, 8.0])
    assert t.sampler.k is t.game.k


def test_the_sampler_has_batch_statistics_of_now():
    class Normed(Duel):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 1))

        def round(self, draw, step: int) -> Iterator[Move]:
            yield Move("a", x=self.a(draw() + torch.randn(4, 2)).sum())
            yield Move("b", x=self.b.weight.sum())

    t = trainer(Normed(), average=0.9)
    t.train()
    assert t.sampler.a[0].num_batches_tracked.item() == 10
    assert torch.equal(t.sampler.a[0].running_mean, t.game.a[0].running_mean)


def test_a_game_with_no_averaged_player_can_be_trained():
    class Plain(Duel):
        def players(self) -> dict[str, Player]:
            return {name: replace(player, averaged=False) for name, player in super().players().items()}

    t = trainer(Plain(), average=0.9)
    t.round()
    assert t.sampler.a.weight is t.game.a.weight


def test_averaging_leaves_the_game_alone():
    with_average, without = trainer(average=0.9), trainer()
    for _ in range(5):
        with_average.round()
        without.round()
    assert torch.equal(with_average.game.a.weight, without.game.a.weight)
    assert copy.deepcopy(with_average.game).a.weight.item() == with_average.game.a.weight.item()


def test_logits_are_logged_under_the_player_that_hands_them_over():
    class Judging(Duel):
        def round(self, draw, step: int) -> Iterator[Move]:
            yield Move("a", slope=self.a.weight.sum())
            logits = Logits(torch.tensor([3.0, 5.0]), torch.tensor([[-1.0], [-2.0]]))
            yield Move("b", slope=self.b.weight.sum(), logits=logits, log={"k": self.k})

    t = trainer(Judging(), log_every=3)
    t.step = 1
    t.round()
    values = t.pop_metrics()
    assert list(values) == ["a/slope", "b/slope", "b/logits/real", "b/logits/fake", "b/k"]
    assert (values["b/logits/real"], values["b/logits/fake"]) == (4.0, -1.5)
    kinds = {"a/slope": "term", "b/logits/real": "real logits", "b/logits/fake": "fake logits", "b/k": "log"}
    assert {str(key): key.kind for key in values if key in kinds} == kinds


def test_a_hook_that_stops_lets_the_others_see_the_step():
    t, seen = trainer(steps=9), []

    def stop(t: Trainer) -> None:
        t.stopping = t.step == 2

    t.train([stop, lambda t: seen.append(t.step)])
    assert t.step == 2 and seen == [1, 2] and t.stopping
    t.train([lambda t: seen.append(t.step)])  # it can be trained on
    assert t.step == 9 and not t.stopping and seen == list(range(1, 10))


def test_an_interval_is_the_same_before_and_after_it_is_popped():
    t = trainer()
    t.round()
    t.round()
    before = [(step, str(key)) for step, key, _ in t.interval]
    t.pop_metrics()
    assert [(step, str(key)) for step, key, _ in t.interval] == before and {step for step, _ in before} == {0, 1}
    assert t.pending == []
    t.round()
    assert {step for step, _, _ in t.interval} == {2}


def test_an_interval_after_a_rollback_holds_nothing_of_what_diverged():
    """Back at step 1, step 2 is played again: the first time it was read, and found wanting."""
    t = trainer()
    t.round()
    t.pop_metrics()
    t.round()
    t.pop_metrics()
    t.step = 1  # as a checkpoint of step 1 does
    t.round()
    assert [step for step, _, _ in t.interval] == [1] * len(t.interval) and len(t.interval) == len(t.pending)


def test_few_values_are_kept_where_nobody_reads(small_trainer):
    t = small_trainer(steps=1000, log_every=5)
    t.game.train()
    for _ in range(5):
        t.round()
    most = len(t.pending)
    for _ in range(40):
        t.round()
        assert len(t.pending) <= most
    assert {step for step, _, _ in t.interval} == {40, 41, 42, 43, 44}


def test_values_have_the_same_means_however_late_they_are_read(small_trainer):
    means = []
    for every in (4, 1000):
        rng.seed(0)
        t = small_trainer(steps=1000, log_every=every)
        t.game.train()
        for _ in range(10):
            t.round()
        means.append({key: value for key, value in t.pop_metrics().items() if key.kind == "term"})
        assert t.pop_metrics() == {}
    assert means[0] == pytest.approx(means[1]) and len(means[0]) == 2


def test_a_trainer_that_nobody_reads_finds_that_it_diverged(small_trainer):
    def spoil(trainer: Trainer) -> None:
        if trainer.step == 3:
            step, key, value = trainer.pending[-1]
            trainer.pending[-1] = (step, key, value * torch.nan)

    t = small_trainer(steps=50, log_every=5)
    with pytest.raises(Diverged, match="in step 2"):
        t.train([spoil])
    assert t.step == 5
