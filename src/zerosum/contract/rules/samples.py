"""What a game makes: its shape, what it depends on, and what making it leaves as it was."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from zerosum.batches import samples_of
from zerosum.contract.case import Case
from zerosum.contract.rules.moves import turns_of
from zerosum.contract.rules.rule import Broken, DoesNotApply
from zerosum.contract.rules.state import same
from zerosum.contract.rules.words import first_line, some
from zerosum.game import Game
from zerosum.roles import Generates, Translates, has_role, in_role, makes_samples

CLOSE = 1e-3  # of a sample alone and in a batch, beside the largest number of both


def samples(case: Case) -> None:
    game = case.game().eval()
    require_maker(game)
    modality = case.spec.fields[game.makes]
    made = case.samples(game, case.batch())
    if made.shape != (case.batch_size, *modality.shape):
        raise Broken(
            f"samples have the shape {tuple(made.shape)}, and those of the data {(case.batch_size, *modality.shape)}",
            "build the generator for data.x.shape, or name the data that it is made for by --data",
        )
    if not made.isfinite().all():
        raise Broken("samples are not finite as training begins", "look at the first weights of the generator")
    stored, wanted = modality.store(made).dtype, case.data().fields[game.makes].stored.dtype
    if stored != wanted:
        raise Broken(f"samples are stored as {stored}, and the data as {wanted}", "make samples of float32")


def sampling(case: Case) -> None:
    """Equal z and y, equal samples; whatever data was drawn, and whichever random numbers come next."""
    game = case.game().eval()
    require_maker(game)
    if has_role(game, Translates):
        _translating(case, game)
        return
    if not has_role(game, Generates):
        raise DoesNotApply("its samples are not made from z")
    role, y = in_role(game, Generates), case.y(game)
    z = case.z(game)

    def generate(z: Tensor, y: Tensor | None) -> Tensor:
        torch.manual_seed(3)  # equal other noise, where there is any
        with torch.no_grad():
            return role.generate(z, y)

    made = generate(z, y)
    list(game.round(case.batch, 10_000))
    if not torch.equal(generate(z, y), made):
        raise Broken(
            "equal z give other samples after a round was computed, though no move was made",
            "make samples from z (and y) alone: keep neither data nor counters that generate reads",
        )
    if torch.equal(generate(z + 1, y), made):
        raise Broken("samples do not depend on z", "use z in generate")
    before = torch.manual_seed(3).get_state()
    try:
        alone = [generate(z[i : i + 1], None if y is None else y[i : i + 1]) for i in range(len(z))]
    except Exception as error:
        raise Broken(
            f"a sample alone cannot be made: {first_line(error)}",
            "let generate take any number of rows, one among them, in evaluation mode",
        ) from error
    draws = not torch.equal(before, torch.get_rng_state())  # then it is asked for one sample at a time
    if not draws and not near(torch.cat(alone), made):
        raise Broken(
            "a sample alone is another than in its batch, also in evaluation mode",
            "normalise in evaluation by running statistics, not by those of the batch",
        )
    if y is not None and torch.equal(generate(z, y.roll(1, 0)), made):
        raise Broken("samples do not depend on the condition", "use y in generate: self.generator(z, *conditions(y))")


def _translating(case: Case, game: Game[Any]) -> None:
    """Of a translator: equal inputs and seeds, equal outputs, alone and in a batch, in training and in use."""
    role = in_role(game, Translates)
    a = samples_of(case.batch(), role.takes)
    seeds = torch.arange(len(a))

    def translate(a: Tensor, seeds: Tensor) -> Tensor:
        with torch.no_grad():
            return role.translate(a, seeds)

    before = torch.get_rng_state()
    made = translate(a, seeds)
    if not torch.equal(before, torch.get_rng_state()):
        raise Broken("a translation draws random numbers", "let its noise be a function of `seeds`, as SeededDropout's")
    list(game.round(case.batch, 10_000))
    if not torch.equal(translate(a, seeds), made):
        raise Broken(
            "equal inputs become something else after a round was computed, though no move was made",
            "make translations of a (and seeds) alone: keep neither data nor counters that translate reads",
        )
    if not near(torch.cat([translate(a[i : i + 1], seeds[i : i + 1]) for i in range(len(a))]), made):
        raise Broken("a translation alone is another than in its batch", "normalise each sample alone: instance norm")
    game.train()
    if not near(translate(a, seeds), made):
        raise Broken(
            "a translation is another in training than in use",
            "let both be one: neither batch norm nor dropout that is switched off in use",
        )


def modes(case: Case) -> None:
    trainer = case.trainer()
    game = trainer.game
    for turn in turns_of(trainer, 0):
        trainer.play(turn)
    if still := [name for name, module in game.named_modules() if not module.training]:
        raise Broken(
            f"after a round {some([name or 'the game' for name in still])} is in evaluation mode",
            "leave the mode as it was: the trainer sets it, and `zerosum.load` for sampling",
        )
    game.eval()
    require_maker(game)
    before = {name: value.clone() for name, value in game.state_dict().items()}
    case.samples(game, case.batch())
    if moved := [name for name, value in game.state_dict().items() if not same(value, before[name])]:
        raise Broken(f"sampling changes {some(moved)}", "change buffers in a round alone, not in generate")
    if woken := [name for name, module in game.named_modules() if module.training]:
        raise Broken(f"sampling puts {some([n or 'the game' for n in woken])} in training mode", "leave the mode")


def require_maker(game: Game[Any]) -> None:
    if not makes_samples(game):
        raise DoesNotApply("it makes no samples")


def near(a: Tensor, b: Tensor) -> bool:
    a, b = a.double(), b.double()
    return bool((a - b).abs().max() <= CLOSE * max(1e-6, float(a.abs().max()), float(b.abs().max())))
