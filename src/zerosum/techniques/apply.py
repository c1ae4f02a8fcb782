"""A game with techniques: its networks are changed, and its moves on their way to the trainer."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterator
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from zerosum.augment.adaptive import AdaptiveAugment
from zerosum.augment.augmented import Augmented
from zerosum.augment.diff_augment import DiffAugment
from zerosum.augment.instance_noise import further_layers, noisy_layers
from zerosum.batches import Draw, samples_of
from zerosum.errors import ZerosumError
from zerosum.game import Game, Move, Player, Simultaneous, Turn
from zerosum.latent_game import LatentGame
from zerosum.losses.feature_matching import feature_matching
from zerosum.modality import Image, Modality, Shape
from zerosum.networks.discriminate import frozen_batch_stats
from zerosum.roles import Answers, Completes
from zerosum.techniques import NONE, Techniques
from zerosum.techniques.historical import HistoricalAverage
from zerosum.techniques.minibatch import CalibratedMinibatch, MinibatchDiscrimination
from zerosum.techniques.surgery import accepts, last_layer, layer_input, replace_module
from zerosum.techniques.virtual_batch_norm import WithReference, has_batch_norm
from zerosum.util import distributed


def with_techniques(game: Game[Any], techniques: Techniques, modality: Modality) -> Game[Any]:
    """`game`, for samples of `modality`, with the techniques, if any; `ZerosumError` where one does not fit it."""
    return game if techniques == NONE else WithTechniques(game, techniques, modality)


class WithTechniques(Game[Any]):
    """A generator against one opponent, with techniques. Networks of the game are changed in place; its rounds stay."""

    def __init__(self, game: Game[Any], techniques: Techniques, modality: Modality):
        super().__init__()
        self.game, self.techniques = game, techniques
        self.name, self.batch, self.makes = game.name, game.batch, game.makes
        core, players = game.core, game.players()
        own = [name for name, p in players.items() if isinstance(core, LatentGame) and core.generator in p.modules]
        others = [name for name in players if name not in own]
        if (len(own), len(others)) != (1, 1):
            raise ZerosumError(
                "techniques are for a game of one generator against one opponent; "
                f"{game.name} is played by {' and '.join(players)}"
            )
        (self.g_player,), (self.d_player,) = own, others
        shape = modality.shape
        if techniques.virtual_batch_norm:
            self._make_norms_virtual(shape)
        if techniques.minibatch_discrimination:
            if isinstance(core, Completes):
                raise ZerosumError(
                    f"minibatch discrimination compares the samples of a batch, and {self.name} asks its discriminator "
                    "about single texts; leave it out"
                )
            self._compare_samples(shape)
        if techniques.diff_augment or techniques.adaptive_augment:
            self._augment(modality)
        if techniques.layer_noise.std and not further_layers(self.discriminator):
            raise ZerosumError(
                f"layer_noise finds no linear layer or convolution after the first in {self.name}'s discriminator; "
                "leave layer_noise.std at 0"
            )
        if techniques.feature_matching and isinstance(core, Completes | Answers):
            raise ZerosumError(f"feature matching needs samples with a gradient, and {self.name}'s texts have none")
        self.layer = self._last_layer("feature matching", shape) if techniques.feature_matching else ""
        self.history = nn.ModuleDict()
        if techniques.historical_averaging:
            self.history.update({player: HistoricalAverage(self._trainable(player)) for player in players})

    @property
    def core(self) -> LatentGame[Any]:
        core = self.game.core
        assert isinstance(core, LatentGame)
        return core

    @property
    def generator(self) -> nn.Module:
        """G, as the game now has it."""
        return self._network(self.g_player)

    @property
    def discriminator(self) -> nn.Module:
        """D, or the critic, as the game now has it."""
        return self._network(self.d_player)

    @property
    def adaptive(self) -> AdaptiveAugment | None:
        """The transform whose probability ADA moves, where it is on."""
        transform = self.discriminator.transform if self.techniques.adaptive_augment else None
        return transform if isinstance(transform, AdaptiveAugment) else None

    def players(self) -> dict[str, Player]:
        return self.game.players()

    def check(self) -> None:
        self.game.check()

    def phase(self, step: int) -> Hashable | None:
        if (step == 0 and (self._reference or self._comparing)) or not self.techniques.layer_noise.settled(step):
            return None
        return self.game.phase(step)

    def stage(self, step: int) -> Hashable | None:
        return self.game.stage(step)

    def scheduled(self, seen: float) -> dict[str, float]:
        return self.game.scheduled(seen)

    def advance(self, seen: float) -> None:
        self.game.advance(seen)

    def round(self, draw: Draw[Any], step: int) -> Iterator[Turn]:
        batch: Any = None
        first = step == 0  # and then the first data of all

        def draw_and_keep() -> Any:
            nonlocal batch, first
            batch = draw()
            if first:
                self._begin(samples_of(batch, self.core.makes))
                first = False
            return batch

        for number, turn in enumerate(self._turns(draw_and_keep, step)):
            if step == 0 and number == 0:  # the first data may have set weights, here and in the game
                for player in self.history:
                    self._history(player).restart(self._trainable(player))
            moves = [self._modify(move, batch) for move in turn.moves]
            yield moves[0] if isinstance(turn, Move) else Simultaneous(*moves)
            for move in moves:
                self._follow(move)

    @torch.no_grad()
    def _begin(self, real: Tensor) -> None:
        """What the first data of all sets."""
        if self._reference:
            self._reference.fill(distributed.gather(real))
        if comparing := self._comparing:
            name = next(name for name, module in self.discriminator.named_modules() if module is comparing)
            exact = nullcontext() if real.is_meta else torch.autocast(real.device.type, enabled=False)
            with exact, frozen_batch_stats(self.discriminator):
                features = layer_input(self.discriminator, name, real)
            comparing.calibrate(features[comparing.left_out :])

    def _follow(self, move: Move) -> None:
        """Learn from a move that has been made."""
        if move.player in self.history:
            self._history(move.player).update(self._trainable(move.player))
        if self.adaptive and move.player == self.d_player:
            if move.logits is None:
                raise ZerosumError(f"adaptive_augment reads the logits that the moves of the {move.player} hand over")
            self.adaptive.update(move.logits.real)

    def _turns(self, draw: Draw[Any], step: int) -> Iterator[Turn]:
        """The game's turns, each computed while D's layers are noisy, where they are."""
        turns, noise = self.game.round(draw, step), self.techniques.layer_noise
        while True:
            with noisy_layers(self.discriminator, noise, step) if noise.std else nullcontext():
                turn = next(turns, None)
            if turn is None:
                return
            yield turn

    def _modify(self, move: Move, batch: Any) -> Move:
        terms, log = dict(move.terms), dict(move.log)
        if self.layer and move.player == self.g_player:
            _, *others = terms.items()  # the first is the adversarial one
            terms = {"feature_matching": self._feature_matching(batch), **dict(others)}
        if move.player in self.history:
            distance = self._history(move.player).distance(self._trainable(move.player))
            terms["historical"] = self.techniques.historical_averaging * distance
        if self.adaptive and move.player == self.d_player:
            log["augmented"] = self.adaptive.p
        changed = Move(move.player, logits=move.logits, log=log, **terms)
        changed.again = move.again
        return changed

    def _feature_matching(self, batch: Any) -> Tensor:
        """Of new fakes to the batch last drawn, both without the game's instance noise."""
        core, real = self.core, samples_of(batch, self.core.makes)
        fake = core.generate(core.latents(len(real)), None if core.condition is None else batch.y)
        with torch.no_grad():
            real_features = layer_input(self.discriminator, self.layer, real)
        fake_features = layer_input(self.discriminator, self.layer, fake)
        real_features, fake_features = map(distributed.with_common_mean, (real_features, fake_features))
        return feature_matching(real_features, fake_features, self.techniques.feature_distance)

    def _make_norms_virtual(self, shape: Shape) -> None:
        size, players = self.techniques.virtual_batch_norm, self.players()
        in_g, in_d = (has_batch_norm(*players[name].modules) for name in (self.g_player, self.d_player))
        if not in_g and not in_d:
            raise ZerosumError(f"{self.name} has no batch norm to make virtual here; leave virtual_batch_norm at 0")
        if in_g:
            z = self.core.latents(size)
            if not accepts(self.generator, z.shape[1:]):
                raise ZerosumError(
                    f"virtual batch norm needs a generator that takes z alone; that of {self.name} does not"
                )
            if not self._calls_generator(shape):
                raise ZerosumError(f"virtual batch norm does not fit {self.name}, which takes its generator apart")
            replace_module(self.game, self.generator, WithReference(self.generator, z))
        if in_d:
            self._last_layer("virtual batch norm", shape)
            replace_module(self.game, self.discriminator, WithReference(self.discriminator, torch.zeros(size, *shape)))

    def _calls_generator(self, shape: Shape) -> bool:
        """Whether a round calls the generator, not only parts of it: played on the meta device, without values.

        True where that cannot be found out: the game draws more than samples, or needs values.
        """
        if self.batch is not Tensor:
            return True
        game, calls = copy.deepcopy(self.game).to("meta"), list[nn.Module]()
        core = game.core
        assert isinstance(core, LatentGame)
        core.generator.register_forward_pre_hook(lambda module, _: calls.append(module))
        try:
            for _ in game.round(lambda: torch.empty(2, *shape, device="meta"), 0):
                pass
        except RuntimeError:
            return True
        return bool(calls)

    def _compare_samples(self, shape: Shape) -> None:
        head = self.discriminator.get_submodule(self._last_layer("minibatch discrimination", shape))
        if not isinstance(head, nn.Linear):
            raise ZerosumError(f"minibatch discrimination needs a discriminator whose last layer is linear, not {head}")
        left_out = len(self._reference.reference) if self._reference else 0
        kind = CalibratedMinibatch if self.techniques.minibatch_calibrated else MinibatchDiscrimination
        layer = kind(head, self.techniques.minibatch_discrimination, left_out=left_out)
        replace_module(self.game, head, layer)

    def _augment(self, modality: Modality) -> None:
        options = self.techniques
        if not isinstance(modality, Image):
            raise ZerosumError(f"augmentation is of images, not of {modality.plural}; switch it off")
        if options.diff_augment and options.adaptive_augment:
            raise ZerosumError("diff_augment and adaptive_augment are two ways to augment; choose one")
        self._last_layer("augmentation", modality.shape)
        adaptive = AdaptiveAugment(options.adaptive_target, options.adaptive_images)
        transform = adaptive if options.adaptive_augment else DiffAugment(options.diff_augment)
        replace_module(self.game, self.discriminator, Augmented(self.discriminator, transform))

    def _last_layer(self, technique: str, shape: Shape) -> str:
        try:
            return last_layer(self.discriminator, shape)
        except ValueError as error:
            raise ZerosumError(f"{technique} does not fit the discriminator of {self.name}: {error}") from error

    @property
    def _reference(self) -> WithReference | None:
        """D with its reference batch, where its batch norm is virtual."""
        d = self.discriminator if self.techniques.virtual_batch_norm else None
        network = d.network if isinstance(d, Augmented) else d
        return network if isinstance(network, WithReference) else None

    @property
    def _comparing(self) -> CalibratedMinibatch | None:
        """D's layer that is calibrated on the first batch, where it has one."""
        if not (self.techniques.minibatch_discrimination and self.techniques.minibatch_calibrated):
            return None
        return next(module for module in self.discriminator.modules() if isinstance(module, CalibratedMinibatch))

    def _network(self, player: str) -> nn.Module:
        network, *others = self.players()[player].modules
        if others:
            raise ZerosumError(
                f"the {player} of {self.name} has several networks: historical_averaging alone is for such players"
            )
        return network

    def _trainable(self, player: str) -> list[nn.Parameter]:
        return [p for module in self.players()[player].modules for p in module.parameters() if p.requires_grad]

    def _history(self, player: str) -> HistoricalAverage:
        history = self.history[player]
        assert isinstance(history, HistoricalAverage)
        return history
