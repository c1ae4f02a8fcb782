"""CycleGAN: translations between two collections of images without pairs; Zhu et al., 2017."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge
from torch import Tensor, nn

from zerosum.batches import Draw, Unpaired
from zerosum.errors import ZerosumError
from zerosum.game import Game, Logits, Move, Player
from zerosum.losses import adversarial
from zerosum.losses.adversarial import OBJECTIVES, ObjectiveName
from zerosum.modality import Shape, Spec
from zerosum.networks import resnet_translator
from zerosum.networks.blocks import image_shape
from zerosum.networks.discriminate import constant_logits, discriminate
from zerosum.networks.patch import Discriminator, Patch
from zerosum.networks.resnet_translator import ResNet
from zerosum.optim import Adam, Decay, DiscriminatorOptimizer, GeneratorOptimizer
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.roles import TranslatesBack
from zerosum.techniques.replay import Replay

# Section 4 and the authors' code have the translators' squares whole, beside which lambda is 10; LSGAN halves them.
WHOLE: dict[ObjectiveName, float] = {"least-squares": 2.0}


class CycleGAN(Game[Unpaired], TranslatesBack):
    """CycleGAN: two translators that undo each other, from unpaired images; Zhu et al., 2017, eq. 3.

    The adversarial loss is section 4's, least squares; those of the two D are halved, as in the authors' code, which
    makes no difference to Adam. The identity term (section 5.2) is there where both sides have as many channels.
    """

    name = "cyclegan"
    makes = "b"
    any_size = True
    smallest = resnet_translator.SMALLEST

    @dataclass(frozen=True)
    class Config(Checked):
        objective: Annotated[ObjectiveName, "the adversarial loss"] = "least-squares"
        cycle: Annotated[float, Ge(0), "weight of the cycle-consistency loss (lambda, eq. 3)"] = 10.0
        identity: Annotated[
            float, Ge(0), "weight of the identity loss, in cycle's; 0.5 keeps colours, more may copy the input"
        ] = 0.5
        pool: Annotated[int, Ge(0), "earlier fakes that D is shown in half of the cases; 0: none"] = 50
        g_optimizer: GeneratorOptimizer = Adam(2e-4, decay=Decay("linear", hold=0.5))
        d_optimizer: DiscriminatorOptimizer = Adam(2e-4, decay=Decay("linear", hold=0.5))

    def __init__(
        self,
        forth: nn.Module,
        back: nn.Module,
        discriminator_a: nn.Module,
        discriminator_b: nn.Module,
        shapes: tuple[Shape, Shape],
        config: Config = Config(),
    ):
        super().__init__()
        adversarial.check(config.objective, adversarial.HARD)
        self.forth, self.back, self.config = forth, back, config
        self.discriminator_a, self.discriminator_b = discriminator_a, discriminator_b
        self.alike = shapes[0][0] == shapes[1][0]
        self.pools = nn.ModuleList(Replay(config.pool, shape) for shape in shapes) if config.pool else None

    def players(self) -> dict[str, Player]:
        return {
            "translators": Player(self.config.g_optimizer, (self.forth, self.back), averaged=True),
            "discriminator_a": Player(self.config.d_optimizer, (self.discriminator_a,)),
            "discriminator_b": Player(self.config.d_optimizer, (self.discriminator_b,)),
        }

    def round(self, draw: Draw[Unpaired], step: int) -> Iterator[Move]:
        a, b = draw()  # (B, C, H, W), (B, C', H, W)
        fake_a, fake_b = self.back(b), self.forth(a)
        answers = self._answer(self.discriminator_a, fake_a, a) + self._answer(self.discriminator_b, fake_b, b)
        cycled = (self.back(fake_b) - a).abs().mean() + (self.forth(fake_a) - b).abs().mean()
        terms = {"adversarial": answers, "cycle": self.config.cycle * cycled}
        if self.alike and self.config.identity:
            kept = (self.back(a) - a).abs().mean() + (self.forth(b) - b).abs().mean()
            terms["identity"] = self.config.cycle * self.config.identity * kept
        yield Move("translators", **terms)
        yield self._judged("discriminator_a", self.discriminator_a, a, self._shown(0, fake_a.detach()))
        yield self._judged("discriminator_b", self.discriminator_b, b, self._shown(1, fake_b.detach()))

    def phase(self, step: int) -> Hashable | None:
        return "round"

    def translate(self, a: Tensor, seeds: Tensor | None = None) -> Tensor:
        return self.forth(a)

    def translate_back(self, b: Tensor, seeds: Tensor | None = None) -> Tensor:
        return self.back(b)

    def network(self, back: bool = False) -> nn.Module:
        return self.back if back else self.forth

    def _answer(self, discriminator: nn.Module, fake: Tensor, real: Tensor) -> Tensor:
        objective = OBJECTIVES[self.config.objective]
        real_logits = constant_logits(discriminator, real) if objective.paired else None
        return WHOLE.get(self.config.objective, 1.0) * objective.g(discriminator(fake), real_logits)

    def _judged(self, player: str, discriminator: nn.Module, real: Tensor, fake: Tensor) -> Move:
        logits = Logits(*discriminate(discriminator, real, fake.to(real.dtype)))
        return Move(player, adversarial=OBJECTIVES[self.config.objective].d(*logits), logits=logits)

    def _shown(self, side: int, fake: Tensor) -> Tensor:
        """What D is shown of the fakes of a round."""
        if self.pools is None:
            return fake
        pool = self.pools[side]
        assert isinstance(pool, Replay)
        return pool.pool(fake)


@recipe(data="unpaired:invert:digits", batch_size=1, steps=20_000, average=0.0, sample_every=200)
def images(
    data: Spec, config: CycleGAN.Config = CycleGAN.Config(), network: ResNet = ResNet(), patch: Patch = Patch()
) -> CycleGAN:
    """The paper's residual translators and PatchGANs, for two collections of images."""
    a, b = image_shape(data.a.shape), image_shape(data.b.shape)
    if (smallest := min(*a[1:], *b[1:])) < resnet_translator.SMALLEST:
        raise ZerosumError(
            f"images of {smallest} pixels are too small for CycleGAN's translators, which take "
            f"{resnet_translator.SMALLEST} and more: choose a larger --size"
        )
    if a[1:] != b[1:]:
        raise ZerosumError(
            f"CycleGAN's translators keep the size of images, and those of its collections have {a[1]}x{a[2]} and "
            f"{b[1]}x{b[2]} pixels: bring both to one by --size"
        )
    of_a, of_b = Discriminator(a[0], a[1:], patch), Discriminator(b[0], b[1:], patch)
    forth, back = resnet_translator.Translator(a, b, network), resnet_translator.Translator(b, a, network)
    return CycleGAN(forth, back, of_a, of_b, (a, b), config)
