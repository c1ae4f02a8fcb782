"""AdvGAN: samples changed so little that people see no other class, and a classifier does; Xiao et al., 2018."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Le
from torch import Tensor, nn

from zerosum.batches import Draw, Labelled
from zerosum.errors import ZerosumError
from zerosum.game import Game, Logits, Move, Player
from zerosum.losses import adversarial
from zerosum.losses.adversarial import OBJECTIVES, ObjectiveName
from zerosum.losses.adversarial_examples import IMAGES, margin, pgd
from zerosum.modality import Classes, Shape, Spec
from zerosum.networks import pretrained, resnet_translator, small, vgg
from zerosum.networks.blocks import image_shape
from zerosum.networks.discriminate import constant_logits, discriminate
from zerosum.networks.patch import Discriminator, Patch
from zerosum.networks.resnet_translator import ResNet
from zerosum.optim import Adam, DiscriminatorOptimizer, GeneratorOptimizer, Optimizer
from zerosum.options import Checked, NamesFile
from zerosum.recipe import is_rebuilding, recipe
from zerosum.roles import Attacks
from zerosum.util.files import named
from zerosum.util.switches import With
from zerosum.util.text import abbreviate, legible

TINY = 1e-12  # under a root, whose slope at 0 is infinite


def _learns(beside: Any) -> bool:
    return beside.classifier is None


class AdvGAN(Game[Labelled], Attacks):
    """G adds a perturbation to a sample so that a classifier f errs, and D tells it from samples; Xiao et al., 2018.

    G minimises eq. 4, L_adv + alpha L_GAN + beta L_hinge: how far f is from the error that is wanted (eq. 2, by the
    loss of Carlini and Wagner, as in section 4), what D says (eq. 1), and how much the norm of the perturbation is
    above a bound (eq. 3). The norm here is a root mean square, ||G(x)||_2 / sqrt(n) of n numbers, so that bound and
    weight do not depend on the size of images. No number changes by more than epsilon, as G's outputs are scaled to it,
    and none leaves the range of images.

    Where no classifier is given it learns first, then f moves no more, and G and D begin. Its weights are in each
    checkpoint, as all others.

    Args:
        generator: images (B, C, H, W) in [-1, 1] to as many numbers in [-1, 1], perturbations over epsilon.
        discriminator: images to logits, (B, 1) or (B, 1, h, w).
        classifier: f, images to logits (B, K). It must do in training what it does in use: no dropout, no batch norm.
        classes: K of them; `config.target` is one of their names.
        learns: whether f is to learn first, in `config.classifier_steps` steps; else it is frozen, as it is.
    """

    name = "advgan"
    any_size = True
    smallest = resnet_translator.SMALLEST

    @dataclass(frozen=True)
    class Config(Checked):
        epsilon: Annotated[
            float,
            Gt(0),
            Le(2),
            "largest change of a number, of the range from -1 to 1 (L-infinity): the 0.3 of papers, of a range from 0 "
            "to 1, is 0.6",
        ] = 0.6
        target: Annotated[
            str | None, "the class that samples are to be taken for (t, eq. 2); none: any but their own"
        ] = None
        confidence: Annotated[
            float, Ge(0), "by how much another class is to be ahead in f's logits (kappa); the paper's is 0"
        ] = 0.0
        adversarial: Annotated[float, Ge(0), "weight of the adversarial loss (alpha, eq. 4); at 0 there is no D"] = 1.0
        objective: Annotated[ObjectiveName, With("adversarial"), "the adversarial loss"] = "least-squares"
        hinge: Annotated[float, Ge(0), "weight of the perturbation's norm (beta, eq. 4)"] = 1.0
        bound: Annotated[
            float, Ge(0), With("hinge"), "norm that costs nothing (c, eq. 3), as a root mean square over an image"
        ] = 0.2
        classifier: Annotated[
            str | None, NamesFile, "a file of `zerosum features`: f; none: f learns first, from the same data"
        ] = None
        classifier_steps: Annotated[
            int, Gt(0), With("classifier", on=_learns), "first steps, in which f learns alone"
        ] = 1_000
        pgd_steps: Annotated[
            int,
            Ge(0),
            With("classifier", on=_learns),
            "steps of PGD at the same epsilon, on whose samples f learns (adversarial training, Madry et al., 2018); "
            "0: on samples as they are",
        ] = 0
        g_optimizer: GeneratorOptimizer = Adam(1e-3, (0.9, 0.999))
        d_optimizer: Annotated[DiscriminatorOptimizer, With("adversarial")] = Adam(1e-3, (0.9, 0.999))
        c_optimizer: Annotated[Optimizer, With("classifier", on=_learns), "the classifier's"] = Adam(1e-3, (0.9, 0.999))

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module | None,
        classifier: nn.Module,
        classes: Classes,
        config: Config = Config(),
        learns: bool = False,
    ):
        super().__init__()
        if config.target is not None and config.target not in classes.names:
            raise ZerosumError(
                f"there is no class {config.target!r} that samples could be taken for; --target is one of "
                f"{', '.join(abbreviate(classes.names))}"
            )
        if config.adversarial and discriminator is None:
            raise ZerosumError("an adversarial loss needs a discriminator: give one, or --adversarial 0")
        adversarial.check(config.objective, adversarial.HARD)
        self.generator, self.config, self.epsilon = generator, config, config.epsilon
        self.discriminator = discriminator if config.adversarial else None
        self.f, self.learns = classifier if learns else classifier.requires_grad_(False), learns
        self.target = None if config.target is None else classes.names.index(config.target)

    def players(self) -> dict[str, Player]:
        players = {"classifier": Player(self.config.c_optimizer, (self.f,))} if self.learns else {}
        players["generator"] = Player(self.config.g_optimizer, (self.generator,), averaged=True)
        if self.discriminator is not None:
            players["discriminator"] = Player(self.config.d_optimizer, (self.discriminator,))
        return players

    def round(self, draw: Draw[Labelled], step: int) -> Iterator[Move]:
        objective, config = OBJECTIVES[self.config.objective], self.config
        x, y = draw()  # (B, C, H, W), (B,)
        if self.stage(step) == "classifier alone":
            yield self._lesson(x, y)
            return
        change = self._perturbation(x)
        changed = self._within(x + change)
        terms: dict[str, Any] = {}
        if self.discriminator is not None:
            logits = Logits(*discriminate(self.discriminator, x, changed.detach()))
            yield Move("discriminator", adversarial=objective.d(*logits), logits=logits)  # eq. 1
            real_logits = constant_logits(self.discriminator, x) if objective.paired else None
            terms["adversarial"] = config.adversarial * objective.g(self.discriminator(changed), real_logits)
        answers = self.f(changed)
        terms["attack"] = self._attack(answers, y)
        if config.hinge:
            norm = change.flatten(1).square().mean(1).add(TINY).sqrt()
            terms["hinge"] = config.hinge * F.relu(norm - config.bound).mean()  # eq. 3
        yield Move("generator", **terms, log={"success": self._errors(answers, y)})

    def phase(self, step: int) -> Hashable | None:
        return self.stage(step)

    def stage(self, step: int) -> str:
        return "classifier alone" if self.learns and step < self.config.classifier_steps else "round"

    def translate(self, a: Tensor, seeds: Tensor | None = None) -> Tensor:
        return self._within(a + self._perturbation(a))

    def classifier(self) -> nn.Module:
        return self.f

    def _perturbation(self, x: Tensor) -> Tensor:
        """(B, C, H, W) in [-epsilon, epsilon]; images that are of the range are cut to it afterwards."""
        change: Tensor = self.epsilon * self.generator(x)
        return change.to(x.dtype)

    def _within(self, x: Tensor) -> Tensor:
        return x.clamp(*IMAGES)

    def _lesson(self, x: Tensor, y: Tensor) -> Move:
        """The move of f, on samples as they are, or as PGD changes them; Madry et al., 2018, eq. 2.1."""
        steps = self.config.pgd_steps
        seen = pgd(self.f, x, y, self.epsilon, steps=steps) if steps else x
        logits = self.f(seen)
        return Move("classifier", cross_entropy=F.cross_entropy(logits.float(), y), log={"errors": _wrong(logits, y)})

    def _attack(self, logits: Tensor, y: Tensor) -> Tensor:
        """L_adv, eq. 2."""
        confidence = self.config.confidence
        if self.target is None:
            return margin(logits, y, confidence=confidence)
        return margin(logits, torch.full_like(y, self.target), targeted=True, confidence=confidence)

    def _errors(self, logits: Tensor, y: Tensor) -> Tensor:
        """The share of samples that f takes for another class, or for the target."""
        return _wrong(logits, y) if self.target is None else 1 - _wrong(logits, torch.full_like(y, self.target))


def _wrong(logits: Tensor, y: Tensor) -> Tensor:
    return (logits.detach().argmax(1) != y).float().mean()


@recipe(data="digits", batch_size=128, steps=2_500, average=0.0, sample_every=250)
def images(
    data: Spec,
    config: AdvGAN.Config = AdvGAN.Config(),
    network: ResNet = ResNet(width=8, blocks=4),
    patch: Patch = Patch(width=8),
) -> AdvGAN:
    """The paper's residual generator for digits and a PatchGAN, against a classifier of any labelled images."""
    shape, classes = image_shape(data.x.shape), data.y
    if not isinstance(classes, Classes):
        raise ZerosumError(
            f"AdvGAN attacks a classifier, and the data has {classes} and no classes: give labelled images"
        )
    if (side := min(shape[1:])) < resnet_translator.SMALLEST:
        raise ZerosumError(
            f"images of {side} pixels are too small for AdvGAN's generator, which takes {resnet_translator.SMALLEST} "
            "and more: choose a larger --size"
        )
    generator = resnet_translator.Translator(shape, shape, network)
    discriminator = Discriminator(shape[0], shape[1:], patch) if config.adversarial else None
    classifier = _classifier(shape, classes, config.classifier)
    return AdvGAN(generator, discriminator, classifier, classes, config, learns=config.classifier is None)


def _classifier(shape: Shape, classes: Classes, file: str | None) -> nn.Module:
    """f: a small network that is to learn, or the one that `--classifier` names."""
    if file is None:
        return small.Discriminator(shape, outputs=classes.size)
    if file == "":
        raise ZerosumError("--classifier '' names no file; give one that `zerosum features` wrote, or leave it out")
    channels = shape[0]
    network = vgg.Classifier(channels, classes.size).eval()
    if not is_rebuilding() and not network.linear.weight.is_meta:
        found, about = pretrained.read(named(file))
        if (about.channels, about.classes) != (channels, classes.names):
            raise ZerosumError(
                f"the classifier in {file} tells {_said(about.channels, about.classes)} apart, and the data has "
                f"{_said(channels, classes.names)}: train one on this data by `zerosum features`, or leave it out"
            )
        network.load_state_dict(found.state_dict())
    return network


def _said(channels: int, names: tuple[str, ...]) -> str:
    """ "10 classes of 1 channel (0, 1, 2 ...)"."""
    counted = f"{len(names)} classes of images with {channels} channel{'' if channels == 1 else 's'}"
    return f"{counted} ({legible(', '.join(abbreviate(names)))})"
