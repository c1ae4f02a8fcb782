"""The oracle of SeqGAN: texts of a fixed LSTM, and how likely it finds texts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from zerosum import data
from zerosum.data.dataset import DataError
from zerosum.data.text.oracle import FILE, GATES, SHAPES, oracle_of

HERE = Path(os.environ.get("ZEROSUM_DATA", "/nowhere")) / FILE


def surprise(name: str, ids: torch.Tensor) -> float:
    return -float(oracle_of(name).log_likelihood(ids).mean())


def test_a_drawn_oracle_is_one_and_the_same():
    one, other = data.load("oracle:drawn", seed=1), data.load("oracle:drawn", seed=2)
    assert one.x.shape == (10_000, 20) and one.spec.texts.end is None
    assert not torch.equal(one.x, other.x) and one.fingerprint != other.fingerprint
    ours, theirs = (surprise("oracle:drawn", loaded.x[:2_000]) for loaded in (one, other))
    assert ours == pytest.approx(theirs, abs=0.05)
    uniform = torch.randint(5_000, (1_000, 20), generator=torch.Generator().manual_seed(0))
    assert surprise("oracle:drawn", uniform) > ours + 4


@pytest.mark.skipif(not HERE.is_file(), reason=f"{FILE} is not in $ZEROSUM_DATA")
def test_the_published_oracle_has_its_known_likelihoods():
    """5.752 of its own texts, 11.42 of uniform tokens, 10.304 of all its own tokens shuffled."""
    own = data.load("oracle", seed=0).x
    generator = torch.Generator().manual_seed(0)
    assert surprise("oracle", own[:5_000]) == pytest.approx(5.752, abs=0.02)
    assert surprise("oracle", torch.randint(5_000, (3_000, 20), generator=generator)) == pytest.approx(11.42, abs=0.05)
    mixed = own.flatten()[torch.randperm(own.numel(), generator=generator)].view(own.shape)[:3_000]
    assert surprise("oracle", mixed) == pytest.approx(10.304, abs=0.05)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZEROSUM_DATA", str(tmp_path))
    monkeypatch.setenv("ZEROSUM_CACHE", str(tmp_path / "cache"))
    (tmp_path / FILE).parent.mkdir()
    return tmp_path


def test_the_authors_gates_are_put_in_their_places(folder: Path):
    """One step by the equations of an LSTM."""
    generator = torch.Generator().manual_seed(0)
    weights = {name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}
    save_file(weights, folder / FILE)
    model = oracle_of("oracle")
    x, h, c = weights["embedding"][7], torch.zeros(32), torch.zeros(32)
    state = model.read(torch.tensor([7]), None)
    for _ in range(2):
        i, f, g, o = (x @ weights[f"W_{k}"] + h @ weights[f"U_{k}"] + weights[f"b_{k}"] for k in GATES)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        torch.testing.assert_close(state.hidden[0], h, rtol=1e-4, atol=1e-5)
        state = model.read(torch.tensor([7]), state)
    torch.testing.assert_close(model.out(h), h @ weights["W_logits"] + weights["b_logits"])


@pytest.mark.parametrize(("broken", "message"), [
    ("missing", "put seqgan/oracle_lstm.safetensors into the folder that .ZEROSUM_DATA names"),
    ("no safetensors", "cannot read .*; get it again"),
    ("another", "does not hold the weights of the authors' oracle"),
])  # fmt: skip
def test_a_bad_file_is_named(folder: Path, broken: str, message: str):
    if broken == "no safetensors":
        (folder / FILE).write_bytes(b"not weights")
    if broken == "another":
        save_file({"embedding": torch.zeros(3, 3)}, folder / FILE)
    with pytest.raises(DataError, match=message):
        data.load("oracle")


def test_other_parts_are_refused():
    with pytest.raises(DataError, match="oracle has no part 'random'; it has oracle:published and oracle:drawn"):
        data.load("oracle:random")
