"""pix2pix: images from images, learnt from aligned pairs; Isola et al., 2017."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor, nn

from zerosum.batches import Draw, Paired
from zerosum.errors import ZerosumError
from zerosum.game import Game, Logits, Move, Player
from zerosum.losses import adversarial
from zerosum.losses.adversarial import OBJECTIVES, ObjectiveName
from zerosum.modality import Spec
from zerosum.networks import unet
from zerosum.networks.blocks import image_shape
from zerosum.networks.discriminate import constant_logits, discriminate
from zerosum.networks.patch import Discriminator, Patch
from zerosum.networks.seeded_dropout import LARGEST
from zerosum.networks.unet import UNet
from zerosum.optim import Adam, DiscriminatorOptimizer, GeneratorOptimizer
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.roles import Translates


class Pix2Pix(Game[Paired], Translates):
    """pix2pix: a conditional GAN with an L1 loss, from aligned pairs; Isola et al., 2017, eq. 4.

    The paper halves D's loss, which Adam undoes. G and D see one batch of fakes, as in the authors' code; G answers to
    D after its step, and in that code to what D said before it.
    """

    name = "pix2pix"
    makes = "b"
    any_size = True

    @dataclass(frozen=True)
    class Config(Checked):
        objective: Annotated[ObjectiveName, "the adversarial loss"] = "non-saturating"
        adversarial: Annotated[float, Ge(0), "weight of the adversarial loss; at 0 there is no D, but L1 alone"] = 1.0
        conditional: Annotated[bool, "D sees the input, too (cGAN); without, the output alone (GAN)"] = True
        l1: Annotated[float, Ge(0), "weight of the L1 distance to the target (lambda, eq. 4)"] = 100.0
        g_optimizer: GeneratorOptimizer = Adam(2e-4)
        d_optimizer: DiscriminatorOptimizer = Adam(2e-4)

    def __init__(self, translator: nn.Module, discriminator: nn.Module, config: Config = Config()):
        super().__init__()
        if config.adversarial == 0 and config.l1 == 0:
            raise ZerosumError("--adversarial 0 and --l1 0 leave nothing to learn; raise one of them")
        adversarial.check(config.objective, adversarial.HARD)
        self.translator, self.config = translator, config
        self.discriminator = discriminator if config.adversarial else None

    def players(self) -> dict[str, Player]:
        players = {"generator": Player(self.config.g_optimizer, (self.translator,), averaged=True)}
        if self.discriminator is not None:
            players["discriminator"] = Player(self.config.d_optimizer, (self.discriminator,))
        return players

    def round(self, draw: Draw[Paired], step: int) -> Iterator[Move]:
        objective, config = OBJECTIVES[self.config.objective], self.config
        a, b = draw()  # (B, C, H, W), (B, C', H, W)
        fake = self.translator(a, torch.randint(LARGEST, (len(a),), device=a.device))
        if self.discriminator is None:
            yield Move("generator", l1=config.l1 * (fake - b).abs().mean())
            return
        real_seen = self._seen(a, b)
        logits = Logits(*discriminate(self.discriminator, real_seen, self._seen(a, fake.detach())))
        yield Move("discriminator", adversarial=objective.d(*logits), logits=logits)
        real_logits = constant_logits(self.discriminator, real_seen) if objective.paired else None
        answer = objective.g(self.discriminator(self._seen(a, fake)), real_logits)
        l1 = {"l1": config.l1 * (fake - b).abs().mean()} if config.l1 else {}
        yield Move("generator", adversarial=config.adversarial * answer, **l1)

    def phase(self, step: int) -> Hashable | None:
        return "round"

    def translate(self, a: Tensor, seeds: Tensor | None = None) -> Tensor:
        return self.translator(a, a.new_zeros(len(a), dtype=torch.int64) if seeds is None else seeds)

    def _seen(self, a: Tensor, b: Tensor) -> Tensor:
        """What D is shown of a pair."""
        return torch.cat([a, b.to(a.dtype)], dim=1) if self.config.conditional else b


@recipe(data="edges:digits", batch_size=1, steps=20_000, average=0.0, sample_every=200)
def images(
    data: Spec, config: Pix2Pix.Config = Pix2Pix.Config(), network: UNet = UNet(), patch: Patch = Patch()
) -> Pix2Pix:
    """The paper's U-Net and PatchGAN, for pairs of images of one size."""
    a, b = image_shape(data.a.shape), image_shape(data.b.shape)
    if a[1:] != b[1:]:
        raise ZerosumError(
            f"pix2pix makes images of their input's size, and a pair here has {a[1]}x{a[2]} and {b[1]}x{b[2]} pixels: "
            "bring both to one by --size"
        )
    discriminator = Discriminator(b[0] + (a[0] if config.conditional else 0), b[1:], patch)
    return Pix2Pix(unet.Translator(a, b, network), discriminator, config)
