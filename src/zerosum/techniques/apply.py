"""A game with techniques: its networks are changed, and its moves on their way to the trainer."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from zerosum.augment.adaptive import AdaptiveAugment
from zerosum.augment.augmented import Augmented
from zerosum.augment.diff_augment import DiffAugment
from zerosum.errors import ZerosumError
from zerosum.game import Draw, Game, Labelled, Move, Player, Semi
from zerosum.losses.feature_matching import feature_matching
from zerosum.modality import Shape
from zerosum.techniques import NONE, Techniques
from zerosum.techniques.historical import HistoricalAverage
from zerosum.techniques.minibatch import MinibatchDiscrimination
from zerosum.techniques.surgery import features, last_layer, replace, takes
from zerosum.techniques.virtual_batch_norm import WithReference, has_batch_norm
from zerosum.util import distributed


def with_techniques(game: Game[Any], techniques: Techniques, shape: Shape) -> Game[Any]:
    """`game`, for samples of `shape`, with the techniques; the game itself where there are none.

    Raises:
        ZerosumError: a technique does not fit the game.
    """
    return game if techniques == NONE else WithTechniques(game, techniques, shape)


class WithTechniques(Game[Any]):
    """A two-player game with techniques. Networks of the game are changed in place; how it is played stays its own."""

    def __init__(self, game: Game[Any], techniques: Techniques, shape: Shape):
        super().__init__()
        self.game, self.techniques, self.name, self.prior = game, techniques, game.name, game.prior
        self.condition, self.batch = game.condition, game.batch
        opponents = [player for player in game.players() if player != "generator"]
        if len(game.players()) != 2 or len(opponents) != 1:
            named = " and ".join(game.players())
            raise ZerosumError(f"techniques are for a generator and one opponent; {game.name} is played by {named}")
        self.opponent = opponents[0]
        if techniques.virtual_batch_norm:
            self._make_norms_virtual(shape)
        if techniques.minibatch_discrimination:
            self._compare_samples(shape)
        if techniques.diff_augment or techniques.adaptive_augment:
            self._augment(shape)
        self.layer = self._last_layer("feature matching", shape) if techniques.feature_matching else ""
        self.history = nn.ModuleDict()
        if techniques.historical_averaging:
            self.history.update({player: HistoricalAverage(self._moved(player)) for player in game.players()})

    @property
    def generator(self) -> nn.Module:
        """G, as the game now has it."""
        return self._network("generator")

    @property
    def discriminator(self) -> nn.Module:
        """D, or the critic, as the game now has it."""
        return self._network(self.opponent)

    @property
    def adaptive(self) -> AdaptiveAugment | None:
        """The transform whose probability ADA moves, where it is on."""
        transform = self.discriminator.transform if self.techniques.adaptive_augment else None
        return transform if isinstance(transform, AdaptiveAugment) else None

    def players(self) -> dict[str, Player]:
        return self.game.players()

    def phase(self, step: int) -> Hashable | None:
        return None if step == 0 and self._reference else self.game.phase(step)

    def classifier(self) -> nn.Module | None:
        return self.game.classifier()

    def realism(self, samples: Any) -> Tensor | None:
        return self.game.realism(samples)

    def sample(self, like: Any, z: Tensor | None = None) -> Tensor:
        return self.game.sample(like, z)

    def round(self, draw: Draw[Any], step: int) -> Iterator[Move]:
        data: Any = None
        reference = self._reference if step == 0 else None  # the first data of all

        def remembered() -> Any:
            nonlocal data, reference
            data = draw()
            if reference:
                reference.fill(_x(data))
                distributed.broadcast(reference)
                reference = None
            return data

        for move in self.game.round(remembered, step):
            yield self._changed(move, data)
            if move.player in self.history:
                self._history(move.player).update(self._moved(move.player))
            if self.adaptive and move.player == self.opponent:
                self.adaptive.update(_logits(move))

    def _changed(self, move: Move, data: Any) -> Move:
        terms, log = dict(move.terms), dict(move.log)
        if self.layer and move.player == "generator" and terms.pop("adversarial", None) is not None:
            terms = {"feature_matching": self._feature_matching(data), **terms}
        if move.player in self.history:
            distance = self._history(move.player).distance(self._moved(move.player))
            terms["historical"] = self.techniques.historical_averaging * distance
        if self.adaptive and move.player == self.opponent:
            log["augmented"] = self.adaptive.p
        return Move(move.player, log=log, **terms)

    def _feature_matching(self, data: Any) -> Tensor:
        """Of fresh fakes to the data last drawn, both without the game's instance noise."""
        made = self.game.sample(data)
        with torch.no_grad():
            real = features(self.discriminator, self.layer, _x(data))
        return feature_matching(real, features(self.discriminator, self.layer, made))

    def _make_norms_virtual(self, shape: Shape) -> None:
        size = self.techniques.virtual_batch_norm
        of_g, of_d = (
            has_batch_norm(*player.modules) for player in (self._player("generator"), self._player(self.opponent))
        )
        if not of_g and not of_d:
            raise ZerosumError(f"{self.name} has no batch norm to make virtual here; leave virtual_batch_norm at 0")
        if of_g:
            z = self.prior.draw(torch.empty(size))
            if not takes(self.generator, z.shape[1:]):
                raise ZerosumError(
                    f"virtual batch norm needs a generator that takes z alone; that of {self.name} does not"
                )
            replace(self.game, self.generator, WithReference(self.generator, z))
            self._rehearse(shape)
        if of_d:
            self._last_layer("virtual batch norm", shape)
            replace(self.game, self.discriminator, WithReference(self.discriminator, torch.zeros(size, *shape)))

    def _rehearse(self, shape: Shape) -> None:
        """Play a round without values: a game may take its generator apart, which cannot be seen from outside."""
        batch = torch.empty(2, *shape, device="meta")
        try:
            for _ in copy.deepcopy(self.game).to("meta").round(lambda: batch.clone(), 0):
                pass
        except (AttributeError, IndexError, RuntimeError, TypeError, ValueError) as error:
            if WithReference.__name__ in str(error):  # else this batch was not what the game draws
                raise ZerosumError(
                    f"virtual batch norm does not fit {self.name}, which takes its generator apart"
                ) from error

    def _compare_samples(self, shape: Shape) -> None:
        head = self.discriminator.get_submodule(self._last_layer("minibatch discrimination", shape))
        if not isinstance(head, nn.Linear):
            raise ZerosumError(f"minibatch discrimination needs a discriminator whose last layer is linear, not {head}")
        left_out = len(self._reference.reference) if self._reference else 0
        layer = MinibatchDiscrimination(head, self.techniques.minibatch_discrimination, left_out=left_out)
        replace(self.game, head, layer)

    def _augment(self, shape: Shape) -> None:
        given = self.techniques
        if len(shape) != 3:
            raise ZerosumError(f"augmentation is of images, not of samples of shape {shape}; switch it off")
        if given.diff_augment and given.adaptive_augment:
            raise ZerosumError("diff_augment and adaptive_augment are two ways to augment; choose one")
        self._last_layer("augmentation", shape)
        adaptive = AdaptiveAugment(given.adaptive_target, given.adaptive_images)
        transform = adaptive if given.adaptive_augment else DiffAugment(given.diff_augment)
        replace(self.game, self.discriminator, Augmented(self.discriminator, transform))

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

    def _player(self, name: str) -> Player:
        return self.game.players()[name]

    def _network(self, player: str) -> nn.Module:
        network, *others = self._player(player).modules
        if others:
            raise ZerosumError(
                f"the {player} of {self.name} has several networks: historical_averaging alone is for such players"
            )
        return network

    def _moved(self, player: str) -> list[nn.Parameter]:
        return [p for module in self._player(player).modules for p in module.parameters() if p.requires_grad]

    def _history(self, player: str) -> HistoricalAverage:
        found = self.history[player]
        assert isinstance(found, HistoricalAverage)
        return found


def _x(data: Any) -> Tensor:
    if isinstance(data, Semi):
        return data.unlabelled
    return data.x if isinstance(data, Labelled) else data


def _logits(move: Move) -> Tensor:
    """D's logits on real samples, which its moves log."""
    if "real" not in move.log:
        raise ZerosumError(f"adaptive_augment reads the logits that the moves of the {move.player} log as 'real'")
    return move.log["real"]
