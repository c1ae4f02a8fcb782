"""The driving simulator: the moves of its two phases by hand, what is frozen, the authors' rates, what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.errors import ZerosumError
from zerosum.game import Move
from zerosum.games import find
from zerosum.games.driving_simulator import Driven, DrivingSimulator
from zerosum.modality import Actions, Spec, Video
from zerosum.networks.heads import Discriminator
from zerosum.networks.transition import Transition
from zerosum.roles import Predicts, has_role

SHAPE = (6, 1, 2, 2)  # of a film
SPEC = Spec({"x": Video(*SHAPE), "actions": Actions(6, 1)}, count=8)


class Flat(nn.Module):
    """A linear map between tensors of any shapes."""

    def __init__(self, before: int, after: int, shape: tuple[int, ...]):
        super().__init__()
        self.linear, self.shape = nn.Linear(before, after), shape

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1)).reshape(len(x), *self.shape)


def simulator(**config: Any) -> DrivingSimulator:
    torch.manual_seed(0)
    chosen = DrivingSimulator.Config(
        **{"latent_dim": 3, "autoencoder_steps": 2, "start": 2, "free": 3, "kl": 0.5, "adversarial": 0.1, **config}
    )
    discriminator = Discriminator(Flat(4, 5, (5,)), nn.Linear(5, 1))
    return DrivingSimulator(Flat(4, 6, (6,)), Flat(3, 4, (1, 2, 2)), discriminator, Transition(3, 1, 7), chosen)


def films(seed: int = 1) -> Driven:
    generator = torch.Generator().manual_seed(seed)
    return Driven(torch.rand(4, *SHAPE, generator=generator) * 2 - 1, torch.rand(4, 6, 1, generator=generator))


def played(game: DrivingSimulator, step: int) -> list[Move]:
    torch.manual_seed(7)
    return list(game.round(films, step))


def test_the_moves_of_a_vae_gan_are_its_losses():
    """No move changes anything here, so that each can be computed again, with the same random numbers."""
    game = simulator(pixels=2.0, features=0.25)
    moves = {move.player: move for move in played(game, 0)}
    assert list(moves) == ["discriminator", "encoder", "generator"]

    torch.manual_seed(7)
    x = films().x
    real = x[torch.arange(4), torch.randint(6, (4,))]
    generated = game.generator(torch.randn(4, 3))
    mean, log_sigma = game.encoder(real).chunk(2, 1)
    of_code = game.generator(mean + log_sigma.exp() * torch.randn(4, 3))
    d = game.discriminator
    assert d is not None
    loss = F.softplus(-d(real)).mean() + F.softplus(d(generated)).mean() + F.softplus(d(of_code)).mean()
    torch.testing.assert_close(moves["discriminator"].loss, loss)
    assert moves["discriminator"].logits is not None and len(moves["discriminator"].logits.fake) == 8

    of_code = game.generator(mean + log_sigma.exp() * torch.randn(4, 3))
    terms = moves["encoder"].terms
    similarity = 0.25 * 0.5 * (d.body(real) - d.body(of_code)).square().mean()
    torch.testing.assert_close(terms["features"], similarity)
    torch.testing.assert_close(terms["pixels"], 2 * (real - of_code).square().mean())
    divergence = (0.5 * (mean**2 + log_sigma.exp() ** 2 - 1) - log_sigma).sum(1).mean()
    torch.testing.assert_close(terms["kl"], 0.5 * divergence)

    of_code, generated = game.generator(mean + log_sigma.exp() * torch.randn(4, 3)), game.generator(torch.randn(4, 3))
    terms = moves["generator"].terms
    assert list(terms) == ["adversarial", "features", "pixels"]
    answer = F.softplus(-d(generated)).mean() + F.softplus(-d(of_code)).mean()
    torch.testing.assert_close(terms["adversarial"], 0.1 * answer)
    torch.testing.assert_close(terms["pixels"], 2 * (real - of_code).square().mean())


def test_without_adversarial_loss_it_is_a_vae_of_pixels():
    game = simulator(adversarial=0.0, features=0.0)
    assert game.discriminator is None and "discriminator" not in game.players()
    encoder, generator = played(game, 0)
    assert list(encoder.terms) == ["pixels", "kl"] and list(generator.terms) == ["pixels"]


def test_then_the_transition_model_learns_in_latent_space_alone():
    game = simulator()
    (move,) = played(game, 2)
    assert move.player == "transition" and list(move.terms) == ["codes"]
    torch.manual_seed(7)
    (x, actions), first = films(), torch.randint(6 - 5 + 1, (4, 1))
    parts = [(x[i, int(k) : int(k) + 5], actions[i, int(k) : int(k) + 4]) for i, k in enumerate(first)]
    codes = torch.stack([game.encoder(part).chunk(2, 1)[0] for part, _ in parts])
    foreseen = game.transition(codes[:, :2], torch.stack([part for _, part in parts]))
    torch.testing.assert_close(move.loss, (foreseen - codes[:, 1:]).square().mean())
    torch.testing.assert_close(move.log["free"], (foreseen - codes[:, 1:])[:, 2:].square().mean())
    move.loss.backward()
    moved = {name.partition(".")[0] for name, p in game.named_parameters() if p.grad is not None}
    assert moved == {"transition"}, "encoder and generator are frozen"


def test_the_phase_changes_with_what_is_learnt():
    game = simulator(autoencoder_steps=3)
    assert [game.phase(step) for step in range(5)] == ["frames"] * 3 + ["motion"] * 2
    for step in range(5):
        players = [move.player for move in played(game, step)]
        assert ("transition" in players) == (game.phase(step) == "motion")


def test_frames_are_foreseen_from_the_first_ones_and_the_actions():
    game = simulator().eval()
    assert has_role(game, Predicts)
    x, actions = films()
    made = game.predict(x[:, :2], actions[:, :5])
    assert made.shape == (4, 4, 1, 2, 2)
    codes = torch.stack([game.encode(x[:, t]) for t in range(2)], 1)
    after = game.transition(codes, actions[:, :5])
    torch.testing.assert_close(made[:, 0], game.generator(after[:, 1]))
    torch.testing.assert_close(made[:, 3], game.generator(after[:, 4]))
    assert not torch.equal(made, game.predict(x[:, :2], -actions[:, :5]))
    torch.testing.assert_close(game.predict(x[1:2, :2], actions[1:2, :5]), made[1:2])


def test_the_authors_settings():
    config = find("driving-simulator").options["config"]
    assert (config.start, config.free) == (5, 10)
    rates = [o.lr for o in (config.e_optimizer, config.g_optimizer, config.d_optimizer, config.t_optimizer)]
    assert rates == [2e-4, 2e-4, 2e-4, 8e-4] and config.t_optimizer.betas[0] == 0.5
    assert find("driving-simulator").training.batch_size == 64


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"features": 0.0, "pixels": 0.0}, "leave no reconstruction to learn"),
        ({"adversarial": 0.0}, "D learns no features without --adversarial"),
    ],
)
def test_what_leaves_nothing_to_learn_is_refused(config: dict[str, float], message: str):
    with pytest.raises(ZerosumError, match=message):
        simulator(**config)


def test_films_that_are_too_short_are_refused():
    with pytest.raises(ZerosumError, match="films of 6 frames are shorter than --start 5 and --free 10; lower them"):
        find("driving-simulator").build(SPEC)
