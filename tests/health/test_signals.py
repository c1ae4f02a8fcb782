"""What a signal meter makes of values that moves leave, of translators, and of texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.batches import Draw
from zerosum.data import Stream
from zerosum.data.dataset import Dataset, Field, dataset, dataset_of
from zerosum.errors import ZerosumError
from zerosum.game import Game, Logits, Move, Player
from zerosum.games import find
from zerosum.health.history import History, Snapshot
from zerosum.health.signals import OF_SAMPLES, SampleMeter, SignalMeter, of_players
from zerosum.health.verdicts import FAR
from zerosum.modality import Classes, Image, Tokens, Video
from zerosum.optim import SGD
from zerosum.recipe import Training
from zerosum.studies.frozen import every_other, hundred, salted
from zerosum.training.log_keys import Key, norm_of, values_of
from zerosum.training.trainer import Trainer

GAMES = Path(__file__).parents[1] / "support"


def values(*moves: Move, norms: bool = False) -> list[tuple[int, Key, Tensor]]:
    """What a step of these moves leaves."""
    logged = []
    for move in moves:
        logged += [(0, key, value) for key, value in values_of(move)]
        if norms:
            logged.append((0, norm_of(move.player), torch.tensor(3.0)))
    return logged


def test_names_of_terms_and_players_mean_nothing():
    """Only what a value is counts: a term, a logit, a norm."""
    logits = Logits(torch.tensor([1.0, 3.0]), torch.tensor([-1.0, 2.0]))
    move = Move(
        "Ann", price=torch.tensor(0.5), adversarial=torch.tensor(7.0), logits=logits, log={"real": torch.ones(2)}
    )
    other = Move("real", fake=torch.tensor(2.0), generator=torch.tensor(9.0))
    signals = of_players(values(move, other, move, norms=True))
    assert signals == {
        "loss/Ann": 0.5,
        "real_accuracy/Ann": 1.0,
        "fake_accuracy/Ann": 0.5,
        "separation/Ann": 0.75,
        "gap/Ann": 1.5,
        "gap_spread/Ann": pytest.approx(1.5 / ((1.0 + 2.25) / 2) ** 0.5),
        "gradient/Ann": 3.0,
        "loss/real": 2.0,
        "gradient/real": 3.0,
    }


def test_values_of_an_interval_are_joined_by_player():
    def moves(scale: float) -> list[Move]:
        return [
            Move(
                f"d_{i}",
                loss=torch.tensor(i + scale),
                logits=Logits(torch.full((4,), i + scale), torch.full((2,), scale)),
            )
            for i in (0.0, 1.0)
        ]

    signals = of_players([*values(*moves(1.0)), *values(*moves(3.0))])
    assert signals["loss/d_0.0"] == 2.0 and signals["loss/d_1.0"] == 3.0
    assert signals["gap/d_0.0"] == 0.0 and signals["gap/d_1.0"] == 1.0
    assert signals["separation/d_0.0"] == 0.5 and signals["separation/d_1.0"] == 0.75


def pairs(decks: tuple[str, str], shift: float = 0.3, count: int = 60) -> Dataset:
    """Dark images and brighter ones."""
    a = torch.randint(100, (count, 1, 8, 8), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    b = (a + round(127.5 * shift)).to(torch.uint8)[: count if decks[0] == decks[1] else count // 2]
    fields = {"a": Field(Image(1, 8, 8), a, decks[0]), "b": Field(Image(1, 8, 8), b, decks[1])}
    return dataset_of("pairs", fields)


@pytest.mark.parametrize("decks", [("all", "all"), ("a", "b")])
def test_what_a_translator_makes_is_compared_with_its_field(decks: tuple[str, str]):
    loaded = pairs(decks)
    name = "pairs" if decks[0] == decks[1] else "collections"
    game: Any = find(f"{GAMES / 'affine_pair.py'}:{name}").build(loaded.spec)
    trainer = Trainer(game, Stream(loaded, 8, seed=0, batch=game.batch), Training(1, 8, average=0.0, precision="fp32"))
    meter = SignalMeter(loaded, game.makes)
    before = meter.measure(trainer, 0.0).signals
    assert {"frechet", "recall", "centre/0"} <= before.keys() and before["frechet"] > 1
    assert not {"copying", "copied", "copied_high"} & set(before), "a translation is near its target, and no copy"
    with torch.no_grad():
        game.translator.shift.fill_(0.3)  # the truth
    right = meter.measure(trainer, 0.0).signals
    assert right["frechet"] < 0.1 and right["recall"] > 0.5
    assert meter.measure(trainer, 0.0).signals == right
    backwards = SignalMeter(loaded, "a").measure(trainer, 0.0).signals
    assert backwards["frechet"] > 1, "of a game that made field a, a would be the reals"


def texts(count: int = 300) -> Dataset:
    tokens = Tokens(("<unk>", "<eos>", *"abcd"), 6)
    lines = torch.randint(4, (count, 6), generator=torch.Generator().manual_seed(2)).tolist()
    ids = torch.tensor([tokens.ids(["abcd"[i] for i in line[: 3 + line[0]]]) for line in lines])
    return dataset_of("texts", {"ids": Field(tokens, ids)})


def test_texts_have_all_signals_of_samples():
    loaded = texts()
    game = find(f"{GAMES / 'token_copier.py'}:lines").build(loaded.spec)
    trainer = Trainer(game, _no_batches, Training(1, 8, average=0.0))
    signals = SignalMeter(loaded, game.makes).measure(trainer, 0.0).signals
    elsewhere = {"centre", "mode", "broken", "begun", "reals", "sight", "surface", "specks", "repeated"} | {
        n for n in OF_SAMPLES if n.startswith("class")
    }
    assert OF_SAMPLES.keys() - elsewhere - {"copying", "copied"} <= signals.keys()
    assert "copying" not in signals, "of texts that occur several times, copies mean nothing"
    assert signals["frechet"] > 3 * signals["frechet_real"]


class Stones(Game[Tensor]):
    """A game whose player makes no samples at all."""

    name = "stones"

    def __init__(self) -> None:
        super().__init__()
        self.hand = nn.Linear(2, 1)

    def players(self) -> dict[str, Player]:
        return {"hand": Player(SGD(0.1), (self.hand,))}

    def round(self, draw: Draw[Tensor], step: int) -> Any:
        yield Move("hand", loss=self.hand(draw()).square().mean())


def test_a_game_without_samples_has_the_signals_of_its_players():
    loaded = dataset("points", torch.randn(20, 2))
    trainer = Trainer(Stones(), Stream(loaded, 4, seed=0), Training(2, 4, average=0.0, log_every=1))
    trainer.round()
    signals = SignalMeter(loaded, "x").measure(trainer, 0.0).signals
    assert set(signals) == {"loss/hand", "gradient/hand"}
    assert set(SignalMeter(loaded, "actions").measure(trainer, 0.0).signals) == set(signals)


def test_samples_without_features_are_named():
    classes = dataset_of("classes", {"x": Field(Classes(("a", "b")), torch.tensor([0, 1]))})
    with pytest.raises(ZerosumError, match="not of classes"):
        SampleMeter(classes, "x")


def _no_batches() -> Tensor:
    raise AssertionError("a measurement draws no batch")


def photographs(seed: int, side: int = 32, count: int = 1200) -> Tensor:
    """Smooth colours with fine detail, (N, 3, side, side) in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(count, 3, 4, 4, generator=generator) * torch.tensor([0.2, 0.4, 0.6]).view(3, 1, 1)
    strength = 0.1 * torch.rand(count, 1, 1, 1, generator=generator)
    detail = strength * torch.randn(count, 3, side, side, generator=generator)
    return (F.interpolate(coarse, (side, side), mode="bilinear") + detail).clamp(-1, 1)


def seen_far(x: Tensor, fakes: Tensor) -> set[str]:
    """By which criteria fakes are far from images x."""
    stored = ((x + 1) * 127.5).round().to(torch.uint8)
    signals = SampleMeter(dataset("photographs", stored), "x").compare(fakes[:512], fakes[:64], None)
    return {criterion.signal for criterion in FAR if criterion.holds(signals)}


@pytest.mark.parametrize("side", [32, 64])
def test_colours_repetition_and_fine_detail_are_seen(side: int) -> None:
    x, others = photographs(0, side), photographs(1, side)
    assert not seen_far(x, others)
    assert "surface" in seen_far(x, others.flip(1))
    grey = others.clone()
    grey[::2] = grey[::2].mean(1, keepdim=True)
    assert "surface" in seen_far(x, grey)
    again = others.clone()
    again[::2] = again[0]
    assert "repeated" in seen_far(x, again)
    blurred = F.interpolate(F.avg_pool2d(others, 2), scale_factor=2.0)
    assert "surface" in seen_far(x, blurred) or side == 32, "at 32 pixels sight sees it"


def test_small_grey_images_have_no_surface() -> None:
    grey, fakes = torch.randint(256, (300, 1, 16, 16), dtype=torch.uint8), torch.zeros(64, 1, 16, 16)
    assert "surface" not in SampleMeter(dataset("grey", grey), "x").compare(fakes, fakes, None)


@pytest.mark.parametrize("side", [16, 32, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_salt_and_pepper_are_seen_at_any_size(side: int, channels: int) -> None:
    """One pixel of a hundred, which hardly moves any distance."""
    x, others = photographs(0, side)[:, :channels], photographs(1, side)[:, :channels]
    y = torch.zeros(len(others), dtype=torch.long)
    assert "specks" not in seen_far(x, others)
    assert "specks" in seen_far(x, salted(others, y, torch.Generator().manual_seed(0), 0.01))


def test_specks_that_the_data_has_are_no_fault() -> None:
    """A sky of stars."""
    stars = torch.where(torch.rand(2000, 1, 16, 16, generator=torch.Generator().manual_seed(0)) < 0.02, 1.0, -1.0)
    assert "specks" not in seen_far(stars[:1000], stars[1000:])
    assert "specks" in seen_far(-torch.ones_like(stars), stars)


def test_frames_of_videos_have_specks() -> None:
    videos = photographs(0, 16)[:300, None].repeat(1, 4, 1, 1, 1)
    noisy = videos.clone()
    noisy[:, -1, :, 8, 8] = 1 - 2 * (noisy[:, -1, :, 8, 8] > 0).float()  # in one of the two frames that are looked at
    stored = ((videos + 1) * 127.5).round().to(torch.uint8)
    field = Field(Video(4, 3, 16, 16), stored)
    meter = SampleMeter(dataset_of("videos", {"x": field}), "x")
    seen = [meter.compare(fakes, fakes[:64], None)["specks"] for fakes in (videos, noisy)]
    assert seen[1] - seen[0] == pytest.approx(0.5 / 14**2, rel=0.1)


def test_half_of_many_modes_is_seen_though_no_mode_can_be_tested() -> None:
    loaded = hundred(0)
    meter = SampleMeter(dataset("hundred", loaded.x[:4000]), "x")
    assert loaded.y is not None
    rest, y = loaded.x[4000:], loaded.y[4000:]
    made = (rest, every_other(rest, y, torch.Generator()))
    whole, half = (meter.compare(fakes[:512], fakes[:64], None) for fakes in made)
    assert whole["unreached"] <= whole["unreached_high"] + 0.03 < 0.45 < half["unreached"]


def test_the_class_with_the_least_variance_and_what_is_not_obeyed_count() -> None:
    loaded = hundred(1)
    y = (loaded.x[:, 0] > 4.5).long()
    meter = SampleMeter(dataset("halves", loaded.x[:4000], y[:4000], ("left", "right")), "x")
    rest, own = loaded.x[4000:], y[4000:]

    def far(fakes: Tensor, asked: Tensor) -> set[str]:
        signals = meter.compare(fakes[:512], fakes[:64], asked[:512])
        now = History(1000)
        now.add(Snapshot(1, 0.0, signals))
        return {criterion.signal for criterion in FAR if criterion.holds(now.signals[-1])}

    assert not far(rest, own)
    assert far(rest, own[torch.randperm(len(own), generator=torch.Generator().manual_seed(1))]) == {"class_obedience"}
    single = torch.where((own == 0)[:, None], rest[own == 0][:1], rest)
    assert "class_spread_least" in far(single, own)
