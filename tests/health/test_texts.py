"""What the monitor says of texts: that they repeat themselves, or stay as pre-training left them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import zerosum
from zerosum import data
from zerosum.health import monitor
from zerosum.health.history import History
from zerosum.health.signals import SampleMeter
from zerosum.health.verdicts import diagnose
from zerosum.run.loaded import Run

SMALL = {
    "network": {"embedding": 16, "hidden": 32, "filters": 0.05},
    "batch_size": 32,
    "pretrain_discriminator": 5,
    "d_steps": 1,
    "log_every": 50,
    "quiet": True,
}


@pytest.fixture(scope="module")
def meter() -> SampleMeter:
    return SampleMeter(data.load("sentences", seed=5), "ids")


def compared(meter: SampleMeter, x: Tensor) -> dict[str, float]:
    return meter.compare(x[:512], x[:64], None)


def test_real_texts_are_as_varied_as_real_ones(meter: SampleMeter):
    assert compared(meter, data.load("sentences", seed=6).x)["variety"] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("lines", [1, 4, 20])
def test_a_few_lines_again_and_again_lack_variety(meter: SampleMeter, lines: int):
    x = data.load("sentences", seed=6).x[torch.arange(600) % lines]
    assert compared(meter, x)["variety"] < 0.5


def test_one_phrase_within_each_text_lacks_variety(meter: SampleMeter):
    tokens = data.load("sentences").spec.texts
    text = tokens.ids(["the", "dog"] * 7)
    assert compared(meter, torch.tensor([text]).expand(600, -1))["variety"] < 0.1


@pytest.mark.parametrize("words", [[], ["anna"], ["bob", "waits"]])
def test_short_texts_that_are_all_the_same_lack_variety(meter: SampleMeter, words: list[str]):
    """Also where none has two tokens, and where one of them has by chance."""
    tokens = data.load("sentences").spec.texts
    x = torch.tensor([tokens.ids(words)]).repeat(600, 1)
    assert compared(meter, x)["variety"] < 0.1
    x[0] = torch.tensor(tokens.ids(["the", "dog"]))
    assert compared(meter, x)["variety"] < 0.1


def test_variety_is_of_as_many_pairs(meter: SampleMeter):
    """Short texts repeat less, since they say less: real ones, cut off, are no more varied than whole ones."""
    x = data.load("sentences", seed=6).x.clone()
    end = data.load("sentences").spec.texts.end
    assert end is not None
    x[:, 4:] = end
    assert 0.6 < compared(meter, x)["variety"] < 1


def test_words_in_any_order_are_novel(meter: SampleMeter):
    x = data.load("sentences", seed=6).x[:600]
    real, generator = compared(meter, x), torch.Generator().manual_seed(0)
    assert real["novel"] < real["novel_high"] + 0.05 < 0.1
    lengths = data.load("sentences").spec.texts.lengths(x)
    order = torch.rand(x.shape, generator=generator)
    order[torch.arange(x.shape[1]) >= lengths[:, None]] = 2.0
    assert compared(meter, x.gather(1, order.argsort(1)))["novel"] > 0.3


def test_other_samples_have_no_variety_of_tokens():
    signals = compared(SampleMeter(data.load("ring"), "x"), torch.randn(600, 2))
    assert not {"variety", "novel", "novel_high"} & signals.keys() and "recall" in signals


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch):
    """The monitor looks as often as it may, however busy the machine is."""
    monkeypatch.setattr(monitor, "SHARE", 1.0)


def trained(tmp_path: Path, **options: Any) -> Run:
    return zerosum.train("seqgan/lines", "sentences", tmp_path / "run", **{**SMALL, **options})


def verdict(run: Run) -> str:
    return diagnose(History.of_run(run.path)).name


@pytest.mark.usefixtures("often")
def test_a_policy_that_does_not_move_any_more_is_named(tmp_path: Path):
    run = trained(tmp_path, steps=400, pretrain_generator=30, pretrain_discriminator=370, sample_every=400)
    assert verdict(run) == "frozen", "D learns, and the policy has stopped early"


@pytest.mark.usefixtures("often")
def test_a_policy_that_falls_for_a_phrase_is_named(tmp_path: Path):
    fixed = {
        "reward": "constant",
        "d_steps": 0,
        "pretrain_discriminator": 0,
        "baseline": False,
        "g_optimizer": {"lr": 1e-2},
    }
    run = trained(tmp_path, steps=2_000, pretrain_generator=40, **fixed)
    assert verdict(run) == "repeats itself"


@pytest.mark.usefixtures("often")
def test_a_generator_whose_z_says_little_is_named(tmp_path: Path):
    """Of codes that drown in noise G learns one text for all z, and no game follows."""
    small = {"embedding": 16, "hidden": 32, "filters": 8, "widest": 2, "matched": 8}
    options = {"steps": 180, "batch_size": 32, "latent_dim": 4, "code_noise": 4.0, "log_every": 50, "quiet": True}
    run = zerosum.train("textgan/lines", "sentences", tmp_path / "run", seed=100, network=small, **options)
    assert verdict(run) == "repeats itself"
    assert len(run.sample(100).unique(dim=0)) < 20
