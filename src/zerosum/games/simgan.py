"""SimGAN: synthetic images refined until they look real, their labels kept; Shrivastava et al., 2017."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from zerosum.batches import Draw, Unpaired
from zerosum.errors import ZerosumError
from zerosum.game import Game, Logits, Move, Player
from zerosum.losses import non_saturating
from zerosum.modality import Shape, Spec
from zerosum.networks import refiner as networks
from zerosum.networks.blocks import image_shape
from zerosum.networks.discriminate import discriminate
from zerosum.networks.refiner import Network
from zerosum.optim import Adam, Decay, DiscriminatorOptimizer, GeneratorOptimizer
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.roles import Translates
from zerosum.techniques.replay import Replay
from zerosum.util import memory


class SimGAN(Game[Unpaired], Translates):
    """SimGAN: a refiner R of synthetic images `a` against real ones `b`; Shrivastava et al., 2017, Algorithm 1.

    R minimises eq. 4, the local adversarial loss (section 2.2) and the L1 distance of its output to its input, which
    keeps what the labels say of it; D minimises eq. 2, where half of the refined images are of earlier steps (section
    2.3). First R learns by self-regularisation alone, then D alone. The paper's D is the probability of a synthetic
    image; here its logits are higher the more real an image looks, as everywhere.
    """

    name = "simgan"
    makes = "b"
    any_size = True
    near_input = True

    @dataclass(frozen=True)
    class Config(Checked):
        regularisation: Annotated[
            float, Ge(0), "weight of the L1 distance to the input (lambda, eq. 4); too much returns the input"
        ] = 0.5
        reduction: Annotated[
            Literal["sum", "mean"],
            "losses of an image are sums over patches and pixels, as in the paper, or means, whose weights do not "
            "depend on the image's size",
        ] = "sum"
        refiner_steps: Annotated[int, Gt(0), "moves of R in a step (K_g, Algorithm 1)"] = 2
        discriminator_steps: Annotated[int, Gt(0), "moves of D in a step (K_d, Algorithm 1)"] = 1
        pretrain_refiner: Annotated[int, Ge(0), "first steps, in which R learns to return its input"] = 1_000
        pretrain_discriminator: Annotated[int, Ge(0), "steps after them, in which D learns alone"] = 200
        history: Annotated[
            int, Ge(0), "refined images that are kept; half of what D is shown are such earlier ones; 0: none"
        ] = 2_560
        g_optimizer: GeneratorOptimizer = Adam(1e-3, (0.9, 0.999))
        d_optimizer: DiscriminatorOptimizer = Adam(1e-3, (0.9, 0.999))

    def __init__(self, refiner: nn.Module, discriminator: nn.Module, shape: Shape, config: Config = Config()):
        super().__init__()
        if config.regularisation == 0 and config.pretrain_refiner:
            raise ZerosumError(
                "without self-regularisation there is nothing that R could learn alone: with --regularisation 0 goes "
                "--pretrain-refiner 0"
            )
        self.refiner, self.discriminator, self.config = refiner, discriminator, config
        self.history = Replay(config.history, shape) if config.history else None

    def players(self) -> dict[str, Player]:
        return {
            "refiner": Player(self.config.g_optimizer, (self.refiner,), averaged=True),
            "discriminator": Player(self.config.d_optimizer, (self.discriminator,)),
        }

    def round(self, draw: Draw[Unpaired], step: int) -> Iterator[Move]:
        phase = self.phase(step)
        if phase == "refiner alone":
            a = draw().a
            yield Move("refiner", regularisation=self._distance(self.refiner(a), a))
            return
        for _ in range(self.config.refiner_steps if phase == "round" else 0):
            a = draw().a  # (B, C, H, W)
            refined = self.refiner(a)
            adversarial = self._local(non_saturating.g, self.discriminator(refined))  # eq. 3
            terms: dict[str, Any] = {"adversarial": adversarial}
            if self.config.regularisation:
                terms["regularisation"] = self._distance(refined, a)
            yield Move("refiner", **terms)
        for _ in range(self.config.discriminator_steps):
            a, b = draw()
            with torch.no_grad():
                refined = self.refiner(a).to(b.dtype)
            shown = refined if self.history is None else self.history.history(refined)
            logits = Logits(*discriminate(self.discriminator, b, shown))
            yield Move("discriminator", adversarial=self._local(non_saturating.d, *logits), logits=logits)

    def phase(self, step: int) -> Hashable | None:
        if step < self.config.pretrain_refiner:
            return "refiner alone"
        alone = step < self.config.pretrain_refiner + self.config.pretrain_discriminator
        return "discriminator alone" if alone else "round"

    def translate(self, a: Tensor, seeds: Tensor | None = None) -> Tensor:
        return self.refiner(a)

    def network(self, back: bool = False) -> nn.Module:
        return self.refiner

    def _distance(self, refined: Tensor, a: Tensor) -> Tensor:
        """lambda times the L1 distance of each image to its refined one, (B, C, H, W); a mean over the images."""
        return self.config.regularisation * self._reduced((refined - a).abs().mean(), a)

    def _local(self, loss: Callable[..., Tensor], *logits: Tensor) -> Tensor:
        """An adversarial loss over the patches that D judges, logits (B, 1, h, w); a mean over the images."""
        return self._reduced(loss(*logits), logits[0])

    def _reduced(self, mean: Tensor, of: Tensor) -> Tensor:
        """The mean over all numbers of a batch as that of the images' sums, where losses are sums."""
        return mean * math.prod(of.shape[1:]) if self.config.reduction == "sum" else mean


@recipe(data="gauges", batch_size=512, steps=10_000, average=0.0, sample_every=200)
def images(data: Spec, config: SimGAN.Config = SimGAN.Config(), network: Network = Network()) -> SimGAN:
    """The paper's refiner and local discriminator, for synthetic images and real ones."""
    return _simgan(data, config, network)


def _simgan(data: Spec, config: SimGAN.Config, network: Network) -> SimGAN:
    a, b = image_shape(data.a.shape), image_shape(data.b.shape)
    if a != b:
        sizes = " and ".join("x".join(map(str, shape)) for shape in (a, b))
        raise ZerosumError(
            f"SimGAN's refined images are to pass for real ones, and here synthetic and real ones have {sizes}: bring "
            "both to one size by --size, and to the same colours"
        )
    kept = config.history * math.prod(a) * 4
    memory.require(kept, f"a history of {config.history:,} images", "choose a smaller --history or --size")
    return SimGAN(networks.Refiner(a[0], network), networks.Discriminator(a[0], network), a, config)


_DECAY = Decay("linear", hold=0.5)


@recipe(data="gauges", batch_size=8, steps=1_500, average=0.0, sample_every=100)
def gauges(
    data: Spec,
    config: SimGAN.Config = SimGAN.Config(
        regularisation=0.1,
        refiner_steps=1,
        discriminator_steps=2,
        pretrain_refiner=250,
        pretrain_discriminator=50,
        history=1_024,
        g_optimizer=Adam(3e-4, decay=_DECAY),
        d_optimizer=Adam(1e-3, decay=_DECAY),
    ),
    network: Network = Network(width=16, blocks=2, d_width=12),
) -> SimGAN:
    """A smaller refiner and fewer steps, for the gauges that zerosum draws: minutes on one core."""
    return _simgan(data, config, network)
