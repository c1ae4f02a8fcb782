"""`Run.translate` of each translator: what it takes and refuses, in tiles and whole, and the D that a run has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import zerosum
from zerosum.errors import ZerosumError
from zerosum.run import passage
from zerosum.run.loaded import Run
from zerosum.training import checkpoint
from zerosum.util import memory
from zerosum.util.memory import OutOfMemoryError
from zerosum.workflows import translate as workflow

QUICK: dict[str, Any] = {"steps": 2, "batch_size": 2, "health": False, "quiet": True, "precision": "fp32"}
GAMES = ("pix2pix", "cyclegan", "srgan", "simgan")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of each translator, of colour images of 24 pixels."""
    folder = tmp_path_factory.mktemp("runs")
    x = folder / "x.npy"
    np.save(x, np.random.default_rng(0).integers(0, 256, (9, 24, 24, 3), dtype=np.uint8))
    narrow, small = {"network": {"width": 4}, "patch": {"width": 2}}, {"width": 4, "blocks": 1}
    zerosum.train("pix2pix", f"denoise:{x}", folder / "pix2pix", **narrow, **QUICK)
    zerosum.train("cyclegan", f"unpaired:invert:{x}", folder / "cyclegan", **narrow, **QUICK)
    zerosum.train("srgan/images", f"shrink@2:{x}", folder / "srgan", network=small, judge={"width": 2}, **QUICK)
    few: dict[str, Any] = {"history": 4, "pretrain_refiner": 0, "pretrain_discriminator": 0}
    zerosum.train("simgan/images", f"unpaired:invert:{x}", folder / "simgan", network=small, **few, **QUICK)
    return folder


@pytest.fixture(params=GAMES)
def run(request: pytest.FixtureRequest, folder: Path) -> Run:
    return zerosum.load(folder / request.param)


def some(run: Run, *size: int, count: int = 3) -> Tensor:
    return torch.rand(count, run.source.shape[0], *size, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize("size", [(24, 24), (33, 47), (9, 8), (64, 17)])
def test_any_size_alone_and_among_others(run: Run, size: tuple[int, int]):
    x, factor = some(run, *size), run.translator().factor
    together = run.translate(x, seed=3)
    assert together.shape == (3, 3, factor * size[0], factor * size[1]) and together.dtype == torch.float32
    alone = torch.cat([run.translate(one[None], seed=3) for one in x])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)
    torch.testing.assert_close(together, run.translate(x, batch_size=2, seed=3), rtol=0, atol=1e-5)


def test_bytes_floats_and_arrays_are_the_same_image(run: Run):
    stored = torch.randint(256, (2, 3, 24, 24), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    expected = run.translate(stored.float() / 127.5 - 1)
    for same in (stored, stored.numpy(), stored.double() / 127.5 - 1, (stored.float() / 127.5 - 1).numpy()):
        torch.testing.assert_close(run.translate(same), expected, rtol=0, atol=1e-5)
    assert run.translate(stored[:0]).shape == (0, *expected.shape[1:])


@pytest.mark.parametrize("seed", [-(2**63), -1, 0, 2**63 - 1])
def test_every_seed_that_pytorch_takes(run: Run, seed: int):
    """Those from 2^63 on are the negative ones, as `torch.manual_seed` has it."""
    made = run.translate(some(run, 24, 24), seed=seed)
    assert torch.equal(made, run.translate(some(run, 24, 24), seed=seed % 2**64))
    if run.game.name == "pix2pix":
        assert not torch.equal(made, run.translate(some(run, 24, 24), seed=seed ^ 1))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(3, 24, 24), r"not \(24, 24\): give a batch, \(N, 3, 24, 24\)$"),
        (torch.zeros(1, 2, 3, 24, 24), r"not \(2, 3, 24, 24\): give a batch, \(N, 3, 24, 24\)$"),
        (torch.zeros(24, 24), r"not \(24,\): give a batch, \(N, 3, 24, 24\)$"),
        (torch.zeros(2, 4, 24, 24), r"images of 3x24x24 or of any other height and width, not \(4, 24, 24\)"),
        (torch.zeros(2, 3, 0, 24), r"not \(3, 0, 24\)"),
        (torch.full((1, 3, 24, 24), torch.nan), "holds NaN or infinite numbers"),
        (torch.zeros(1, 3, 24, 24, dtype=torch.int64), "torch.int64: images are torch.uint8"),
        (np.zeros((1, 3, 24, 24), dtype=np.uint16), "torch.uint16: images are torch.uint8"),
        (torch.zeros(1, 3, 24, 24).to_sparse(), r"a is sparse \(torch.sparse_coo\); give a.to_dense\(\)"),
        (torch.zeros(1, 3, 24, 24, device="meta"), "on the device meta"),
        ([[0.0]], "must be a tensor or a NumPy array"),
    ],
)
def test_what_is_no_batch_of_images_is_refused(folder: Path, x: Any, message: str):
    with pytest.raises(ZerosumError, match=message):
        zerosum.load(folder / "pix2pix").translate(x)


def test_images_smaller_than_the_network_takes_are_refused(run: Run):
    if (smallest := run.translator().smallest) == 1:
        assert run.translate(some(run, 1, 40)).shape[0] == 3
        return
    assert run.translate(some(run, smallest, 40)).shape[0] == 3
    for size in ((1, 1), (smallest - 1, 40), (40, 1)):
        with pytest.raises(ZerosumError, match=f"{smallest} pixels and more, not {size[0]}x{size[1]}"):
            run.translate(some(run, *size))
        with pytest.raises(ZerosumError, match=f"{smallest} pixels and more"):
            run.translate(some(run, *size), back=True)


@pytest.mark.parametrize("back", ["yes", 1, None])
def test_a_direction_is_true_or_false(folder: Path, back: Any):
    run = zerosum.load(folder / "cyclegan")
    with pytest.raises(ZerosumError, match=f"back must be True or False, not {back!r}"):
        run.translate(some(run, 24, 24), back=back)


@pytest.mark.parametrize("name", ["srgan", "simgan"])
def test_large_files_go_in_tiles(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    image = np.random.default_rng(2).integers(0, 256, (61, 90, 3), dtype=np.uint8)
    Image.fromarray(image).save(tmp_path / "large.png")
    made, used = dict[str, np.ndarray[Any, Any]](), list[int]()
    in_tiles = passage.in_tiles
    monkeypatch.setattr(passage, "in_tiles", lambda *a, **k: used.append(a[2]) or in_tiles(*a, **k))
    for room in (2**30, 1):
        monkeypatch.setattr(passage, "ROOM", room)
        monkeypatch.setattr(passage, "TILE", 32)
        workflow.translate(folder / name, tmp_path / "large.png", tmp_path / f"out{room}")
        with Image.open(tmp_path / f"out{room}" / "large.png") as written:
            made[room] = np.asarray(written).astype(int)
    assert used == [32] and made[1].shape == made[2**30].shape and abs(made[1] - made[2**30]).max() <= 1


@pytest.mark.parametrize("name", ["cyclegan", "srgan", "simgan"])
def test_a_large_tensor_goes_in_tiles_and_becomes_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    run = zerosum.load(folder / name)
    x = torch.randint(256, (2, 3, 61, 90), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    whole, used, in_tiles = run.translate(x), list[int](), passage.in_tiles
    monkeypatch.setattr(passage, "ROOM", 1)
    monkeypatch.setattr(passage, "TILE", 32)
    monkeypatch.setattr(passage, "in_tiles", lambda *a, **k: used.append(a[2]) or in_tiles(*a, **k))
    torch.testing.assert_close(run.translate(x), whole, rtol=0, atol=2e-4)
    assert used == [32, 32]


def test_no_more_go_together_than_there_is_room_for(folder: Path, monkeypatch: pytest.MonkeyPatch):
    run, counts = zerosum.load(folder / "pix2pix"), list[int]()
    x, translate = some(run, 24, 24, count=7), run.game.core.translate
    expected, way = run.translate(x), run.passage()
    monkeypatch.setattr(passage, "ROOM", int(2.5 * 24 * 24 * way.bytes_of_layers))
    monkeypatch.setattr(type(run.game.core), "translate", lambda self, a, s: counts.append(len(a)) or translate(a, s))
    torch.testing.assert_close(run.translate(x), expected, rtol=0, atol=1e-5)
    assert counts == [2, 2, 2, 1]


def test_what_does_not_fit_whole_is_said_before_pytorch_does(folder: Path, monkeypatch: pytest.MonkeyPatch):
    run = zerosum.load(folder / "pix2pix")
    monkeypatch.setattr(memory, "available", lambda device=None: 2 * 10**8)
    with pytest.raises(OutOfMemoryError, match=r"an image of 2,000x3,000 pixels whole would take .*scale it down"):
        run.translate(torch.zeros(1, 3, 2000, 3000, dtype=torch.uint8))
    with pytest.raises(OutOfMemoryError, match=r"20,000 translations by .* would take .*; .* fit: translate few"):
        run.translate(torch.zeros(20_000, 3, 24, 24, dtype=torch.uint8))


def test_the_discriminators_come_with_a_run(run: Run):
    """As docs/translation.md says: modules of the game, with the weights that they ended with, to call on images."""
    x, y = some(run, 24, 24), some(run, 24, 24) * 0.5
    game: Any = run.game
    of = {
        "pix2pix": lambda: [game.discriminator(torch.cat([x, y], dim=1))],
        "cyclegan": lambda: [game.discriminator_a(x), game.discriminator_b(y)],
        "srgan": lambda: [game.discriminator(y)],
        "simgan": lambda: [game.discriminator(y)],
    }[game.name]
    with torch.no_grad():
        logits = of()
    assert all(found.shape[:2] == (3, 1) and bool(found.isfinite().all()) for found in logits)
    own = {name: value for name, value in game.state_dict().items() if "discriminator" in name}
    fresh = zerosum.load(run.path).game
    for parameter in fresh.parameters():
        parameter.data.zero_()
    newest = checkpoint.newest(run.path / "checkpoints")
    assert newest is not None
    checkpoint.load(fresh, newest, True)
    assert own and all(torch.equal(value, fresh.state_dict()[name]) for name, value in own.items())
