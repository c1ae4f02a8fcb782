"""A game with techniques keeps to everything that a recipe keeps to, and says where a technique does not fit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import test_recipes
import torch
from torch import Tensor, nn

import zerosum
from zerosum import latent
from zerosum.augment.adaptive import AdaptiveAugment
from zerosum.augment.augmented import Augmented
from zerosum.contract.rules import RULES
from zerosum.contract.rules.rule import DoesNotApply, Rule
from zerosum.contract.rules.state import play
from zerosum.errors import ZerosumError
from zerosum.game import Game, Move, Player, all_moves
from zerosum.games import find
from zerosum.games.gan import GAN
from zerosum.health.signals import SignalMeter
from zerosum.latent_game import LatentGame
from zerosum.modality import Image, Points, Spec
from zerosum.optim import SGD
from zerosum.techniques import NONE, Techniques
from zerosum.techniques.apply import WithTechniques, with_techniques
from zerosum.techniques.minibatch import MinibatchDiscrimination
from zerosum.techniques.virtual_batch_norm import WithReference
from zerosum.training import checkpoint
from zerosum.util import rng

SALIMANS = {"feature_matching": True, "minibatch_discrimination": 3, "historical_averaging": 0.1}
DIFF = {"diff_augment": ("color", "translation", "cutout")}
ADA = {"adaptive_augment": True, "adaptive_images": 50}
CHOSEN: dict[str, dict[str, Any]] = {
    "gan/toy": SALIMANS,
    "gan/tutorial": ADA | {"virtual_batch_norm": 5},
    "dcgan": SALIMANS | DIFF | {"virtual_batch_norm": 6},
    "hinge": SALIMANS | ADA | {"virtual_batch_norm": 3},
    "unrolled/toy": SALIMANS,
    "wgan-gp/toy": SALIMANS,
    "acgan/images": {"layer_noise": {"std": 0.2, "steps": 7}},
    "bigan/toy": {"layer_noise": {"std": 0.2}},
}
TALL = (1, 20, 20)  # halved twice: DCGAN's discriminator has no batch norm in a first layer


def case_with(case: Any, **techniques: Any) -> Any:
    case.options = case.options | {"techniques": techniques}
    return case


@pytest.fixture(params=list(CHOSEN))
def case_with_techniques(request: pytest.FixtureRequest, case_of: Callable[[str], Any]) -> Any:
    """A recipe's case with techniques on."""
    made = case_of(request.param)
    made.shape = TALL if request.param == "dcgan" else made.shape
    return case_with(made, **CHOSEN[request.param])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_it_keeps_the_rule(case_with_techniques, rule: Rule):
    """`resume`: reference batches, means of the past and ADA's probability are in the checkpoint."""
    with suppress(DoesNotApply):
        rule.check(case_with_techniques.of())


FURTHER = [
    test_recipes.test_the_terms_of_a_round_keep_their_names,
    test_recipes.test_samples_have_any_shape,
    test_recipes.test_samples_come_from_z_and_conditions_never_from_the_data,
]


@pytest.mark.parametrize("check", FURTHER, ids=lambda check: check.__name__.removeprefix("test_"))
def test_the_contract_of_recipes(case_with_techniques, check: Callable[[Any], None]):
    check(case_with_techniques)


def test_nothing_chosen_is_the_game_itself(case_of):
    game = case_of("gan/toy").game()
    assert with_techniques(game, NONE, Points(2)) is game and type(game) is GAN
    assert Techniques() == NONE


def game_of(case: Any, **techniques: Any) -> WithTechniques:
    game = case_with(case, **techniques).game()
    assert isinstance(game, WithTechniques)
    return game


def moves_of(game: Game[Any], case: Any, step: int = 0) -> list[Move]:
    return list(all_moves(game.round(case.batch, step)))


def test_the_players_networks_are_at_hand(case_of):
    game = game_of(case_of("wgan-gp/images"), minibatch_discrimination=2)
    assert game.generator is game.game.generator and game.discriminator is game.game.critic
    assert game.name == "wgan-gp" and game.core is game.game
    assert isinstance(game.discriminator.linear, MinibatchDiscrimination)


def test_feature_matching_takes_the_place_of_the_adversarial_term_of_g_alone(case_of):
    case = case_of("two-player/toy")
    d, g = moves_of(game_of(case, feature_matching=True), case)
    assert [*d.terms] == ["adversarial", "r1"] and [*g.terms] == ["feature_matching"]
    assert d.logits is not None and not d.log, "the monitor reads them"


def test_feature_matching_by_hand(case_of):
    """G's term is the distance of the means of what D's last layer sees, of the data and of fakes of the next z."""
    case = case_of("gan/toy")
    game, batch = game_of(case, feature_matching=True), case.batch()
    torch.manual_seed(5)
    *_, move = game.round(lambda: batch, 0)
    torch.manual_seed(5)
    for _ in range(2):
        game.core.latents(len(batch))  # of D's move and of the adversarial term
    body = nn.Sequential(*list(game.discriminator.layers)[:-1])
    between = body(batch).mean(0) - body(game.core.generate(game.core.latents(len(batch)))).mean(0)
    torch.testing.assert_close(move.terms["feature_matching"], between.square().mean())
    other = game_of(case, feature_matching=True, feature_distance="mean-absolute")
    other.load_state_dict(game.state_dict())
    torch.manual_seed(5)
    *_, move = other.round(lambda: batch, 0)
    torch.testing.assert_close(move.terms["feature_matching"], between.abs().mean())


def test_historical_averaging_counts_every_move(case_of):
    case = case_of("wgan-gp/toy")  # two moves of the critic a round
    trainer = case_with(case, historical_averaging=0.5).trainer()
    trainer.game.train()
    past = {player: [flat(trainer, player)] for player in trainer.players}
    terms: dict[str, list[Tensor]] = {player: [] for player in trainer.players}
    for step in range(3):
        for move in trainer.game.round(trainer.stream, step):
            terms[move.player].append(move.terms["historical"].detach())
            trainer.play(move)
            past[move.player].append(flat(trainer, move.player))
    assert {player: len(own) for player, own in past.items()} == {"generator": 4, "critic": 7}
    for player, own in past.items():
        for t, term in enumerate(terms[player], 1):
            torch.testing.assert_close(term, 0.5 * (own[t - 1] - torch.stack(own[:t]).mean(0)).square().sum())


def flat(trainer: Any, player: str) -> Tensor:
    return torch.cat([p.detach().flatten().clone() for p in trainer.parameters[player]])


def test_players_of_several_networks_have_histories_too(case_of):
    for name in ("bigan/toy", "bayesian/toy"):
        trainer = case_with(case_of(name), historical_averaging=0.5).trainer()
        assert isinstance(trainer.game, WithTechniques)
        play(trainer, 2)
        assert "generator/historical" in trainer.pop_metrics()


def test_the_reference_batch_is_the_first_data_and_stays(case_of):
    case = case_of("dcgan")
    case.shape = TALL
    game = game_of(case, virtual_batch_norm=3, **DIFF)
    batches = [case.batch() for _ in range(3)]
    assert isinstance(game.discriminator, Augmented)
    g, d = game.generator, game.discriminator.network
    assert isinstance(g, WithReference) and isinstance(d, WithReference)
    z = g.reference.clone()
    for step in range(3):
        moves_of_batch = game.round(lambda step=step: batches[step], step)
        assert len(list(moves_of_batch)) == 2
        assert torch.equal(d.reference, batches[0][:3]) and torch.equal(g.reference, z)
    assert game.phase(0) is None and game.phase(1) is not None, "a GPU does not replay the round that takes it"
    assert not any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in game.modules())


def test_averaged_weights_have_the_reference_batch_and_the_probability(case_of):
    trainer = case_with(case_of("dcgan"), virtual_batch_norm=3, adaptive_augment=True).trainer()
    play(trainer, 3)
    average = trainer.sampler
    assert isinstance(average, WithTechniques) and average is not trainer.game
    assert torch.equal(average.generator.reference, trainer.game.generator.reference)
    z = trainer.game.core.latents(4)
    made, own = (game.eval().core.generate(z) for game in (average, trainer.game))
    assert made.shape == own.shape and not torch.equal(made, own)


def test_adaptive_augmentation_reads_d_and_logs_its_probability(case_of):
    case = case_of("gan/tutorial")
    game = game_of(case, adaptive_augment=True, adaptive_images=4 * 4 * 10)
    nn.init.constant_(game.discriminator.network.layers[-1].bias, 100.0)  # all of it is real, D says
    ada = game.adaptive
    assert isinstance(ada, AdaptiveAugment) and ada is game.discriminator.transform
    seen = []
    for step in range(8):
        d, g = moves_of(game, case, step)
        seen.append(float(d.log["augmented"]))
        assert "augmented" not in g.log
    assert ada.p.item() == pytest.approx(0.2) and seen[0] == 0


def test_d_is_never_shown_an_image_as_it_is(case_of):
    """The penalty's call too is of D(T(x))."""
    case = case_of("hinge")
    game, shown = game_of(case, **DIFF), []
    game.discriminator.network.register_forward_pre_hook(lambda _, inputs: shown.append(inputs[0].detach()))
    batch = case.batch()
    assert len(list(game.train().round(lambda: batch, 0))) == 2
    assert len(shown) == 3
    assert not any(torch.equal(image, real) for x in shown for image in x for real in batch)


def test_noise_in_the_layers_of_d_is_annealed_and_gone_after_the_round(case_of):
    """D's move and G's are of a noisy D; what is asked of D outside of a round is not, and no hook stays."""
    game = game_of(case_of("gan/toy"), layer_noise={"std": 0.5, "steps": 4}).train()
    layers = [m for m in game.discriminator.modules() if isinstance(m, nn.Linear)]
    seen: list[list[Tensor]] = [[] for _ in layers]
    for layer, inputs in zip(layers, seen, strict=True):
        layer.register_forward_hook(lambda _, args, __, inputs=inputs: inputs.append(args[0].detach()))
    x = torch.randn(4000, 2)

    def inputs_at(step: int) -> list[Tensor]:
        """Of every layer in D's move, on real samples."""
        for inputs in seen:
            inputs.clear()
        next(game.round(lambda: x, step))
        return [inputs[0][: len(x)] for inputs in seen]

    game.discriminator(x)
    clean = [inputs[-1] for inputs in seen]
    for step, std in ((0, 0.5), (1, 0.375), (4, 0.0)):
        first, second, *_ = inputs_at(step)
        assert torch.equal(first, clean[0]), "the first layer sees the samples as they are"
        assert float((second - clean[1]).std()) == pytest.approx(std, rel=0.02, abs=1e-6)
    assert [game.phase(step) for step in (0, 3)] == [None, None] and game.phase(4) == game.phase(9) != None  # noqa: E711
    before = game.discriminator(x)
    assert torch.equal(game.discriminator(x), before)


def test_the_monitor_sees_a_game_with_techniques(case_of):
    case = case_with(case_of("gan/toy"), **SALIMANS)
    trainer = case.trainer()
    play(trainer, 3)
    signals = SignalMeter(case.data(), trainer.game.makes).measure(trainer, 0.0).signals
    of_players = {"real_accuracy/discriminator", "separation/discriminator", "gradient/generator"}
    assert {"frechet"} | of_players <= signals.keys()


@pytest.mark.parametrize(("name", "techniques", "message"), [
    ("gan/toy", DIFF, "augmentation is of images"),
    ("gan/toy", ADA, "augmentation is of images"),
    ("gan/toy", {"virtual_batch_norm": 4}, "gan has no batch norm"),
    ("gan/tutorial", ADA | DIFF, "choose one"),
    ("bigan/toy", {"feature_matching": True}, "feature matching does not fit the discriminator of bigan"),
    ("bigan/toy", {"minibatch_discrimination": 4}, "minibatch discrimination does not fit"),
    ("sgan/mnist", {"layer_noise": {"std": 0.1}}, "layer_noise finds no linear layer"),
    ("bayesian/toy", {"feature_matching": True}, "one logit for each sample"),
    ("bayesian/images", {"virtual_batch_norm": 4}, "bayesian, which takes its generator apart"),
    ("bigan/mnist", {"virtual_batch_norm": 4}, "historical_averaging alone is for such players"),
    ("began/toy", {"feature_matching": True}, "one logit for each sample"),
    ("pacgan", DIFF, "augmentation does not fit the discriminator of two-player"),
])  # fmt: skip
def test_what_does_not_fit_is_refused_at_once(case_of, name: str, techniques: dict[str, Any], message: str):
    with pytest.raises(ZerosumError, match=message):
        case_with(case_of(name), **techniques).game()


class Linears(LatentGame[Tensor]):
    """Players of one linear layer each; the one that is called `own`, where there is one, has the generator."""

    name = "linears"

    def __init__(self, *players: str, own: str = "generator"):
        super().__init__()
        self.prior, self.names = latent.Normal(2), players
        self.networks = nn.ModuleList(nn.Linear(2, 2) for _ in players)
        self.generator = self.networks[players.index(own)] if own in players else nn.Identity()

    def players(self) -> dict[str, Player]:
        return {name: Player(SGD(), (own,)) for name, own in zip(self.names, self.networks, strict=True)}

    def round(self, draw: Any, step: int) -> Any:
        yield Move(self.names[0], adversarial=self.networks[0](draw()).sum())


@pytest.mark.parametrize("players", [("generator",), ("generator", "encoder", "critic"), ("a", "b")])
def test_other_games_than_of_two_players(players: tuple[str, ...]):
    message = "techniques are for a game of one generator against one opponent; linears is played by"
    with pytest.raises(ZerosumError, match=message):
        with_techniques(Linears(*players), Techniques(historical_averaging=1.0), Points(2))


def test_the_generating_player_may_have_any_name():
    game = with_techniques(Linears("critic", "actor", own="actor"), Techniques(historical_averaging=1.0), Points(2))
    assert isinstance(game, WithTechniques) and (game.g_player, game.d_player) == ("actor", "critic")


def test_ada_needs_logits():
    game = Linears("critic", "generator")
    game.networks[0] = nn.Sequential(nn.Flatten(), nn.Linear(4, 1))
    adaptive = with_techniques(game, Techniques(adaptive_augment=True), Image(1, 2, 2))
    with pytest.raises(ZerosumError, match="logits that the moves of the critic hand over"):
        list(adaptive.round(lambda: torch.rand(2, 1, 2, 2), 0))


def test_a_convolution_as_last_layer_has_no_batch_to_compare():
    patches = nn.Sequential(nn.Conv2d(1, 1, 4), nn.Flatten())
    game = GAN(nn.Linear(100, 16), patches)
    with pytest.raises(ZerosumError, match="last layer is linear"):
        with_techniques(game, Techniques(minibatch_discrimination=2), Image(1, 4, 4))


def test_a_run_with_techniques_is_trained_loaded_and_resumed(tmp_path: Path):
    chosen = {"historical_averaging": 0.01, "minibatch_discrimination": 4}
    run = zerosum.train("gan/toy", "ring", tmp_path / "run", steps=3, batch_size=8, techniques=chosen, quiet=True)
    loaded = zerosum.load(run.path)
    assert isinstance(loaded.game, WithTechniques) and loaded.game.techniques == Techniques(**chosen)
    assert isinstance(loaded.game.generator, nn.Module) and loaded.sample(5).shape == (5, 2)
    assert zerosum.resume(run.path, steps=5, quiet=True).step == 5
    saved = checkpoint.find(run.path / "checkpoints")[-1]
    rng.seed(0)
    plain = find("gan/toy").build(Spec({"x": Points(2)}))
    with pytest.raises(ZerosumError, match="of another game"):
        checkpoint.load(plain, saved)
