"""Checkpoints: whole or not at all, and one clear sentence for those that are neither."""

from __future__ import annotations

import errno
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from zerosum.game import Game
from zerosum.training import checkpoint
from zerosum.training.checkpoint import CheckpointError
from zerosum.training.trainer import Trainer


def snapshot(trainer: Trainer) -> list[torch.Tensor]:
    tensors = [*trainer.game.state_dict().values(), *trainer.average.followers.values()]
    for optimizer in trainer.optimizers.values():
        state = optimizer.state_dict()["state"]
        tensors += [state[number][slot] for number in sorted(state) for slot in sorted(state[number])]
    tensors.append(torch.tensor([trainer.step, trainer.average.rounds, *list(trainer.stream.state().values())[:2]]))
    return [t.detach().clone() for t in tensors]


def same(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    return len(a) == len(b) and all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def played(trainer: Trainer, rounds: int) -> Trainer:
    trainer.game.train()
    for _ in range(rounds):
        trainer.round()
    return trainer


@pytest.fixture
def saved(small_trainer, tmp_path: Path) -> Path:
    return checkpoint.save(played(small_trainer(), 3), tmp_path / "checkpoints", keep=3)


def test_what_a_checkpoint_holds(saved: Path):
    assert saved.name == "step-00000003" and checkpoint.step_of(saved) == 3
    names = {"game.safetensors", "average.safetensors", "training.safetensors", "checkpoint.json"}
    assert {f.name for f in saved.iterdir()} == names
    assert not any(f.name.startswith(".") for f in saved.parent.iterdir())
    assert set(json.loads((saved / "checkpoint.json").read_text())) == {
        "format",
        "step",
        "average_rounds",
        "stream",
        "rate",
    }
    assert set(load_file(saved / "average.safetensors")) < set(load_file(saved / "game.safetensors"))


def test_no_pickle_anywhere():
    """Not imported by hand, and `torch.load` and `torch.save`, which are pickle, not called.

    But for the published Inception weights, a .pth file that torch-fidelity must have: nothing but tensors is read.
    """
    sources = list(Path(checkpoint.__file__).parent.rglob("*.py"))
    assert len(sources) > 20
    for source in sources:
        text = source.read_text()
        if source.name == "inception.py":
            calls = re.findall(r"(?:torch\.load|load_state_dict_from_url)\(.*", text)
            assert len(calls) == 2 and all("weights_only=True" in call for call in calls)
            assert set(re.findall(r"pickle\.\w+", text)) == {"pickle.UnpicklingError"}
            continue
        for word in ("import pickle", "from pickle", "torch.load(", "torch.save(", "joblib", "dill", "cloudpickle"):
            assert word not in text, f"{source.name} has {word}"


def test_keeping_the_newest(small_trainer, tmp_path: Path):
    trainer = small_trainer()
    for _ in range(5):
        played(trainer, 1)
        checkpoint.save(trainer, tmp_path, keep=2)
    assert [p.name for p in checkpoint.find(tmp_path)] == ["step-00000004", "step-00000005"]
    (tmp_path / ".partial-step-00000009").mkdir()  # a killed process left it
    (tmp_path / "step-notes.txt").write_text("mine")
    assert [checkpoint.step_of(p) for p in checkpoint.find(tmp_path)] == [4, 5]
    assert checkpoint.find(tmp_path / "nothing") == []


def test_after_going_back_the_new_checkpoint_is_not_the_one_removed(small_trainer, tmp_path: Path):
    trainer = played(small_trainer(), 2)
    checkpoint.save(trainer, tmp_path, keep=3)
    early = checkpoint.find(tmp_path)[0]
    checkpoint.save(played(trainer, 4), tmp_path, keep=3)
    again = small_trainer()
    checkpoint.resume(again, early)
    written = checkpoint.save(played(again, 1), tmp_path, keep=1)
    assert checkpoint.find(tmp_path) == [written] and written.name == "step-00000003"


def test_saving_twice_at_one_step_replaces_it(small_trainer, tmp_path: Path):
    trainer = played(small_trainer(), 1)
    first = checkpoint.save(trainer, tmp_path, keep=3)
    with torch.no_grad():
        next(iter(trainer.game.parameters())).fill_(0.5)
    assert checkpoint.save(trainer, tmp_path, keep=3) == first
    assert (load_file(first / "game.safetensors")["generator.layers.0.weight"] == 0.5).all()


def damage(saved: Path, how: str) -> str:
    """Spoil one file; what the message has to name."""
    file, _, act = how.partition(": ")
    path = saved / file
    if act == "missing":
        path.unlink()
    elif act == "empty":
        path.write_bytes(b"")
    elif act == "truncated":
        path.write_bytes(path.read_bytes()[:-40])
    elif act == "noise":
        path.write_bytes(b"\xff" * 500)
    elif act == "huge header":
        path.write_bytes((2**62).to_bytes(8, "little") + b"{}")
    elif act == "text":
        path.write_text("once upon a time")
    elif act == "folder":
        path.unlink()
        path.mkdir()
    else:
        tensors = load_file(path)
        name = next(n for n in tensors if n.endswith(("layers.0.weight", "layers.0.weight/exp_avg")))
        if act == "one less":
            del tensors[name]
        elif act == "one more":
            tensors["stranger"] = torch.zeros(2)
        elif act == "other shape":
            tensors[name] = torch.zeros(3, 5)
        elif act == "other type":
            tensors[name] = tensors[name].double()
        elif act == "no random state":
            tensors = {n: t for n, t in tensors.items() if not n.startswith("random/")}
        elif act == "strange slot":
            tensors["optimizer/stranger/generator.layers.0.weight/exp_avg"] = tensors[name].clone()
        elif act == "strange parameter":
            tensors["optimizer/generator/stranger/exp_avg"] = tensors[name].clone()
        else:
            raise AssertionError(act)
        save_file(tensors, path)
    return file


WEIGHTS = ["missing", "empty", "truncated", "noise", "huge header", "text", "folder", "one less", "one more",
           "other shape", "other type"]  # fmt: skip
TRAINING = ["missing", "empty", "truncated", "noise", "no random state", "strange slot", "strange parameter",
            "other shape"]  # fmt: skip


@pytest.mark.parametrize("how", [
    *[f"game.safetensors: {act}" for act in WEIGHTS],
    *[f"average.safetensors: {act}" for act in WEIGHTS],
    *[f"training.safetensors: {act}" for act in TRAINING],
    *[f"checkpoint.json: {act}" for act in ("missing", "empty", "truncated", "noise", "text")],
])  # fmt: skip
def test_a_damaged_checkpoint_is_named_and_changes_nothing(small_trainer, saved: Path, how: str):
    trainer = played(small_trainer(), 5)
    before = snapshot(trainer)
    file = damage(saved, how)
    with pytest.raises(CheckpointError) as told:
        checkpoint.resume(trainer, saved)
    assert file in str(told.value) and saved.name in str(told.value) and "\n" not in str(told.value).strip()
    assert same(snapshot(trainer), before)


@pytest.mark.parametrize("how", [
    *[f"game.safetensors: {act}" for act in WEIGHTS],
    *[f"average.safetensors: {act}" for act in WEIGHTS if act not in ("missing", "one less")],
])  # fmt: skip
def test_loading_a_damaged_one_changes_nothing_either(small_trainer, saved: Path, how: str):
    game: Game = small_trainer().game
    before = [t.clone() for t in game.state_dict().values()]
    file = damage(saved, how)
    with pytest.raises(CheckpointError, match=file):
        checkpoint.load(game, saved)
    assert same(list(game.state_dict().values()), before)


@pytest.mark.parametrize(("text", "told"), [
    ('{"format": 2, "step": 1, "average_rounds": 1, "stream": {}}', "has format 2; this version of zerosum reads 1"),
    ('{"format": 1, "step": -1, "average_rounds": 1, "stream": {}}', "damaged"),
    ('{"format": 1, "step": "many", "average_rounds": 1, "stream": {}}', "damaged"),
    ('{"format": 1}', "damaged"),
    ("[]", "damaged"),
])  # fmt: skip
def test_a_strange_position(small_trainer, saved: Path, text: str, told: str):
    (saved / "checkpoint.json").write_text(text)
    with pytest.raises(CheckpointError, match=told):
        checkpoint.resume(small_trainer(), saved)
    with pytest.raises(CheckpointError, match=told):
        checkpoint.step_of(saved)


def test_loading_for_samples(small_trainer, tmp_path: Path):
    trainer = played(small_trainer(), 4)
    folder = checkpoint.save(trainer, tmp_path, keep=1)
    averaged, last = small_trainer().game, small_trainer().game
    checkpoint.load(averaged, folder)
    checkpoint.load(last, folder, average=False)
    z = torch.randn(5, averaged.prior.dim)
    like = torch.zeros(5, 2)
    assert torch.equal(averaged.sample(like, z), trainer.sampler.sample(like, z))
    assert torch.equal(last.sample(like, z), trainer.game.sample(like, z))
    assert not torch.equal(averaged.sample(like, z), last.sample(like, z))
    shutil.rmtree(folder)
    plain = played(small_trainer(average=0.0), 4)
    folder = checkpoint.save(plain, tmp_path, keep=1)
    assert not (folder / "average.safetensors").exists()
    checkpoint.load(averaged, folder)  # no average: the last weights
    assert torch.equal(averaged.sample(like, z), plain.game.sample(like, z))


def test_tied_weights_can_be_saved(small_trainer, tmp_path: Path):
    def tie(game: nn.Module) -> None:
        game.generator.again = game.generator.layers[0]

    trainer = played(small_trainer(tie), 2)
    folder = checkpoint.save(trainer, tmp_path, keep=1)
    fresh = small_trainer(tie)
    checkpoint.resume(fresh, folder)
    assert same(snapshot(fresh), snapshot(trainer))
    assert fresh.game.generator.again.weight is fresh.game.generator.layers[0].weight


def test_a_checkpoint_of_another_game_is_refused_by_the_name_of_what_differs(saved: Path, small_trainer):
    other = small_trainer(lambda game: game.discriminator.register_buffer("stranger", torch.zeros(1)))
    with pytest.raises(CheckpointError, match=r"of another game: the checkpoint lacks discriminator\.stranger"):
        checkpoint.resume(other, saved)


@pytest.mark.parametrize("file", ["game", "average", "training"])
def test_a_full_disk_keeps_what_there_is(small_trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str):
    trainer = played(small_trainer(), 1)
    earlier = checkpoint.save(trainer, tmp_path, keep=1)
    content = {f.name: f.read_bytes() for f in earlier.iterdir()}
    write = checkpoint._write

    def full(path: Path, tensors) -> None:
        if path.stem == file:
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, tensors)

    monkeypatch.setattr(checkpoint, "_write", full)
    with pytest.raises(CheckpointError, match=r"step-00000003: the disk is full; free some space, then resume"):
        checkpoint.save(played(trainer, 2), tmp_path, keep=1)
    assert list(tmp_path.iterdir()) == [earlier]
    assert {f.name: f.read_bytes() for f in earlier.iterdir()} == content


def test_a_file_that_cannot_grow_any_more(small_trainer, tmp_path: Path):
    """The same from the operating system: no file of this process may be larger than 30 kB."""
    program = f"""
import resource, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from conftest import Case
import zerosum.games
from zerosum import checkpoint
from zerosum.recipe import RECIPES
trainer = Case(RECIPES["gan/toy"]).trainer()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
try:
    checkpoint.save(trainer, Path({str(tmp_path)!r}), keep=3)
except checkpoint.CheckpointError as error:
    print(error)
"""
    earlier = checkpoint.save(played(small_trainer(), 1), tmp_path, keep=3)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert "cannot write" in done.stdout and "Earlier checkpoints are untouched" in done.stdout, done.stderr
    assert list(tmp_path.iterdir()) == [earlier]


def test_a_folder_that_may_not_be_written(small_trainer, tmp_path: Path):
    (tmp_path / "checkpoints").write_text("a file where the folder should be")
    with pytest.raises(CheckpointError, match=r"cannot write .*step-00000000"):
        checkpoint.save(small_trainer(), tmp_path / "checkpoints", keep=1)
