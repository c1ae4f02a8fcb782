"""What two processes make of each recipe: run by both, the first writes a line of JSON for each to the file argv[1].

`mixes`: whether its networks have statistics of a batch; if not, `error`: of the weights after ROUNDS rounds, relative
to those of one process with the whole batch and equal draws; `differing`: the buffers that differ between processes
after LONG rounds of their own draws; `seconds` of the processor. Arguments after the file: recipes, where they have
options with "+" and these in JSON.
"""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from typing import Any

import torch
from conftest import Case
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from zerosum.contract.case import BATCH
from zerosum.data import Stream
from zerosum.data.dataset import Dataset, Field, dataset_of
from zerosum.games import find
from zerosum.networks.discriminate import mixes_batch
from zerosum.networks.sgan import GaussianNoise
from zerosum.optim import sghmc
from zerosum.recipe import Training
from zerosum.training.trainer import Trainer
from zerosum.util import distributed, rng

ROUNDS, LONG = 3, 12
EPS = 1e-2
ATEN = torch.ops.aten


class Rows(TorchDispatchMode):
    """Random numbers row by row: row i of the k-th draw is the same, whoever draws it, among however many."""

    def __init__(self, rank: int):
        super().__init__()
        self.rank, self.draws = rank, 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out, name = function(*args, **(kwargs or {})), function.overloadpacket
        like = {ATEN.randn: torch.randn, ATEN.randn_like: torch.randn, ATEN.normal_: torch.randn}
        like |= {ATEN.rand: torch.rand, ATEN.rand_like: torch.rand}
        if name is ATEN.randint:
            low, high = (0, args[0]) if isinstance(args[1], (list, tuple)) else args[:2]
            like[name] = partial(torch.randint, low, high)
        of_data = any(isinstance(given, torch.Generator) for given in [*args, *(kwargs or {}).values()])
        if name not in like or out.dim() == 0 or of_data:
            return out
        self.draws += 1
        for i, row in enumerate(out):
            seed = self.draws * 100_003 + self.rank * len(out) + i
            row.copy_(like[name](row.shape, generator=torch.Generator().manual_seed(seed)))
        return out


def made(case: Case, batch: int, rank: int, world: int) -> Trainer:
    """A trainer of a share of the case's data; what mixes the rows of a batch with chance is switched off."""
    rng.seed(3)
    game = case.game()
    for module in game.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
        if isinstance(module, GaussianNoise):
            module.std = 0.0
    data = enough(case.data(), 3 * BATCH)
    stream = Stream(data, batch, seed=1, batch=case.recipe.batch, rank=rank, world=world)
    trainer = Trainer(game, stream, Training(steps=100, batch_size=batch, average=0.9, precision="fp32"))
    # Else a gradient that is 0 but for rounding, as that of the last bias of a relativistic D, moves it as any other.
    for optimizer in trainer.optimizers.values():
        for group in optimizer.param_groups:
            group |= {"eps": EPS} if "eps" in group else {}
    sghmc.EPS = EPS
    return trainer


def enough(data: Dataset, count: int) -> Dataset:
    """The data, its rows again until there are so many."""
    rows = torch.arange(count) % len(data)
    fields = {name: Field(field.modality, field.stored[rows]) for name, field in data.fields.items()}
    return dataset_of(data.name, fields)


def play(trainer: Trainer, rank: int) -> Tensor:
    trainer.game.train()
    with Rows(rank):
        for _ in range(ROUNDS):
            trainer.round()
    average = list(trainer.average.followers.values()) if trainer.average else []
    return torch.cat([p.detach().flatten() for p in [*trainer.game.parameters(), *average]])


def alone(case: Case) -> Tensor:
    """The weights of one process with the whole batch."""
    several = distributed.rank, distributed.world_size
    distributed.rank, distributed.world_size = (lambda: 0), (lambda: 1)
    try:
        return play(made(case, BATCH, 0, 1), 0)
    finally:
        distributed.rank, distributed.world_size = several


def differing(case: Case) -> list[str]:
    """The buffers and weights that are not the same in both processes after rounds of other noise in each."""
    rank, world = distributed.rank(), distributed.world_size()
    trainer = made(case, BATCH // world, rank, world)
    rng.seed(5 + rank)
    trainer.game.train()
    for _ in range(LONG):
        trainer.round()
    trainer.pop_metrics()
    tensors = dict([*trainer.game.named_buffers(), *trainer.game.named_parameters()])
    tensors |= {f"average/{name}": p for name, p in (trainer.average.followers if trainer.average else {}).items()}
    for player, optimizer in trainer.optimizers.items():
        for number, slots in optimizer.state_dict()["state"].items():
            tensors |= {f"{player}/{number}/{k}": v for k, v in slots.items() if v is not None}
    first, *others = distributed.told_by_all({name: tensor.detach().clone() for name, tensor in tensors.items()})
    return [name for name in first if any(not torch.equal(first[name], other[name]) for other in others)]


def main() -> None:
    torch.set_num_threads(1)
    distributed.start()
    rank, world = distributed.rank(), distributed.world_size()
    for name in sys.argv[2:]:
        began = time.process_time()
        recipe, _, options = name.partition("+")
        case = Case(find(recipe))
        case.options |= json.loads(options or "{}")
        if "long_steps" in case.own:
            case.options |= {"config": {"long_steps": 2}}
        line: dict[str, Any] = {"name": name, "mixes": mixes_batch(case.game())}
        if not line["mixes"]:
            own = play(made(case, BATCH // world, rank, world), rank)
            whole = alone(case) if rank == 0 else own
            line["error"] = float((own - whole).norm() / whole.norm())
        line["differing"] = differing(case)
        line["seconds"] = time.process_time() - began
        if rank == 0:
            with open(sys.argv[1], "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
