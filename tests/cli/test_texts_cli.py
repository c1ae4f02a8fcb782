"""Texts on the command line: trained, resumed, printed, completed, scored; and what cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from shell import Call

import zerosum
from zerosum.data.text.oracle import FILE, SHAPES
from zerosum.data.text.sentences import grammar
from zerosum.run.loaded import MOST
from zerosum.run.sampling import SampleRequest
from zerosum.workflows.sample import written

SMALL = (
    *("--network.embedding", 16, "--network.hidden", 32, "--network.filters", 0.05, "--batch-size", 32),
    *("--pretrain-generator", 40, "--pretrain-discriminator", 5, "--d-steps", 1, "--rollouts", 2, "--no-health"),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("texts") / "run"
    options = {"pretrain_generator": 150, "pretrain_discriminator": 5, "d_steps": 1, "rollouts": 2, "batch_size": 32}
    network = {"embedding": 16, "hidden": 32, "filters": 0.05}
    lr = {"g_optimizer": {"lr": 1e-2}, "held_out": 0.1, "health": False, "quiet": True}
    zerosum.train("seqgan/lines", "sentences", path, steps=157, network=network, **options, **lr)
    return path


def refused(call: Call, *arguments: object) -> str:
    code, _, err = call(*arguments)
    lines = [line for line in err.splitlines() if line.startswith("zerosum: ")]
    assert code == 2 and len(lines) == 1, err
    return lines[0]


@pytest.mark.parametrize(
    ("content", "printed"),
    [
        ("the old cat sat\n", {"<unk>", "the", "old", "cat", "sat"}),  # one line
        ("no no no\nno no no\n", {"<unk>", "no"}),  # one word
    ],
)
def test_texts_with_little_in_them_are_learnt_and_nothing_is_said_of_health(
    call: Call, tmp_path: Path, content: str, printed: set[str]
):
    file, out = tmp_path / "few.txt", tmp_path / "run"
    file.write_text(content)
    small = [one for one in SMALL if one != "--no-health"]
    code, said, err = call(
        "train", "seqgan/lines", "--data", file, *small, "--steps", 46, "--out", out, "--batch-size", 1
    )
    assert code == 0, err
    assert "Verdict: Nothing to compare." in said
    assert "There is 1 real sample:" in said or content.count("\n") > 1
    code, written, err = call("sample", out, "-n", 3)
    assert code == 0, err
    assert set(written.split()) <= printed


def test_a_batch_of_more_than_there_is_is_named(call: Call, tmp_path: Path):
    file = tmp_path / "one.txt"
    file.write_text("the old cat sat\n")
    told = refused(call, "train", "seqgan/lines", "--data", file, *SMALL, "--steps", 46, "--out", tmp_path / "run")
    assert f"a batch of 32 is more than the 1 samples of {file}" in told
    assert not (tmp_path / "run").exists()


def test_samples_are_printed_and_equal_however_many(call: Call, run: Path):
    code, out, _ = call("sample", run, "-n", 5)
    lines = out.splitlines()
    assert code == 0 and len(lines) == 5 and not [*run.glob("samples-seed*")]
    assert call("sample", run, "-n", 2)[1].splitlines() == lines[:2]
    words = {word for line in lines for word in line.split()}
    assert words <= {*grammar().words, "<unk>"} and len(set(lines)) > 1
    assert call("sample", run, "-n", 5, "--seed", 1)[1].splitlines() != lines


def test_a_start_is_completed(call: Call, run: Path, tmp_path: Path):
    code, out, _ = call("sample", run, "-n", 4, "--start", "the dog")
    lines = out.splitlines()
    assert code == 0 and len(lines) == 4 and all(line.startswith("the dog") for line in lines)
    file = tmp_path / "texts.txt"
    assert call("sample", run, "-n", 4, "--start", "the dog", "--out", file)[0] == 0
    assert file.read_text(encoding="utf-8").splitlines() == lines
    assert zerosum.load(run).complete("the dog", 4) == lines
    assert "".join(f"{text}\n" for text in zerosum.load(run).complete("", 3)) == call("sample", run, "-n", 3)[1]


def test_a_small_truncation_writes_the_likeliest_text(call: Call, run: Path):
    lines = call("sample", run, "-n", 6, "--truncation", 1e-6)[1].splitlines()
    assert len(set(lines)) == 1
    assert lines[0] == zerosum.load(run).complete("", 1, truncation=1e-6)[0]


@pytest.mark.parametrize(("arguments", "message"), [
    (("--start", "the dgo"), "has not learnt the word 'dgo'; did you mean 'dog'?"),
    (("--start", ""), "--start is empty, as a variable that is not set is"),
    (("--start", "   "), "--start is blank: say what texts begin with, or leave it out"),
    (("--start", "<eos>"), "has not learnt the word '<eos>'; `zerosum data check` shows"),
    (("--start", "the <unk>"), "has not learnt the word '<unk>'; `zerosum data check` shows"),
    (("--truncation", 1.5), "the probability of the likeliest tokens, below 1, not 1.5"),
    (("--start", "qqqq"), "has not learnt the word 'qqqq'; `zerosum data check` shows"),
    (("--start", "the " * 15), "the start has 15 tokens, and texts of"),
    (("--start", "the", "--out", "x.wav"), "are texts, which go to a .png or .npz or .txt file"),
    (("--start", "the", "--to-seed", 3), "--start completes texts: leave out --to-seed"),
    (("--start", "the", "--to-text", "a cat"), "--start completes texts: leave out --to-text"),
    (("-n", 0), "0"),
])  # fmt: skip
def test_what_cannot_be_sampled_is_named(call: Call, run: Path, arguments: tuple, message: str):
    assert message in refused(call, "sample", run, *arguments)


def test_any_number_of_texts_is_printed_as_they_are_written(run: Path):
    """The first of them soon, however many are asked for."""
    part, _ = next(zerosum.load(run).parts(10**12))
    assert len(part) == MOST
    lines = written(zerosum.load(run), SampleRequest(10**12, 0))
    assert [next(lines) for _ in range(3)] == zerosum.load(run).texts(zerosum.load(run).sample(3))


@pytest.mark.parametrize(("ids", "said"), [
    (torch.zeros(3), "must be ids of texts, int64 (N, "),
    (torch.zeros(2, 16), "must be ids of texts, int64 (N, "),
    (torch.zeros(2, 8, dtype=torch.int64), "must be ids of texts, int64 (N, "),
    (torch.zeros(2, 8, 3, dtype=torch.int64), "must be ids of texts, int64 (N, "),
])  # fmt: skip
def test_what_are_no_ids_is_no_text(run: Path, ids: torch.Tensor, said: str):
    with pytest.raises(zerosum.ZerosumError) as caught:
        zerosum.load(run).texts(ids)
    assert said in str(caught.value)


@pytest.mark.parametrize("number", [9_999, -1])
def test_ids_of_no_word_are_refused(run: Path, number: int):
    loaded = zerosum.load(run)
    for call in (loaded.texts, loaded.score):
        with pytest.raises(zerosum.ZerosumError, match="must be ids from 0 to"):
            call(torch.full((2, *loaded.modality.shape), number))
    with pytest.raises(zerosum.ZerosumError, match=r"must be ids of texts, int64"):
        loaded.score(torch.zeros(2, *loaded.modality.shape))


def test_texts_of_other_words_are_named_by_them(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    lines = ["the old cat sat", "a dog ran here", "the dog sat"] * 20
    for name, last in (("poems", "the cat ran"), ("others", "the zebra ran")):
        Path(f"{name}.txt").write_text("\n".join([*lines, last]))
    assert call("train", "seqgan/lines", "--data", "poems.txt", *SMALL, "--steps", 4, "--out", "run")[0] == 0
    said = refused(call, "evaluate", "run", "-n", 10, "--against", "others.txt")
    assert "which differs (new words: 'zebra'); to compare with other texts, train with --held-out 0.1" in said
    Path("others.txt").rename("poems.txt")
    said = refused(call, "resume", "run", "--steps", 6)
    assert "ids differs: new words: 'zebra'" in said
    Path("poems.txt").unlink()
    said = refused(call, "evaluate", "run", "-n", 10)
    assert f"is no longer at {tmp_path / 'poems.txt'}: put it back, or compare with other data by --against" in said


def test_a_run_of_images_completes_nothing(call: Call, tmp_path: Path):
    zerosum.train("gan/toy", "ring", tmp_path / "ring", steps=2, health=False, quiet=True)
    assert "gan completes no texts" in refused(call, "sample", tmp_path / "ring", "--start", "a")


def test_a_run_goes_on_bit_for_bit(call: Call, tmp_path: Path):
    """Also where it was stopped in the middle of the game, with a policy that lags."""
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    common = ("train", "seqgan/lines", *SMALL, "--lag", 0.5)
    assert call(*common, "--steps", 52, "--out", whole)[0] == 0
    assert call(*common, "--steps", 49, "--out", parted)[0] == 0
    assert call("resume", parted, "--steps", 52)[0] == 0
    ends = [
        load_file(next((path / "checkpoints").glob("step-00000052")) / "game.safetensors") for path in (whole, parted)
    ]
    assert ends[0].keys() == ends[1].keys() and any(key.startswith("behind") for key in ends[0])
    assert all(torch.equal(x, ends[1][name]) for name, x in ends[0].items())


def test_scores_of_texts_have_their_references(call: Call, run: Path):
    named = ("bleu", "self-bleu", "distinct-n", "nll-test", "grammar")
    code, out, err = call("evaluate", run, "-n", 300, "--metrics", *named)
    assert code == 0, err
    found = json.loads((run / "evaluation.json").read_text())
    results = {result["protocol"]["metric"]: result for result in found["results"]}
    assert [*results] == [*named] and "greedy" in out and "shuffled" in out
    valid = results["grammar"]["scores"]["valid"]
    assert valid["references"]["real"] == 1 and valid["references"]["greedy"] in (0, 1)
    assert valid["references"]["shuffled"] < 0.2 and valid["references"]["noise"] < 0.05
    assert results["self-bleu"]["scores"]["self-BLEU-2"]["references"]["greedy"] == pytest.approx(1)
    assert results["distinct-n"]["scores"]["distinct-1"]["references"]["greedy"] < 0.05
    assert "texts of" in results["nll-test"]["protocol"]["held_out"]
    assert 1 < results["nll-test"]["scores"]["NLL"]["value"] < 5


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("nll-oracle", "it needs texts that a known network wrote: oracle"),
        ("ms-ssim", "it is for images"),
    ],
)
def test_a_metric_of_other_data_is_refused(call: Call, run: Path, metric: str, message: str):
    assert message in refused(call, "evaluate", run, "-n", 50, "--metrics", metric)


def test_texts_have_no_bleu_for_images(call: Call, tmp_path: Path):
    zerosum.train("gan/toy", "ring", tmp_path / "ring", steps=2, health=False, quiet=True)
    assert "bleu cannot be measured here: it is for texts" in refused(
        call, "evaluate", tmp_path / "ring", "-n", 50, "--metrics", "bleu"
    )


@pytest.mark.parametrize(("technique", "message"), [
    (("--techniques.feature-matching",), "needs samples with a gradient, and seqgan's texts have none"),
    (("--techniques.diff-augment", "color"), "augmentation is of images, not of texts"),
])  # fmt: skip
def test_techniques_that_need_a_gradient_are_refused(call: Call, tmp_path: Path, technique: tuple, message: str):
    assert message in refused(call, "train", "seqgan/lines", *technique, "--steps", 1, "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_that_writes_token_by_token_is_no_network_to_export(call: Call, run: Path, tmp_path: Path):
    assert "writes token by token" in refused(call, "export", run, "--out", tmp_path / "g.onnx")


def test_an_oracle_is_found_where_the_run_found_it(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("ZEROSUM_DATA", raising=False)
    generator = torch.Generator().manual_seed(0)
    (tmp_path / FILE).parent.mkdir()
    save_file({name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}, tmp_path / FILE)
    out = tmp_path / "run"
    options = {"pretrain_generator": 2, "pretrain_discriminator": 0, "d_steps": 0, "reward": "random"}
    small = {"network": {"filters": 0.01}, "health": False, "quiet": True, "batch_size": 8}
    zerosum.train("seqgan/oracle", "oracle", out, steps=2, data_dir=tmp_path, **options, **small)
    code, said, err = call("evaluate", out, "-n", 50, "--metrics", "nll-oracle")
    assert code == 0 and "NLL" in said, err


def test_a_truncation_that_texts_cannot_have_leaves_no_run(call: Call, tmp_path: Path):
    told = refused(call, "train", "seqgan/lines", *SMALL, "--truncation", 2, "--out", tmp_path / "run")
    assert "is the probability of the likeliest tokens, below 1, not 2" in told
    assert not (tmp_path / "run").exists()


def test_texts_without_unknown_tokens_are_completed(call: Call, tmp_path: Path):
    short = ("--pretrain-generator", 1, "--pretrain-discriminator", 1)
    code, _, err = call(
        "train", "seqgan/oracle", "--data", "oracle:drawn", *SMALL, *short, "--steps", 3, "--out", tmp_path / "run"
    )
    assert code == 0, err
    code, out, err = call("sample", tmp_path / "run", "-n", 2, "--start", "3 17")
    assert code == 0 and all(line.startswith("3 17 ") for line in out.splitlines()), err


def test_the_likelihood_stands_beside_that_of_other_texts(run: Path):
    found = zerosum.evaluate(run, metrics=["nll-test"], samples=50, truncation=0.5)["nll-test"]
    score = found.scores["NLL"]
    assert score.references["greedy"] < score.value < score.references["shuffled"]
    assert (found.protocol.truncation, found.protocol.fake) == (None, 0), "no text of the run's is measured"
