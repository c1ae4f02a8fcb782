"""MalGAN: binary vectors that a detector misses, found by asking it alone; Hu and Tan, 2017."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Lt
from torch import Tensor, nn

from zerosum.batches import Draw
from zerosum.errors import ZerosumError
from zerosum.game import Game, Move, Player
from zerosum.latent import Uniform
from zerosum.losses.adversarial import OBJECTIVES
from zerosum.networks import mlp
from zerosum.optim import Adam, GeneratorOptimizer, Optimizer
from zerosum.options import Checked

Detector = Callable[[Tensor], Tensor]  # binary vectors (B, D) to (B,): whether each is found malicious


class BothClasses(NamedTuple):
    """Binary vectors of two classes, drawn independently."""

    malware: Tensor  # (B, D)
    benign: Tensor  # (B, D)


class MalGAN(Game[BothClasses]):
    """G adds features to malware until a detector finds it benign, of which it knows answers alone; Hu and Tan, 2017.

    A substitute detector learns what the detector answers to G's vectors and to benign ones (eq. 2), and G minimises
    log D of what it makes (eq. 3), which goes through the substitute. Nothing is ever removed from a vector (eq. 1).
    The substitute's logits are higher the more benign a vector looks, as those of every discriminator for real samples.

    Args:
        generator: vectors and z, (B, D + latent_dim), to logits (B, D) of what is added.
        substitute: vectors (B, D) to logits (B, 1).
        detector: is only asked, on the CPU, and sees vectors of 0 and 1, as bytes.
        changeable: (D,) bool, the features that may be added.
    """

    name = "malgan"
    makes = "malware"
    queries: Tensor  # answers that the detector has given, as a scalar
    changeable: Tensor

    @dataclass(frozen=True)
    class Config(Checked):
        latent_dim: Annotated[int, Gt(0), "numbers of z"] = 10
        objective: Annotated[
            Literal["minimax", "non-saturating"], "G's loss; the paper's, minimax, has no gradient where all is found"
        ] = "minimax"
        addition: Annotated[
            float, Ge(0), "weight in G's loss of how many features it adds to a vector; the paper's is 0"
        ] = 0.0
        straight_through: Annotated[
            bool,
            "the substitute judges the features that G adds as the detector sees them, 0 or 1, and G gets the gradient "
            "of their probabilities; in the paper it judges these",
        ] = False
        exploration: Annotated[
            float,
            Ge(0),
            Lt(1),
            "share of the features that are added, or not, against G's will, in half of the vectors that the detector "
            "is asked about; in the paper none",
        ] = 0.0
        substitute_steps: Annotated[int, Gt(0), "moves of the substitute in a step; the paper's is 1"] = 1
        g_optimizer: GeneratorOptimizer = Adam(1e-3, (0.9, 0.999))
        s_optimizer: Annotated[Optimizer, "the substitute's"] = Adam(1e-3, (0.9, 0.999))

    def __init__(
        self,
        generator: nn.Module,
        substitute: nn.Module,
        detector: Detector,
        changeable: Tensor,
        config: Config = Config(),
    ):
        super().__init__()
        if not bool(changeable.any()):
            raise ZerosumError("no feature may be added, so that nothing can be hidden; let some change")
        self.generator, self.substitute, self.detector, self.config = generator, substitute, detector, config
        self.prior = Uniform(config.latent_dim)  # the paper's is U(0, 1), which the first layer makes of it
        self.register_buffer("changeable", changeable.float())
        self.register_buffer("queries", torch.zeros((), dtype=torch.int64))

    def players(self) -> dict[str, Player]:
        return {
            "substitute": Player(self.config.s_optimizer, (self.substitute,)),
            "generator": Player(self.config.g_optimizer, (self.generator,)),
        }

    def round(self, draw: Draw[BothClasses], step: int) -> Iterator[Move]:
        """Algorithm 1."""
        config = self.config
        batches = [draw() for _ in range(config.substitute_steps)]
        shown = torch.cat([part for malware, benign in batches for part in (self._shown(malware), benign)])
        found = self.ask(shown)  # (2B steps,), all at once
        size = 2 * len(batches[0].malware)
        for vectors, answers in zip(shown.split(size), found.split(size), strict=True):
            logits = self.substitute(vectors).flatten().float()
            loss = F.binary_cross_entropy_with_logits(logits, 1 - answers)  # eq. 2
            yield Move("substitute", adversarial=loss, log={"detected": answers[: size // 2].mean()})
        malware = batches[-1].malware
        added = self._probabilities(malware, self._latents(malware))
        if config.straight_through:
            added = added + ((added > 0.5).to(added.dtype) - added).detach()
        made = torch.maximum(malware, added)  # eq. 1
        terms: dict[str, Any] = {"adversarial": OBJECTIVES[config.objective].g(self.substitute(made))}  # eq. 3
        if config.addition:
            terms["addition"] = config.addition * (made - malware).sum(1).mean()
        yield Move("generator", **terms)

    def _latents(self, malware: Tensor) -> Tensor:
        return self.prior.draw(len(malware), malware.device)

    @torch.no_grad()
    def _shown(self, malware: Tensor) -> Tensor:
        """(B, D) of 0 and 1: what G makes of malware, of every second vector with some of its choices turned round."""
        made = self.evade(malware, self._latents(malware))
        if not self.config.exploration:
            return made
        turned = (torch.rand_like(made) < self.config.exploration) & (self.changeable > 0)
        turned[::2] = False
        return torch.maximum(malware, torch.where(turned, 1 - made, made))

    def ask(self, vectors: Tensor) -> Tensor:
        """(B,) 1 where the detector finds vectors of 0 and 1 malicious, else 0; its answers are counted."""
        self.queries += len(vectors)
        return self.detector(vectors.to("cpu", torch.uint8)).to(vectors.device, torch.float32)

    @torch.no_grad()
    def evade(self, malware: Tensor, z: Tensor) -> Tensor:
        """(B, D) of 0 and 1: malware (B, D) and the features that G adds to it, by z (B, latent_dim)."""
        return torch.maximum(malware, (self._probabilities(malware, z) > 0.5).to(malware.dtype))

    def _probabilities(self, malware: Tensor, z: Tensor) -> Tensor:
        """(B, D) of each feature to be added; 0 of those that may not change."""
        logits: Tensor = self.generator(torch.cat([malware, z.to(malware.dtype)], 1))
        return logits.sigmoid() * self.changeable


def small(detector: Detector, changeable: Tensor, config: MalGAN.Config = MalGAN.Config(), width: int = 256) -> MalGAN:
    """With perceptrons of one hidden layer, of the paper's 256 units; Hu and Tan, 2017, section 4.1.

    Args:
        changeable: (D,) bool, the features that may be added.
        width: of the hidden layers.
    """
    dim = len(changeable)
    generator = mlp.Generator(dim + config.latent_dim, (dim,), (width,))
    return MalGAN(generator, mlp.Discriminator((dim,), (width,)), detector, changeable, config)
