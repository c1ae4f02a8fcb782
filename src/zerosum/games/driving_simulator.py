"""The driving simulator: a VAE-GAN of frames, and a transition model of their codes; Santana and Hotz, 2016."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from zerosum.batches import Draw
from zerosum.errors import ZerosumError
from zerosum.game import Game, Logits, Move, Player
from zerosum.latent import LatentDim
from zerosum.losses import non_saturating
from zerosum.losses.variational import kl_divergence, learned_similarity, reparametrised
from zerosum.modality import Spec
from zerosum.networks import dcgan
from zerosum.networks.discriminate import discriminate_each
from zerosum.networks.heads import Discriminator
from zerosum.networks.infogan import split_head
from zerosum.networks.transition import Transition
from zerosum.optim import Adam, DiscriminatorOptimizer, GeneratorOptimizer, Optimizer
from zerosum.options import Checked
from zerosum.recipe import recipe
from zerosum.roles import Predicts


class Driven(NamedTuple):
    """Films, and what was done in each frame."""

    x: Tensor  # (B, T, C, H, W)
    actions: Tensor  # (B, T, K); action t leads from frame t to frame t + 1


class DrivingSimulator(Game[Driven], Predicts):
    """VAE-GAN of single frames, then a recurrent model of their codes under actions; Santana and Hotz, 2016.

    First encoder, generator and discriminator learn: Larsen et al., 2016, algorithm 1, D from frames, from frames made
    of noise and from reconstructions. Then these are frozen, and the transition model learns to foresee the encoder's
    means: of the frames after those that it is shown, and, running free, of those after its own. Its loss is in latent
    space alone.

    Args:
        encoder: frames (B, C, H, W) to mean and log sigma of q(z | x), (B, 2 latent_dim).
        generator: z, (B, latent_dim), to frames.
        discriminator: frames to logits (B, 1), by way of features. Without adversarial and feature loss there is none.
        transition: codes and actions to the next codes.
    """

    name = "driving-simulator"

    @dataclass(frozen=True)
    class Config(Checked):
        latent_dim: LatentDim = 64
        autoencoder_steps: Annotated[
            int, Gt(0), "steps in which the frames are learnt; then these networks are frozen, and their motion is"
        ] = 5_000
        start: Annotated[int, Gt(0), "frames that the transition model is shown (teacher-forced)"] = 5
        free: Annotated[int, Gt(0), "frames after these in which it is shown its own (free-running)"] = 10
        features: Annotated[float, Ge(0), "weight of the distance of D's features (learned similarity)"] = 1.0
        pixels: Annotated[float, Ge(0), "weight of the mean squared error of pixels"] = 1.0
        kl: Annotated[float, Ge(0), "weight of the encoder's KL divergence from N(0, 1), in nats"] = 1e-4
        adversarial: Annotated[
            float, Ge(0), "weight of G's adversarial loss; at 0, without the features', there is no D, but a VAE"
        ] = 0.02
        e_optimizer: Annotated[Optimizer, "the encoder's"] = Adam(2e-4)
        g_optimizer: GeneratorOptimizer = Adam(2e-4)
        d_optimizer: DiscriminatorOptimizer = Adam(2e-4)
        t_optimizer: Annotated[Optimizer, "the transition model's"] = Adam(8e-4)

    def __init__(
        self,
        encoder: nn.Module,
        generator: nn.Module,
        discriminator: Discriminator,
        transition: Transition,
        config: Config = Config(),
    ):
        super().__init__()
        if config.features == 0 and config.pixels == 0:
            raise ZerosumError("--features 0 and --pixels 0 leave no reconstruction to learn; raise one of them")
        if config.features and not config.adversarial:
            raise ZerosumError("D learns no features without --adversarial; raise it, or set --features 0")
        self.encoder, self.generator, self.transition, self.config = encoder, generator, transition, config
        self.discriminator = discriminator if config.adversarial else None
        self.start = config.start

    def players(self) -> dict[str, Player]:
        config = self.config
        players = {"discriminator": Player(config.d_optimizer, (self.discriminator,))} if self.discriminator else {}
        return players | {
            "encoder": Player(config.e_optimizer, (self.encoder,)),
            "generator": Player(config.g_optimizer, (self.generator,)),
            "transition": Player(config.t_optimizer, (self.transition,), averaged=True),
        }

    def round(self, draw: Draw[Driven], step: int) -> Iterator[Move]:
        x, actions = draw()
        if step >= self.config.autoencoder_steps:
            yield self._foresee(x, actions)
            return
        rows, chosen = (torch.arange(len(x), device=x.device), torch.randint(x.shape[1], (len(x),), device=x.device))
        yield from self._learn_frames(x[rows, chosen])  # one of each film

    def _learn_frames(self, real: Tensor) -> Iterator[Move]:
        """The moves of a VAE-GAN, on frames (B, C, H, W)."""
        config = self.config
        if self.discriminator is not None:
            with torch.no_grad():
                generated, reconstructed = self._generated(real), self.generator(self._drawn(*self._posterior(real)))
            batches = [real, generated.to(real.dtype), reconstructed.to(real.dtype)]
            of_real, of_noise, of_code = discriminate_each(self.discriminator, batches)
            loss = non_saturating.d(of_real, of_noise) + non_saturating.g(-of_code)  # log D(x) counts once
            yield Move("discriminator", adversarial=loss, logits=Logits(of_real, torch.cat([of_noise, of_code])))
        mean, log_sigma = self._posterior(real)
        terms, _ = self._likeness(real, self.generator(self._drawn(mean, log_sigma)))
        yield Move("encoder", **terms, kl=config.kl * kl_divergence(mean, log_sigma))
        with torch.no_grad():
            z = self._drawn(*self._posterior(real))
        terms, features = self._likeness(real, self.generator(z))
        if self.discriminator is not None and features is not None:
            answers = self.discriminator(self._generated(real)), self.discriminator.head(features)
            taken_for_real = non_saturating.g(answers[0]) + non_saturating.g(answers[1])
            terms = {"adversarial": config.adversarial * taken_for_real, **terms}
        yield Move("generator", **terms)

    def _foresee(self, x: Tensor, actions: Tensor) -> Move:
        """The move of the transition model, on a part of each film that begins anywhere."""
        config, device = self.config, x.device
        length = config.start + config.free
        first = torch.randint(x.shape[1] - length + 1, (len(x), 1), device=device)
        rows, places = torch.arange(len(x), device=device)[:, None], first + torch.arange(length, device=device)
        with torch.no_grad():
            codes = self.encode(x[rows, places].flatten(0, 1)).unflatten(0, (len(x), length))
        foreseen = self.transition(codes[:, : config.start], actions[rows, places[:, :-1]]).float()
        squares = (foreseen - codes[:, 1:]).square()
        free = squares[:, config.start :].detach()
        return Move("transition", codes=squares.mean(), log={"free": free.mean()} if free.numel() else {})

    def phase(self, step: int) -> Hashable | None:
        return "motion" if step >= self.config.autoencoder_steps else "frames"

    def encode(self, frames: Tensor) -> Tensor:
        """(B, latent_dim) float32: the means of q(z | x) of frames (B, C, H, W)."""
        return self._posterior(frames)[0].float()

    def predict(self, frames: Tensor, actions: Tensor) -> Tensor:
        codes = self.encode(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])
        foreseen = self.transition(codes, actions)[:, self.start - 1 :]
        made: Tensor = self.generator(foreseen.flatten(0, 1)).unflatten(0, foreseen.shape[:2])
        return made

    def _posterior(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log sigma of q(z | x), (B, latent_dim) each."""
        mean, log_sigma = self.encoder(frames).chunk(2, dim=1)
        return mean, log_sigma

    def _drawn(self, mean: Tensor, log_sigma: Tensor) -> Tensor:
        return reparametrised(mean, log_sigma, torch.randn(mean.shape, device=mean.device))

    def _generated(self, real: Tensor) -> Tensor:
        """As many frames as `real`, of z from N(0, 1)."""
        made: Tensor = self.generator(torch.randn(len(real), self.config.latent_dim, device=real.device))
        return made

    def _likeness(self, real: Tensor, reconstructed: Tensor) -> tuple[dict[str, Any], Tensor | None]:
        """The terms of a reconstruction, and D's features of it, where there is a D."""
        config, terms, features = self.config, dict[str, Any](), None
        if self.discriminator is not None:
            features = self.discriminator.body(reconstructed)
            if config.features:
                with torch.no_grad():
                    of_real = self.discriminator.body(real)
                terms["features"] = config.features * learned_similarity(of_real, features)
        if config.pixels:
            terms["pixels"] = config.pixels * (reconstructed.float() - real).square().mean()
        return terms, features


@dataclass(frozen=True)
class Network(Checked):
    """The size of the networks."""

    width: Annotated[int, Gt(0), "channels at half the frame's size; each further halving doubles them"] = 32
    hidden: Annotated[int, Gt(0), "units of the transition model"] = 256


@recipe(data="scenes:digits", batch_size=64, steps=8_000, sample_every=1_000)
def scenes(
    data: Spec, config: DrivingSimulator.Config = DrivingSimulator.Config(), network: Network = Network()
) -> DrivingSimulator:
    """DCGAN's networks with layer norm, and a gated recurrent transition model, for films of small scenes."""
    length, *shape = data.x.shape
    if length < config.start + config.free:
        raise ZerosumError(
            f"films of {length} frames are shorter than --start {config.start} and --free {config.free}; lower them"
        )
    frame = tuple(shape)
    return DrivingSimulator(
        dcgan.Discriminator(frame, network.width, "layer", outputs=2 * config.latent_dim),
        dcgan.Generator(config.latent_dim, frame, network.width, "layer"),
        split_head(dcgan.Discriminator(frame, network.width, "layer")),
        Transition(config.latent_dim, data.actions.shape[-1], network.hidden),
        config,
    )
