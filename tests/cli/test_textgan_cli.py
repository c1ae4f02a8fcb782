"""TextGAN on the command line: trained, resumed across its phases, printed, scored; and what cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from shell import Call

import zerosum
from zerosum.data.text.sentences import grammar

SMALL = (
    *("--network.embedding", 8, "--network.hidden", 16, "--network.filters", 8, "--network.widest", 3),
    *("--network.matched", 8, "--latent-dim", 8, "--batch-size", 16),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("textgan") / "run"
    network = {"embedding": 16, "hidden": 32, "filters": 16, "widest": 3, "matched": 8}
    more = {"batch_size": 32, "held_out": 0.1, "health": False, "quiet": True, "sample_every": 100}
    zerosum.train("textgan/lines", "sentences", path, steps=125, pretrain=120, latent_dim=8, network=network, **more)
    return path


def refused(call: Call, *arguments: object) -> str:
    code, _, err = call(*arguments)
    lines = [line for line in err.splitlines() if line.startswith("zerosum: ")]
    assert code == 2 and len(lines) == 1, err
    return lines[0]


def test_samples_are_printed_and_equal_however_many(call: Call, run: Path, tmp_path: Path):
    code, out, _ = call("sample", run, "-n", 20)
    lines = out.splitlines()
    assert code == 0 and len(lines) == 20 and not [*run.glob("samples-seed*")]
    assert call("sample", run, "-n", 3)[1].splitlines() == lines[:3]
    assert {word for line in lines for word in line.split()} <= {*grammar().words, "<unk>"} and len(set(lines)) > 1
    film = tmp_path / "walk.gif"
    assert call("sample", run, "-n", 2, "--to-seed", 1, "--frames", 3, "--out", film)[0] == 0 and film.exists()


def test_a_run_goes_on_bit_for_bit_across_its_phases(call: Call, tmp_path: Path):
    """Stopped in the beginning, and in the game."""
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    rates = [
        (f"--{player}-optimizer.decay.shape", "constant") for player in "gd"
    ]  # those of falling ones go by --steps
    common = ("train", "textgan/lines", *SMALL, *sum(rates, ()), "--pretrain", 4, "--no-health")
    assert call(*common, "--steps", 8, "--out", whole)[0] == 0
    assert call(*common, "--steps", 3, "--out", parted)[0] == 0
    assert call("resume", parted, "--steps", 6)[0] == 0
    assert call("resume", parted, "--steps", 8)[0] == 0
    ends = [
        load_file(next((path / "checkpoints").glob("step-00000008")) / "game.safetensors") for path in (whole, parted)
    ]
    assert ends[0].keys() == ends[1].keys() and any(key.startswith("recogniser") for key in ends[0])
    assert all(torch.equal(x, ends[1][name]) for name, x in ends[0].items())


def test_scores_have_their_references(call: Call, run: Path):
    named = ("bleu", "self-bleu", "distinct-n", "grammar")
    code, out, err = call("evaluate", run, "-n", 200, "--metrics", *named)
    assert code == 0, err
    found = json.loads((run / "evaluation.json").read_text())
    results = {result["protocol"]["metric"]: result for result in found["results"]}
    assert [*results] == [*named] and "shuffled" in out and "greedy" not in out, "it has no likeliest text"
    assert {"valid", "coverage"} <= results["grammar"]["scores"].keys()
    assert results["grammar"]["scores"]["valid"]["references"]["real"] == 1


@pytest.mark.parametrize(("arguments", "message"), [
    (("sample", "RUN", "--start", "the"), "textgan completes no texts; choose another recipe for that"),
    (("evaluate", "RUN", "-n", 50, "--metrics", "nll-test"), "nll-test cannot be measured here"),
])  # fmt: skip
def test_what_it_cannot_do_is_said(call: Call, run: Path, arguments: tuple, message: str):
    assert message in refused(call, *(run if part == "RUN" else part for part in arguments))


@pytest.mark.parametrize(("texts", "message"), [
    ("a\nb\na\n" * 20, "texts of one token have no words to change places; give longer ones"),
    ("no no\nno\n" * 20, "all words of the texts are the same, so that nothing is to be learnt; give others"),
    ("", "holds no text"),
])  # fmt: skip
def test_texts_that_nothing_can_be_learnt_of(call: Call, tmp_path: Path, texts: str, message: str):
    file = tmp_path / "texts.txt"
    file.write_text(texts)
    out = tmp_path / "run"
    assert message in refused(call, "train", "textgan/lines", "--data", file, *SMALL, "--steps", 2, "--out", out)
    assert not out.exists()


@pytest.mark.parametrize(("flags", "message"), [
    (("--techniques.feature-matching",), "the discriminator of textgan has several networks"),
    (("--pretrain", 0, "--autoencoding", 0, "--code-noise", 0.1), "code_noise has no effect while pretrain is 0"),
    (("--temperature", 0), "temperature"),
])  # fmt: skip
def test_flags_that_cannot_be_honoured(call: Call, tmp_path: Path, flags: tuple, message: str):
    assert message in refused(call, "train", "textgan/lines", *flags, "--steps", 1, "--out", tmp_path / "run")


def test_its_generator_is_exported(call: Call, run: Path, tmp_path: Path):
    pytest.importorskip("onnx")
    code, _, err = call("export", run, "--out", tmp_path / "generator.onnx")
    assert code == 0 and (tmp_path / "generator.onnx").stat().st_size > 1_000, err
