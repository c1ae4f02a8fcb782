"""Checkpoints: safetensors and JSON in a folder that appears whole or not at all. No pickle: loading runs no code.

`step-00001000/` holds `game.safetensors` (every player's weights and buffers), `average.safetensors` (the weights to
sample from), `training.safetensors` (optimiser slots, random state) and `checkpoint.json` (round, data position).
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from zerosum import randomness
from zerosum.errors import ZerosumError
from zerosum.game import Game
from zerosum.trainer import Trainer

FORMAT = 1


class CheckpointError(ZerosumError):
    """A checkpoint that is damaged, of another game, or cannot be written."""


@dataclass(frozen=True)
class Position:
    """`checkpoint.json`."""

    format: int
    step: int  # rounds played
    average_rounds: int
    stream: dict[str, int]


def save(trainer: Trainer, checkpoints: Path, keep: int) -> Path:
    """Write the trainer's whole state to `checkpoints/step-N`, then remove all but the newest `keep`.

    Raises `CheckpointError` where it cannot be written; older checkpoints then stay.
    """
    final = checkpoints / f"step-{trainer.step:08d}"
    partial = checkpoints / f".partial-{final.name}"
    average = trainer.average
    position = Position(FORMAT, trainer.step, average.rounds if average else 0, trainer.stream.state())
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        _write(partial / "game.safetensors", trainer.game.state_dict())
        if average:
            _write(partial / "average.safetensors", average.followers)
        _write(partial / "training.safetensors", _training_tensors(trainer))
        (partial / "checkpoint.json").write_bytes(TypeAdapter(Position).dump_json(position, indent=1))
        for file in [*partial.iterdir(), partial]:
            _sync(file)
        shutil.rmtree(final, ignore_errors=True)  # only there if a run was rolled back behind it
        partial.rename(final)
        _sync(checkpoints)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        full = getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error)
        why = "the disk is full; free some space, then resume" if full else str(error)
        raise CheckpointError(f"cannot write {final}: {why}. Earlier checkpoints are untouched") from error
    for old in find(checkpoints)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def find(checkpoints: Path) -> list[Path]:
    """The complete checkpoints, oldest first."""
    return sorted(checkpoints.glob("step-*/")) if checkpoints.is_dir() else []


def resume(trainer: Trainer, checkpoint: Path) -> None:
    """Put the trainer where it was, bit for bit."""
    position = _position(checkpoint)
    _fill(trainer.game.state_dict(keep_vars=True), _read(checkpoint / "game.safetensors"), checkpoint)
    if trainer.average:
        _fill(trainer.average.followers, _read(checkpoint / "average.safetensors"), checkpoint)
        trainer.average.rounds = position.average_rounds
    saved = _read(checkpoint / "training.safetensors")
    try:
        _restore_training(trainer, saved)
    except (KeyError, RuntimeError, ValueError, TypeError) as error:
        raise CheckpointError(f"{checkpoint}/training.safetensors does not fit this run: {error}") from error
    trainer.stream.restore(position.stream)
    trainer.step = position.step


def load(game: Game[Any], checkpoint: Path, average: bool = True) -> None:
    """Fill a game's weights and buffers: what it takes to sample, or to fine-tune, from a checkpoint.

    `average` lays the averaged weights over the last ones, where the checkpoint has them.
    """
    tensors = game.state_dict(keep_vars=True)
    _fill(tensors, _read(checkpoint / "game.safetensors"), checkpoint)
    if average and (checkpoint / "average.safetensors").exists():
        followers = _read(checkpoint / "average.safetensors")
        _fill({name: tensors[name] for name in followers if name in tensors}, followers, checkpoint)


def step_of(checkpoint: Path) -> int:
    """Rounds played at a checkpoint."""
    return _position(checkpoint).step


def _training_tensors(trainer: Trainer) -> dict[str, Tensor]:
    names = {id(p): name for name, p in trainer.game.named_parameters()}
    tensors = {f"random/{name}": state for name, state in randomness.capture().items()}
    for player, optimizer in trainer.optimizers.items():
        for parameter, slots in optimizer.state.items():
            for slot, value in slots.items():
                if isinstance(value, Tensor):  # plain SGD keeps a None
                    tensors[f"optimizer/{player}/{names[id(parameter)]}/{slot}"] = value
    return tensors


def _restore_training(trainer: Trainer, saved: Mapping[str, Tensor]) -> None:
    parameters = dict(trainer.game.named_parameters())
    for optimizer in trainer.optimizers.values():
        optimizer.state.clear()
    for key, value in saved.items():
        if key.startswith("optimizer/"):
            _, player, name, slot = key.split("/")
            parameter = parameters[name]
            if value.shape == parameter.shape:
                value = torch.empty_like(parameter).copy_(value).detach()  # in the parameter's memory layout
            trainer.optimizers[player].state[parameter][slot] = value
    randomness.restore({key.removeprefix("random/"): v for key, v in saved.items() if key.startswith("random/")})


def _position(checkpoint: Path) -> Position:
    try:
        return TypeAdapter(Position).validate_json((checkpoint / "checkpoint.json").read_bytes())
    except (OSError, ValidationError) as error:
        raise CheckpointError(f"{checkpoint}/checkpoint.json cannot be read: it is missing or damaged") from error


def _write(path: Path, tensors: Mapping[str, Tensor]) -> None:
    save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, path)


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing; delete this checkpoint to go on from an earlier one") from None
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} is damaged ({error}); delete this checkpoint to use an earlier one") from error


@torch.no_grad()
def _fill(tensors: Mapping[str, Tensor], saved: Mapping[str, Tensor], checkpoint: Path) -> None:
    """Copy `saved` into `tensors` in place; every name, shape and dtype has to agree."""
    for name in tensors.keys() ^ saved.keys():
        where = "the checkpoint lacks" if name in tensors else "this game has no"
        raise CheckpointError(f"{checkpoint} is of another game: {where} {name}")
    for name, tensor in tensors.items():
        own, its = (tensor.shape, tensor.dtype), (saved[name].shape, saved[name].dtype)
        if own != its:
            raise CheckpointError(f"{checkpoint} is of another game: {name} is {its}, expected {own}")
    for name, tensor in tensors.items():
        tensor.copy_(saved[name])


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
