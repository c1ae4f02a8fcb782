"""SRGAN and SRResNet: images enlarged 2, 3 or 4 times, learnt from aligned pairs; Ledig et al., 2017."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from annotated_types import Ge
from torch import Tensor, nn

from zerosum.batches import Draw, Paired
from zerosum.errors import ZerosumError
from zerosum.game import Game, Logits, Move, Player
from zerosum.losses import adversarial
from zerosum.losses.adversarial import OBJECTIVES, ObjectiveName
from zerosum.modality import Spec
from zerosum.networks import pretrained, srresnet, vgg
from zerosum.networks.blocks import image_shape
from zerosum.networks.discriminate import constant_logits, discriminate
from zerosum.networks.srresnet import Discriminator, Judge, SRResNet
from zerosum.optim import Adam, Decay, DiscriminatorOptimizer, GeneratorOptimizer
from zerosum.options import Checked, NamesFile
from zerosum.recipe import is_rebuilding, recipe
from zerosum.roles import Translates
from zerosum.util.files import named
from zerosum.util.switches import With

Features = Callable[[Tensor], Tensor]  # images (B, C', H, W) in [-1, 1] to (B, ...), on the device of the game


class SRGAN(Game[Paired], Translates):
    """SRGAN: enlarged images that D takes for real ones; Ledig et al., 2017, eq. 3. Without D it is SRResNet.

    The perceptual loss (section 2.2.1) is the mean squared distance of features, of any network. The paper's is VGG19
    and its phi_{5,4}, whose weights zerosum does not come with. `--features` names a smaller one, which `zerosum
    features` trained: of it the last activations of all blocks are compared (`networks.vgg.Features`), so scaled that
    two different images of those that it was trained on are 1 apart on average. The network is a part of the game, and
    its weights are in each checkpoint.

    Args:
        features: what the perceptual loss compares. A module is frozen, and must do in training what it does in use.
        factor: by how much larger the translator makes images.
    """

    name = "srgan"
    makes = "b"
    any_size = True

    @dataclass(frozen=True)
    class Config(Checked):
        objective: Annotated[ObjectiveName, "the adversarial loss"] = "non-saturating"
        adversarial: Annotated[
            float, Ge(0), "weight of the adversarial loss (eq. 3); at 0 there is no D, but SRResNet alone"
        ] = 1e-3
        pixels: Annotated[float, Ge(0), "weight of the distance of pixels (eq. 4)"] = 1.0
        distance: Annotated[Literal["squared", "absolute"], "of pixels: squared, as in the paper, or absolute"] = (
            "squared"
        )
        perceptual: Annotated[
            float, Ge(0), "weight of the distance of features (eq. 5), of the network that --features names"
        ] = 0.0
        features: Annotated[
            str | None,
            NamesFile,
            With("perceptual"),
            "a file of `zerosum features`: what the perceptual loss compares by",
        ] = None
        warm_up: Annotated[
            int, Ge(0), "steps in which G does not answer to D yet: D learns, and G by the other terms alone"
        ] = 0
        g_optimizer: GeneratorOptimizer = Adam(1e-4, (0.9, 0.999))
        d_optimizer: DiscriminatorOptimizer = Adam(1e-4, (0.9, 0.999))

    def __init__(
        self,
        translator: nn.Module,
        discriminator: nn.Module | None = None,
        config: Config = Config(),
        features: Features | None = None,
        factor: int = 1,
    ):
        super().__init__()
        if config.pixels == 0 and config.perceptual == 0:
            raise ZerosumError("--pixels 0 and --perceptual 0 leave nothing that ties an image to its input; raise one")
        if config.perceptual and features is None:
            raise ZerosumError(
                "--perceptual compares features: name a file with --features, which `zerosum features` trains, or give "
                "any callable in Python, SRGAN(..., features=network)"
            )
        if config.adversarial and discriminator is None:
            raise ZerosumError("an adversarial loss needs a discriminator: give one, or --adversarial 0")
        adversarial.check(config.objective, adversarial.HARD)
        self.translator, self.config, self.factor = translator, config, factor
        self.discriminator = discriminator if config.adversarial else None
        self.features = features.requires_grad_(False) if isinstance(features, nn.Module) else features

    def players(self) -> dict[str, Player]:
        players = {"generator": Player(self.config.g_optimizer, (self.translator,), averaged=True)}
        if self.discriminator is not None:
            players["discriminator"] = Player(self.config.d_optimizer, (self.discriminator,))
        return players

    def round(self, draw: Draw[Paired], step: int) -> Iterator[Move]:
        objective, config = OBJECTIVES[self.config.objective], self.config
        a, b = draw()  # (B, C, H, W), (B, C', factor H, factor W)
        fake = self.translator(a)
        if self.discriminator is None:
            yield Move("generator", **self._content(fake, b))
            return
        logits = Logits(*discriminate(self.discriminator, b, fake.detach().to(b.dtype)))
        yield Move("discriminator", adversarial=objective.d(*logits), logits=logits)
        real_logits = constant_logits(self.discriminator, b) if objective.paired else None
        weight = config.adversarial if step >= config.warm_up else 0.0
        answer = weight * objective.g(self.discriminator(fake.to(b.dtype)), real_logits)
        yield Move("generator", adversarial=answer, **self._content(fake, b))

    def phase(self, step: int) -> Hashable | None:
        return "round" if step >= self.config.warm_up else "warm-up"

    def translate(self, a: Tensor, seeds: Tensor | None = None) -> Tensor:
        return self.translator(a)

    def network(self, back: bool = False) -> nn.Module:
        return self.translator

    def _content(self, fake: Tensor, b: Tensor) -> dict[str, Any]:
        """The terms that compare an image with the one that it is to be."""
        config, terms = self.config, dict[str, Any]()
        if config.pixels:
            difference = fake.float() - b
            distance = difference.square() if config.distance == "squared" else difference.abs()
            terms["pixels"] = config.pixels * distance.mean()
        if config.perceptual and self.features is not None:
            with torch.no_grad():
                wanted = self.features(b).float()
            found = self.features(fake.to(b.dtype)).float()
            terms["features"] = config.perceptual * (found - wanted).square().mean()
        return terms


@recipe(data="shrink@4:digits", batch_size=16, steps=20_000, average=0.0, sample_every=200)
def images(
    data: Spec,
    config: SRGAN.Config = SRGAN.Config(warm_up=2_000),
    network: SRResNet = SRResNet(),
    judge: Judge = Judge(),
) -> SRGAN:
    """SRGAN with a pixel loss: it learns from this alone first, and answers to D after the warm-up."""
    translator = _translator(data, network)
    outputs, *size = image_shape(data.b.shape)
    discriminator = Discriminator(outputs, (size[0], size[1]), judge) if config.adversarial else None
    return SRGAN(translator, discriminator, config, _features(data, config), translator.factor)


_FALLING = Adam(4e-4, (0.9, 0.999), decay=Decay("cosine", final=0.01))


@recipe(data="shrink@4:digits", batch_size=16, steps=20_000, average=0.0, sample_every=200)
def pixels(
    data: Spec,
    config: SRGAN.Config = SRGAN.Config(adversarial=0.0, g_optimizer=_FALLING),
    network: SRResNet = SRResNet(),
) -> SRGAN:
    """SRResNet: the enlarging network of SRGAN with the pixel loss alone, and no D."""
    if config.adversarial:
        raise ZerosumError("srgan/pixels has no discriminator; for --adversarial train srgan/images")
    translator = _translator(data, network)
    return SRGAN(translator, None, config, _features(data, config), translator.factor)


def _translator(data: Spec, network: SRResNet) -> srresnet.Translator:
    """SRResNet for the factor by which `b` is larger than `a`."""
    a, b = image_shape(data.a.shape), image_shape(data.b.shape)
    factor = b[1] // a[1]
    if factor not in srresnet.FACTORS or (factor * a[1], factor * a[2]) != b[1:]:
        raise ZerosumError(
            f"SRGAN enlarges images 2, 3 or 4 times, and a pair here has {a[1]}x{a[2]} and {b[1]}x{b[2]} pixels: take "
            "shrink@4:FOLDER, which makes pairs of photographs"
        )
    return srresnet.Translator(a[0], b[0], factor, network)


def _features(data: Spec, config: SRGAN.Config) -> vgg.Features | None:
    """The network that `--features` names, for images like `b`; built last, so that the others begin as without it."""
    if config.features is None or not config.perceptual:
        return None
    if config.features == "":
        raise ZerosumError("--features '' names no file; give one that `zerosum features` wrote, or leave it out")
    channels, height, width = image_shape(data.b.shape)
    if min(height, width) < vgg.SMALLEST:
        raise ZerosumError(
            f"--features compares images of {vgg.SMALLEST} pixels a side and more, and these have {width}x{height}: "
            "take larger ones (--size)"
        )
    features = vgg.Features(channels).eval()
    if not is_rebuilding() and not features.mean.is_meta:
        features.load_state_dict(pretrained.read_features(named(config.features), channels))
    return features
