"""A recipe whose second process goes wrong in its sixth round, in the way that the variable FAULT says."""

import os
import signal
import time

import torch
from torch import Tensor, nn

from zerosum.games.gan import GAN
from zerosum.modality import Spec
from zerosum.networks import mlp
from zerosum.recipe import recipe
from zerosum.util import distributed

FAULT = os.environ.get("FAULT", "")
CONFIG = GAN.Config(latent_dim=2)


class Discriminator(nn.Module):
    """A perceptron, called twice a round."""

    def __init__(self, shape: tuple[int, ...]):
        super().__init__()
        self.layers, self.calls = mlp.Discriminator(shape, (8,)), 0

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.layers(x)
        self.calls += not x.is_meta
        if FAULT == "slow":
            time.sleep(0.01)
        if distributed.rank() == 1 and self.calls == 12:
            if FAULT == "nan":
                return logits * torch.nan
            if FAULT == "error":
                raise ValueError("boom")
            if FAULT == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
        return logits


@recipe(data="ring", batch_size=16, steps=30, average=0.0, log_every=10, health=False)
def toy(data: Spec, config: GAN.Config = CONFIG) -> GAN:
    """Small perceptrons."""
    return GAN(mlp.Generator(2, data.x.shape, (8,)), Discriminator(data.x.shape), config)
