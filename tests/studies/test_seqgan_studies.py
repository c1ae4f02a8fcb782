"""Studies of texts: distances to the curve, early stopping, the rows from one policy on, and what they add up to."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from zerosum import data
from zerosum.data.dataset import DataError, Dataset
from zerosum.data.text.sentences import grammar
from zerosum.modality import Tokens
from zerosum.networks.policy import Policy
from zerosum.studies import STUDIES, policies, seqgan_oracle, seqgan_texts
from zerosum.studies.policies import beyond, likelihood, play_game, surprise, written

CURVE = [{"x": 1.5, "y": 10.5}, {"x": 1.0, "y": 10.0}, {"x": 2.0, "y": 9.0}, {"x": 3.0, "y": 6.0}]


@pytest.mark.parametrize(("x", "y", "expected"), [
    (1.0, 10.0, 0.0),
    (1.5, 9.0, -0.5),  # between 10 and 9; the other 1.5 is worse
    (2.5, 8.0, 0.5),  # between 9 and 6
    (4.0, 5.0, -1.0),  # all of the curve has less: the best of it
    (0.5, 10.5, 0.5),  # all of it has more: its place of the least
])  # fmt: skip
def test_the_distance_to_the_best_of_a_curve(x: float, y: float, expected: float):
    assert beyond({"x": x, "y": y}, CURVE, "x", "y", "lower") == pytest.approx(expected)
    turned = [{"x": at["x"], "y": -at["y"]} for at in CURVE]
    assert beyond({"x": x, "y": -y}, turned, "x", "y", "higher") == pytest.approx(-expected)


def test_a_temperature_is_that_of_the_softmax_and_leaves_the_policy_as_it_is():
    torch.manual_seed(0)
    policy = Policy(Tokens(("a", "b", "c"), 3), 4, 5, 1.0)
    before, ids = policy.out.weight.clone(), torch.randint(3, (20, 3))
    expected = -torch.nn.functional.log_softmax(policy(ids).detach() / 0.6, 2).gather(2, ids[..., None]).mean()
    assert surprise(policy, ids, 0.6) == pytest.approx(float(expected), rel=1e-5)
    assert torch.equal(policy.out.weight, before)
    assert not torch.equal(written(policy, 200, 3), written(policy, 200, 3, 0.2))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """320 sentences, and small networks for them."""
    from zerosum.games import find
    from zerosum.games.seqgan import Network

    known = find("seqgan/lines")
    small = replace(known, options={**known.options, "network": Network(8, 16, 8, 0.05)})
    monkeypatch.setattr(policies, "find", lambda name: small)
    whole = data.load("sentences", seed=4)
    return Dataset("few", {name: field.at(slice(320)) for name, field in whole.fields.items()}, "f" * 16)


def test_the_best_policy_is_that_of_the_least_surprise(few: Dataset, tmp_path: Path):
    held_out = data.load("sentences", seed=9).x[:100]
    options = {"g_optimizer": {"lr": 0.3}}
    points, last, best = likelihood("seqgan/lines", few, 100, options, 12, held_out, tmp_path)
    assert [point["epoch"] for point in points] == [*range(1, 13)] and points[-1]["round"] == 12 * 5
    least = min(point["held_out"] for point in points)
    assert surprise(best, held_out) == pytest.approx(least, rel=1e-5)
    assert surprise(last, held_out) == pytest.approx(points[-1]["held_out"], rel=1e-5) != least
    again, _, same = likelihood("seqgan/lines", few, 100, options, 12, held_out, tmp_path)
    assert again == points and surprise(same, held_out) == pytest.approx(least, rel=1e-5)


def test_the_game_begins_with_the_policy_and_is_measured_in_its_own_steps(few: Dataset, tmp_path: Path):
    torch.manual_seed(1)
    begun = policies.policy_of(policies.a_trainer("seqgan/lines", few, 100, {}, 1, 1))
    seen = []

    def measure(policy: Policy) -> dict[str, Any]:
        seen.append(policy.out.bias.detach().clone())
        return {"weight": float(policy.out.bias.detach().sum())}

    options = {"pretrain_discriminator": 3, "d_steps": 1, "rollouts": 1, "g_optimizer": {"lr": 1e-8}}
    points = play_game("seqgan/lines", few, 100, options, 5, begun, measure, 2, tmp_path)
    assert [point["step"] for point in points] == [2, 4, 5] and len(seen) == 3
    torch.testing.assert_close(seen[-1], begun.out.bias.detach(), atol=1e-5, rtol=0)


def test_the_whole_of_texts_from_a_file(few: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ZEROSUM_DATA", str(tmp_path))
    (tmp_path / "text").mkdir()
    tokens = few.spec.texts
    (tmp_path / "text" / "poems_zh.txt").write_text("\n".join(tokens.write(few.x)), encoding="utf-8")
    small = {"EPOCHS": 2, "ROUNDS": 2, "LOOK": 1, "STOPPED_BY": 40, "MEASURED": 60, "WRITTEN": 30}
    for name, value in small.items():
        monkeypatch.setattr(seqgan_texts, name, value)
    rows = {name: {**own, "rollouts": 1, "pretrain_discriminator": 1} for name, own in seqgan_texts.ROWS.items()}
    monkeypatch.setattr(seqgan_texts, "ROWS", rows)
    learnt, stop, test = seqgan_texts.parts_of("poems_zh.txt")
    assert (len(learnt), len(stop), len(test)) == (220, 40, 60)
    part = STUDIES["seqgan-poems"].run("texts", 100, 1.0, tmp_path / "work")
    assert 0 < part["real"]["bleu_2"] <= 1 and len(part["lines"]) == 3 and len(part["curve"]) == 16
    assert {word for line in part["lines"] for word in line.split()} <= {*grammar().words, "<unk>"}
    found = STUDIES["seqgan-poems"].summarise([part])
    last, row = part["rows"]["SeqGAN"]["series"][-1], part["rows"]["SeqGAN"]
    assert found["values"] == [row["above"]] == [beyond(last, part["curve"], "self_bleu_2", "bleu_2", "higher")]
    assert found["mle_bleu_2"] == [part["curve"][6]["bleu_2"]] and part["curve"][6]["temperature"] == 1.0
    assert seqgan_texts.in_few_numbers(found).startswith(f"{row['above']:+.4f}; BLEU-2 ")


def test_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ZEROSUM_DATA", str(tmp_path))
    monkeypatch.setenv("ZEROSUM_CACHE", str(tmp_path))
    with pytest.raises(DataError, match=r"text/image_coco\.txt is not here: put it into the folder"):
        seqgan_texts.parts_of("image_coco.txt")


def test_real_texts_have_their_own_scores():
    one, other = [(1, 2, 3), (2, 3, 4)], [(1, 2, 3), (5, 6, 7)]
    assert seqgan_texts.scores(one, other)["bleu_2"] > seqgan_texts.scores([(5, 7, 1)] * 2, other)["bleu_2"]
    assert seqgan_texts.scores([(1, 2, 3)] * 4, other)["self_bleu_2"] == pytest.approx(1)


def oracle_part(seed: int, below: float) -> dict[str, Any]:
    rows = {
        name: {"series": [{"fresh": 9.5}, {"fresh": 8.6 + i + seed / 10}], "point": {}, "below_curve": below + i}
        for i, name in enumerate(seqgan_oracle.ROWS)
    }
    curve = [{"temperature": t, "fresh": 9 * t} for t in policies.TEMPERATURES]
    return {"part": "seqgan", "seed": seed, "mle": {"fresh": 9.0 + seed}, "stopped": 9, "curve": curve, "rows": rows}


def test_the_oracles_study_adds_up():
    found = seqgan_oracle.summarise([oracle_part(0, -0.1), oracle_part(2, -0.3)])
    assert found["values"] == pytest.approx([8.6, 8.8]) and found["mle"] == 10.0
    assert found["below_curve"] == pytest.approx(-0.2) and found["own"] == pytest.approx(9.7)
    assert found["controls"]["constant reward"] == pytest.approx(10.7)
    assert found["controls"]["temperature 0.9"] == pytest.approx(8.1)
    assert STUDIES["seqgan-oracle"].verdict(found) == "met", "8.7 is enough, and it is below the curve"
    assert not seqgan_oracle.is_below(seqgan_oracle.summarise([oracle_part(0, -0.1), oracle_part(1, 0.1)]))
    told = seqgan_oracle.in_few_numbers(found)
    assert told.startswith("8.600, 8.800; maximum likelihood 10.000; constant reward 10.700")
    assert "SeqGAN -0.200" in told


def test_what_knows_no_data_is_to_be_beaten():
    parts = [oracle_part(seed, -0.1) for seed in range(3)]
    assert seqgan_oracle.is_below(seqgan_oracle.summarise(parts))
    parts[1]["rows"]["constant reward, small steps"]["below_curve"] = -0.2
    assert not seqgan_oracle.is_below(seqgan_oracle.summarise(parts))
    values = {"values": [0.1, 0.2], "control": [0.05, 0.1]}
    assert seqgan_texts.holds(values) and not seqgan_texts.holds({**values, "control": [0.05, 0.3]})
    assert not seqgan_texts.holds({"values": [0.1, -0.1], "control": [-1.0, -1.0]})


def test_a_policy_is_measured_by_the_oracle(monkeypatch: pytest.MonkeyPatch):
    """A policy that is the oracle has its likelihood, and texts of one word are alike."""
    tokens = Tokens(tuple("abcde"), 4)
    torch.manual_seed(0)
    oracle = Policy(tokens, 4, 6, 1.0)
    monkeypatch.setattr(seqgan_oracle, "oracle_of", lambda name: oracle)
    monkeypatch.setattr(seqgan_oracle, "WRITTEN", 4_000)
    ids = written(oracle, 4_000, 7)
    found = seqgan_oracle.measured(oracle, 1, ids[:2_000], ids[2_000:])
    assert found["oracle"] == pytest.approx(found["test"], abs=0.03) == pytest.approx(found["held_out"], abs=0.03)
    sharp = seqgan_oracle.measured(oracle, 1, ids[:2_000], ids[2_000:], 0.05)
    assert sharp["oracle"] < found["oracle"] and sharp["test"] > found["test"]
    assert sharp["distinct_2"] < found["distinct_2"]


def test_parts_can_be_sent_to_other_processes():
    for name in ("seqgan-oracle", "seqgan-poems", "seqgan-captions"):
        assert pickle.loads(pickle.dumps(STUDIES[name].run))
