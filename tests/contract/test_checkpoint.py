"""Checkpoints: whole or not at all, and one clear sentence for those that are neither."""

from __future__ import annotations

import errno
import hashlib
import json
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import zerosum
from zerosum.game import Game
from zerosum.roles import Generates, in_role
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
        "lr_scale",
        "checksums",
        "checksum",
    }
    assert set(load_file(saved / "average.safetensors")) < set(load_file(saved / "game.safetensors"))


def test_no_pickle_anywhere():
    """Not imported by hand, and `torch.load` and `torch.save`, which are pickle, not called.

    But for the published Inception weights, a .pth file that torch-fidelity must have: nothing but tensors is read.
    """
    sources = list(Path(zerosum.__file__).parent.rglob("*.py"))
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
        seal(saved)
    return file


def seal(saved: Path, **changes: object) -> None:
    """Give a checkpoint that was changed the right checksums, so that what is behind them is tested."""
    fields = json.loads((saved / "checkpoint.json").read_text())
    del fields["checksum"]
    fields["checksums"] = {file.name: sha256(file) for file in saved.glob("*.safetensors")}
    (saved / "checkpoint.json").write_bytes(checkpoint._sealed(fields | changes))


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def aged(saved: Path, **changes: object) -> None:
    """Bring a checkpoint back to format 1, which had no checksums."""
    fields = json.loads((saved / "checkpoint.json").read_text())
    position = {name: fields[name] for name in ("step", "average_rounds", "stream")}
    (saved / "checkpoint.json").write_text(json.dumps({"format": 1, **position, **changes}))


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
    *[f"average.safetensors: {act}" for act in WEIGHTS if act != "one less"],
    *[f"training.safetensors: {act}" for act in ("empty", "truncated", "noise", "folder")],
    *[f"checkpoint.json: {act}" for act in ("missing", "empty", "truncated", "noise", "text")],
])  # fmt: skip
def test_loading_a_damaged_one_changes_nothing_either(small_trainer, saved: Path, how: str):
    game: Game = small_trainer().game
    before = [t.clone() for t in game.state_dict().values()]
    file = damage(saved, how)
    with pytest.raises(CheckpointError, match=file):
        checkpoint.load(game, saved)
    assert same(list(game.state_dict().values()), before)


@pytest.mark.parametrize(("text", "message"), [
    ('{"format": 1, "step": -1, "average_rounds": 1, "stream": {}}', "damaged"),
    ('{"format": 1, "step": "many", "average_rounds": 1, "stream": {}}', "damaged"),
    ('{"format": 1, "step": 1, "average_rounds": 1, "stream": {}, "stride": 2}', "damaged"),
    ('{"format": 1}', "damaged"),
    ('{"format": 2, "step": 1, "average_rounds": 1, "stream": {}, "checksums": {}}', "damaged"),
    ('{"format": 3, "step": 1, "average_rounds": 1, "stream": {}}',
     r"checkpoint\.json was written by a newer zerosum \(format 3, this one reads up to 2\); update zerosum$"),
    ('{"format": 0}', "damaged"), ('{"format": true}', "damaged"), ('{"step": 1}', "damaged"),
    ("[]", "damaged"), ("[" * 100_000, "damaged"),
])  # fmt: skip
def test_a_strange_position(small_trainer, saved: Path, text: str, message: str):
    (saved / "checkpoint.json").write_text(text)
    trainer = small_trainer()
    for read in (lambda: checkpoint.resume(trainer, saved), lambda: checkpoint.step_of(saved),
                 lambda: checkpoint.load(trainer.game, saved)):  # fmt: skip
        with pytest.raises(CheckpointError, match=message):
            read()


def test_one_wrong_bit_anywhere_is_refused_by_name(small_trainer, saved: Path):
    """By both readers, whichever file of the checkpoint has it, though most of such files are read without an error."""
    trainer = played(small_trainer(), 2)
    before, draw = snapshot(trainer), random.Random(8)
    for file in sorted(saved.iterdir()):
        content = file.read_bytes()
        bits = [*draw.sample(range(8 * len(content)), 30), 0, 64, 8 * len(content) - 1]
        for bit in bits:
            flip(file, content, bit)
            for read in (lambda: checkpoint.resume(trainer, saved), lambda: checkpoint.load(trainer.game, saved)):
                with pytest.raises(CheckpointError) as refused:
                    read()
                assert str(file) in str(refused.value), bit
                assert re.search("there is no earlier checkpoint|newer zerosum", str(refused.value)), bit
        file.write_bytes(content)
    assert same(snapshot(trainer), before)
    checkpoint.resume(trainer, saved)


def test_no_bit_of_the_position_goes_unguarded(saved: Path):
    file = saved / "checkpoint.json"
    content = file.read_bytes()
    for bit in range(8 * len(content)):
        flip(file, content, bit)
        with pytest.raises(CheckpointError, match=r"checkpoint\.json (is damaged|was written by a newer)"):
            checkpoint.step_of(saved)


def flip(file: Path, content: bytes, bit: int) -> None:
    damaged = bytearray(content)
    damaged[bit // 8] ^= 1 << bit % 8
    file.write_bytes(damaged)


def test_the_checksums_are_those_of_the_files(saved: Path):
    fields = json.loads((saved / "checkpoint.json").read_text())
    assert fields["checksums"] == {file.name: sha256(file) for file in saved.glob("*.safetensors")}
    assert len(fields["checksums"]) == 3 and next(iter(fields)) == "format" and [*fields][-1] == "checksum"


def test_weights_laid_into_a_checkpoint_are_not_used(small_trainer, tmp_path: Path):
    trainer = played(small_trainer(average=0.0), 2)
    folder = checkpoint.save(trainer, tmp_path, keep=1)
    save_file({"generator.layers.0.weight": torch.zeros(64, 2)}, folder / "average.safetensors")
    with pytest.raises(CheckpointError, match=r"average\.safetensors is damaged \(its checksum differs\)"):
        checkpoint.load(trainer.game, folder)


def test_sampling_needs_no_optimizer_state(small_trainer, saved: Path):
    (saved / "training.safetensors").unlink()
    checkpoint.load(small_trainer().game, saved)
    with pytest.raises(CheckpointError, match=r"training\.safetensors is missing"):
        checkpoint.resume(small_trainer(), saved)


def test_a_checkpoint_of_format_1(small_trainer, tmp_path: Path):
    trainer = played(small_trainer(), 3)
    trainer.lr_scale = 0.25
    folder = checkpoint.save(trainer, tmp_path, keep=1)
    for changes, lr_scale in (({"rate": 0.25}, 0.25), ({}, 1.0)):  # the first of them had no rate
        aged(folder, **changes)
        fresh = small_trainer()
        checkpoint.resume(fresh, folder)
        assert same(snapshot(fresh), snapshot(trainer)) and fresh.lr_scale == lr_scale
    checkpoint.load(fresh.game, folder)
    (folder / "average.safetensors").unlink()
    checkpoint.load(fresh.game, folder)  # nothing says that it had one
    aged(folder, checksum="0" * 64)
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoint.load(fresh.game, folder)


def test_the_state_of_a_stream_may_hold_tensors(small_trainer, tmp_path: Path):
    state = {"epoch": 3, "order": torch.randperm(9), "noise": torch.randn(2, 3).half(), "seen": torch.tensor(True)}
    trainer = small_trainer()
    trainer.stream = Replay(state)
    folder = checkpoint.save(trainer, tmp_path, keep=1)
    assert json.loads((folder / "checkpoint.json").read_text())["stream"] == {"epoch": 3}
    fresh = small_trainer()
    fresh.stream = Replay({})
    checkpoint.resume(fresh, folder)
    assert fresh.stream.held.keys() == state.keys() and fresh.stream.held["epoch"] == 3
    for name in ("order", "noise", "seen"):
        assert fresh.stream.held[name].dtype == state[name].dtype and torch.equal(fresh.stream.held[name], state[name])


class Replay:
    """A stream that keeps what it is given."""

    def __init__(self, held: dict[str, int | torch.Tensor]) -> None:
        self.held = held

    def __call__(self) -> torch.Tensor:
        return torch.zeros(4, 2)

    def state(self) -> dict[str, int | torch.Tensor]:
        return self.held

    def restore(self, state: dict[str, int | torch.Tensor]) -> None:
        self.held = state


def made(game: Game, z: torch.Tensor) -> torch.Tensor:
    return in_role(game, Generates).generate(z)


def test_loading_for_samples(small_trainer, tmp_path: Path):
    trainer = played(small_trainer(), 4)
    folder = checkpoint.save(trainer, tmp_path, keep=1)
    averaged, last = small_trainer().game, small_trainer().game
    checkpoint.load(averaged, folder)
    checkpoint.load(last, folder, average=False)
    z = torch.randn(5, in_role(averaged, Generates).prior.dim)
    assert torch.equal(made(averaged, z), made(trainer.sampler, z))
    assert torch.equal(made(last, z), made(trainer.game, z))
    assert not torch.equal(made(averaged, z), made(last, z))
    shutil.rmtree(folder)
    plain = played(small_trainer(average=0.0), 4)
    folder = checkpoint.save(plain, tmp_path, keep=1)
    assert not (folder / "average.safetensors").exists()
    checkpoint.load(averaged, folder)  # no average: the last weights
    assert torch.equal(made(averaged, z), made(plain.game, z))


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
sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path(__file__).parents[1] / "support")!r}]
from pathlib import Path
from conftest import Case
from zerosum.games import find
from zerosum.training import checkpoint
trainer = Case(find("gan/toy")).trainer()
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
