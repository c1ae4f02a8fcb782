"""A driving simulator learns in seconds where actions lead: a bright column that steps left or right."""

from __future__ import annotations

import torch
from torch import Tensor

from zerosum import data
from zerosum.data.dataset import Dataset, Field, dataset_of
from zerosum.games import find
from zerosum.modality import Actions, Video, to_float
from zerosum.recipe import Training
from zerosum.roles import Predicts, in_role
from zerosum.run.sampling import eval_no_grad
from zerosum.training.trainer import Trainer
from zerosum.util import rng

FRAMES, SIDE, START = 7, 8, 2


def films(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Films (N, T, 1, SIDE, SIDE) and their actions, -1 or 1; the column stays inside."""
    generator = torch.Generator().manual_seed(seed)
    actions = 2.0 * torch.randint(2, (count, FRAMES, 1), generator=generator) - 1
    return drawn(torch.randint(SIDE, (count,), generator=generator), actions), actions


def drawn(place: Tensor, actions: Tensor) -> Tensor:
    frames = []
    for action in actions.unbind(1):
        frames.append((torch.arange(SIDE) == place[:, None])[:, None, None].expand(-1, 1, SIDE, SIDE))
        place = (place + action[:, 0].long()).clamp(0, SIDE - 1)
    return 255 * torch.stack(frames, 1).to(torch.uint8)


def column(frames: Tensor) -> Tensor:
    """(N,) the brightest column."""
    return frames.mean((1, 2)).argmax(1)


def test_it_foresees_where_steps_lead():
    x, actions = films(500, 0)
    fields = {"x": Field(Video(*x.shape[1:]), x), "actions": Field(Actions(FRAMES, 1), actions)}
    loaded: Dataset = dataset_of("columns", fields)
    rng.seed(0)
    adam = {"lr": 2e-3}
    rates = {f"{player}_optimizer": adam for player in "egt"} | {"d_optimizer": {"lr": 5e-4}}
    config = {"latent_dim": 8, "autoencoder_steps": 300, "start": START, "free": 4, **rates}
    game = find("driving-simulator").build(loaded.spec, {"config": config, "network": {"width": 8, "hidden": 64}})
    stream = data.Stream(loaded, 32, seed=0, batch=game.batch)
    trainer = Trainer(game, stream, Training(steps=700, batch_size=32, average=0.9, precision="fp32"))
    trainer.train([lambda trainer: trainer.pop_metrics() and None])

    x, actions = films(100, 1)
    role = in_role(trainer.sampler, Predicts)
    with eval_no_grad(trainer.sampler, 0):
        made = role.predict(to_float(x[:, :START]), actions[:, :-1])
    hits = [column(made[:, t]) == column(to_float(x[:, START + t])) for t in range(FRAMES - START)]
    assert torch.stack(hits).float().mean() > 0.9, "free-running frames are where the actions lead"
    ends = []
    for sense in (-1.0, 1.0):
        steered = torch.cat([actions[:, : START - 1], torch.full((100, 3, 1), sense)], 1)
        with eval_no_grad(trainer.sampler, 0):
            ends.append(column(role.predict(to_float(x[:, :START]), steered)[:, -1]))
    assert (ends[1] > ends[0]).float().mean() > 0.95
