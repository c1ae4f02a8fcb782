"""Checkpoints: safetensors and JSON in a folder that appears whole or not at all. No pickle: loading runs no code.

`step-00001000/` holds `game.safetensors` (every player's weights and buffers), `average.safetensors` (the weights to
sample from), `training.safetensors` (optimiser slots, random state, tensors of the stream's state) and
`checkpoint.json` (step, data position, a checksum of each file and of itself): what was damaged later is never used.
A folder of another name, such as a copy's, is no checkpoint.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Ge, Gt, Le
from pydantic import ConfigDict, TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as from_bytes
from safetensors.torch import load_file, save_file
from safetensors.torch import save as to_bytes
from torch import Tensor

from zerosum.errors import ZerosumError
from zerosum.game import Game
from zerosum.latent import hashed_seed
from zerosum.training.log_keys import Key
from zerosum.training.trainer import Trainer, Value
from zerosum.util import distributed, files, formats, memory, rng
from zerosum.util.memory import OutOfMemoryError
from zerosum.util.text import encodable

GAME, AVERAGE, TRAINING = "game.safetensors", "average.safetensors", "training.safetensors"
POSITION = "checkpoint.json"
RANDOM, LOGGED = "random", "logged"  # what the names of tensors begin with that each process has of its own
PARTIAL, REPLACED = ".partial-", ".replaced-"  # before the name of a checkpoint that is written, or gives way to one
COUNT = Annotated[int, Ge(0), Le(2**63 - 1)]


def _from_1(position: formats.Document) -> formats.Document:
    return {**formats.rename(position, {"rate": "lr_scale"}), "checksums": {}}


MIGRATIONS: formats.Migrations = {1: _from_1}  # of `checkpoint.json`


class CheckpointError(ZerosumError):
    """A checkpoint that is damaged, of another game, or cannot be written."""


@dataclass(frozen=True)
class Position:
    """`checkpoint.json`, beside its format number and its own checksum."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", allow_inf_nan=False)

    step: COUNT  # steps played
    average_rounds: COUNT  # as many, where averages are kept
    stream: dict[str, COUNT]
    checksums: dict[str, str]  # sha256 of each file of tensors; {} for one of format 1, which had none
    lr_scale: Annotated[float, Gt(0), Le(1)] = 1.0  # a factor on the learning rates; below 1 after a rollback

    def __post_init__(self) -> None:
        if self.average_rounds not in (0, self.step):
            raise ValueError(f"{self.average_rounds} averages are not of step {self.step}")


def save(
    trainer: Trainer,
    checkpoints: Path,
    keep: int,
    own: Sequence[Mapping[str, Tensor]] | None = None,
) -> Path:
    """Write the trainer's whole state to `checkpoints/step-N`, then remove all but the newest `keep`.

    Raises `CheckpointError` where it cannot be written; older checkpoints then stay.

    Args:
        own: what each process has of its own, by rank (`own_state`); by default this one's random state.
    """
    final = checkpoints / f"step-{trainer.step:08d}"
    partial, replaced = (checkpoints / f"{mark}{final.name}" for mark in (PARTIAL, REPLACED))
    average, state = trainer.average, trainer.stream.state()
    numbers = {name: value for name, value in state.items() if not isinstance(value, Tensor)}
    try:
        files.remove(partial)
        partial.mkdir(parents=True)
        of_training = _training_tensors(trainer, state, own or [own_state(trainer)])
        tensors = {TRAINING: of_training, GAME: trainer.game.state_dict()}
        tensors |= {AVERAGE: average.followers} if average else {}
        checksums = _written(partial, tensors)
        position = Position(trainer.step, average.rounds if average else 0, numbers, checksums, trainer.lr_scale)
        (partial / POSITION).write_bytes(_sealed({"format": formats.newest(MIGRATIONS), **asdict(position)}))
        _sync(partial / POSITION)
        _sync(partial)
        if os.path.lexists(final):  # only if a run was rolled back to it; `settle` ends this where a kill comes between
            files.remove(replaced)
            final.rename(replaced)
        partial.rename(final)
        _sync(checkpoints)
        files.remove(replaced)
    except (OSError, SafetensorError) as error:
        files.remove(partial)
        full = getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error)
        why = "the disk is full; free some space, then resume" if full else str(error)
        raise CheckpointError(f"cannot write {final}: {why}. Earlier checkpoints are untouched") from error
    except BaseException:  # a second Ctrl-C
        files.remove(partial)
        raise
    prune(final, keep)
    return final


def own_state(trainer: Trainer, unread: bool = False) -> dict[str, Tensor]:
    """What of a process no other has: its random state, and what it has logged, of its share of the batches.

    Args:
        unread: also what was logged and not read yet, so that the next line of the log is that of an unbroken run.
    """
    tensors = {f"{RANDOM}/{name}": value for name, value in rng.capture().items()}
    for number, (step, key, value) in enumerate(trainer.pending if unread else ()):
        what = json.dumps([step, key.player, key.removeprefix(f"{key.player}/"), key.kind])
        tensors[f"{LOGGED}/{number:08d}/{what}"] = value.cpu()
    return tensors


def prune(newest: Path, keep: int) -> None:
    """Remove the oldest checkpoints beside `newest`, whatever its number, until `keep` are left."""
    others = [path for path in find(newest.parent) if path != newest]
    for old in others[: max(len(others) + 1 - keep, 0)]:
        files.remove(old)


def settle(checkpoints: Path) -> None:
    """Remove what a killed process left half-written, and put back what it had moved out of the way of that.

    To be called where no other process saves there.
    """
    for replaced in checkpoints.glob(f"{REPLACED}step-*"):
        final = replaced.with_name(replaced.name.removeprefix(REPLACED))
        if os.path.lexists(final):
            files.remove(replaced)
        else:
            replaced.rename(final)
    for partial in checkpoints.glob(f"{PARTIAL}*"):
        files.remove(partial)


def find(checkpoints: Path) -> list[Path]:
    """The complete checkpoints, oldest first: folders that are called `step-` and a number of eight digits or more.

    Raises:
        CheckpointError: the folder cannot be read.
    """
    try:
        found = [path for path in checkpoints.iterdir() if number_of(path) >= 0 and path.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise _unreadable(checkpoints, error) from error
    return sorted(found, key=number_of)


def newest(checkpoints: Path) -> Path | None:
    """The checkpoint that a run goes on from, and that is sampled from; None where there is none.

    Raises:
        CheckpointError: the folder cannot be read.
    """
    return next(reversed(find(checkpoints)), None)


def number_of(checkpoint: Path) -> int:
    """The step in the name of a checkpoint; -1 where this is the name of none."""
    digits = re.fullmatch(r"step-([0-9]{8}|[1-9][0-9]{8,17})", checkpoint.name)
    return int(digits[1]) if digits else -1


def resume(trainer: Trainer, checkpoint: Path) -> None:
    """Put the trainer where it was, bit for bit; `CheckpointError`, with the trainer untouched, if it does not fit."""
    position, average = _verified(checkpoint), trainer.average
    if position.average_rounds != (position.step if average else 0):
        raise CheckpointError(
            f"{checkpoint / POSITION} does not fit this run: it tells of {position.average_rounds:,} averages after "
            f"{position.step:,} steps; {_cure(checkpoint / POSITION)}"
        )
    tensors = [(trainer.game.state_dict(keep_vars=True), checkpoint / GAME)]
    tensors += [(dict(average.followers), checkpoint / AVERAGE)] if average else []
    read = [(own, _fitting(own, _read(path), path)) for own, path in tensors]
    saved = _read(checkpoint / TRAINING)
    try:
        slots, logged = _slots(trainer, saved), _logged(saved, trainer.device)
        noise = _of_process(RANDOM, distributed.rank(), saved)
        if noise or distributed.rank() == 0:
            rng.restore(noise)
        else:  # of a process that the run did not have then: noise that none had before
            rng.seed(hashed_seed(_prefix(RANDOM, distributed.rank()), trainer.training.seed, position.step))
    except (KeyError, RuntimeError, ValueError, TypeError, OverflowError) as error:
        raise CheckpointError(f"{checkpoint / TRAINING} does not fit this run: {error}") from error
    held = {key.removeprefix("stream/"): value for key, value in saved.items() if key.startswith("stream/")}
    trainer.stream.restore({**position.stream, **held})
    for own, its in read:
        _copy(own, its)
    for player, optimizer in trainer.optimizers.items():
        optimizer.load_state_dict(optimizer.state_dict() | {"state": slots[player]})
    if average:
        average.rounds = position.average_rounds
    if trainer.recorder:
        trainer.recorder.reset()
    trainer.step, trainer.lr_scale, trainer.pending = position.step, position.lr_scale, logged


def load(game: Game[Any], checkpoint: Path, average: bool = True) -> None:
    """Fill a game's weights and buffers: what it takes to sample, or to fine-tune, from a checkpoint.

    `average` lays the averaged weights over the last ones, where the checkpoint has them. `CheckpointError`, and
    nothing changed, where it does not fit.
    """
    position, tensors = _verified(checkpoint), game.state_dict(keep_vars=True)
    path = checkpoint / GAME
    saved = _fitting(tensors, _read(path), path)
    path = checkpoint / AVERAGE
    if average and (path.name in position.checksums or path.exists()):
        followers = _read(path)
        saved = saved | _fitting({name: tensors[name] for name in followers if name in tensors}, followers, path)
    _copy(tensors, saved)


def step_of(checkpoint: Path) -> int:
    """Steps played at a checkpoint, as it says itself."""
    return _position(checkpoint).step


def lr_scale_of(checkpoint: Path) -> float:
    """The factor on the learning rates at a checkpoint."""
    return _position(checkpoint).lr_scale


def _prefix(kind: str, rank: int) -> str:
    """What the names begin with that a process has of its own: `random/`, and `random-1/` of the second."""
    return f"{kind}-{rank}/" if rank else f"{kind}/"


def _of_process(kind: str, rank: int, saved: Mapping[str, Tensor]) -> dict[str, Tensor]:
    prefix = _prefix(kind, rank)
    return {key.removeprefix(prefix): value for key, value in saved.items() if key.startswith(prefix)}


def _training_tensors(
    trainer: Trainer, stream: Mapping[str, int | Tensor], own: Sequence[Mapping[str, Tensor]]
) -> dict[str, Tensor]:
    names = {id(p): name for name, p in trainer.game.named_parameters()}
    tensors: dict[str, Tensor] = {}
    for rank, state in enumerate(own):
        for name, value in state.items():
            kind, _, rest = name.partition("/")
            tensors[_prefix(kind, rank) + rest] = value
    tensors |= {f"stream/{name}": value for name, value in stream.items() if isinstance(value, Tensor)}
    for player, optimizer in trainer.optimizers.items():
        for parameter, slots in optimizer.state.items():
            for slot, value in slots.items():
                if isinstance(value, Tensor):  # plain SGD keeps a None
                    tensors[f"optimizer/{player}/{names[id(parameter)]}/{slot}"] = value
    return tensors


def _slots(trainer: Trainer, saved: Mapping[str, Tensor]) -> dict[str, dict[int, dict[str, Tensor]]]:
    """Each player's optimiser slots, by the number of the parameter, in the parameter's memory layout."""
    parameters = dict(trainer.game.named_parameters())
    numbers = {id(p): i for own in trainer.parameters.values() for i, p in enumerate(own)}
    slots: dict[str, dict[int, dict[str, Tensor]]] = {player: {} for player in trainer.players}
    for key, value in saved.items():
        if key.startswith("optimizer/"):
            player, _, rest = key.removeprefix("optimizer/").partition("/")
            name, _, slot = rest.rpartition("/")
            parameter = parameters[name]
            if value.shape not in (parameter.shape, ()):  # () counts steps
                raise ValueError(f"{key} has the shape {tuple(value.shape)}")
            if value.shape == parameter.shape:
                value = torch.empty_like(parameter).copy_(value).detach()
            slots[player].setdefault(numbers[id(parameter)], {})[slot] = value
    return slots


def _logged(saved: Mapping[str, Tensor], device: torch.device) -> list[Value]:
    """What this process had logged and not read yet when the checkpoint was saved.

    Where as many processes go on as saved, each has its own share of the batches; else each has all shares, whose mean
    over the processes is the same.
    """
    shares = [share for rank in range(_processes(saved)) if (share := _of_process(LOGGED, rank, saved))]
    if len(shares) == distributed.world_size():
        shares = [shares[distributed.rank()]]
    found: list[Value] = []
    for name in sorted(shares[0]) if shares else ():
        step, player, key, kind = json.loads(name.split("/", 1)[1])
        parts = [share[name].to(device) for share in shares]
        value = parts[0] if len(parts) == 1 else torch.cat(parts) if parts[0].dim() else torch.stack(parts).mean()
        found.append((step, Key(player, key, kind), value))
    return found


def _processes(saved: Mapping[str, Tensor]) -> int:
    """How many processes saved their random states."""
    return len({key.partition("/")[0] for key in saved if key.startswith(RANDOM)})


def _position(checkpoint: Path) -> Position:
    """`checkpoint.json`, validated, and from format 2 on compared with its checksum."""
    path = checkpoint / POSITION
    try:
        content = files.read_bytes(path)
        document = json.loads(content)
        fields = formats.upgrade(document, MIGRATIONS)
        checksum = fields.pop("checksum", None)
        if document["format"] > 1 or checksum is not None:
            del document["checksum"]
            if content != _sealed(document):
                raise ValueError("its checksum differs")
        # As JSON, where a word or true is no number.
        position = TypeAdapter(Position).validate_json(json.dumps(fields), strict=True)
        if document["format"] > 1 and not {GAME, TRAINING} <= position.checksums.keys():
            raise ValueError("it lacks the checksum of a file")
    except formats.NewerFormatError as error:
        raise CheckpointError(f"{path} {error}") from None
    except OSError as error:
        raise _unreadable(path, error) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise _damaged(path, f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}") from error
    except (KeyError, ValueError, RecursionError, OutOfMemoryError) as error:
        raise _damaged(path, error) from error
    if number_of(checkpoint) not in (-1, position.step):
        raise _damaged(path, f"it is of step {position.step:,}, and its folder of another")
    return position


def _verified(checkpoint: Path) -> Position:
    """The position, once each file of tensors that is there has the checksum that it was saved with."""
    position = _position(checkpoint)
    for name in (GAME, AVERAGE, TRAINING) if position.checksums else ():
        path = checkpoint / name
        try:
            same = not path.exists() or _checksum(path) == position.checksums.get(name)
        except OSError as error:
            raise _unreadable(path, error) from error
        if not same:
            raise _damaged(path, "its checksum differs")
    return position


def _checksum(path: Path) -> str:
    with files.open_regular(path) as file:
        memory.require(os.fstat(file.fileno()).st_size, f"reading {path}", _cure(path))
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sealed(fields: Mapping[str, Any]) -> bytes:
    """JSON of `fields` that ends with a checksum of all else in it."""
    checksum = hashlib.sha256(json.dumps(fields, indent=1).encode()).hexdigest()
    return json.dumps({**fields, "checksum": checksum}, indent=1).encode()


def _written(folder: Path, content: Mapping[str, Mapping[str, Tensor]]) -> dict[str, str]:
    """Bring files of tensors to the disk; their checksums. A file is hashed while it and others are written."""
    with ThreadPoolExecutor() as pool:
        synced, checksums = [], {}
        for name, tensors in content.items():
            _write(folder / name, tensors)
            synced.append(pool.submit(_sync, folder / name))
            checksums[name] = pool.submit(_checksum, folder / name)
        for one in synced:
            one.result()
        return {name: one.result() for name, one in checksums.items()}


def _write(path: Path, tensors: Mapping[str, Tensor]) -> None:
    # Cloned, because safetensors refuses two names for one tensor, as tied weights have.
    copies = {name: t.detach().clone(memory_format=torch.contiguous_format) for name, t in tensors.items()}
    if _is_utf_8(path):
        save_file(copies, path)
    else:
        path.write_bytes(to_bytes(copies))
    path.chmod(path.parent.stat().st_mode & 0o666)  # as of any new file; safetensors lets nobody else read it


def _read(path: Path) -> dict[str, Tensor]:
    try:
        with files.open_regular(path) as file:  # safetensors would wait for a pipe
            return load_file(path) if _is_utf_8(path) else from_bytes(file.read())
    except OSError as error:
        raise _unreadable(path, error) from error
    except SafetensorError as error:
        raise _damaged(path, error) from error


def _is_utf_8(path: Path) -> bool:
    """Whether safetensors can open it; other names are of old archives, and files there go through the memory."""
    return encodable(str(path)) == str(path)


def _unreadable(path: Path, error: OSError) -> CheckpointError:
    """Why the system does not let a file of a checkpoint be read."""
    if isinstance(error, FileNotFoundError):
        return CheckpointError(f"{path} is missing; {_cure(path)}")
    if isinstance(error, PermissionError):
        return CheckpointError(f"{path} cannot be read: {error.strerror}; let this user read it (chmod, chown)")
    return CheckpointError(f"{path} cannot be read: {error.strerror or error}; {_cure(path)}")


def _damaged(path: Path, why: object) -> CheckpointError:
    return CheckpointError(f"{path} is damaged ({why}); {_cure(path)}")


def _cure(path: Path) -> str:
    """What to do about a file of a checkpoint that cannot be used."""
    checkpoint = path.parent
    with suppress(CheckpointError):
        if earlier := [other for other in find(checkpoint.parent) if number_of(other) < number_of(checkpoint)]:
            return f"delete this checkpoint to use an earlier one, {earlier[-1].name}"
    return "put a copy of it in its place, or train again: there is no earlier checkpoint"


def _fitting(tensors: Mapping[str, Tensor], saved: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """`saved`, if its every name, shape and dtype agrees with `tensors`."""
    for name in tensors.keys() ^ saved.keys():
        where = "the checkpoint lacks" if name in tensors else "this game has no"
        raise CheckpointError(f"{path} is of another game: {where} {name}")
    for name, tensor in tensors.items():
        own, its = (tuple(tensor.shape), tensor.dtype), (tuple(saved[name].shape), saved[name].dtype)
        if own != its:
            raise CheckpointError(f"{path} is of another game: {name} is {its}, expected {own}")
    return saved


@torch.no_grad()
def _copy(tensors: Mapping[str, Tensor], saved: Mapping[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        tensor.copy_(saved[name])


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
