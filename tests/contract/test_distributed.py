"""Two processes with half a batch each play the game that one process plays with the whole batch."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from zerosum.util import distributed

PLAYER = """
import json, sys
import torch
from zerosum.util import distributed, rng
from zerosum.games.gan import GAN
from zerosum.games.r3gan import R3GAN
from zerosum.networks import dcgan, mlp
from zerosum.optim import SGD
from zerosum.recipe import Training
from zerosum.training.trainer import Trainer

torch.set_num_threads(1)
distributed.start()
rank, world = distributed.rank(), distributed.world_size()
out, batch = sys.argv[1], 8


class Latents:
    dim = 3
    def __init__(self): self.at = 0
    def draw(self, count, device="cpu", generator=None):
        self.at += 1
        whole = torch.randn(batch, 3, generator=torch.Generator().manual_seed(1000 + self.at))
        return whole.chunk(world)[rank]


class Halves:
    def __init__(self, shape): self.at, self.shape = 0, shape
    def __call__(self):
        self.at += 1
        whole = torch.randn(batch, *self.shape, generator=torch.Generator().manual_seed(self.at))
        return whole.chunk(world)[rank]
    def state(self): return {}
    def restore(self, state): pass


results = {}
for name, shape in (("points", (2,)), ("images", (2, 16, 16)), ("moves at once", (2,))):
    rng.seed(5 + rank)  # each rank starts otherwise; the first one's weights count
    sgd = SGD(0.05)  # Adam would blow rounding up: a relativistic D's last bias has a gradient of 0
    if name != "images":
        nets = mlp.Generator(3, shape, (16,)), mlp.Discriminator(shape, (16,))
    else:
        nets = dcgan.Generator(3, shape, 4, "none"), dcgan.Discriminator(shape, 4, "none")
    if name == "moves at once":
        config = GAN.Config(3, order="simultaneous", initial_samples=20, g_optimizer=sgd, d_optimizer=sgd)
        game = GAN(mlp.PaperGenerator(3, shape, 16), nets[1], config)
    else:
        game = R3GAN(*nets, R3GAN.Config(3, gamma=0.5, optimizer=sgd))
    game.prior = Latents()
    if name == "images":
        game = game.to(memory_format=torch.channels_last)  # as a user may have it already
    trainer = Trainer(game, Halves(shape), Training(average=0.9, precision="fp32", clip=0.5))
    game.train()
    for _ in range(5):
        trainer.round()
    flat = torch.cat([p.detach().flatten() for p in [*game.parameters(), *trainer.average.followers.values()]])
    results[name] = flat.tolist()
with open(f"{out}/{world}-{rank}.json", "w") as f:
    json.dump(results, f)
if world > 1:
    torch.distributed.destroy_process_group()
"""


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


GUESSER = """
import json, sys
import torch
from zerosum.techniques.consistency import Guesses
from zerosum.util import distributed

torch.set_num_threads(1)
distributed.start()
rank, world = distributed.rank(), distributed.world_size()
guesses = Guesses(3)
for step in range(5):
    logits = torch.randn(8, 3, generator=torch.Generator().manual_seed(step)).chunk(world)[rank]
    guesses(logits, logits, 0.5)
with open(f"{sys.argv[1]}/{world}-{rank}.json", "w") as f:
    json.dump(guesses.frequencies.tolist(), f)
if world > 1:
    torch.distributed.destroy_process_group()
"""


STANDARD = """
import json, sys
import torch
from zerosum.util import distributed

torch.set_num_threads(1)
distributed.start()
rank, world = distributed.rank(), distributed.world_size()
values = torch.arange(7.0) ** 2
own = values if world == 1 else values.split([2, 5])[rank]
with open(f"{sys.argv[1]}/{world}-{rank}.json", "w") as f:
    json.dump(distributed.standardised(own).tolist(), f)
if world > 1:
    torch.distributed.destroy_process_group()
"""


STOPPED = """
import json, sys
import torch
import zerosum
from zerosum.util import distributed

torch.set_num_threads(1)
distributed.start()
rank, world = distributed.rank(), distributed.world_size()
def stop(trainer): trainer.stopping = trainer.step == 2
run = zerosum.train("gan/toy", out=f"{sys.argv[1]}/run-{world}", steps=4, batch_size=8, quiet=True, hooks=[stop])
with open(f"{sys.argv[1]}/{world}-{rank}.json", "w") as f:
    json.dump(run.step, f)
if world > 1:
    torch.distributed.destroy_process_group()
"""


def results(source: str, folder: Path) -> list[Any]:
    """What `source` writes, run alone and by each of two processes: {world}-{rank}.json."""
    plain = {k: v for k, v in os.environ.items() if k not in ("RANK", "WORLD_SIZE", "LOCAL_RANK")}
    group = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    group |= {"GLOO_SOCKET_IFNAME": "lo"}
    environments = [plain, *(plain | group | {"RANK": str(r), "LOCAL_RANK": str(r)} for r in (0, 1))]
    program = folder / "program.py"
    program.write_text(source)
    command = [sys.executable, str(program), str(folder)]
    runs = [subprocess.Popen(command, env=e, stderr=subprocess.PIPE, text=True) for e in environments]
    try:
        errors = [run.communicate(timeout=200)[1] for run in runs]
    finally:
        for run in runs:
            run.kill()
    assert [run.returncode for run in runs] == [0, 0, 0], "\n".join(errors)
    return [json.loads((folder / f"{name}.json").read_text()) for name in ("1-0", "2-0", "2-1")]


def test_halves_equal_the_whole(tmp_path: Path):
    whole, first, second = results(PLAYER, tmp_path)
    for name in whole:
        assert first[name] == second[name], "the ranks play with different weights"
        torch.testing.assert_close(torch.tensor(first[name]), torch.tensor(whole[name]), rtol=1e-3, atol=2e-5)


def test_what_a_buffer_follows_is_of_the_whole_batch(tmp_path: Path):
    whole, first, second = results(GUESSER, tmp_path)
    assert first == second, "the ranks align their guesses otherwise"
    assert first == pytest.approx(whole, rel=1e-5) and len({round(share, 3) for share in whole}) == 3


def test_numbers_are_standardised_over_all_processes(tmp_path: Path):
    whole, first, second = results(STANDARD, tmp_path)
    assert [*first, *second] == pytest.approx(whole, rel=1e-5)
    values = torch.arange(7.0) ** 2
    assert whole == pytest.approx(((values - values.mean()) / values.std(correction=0)).tolist(), rel=1e-5)


def test_a_hook_of_the_first_process_stops_all(tmp_path: Path):
    assert results(STOPPED, tmp_path) == [2, 2, 2]


def test_alone_nothing_happens(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("RANK", raising=False)
    layer = nn.Linear(2, 1)
    layer(torch.ones(1, 2)).sum().backward()
    before = [p.grad.clone() for p in layer.parameters()]
    assert (distributed.rank(), distributed.world_size()) == (0, 1)
    assert distributed.broadcast(layer) is layer
    assert distributed.any_says(True) is True
    distributed.average_gradients(list(layer.parameters()))
    assert distributed.mean(layer.weight) is layer.weight
    assert all(torch.equal(a, p.grad) for a, p in zip(before, layer.parameters(), strict=True))
