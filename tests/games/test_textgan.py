"""TextGAN: what its moves minimise, the phases, codes that become z, words that change places, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from zerosum.batches import Sequences
from zerosum.errors import ZerosumError
from zerosum.game import Move
from zerosum.games import find
from zerosum.games.textgan import TextGAN, swapped
from zerosum.losses import non_saturating
from zerosum.losses.discrepancy import discrepancy
from zerosum.modality import Lengths, Spec, Tokens

TOKENS = Tokens(("<unk>", "<eos>", "a", "b", "c"), 6)
SMALL = {"embedding": 4, "hidden": 8, "d_embedding": 4, "filters": 4, "widest": 2, "dropout": 0.0, "matched": 3}


def textgan(tokens: Tokens = TOKENS, **options: Any) -> TextGAN:
    torch.manual_seed(1)
    spec = Spec({"ids": tokens, "lengths": Lengths(tokens.length)}, 100)
    game = find("textgan/lines").build(
        spec, {"config": {"latent_dim": 3, "pretrain": 0, "autoencoding": 0.0, **options}, "network": SMALL}
    )
    assert isinstance(game, TextGAN)
    return game


def draw() -> Sequences:
    rows = ["a b c", "b", "c a b c", "a a b", "c c", "b a c"]
    ids = torch.tensor([TOKENS.ids(row.split()) for row in rows])
    return Sequences(ids, TOKENS.lengths(ids))


def moves(game: TextGAN, step: int = 0) -> list[Move]:
    return list(game.round(draw, step))


def test_phases_go_one_after_the_other():
    game = textgan(pretrain=2, d_steps=3)
    played = [[move.player for move in game.round(draw, step)] for step in range(3)]
    assert played == [["discriminator", "generator"]] * 2 + [["discriminator"] * 3 + ["generator"]]
    assert game.phase(0) == game.phase(1) != game.phase(2) == game.phase(9)
    first, second = moves(game)
    assert [*first.terms] == ["adversarial", "matching", "autoencoding", "prior"]
    assert [*second.terms] == ["autoencoding"]
    assert first.logits is None, "swapped words are no fakes"


def test_d_minimises_the_gans_loss_plus_the_error_of_z_minus_the_discrepancy():
    game = textgan(reconstruction=0.5, matching=3.0)
    torch.manual_seed(5)
    move, _ = moves(game)
    torch.manual_seed(5)
    z, real = game.latents(6), draw().ids
    fake = game.generate(z)
    logits = game.discriminator(real), game.discriminator(fake)
    features = [game.compressor(game.features(x)) for x in (real, fake)]
    torch.testing.assert_close(move.terms["adversarial"], non_saturating.d(*logits))
    torch.testing.assert_close(move.terms["reconstruction"], 0.5 * (game.encode(fake) - z).square().mean())
    torch.testing.assert_close(move.terms["matching"], -3.0 * discrepancy(*features, 3**0.5))
    assert move.logits is not None and move.logits.fake.shape == (6, 1)


def test_g_minimises_the_discrepancy_alone_unless_more_is_asked():
    game = textgan()
    torch.manual_seed(6)
    played = game.round(draw, 0)
    next(played)
    before = torch.get_rng_state()
    move = next(played)
    assert [*move.terms] == ["adversarial"]
    torch.set_rng_state(before)
    fake = game.generate(game.latents(6))
    features = [game.compressor(game.features(x)) for x in (draw().ids, fake)]
    torch.testing.assert_close(move.loss, discrepancy(*features, 3**0.5))
    slopes = torch.autograd.grad(move.loss, [*game.generator.parameters()])
    assert all(float(slope.abs().sum()) > 0 for slope in slopes)
    _, more = moves(textgan(gan=2.0, autoencoding=0.5))
    assert [*more.terms] == ["adversarial", "gan", "autoencoding"]


def test_what_is_asked_for_besides_by_hand():
    game = textgan(gan=2.0, autoencoding=0.5, code_prior=4.0, code_noise=0.0)
    played = game.round(draw, 0)
    of_d = next(played)
    before = torch.get_rng_state()
    of_g = next(played)
    real = draw().ids
    code = game.encode(real)
    for move in (of_d, of_g):
        torch.testing.assert_close(move.terms["autoencoding"], 0.5 * game.generator.surprise(code, real))
    assert [*of_d.terms] == ["adversarial", "reconstruction", "matching", "autoencoding", "prior"]
    torch.set_rng_state(before)
    fake = game.generate(game.latents(6))
    torch.testing.assert_close(of_g.terms["gan"], 2 * non_saturating.g(game.discriminator(fake)))
    torch.manual_seed(8)
    asked = game._encode(code, real, 0.5)
    torch.manual_seed(8)
    torch.testing.assert_close(asked["prior"], 2 * discrepancy(game.latents(6), code, 6**0.5))


def test_a_code_and_its_noise():
    game = textgan(code_noise=0.3)
    features = game.features(draw().ids).repeat(2_000, 1).detach()
    noise = (game._code(features) - game.recogniser(features)).detach()
    assert float(noise.std()) == pytest.approx(0.3, rel=0.02) and abs(float(noise.mean())) < 0.01


def test_z_is_found_again_in_what_is_written_of_it():
    """D learns to read z where it can be read, and a text carries what it was made from."""
    game = textgan(reconstruction=1.0, matching=0.0)
    optimizer = torch.optim.Adam([*game.discriminator.parameters(), *game.recogniser.parameters()], 0.02)
    with torch.no_grad():
        game.generator.begin.weight.mul_(3)
        game.generator.out.weight.mul_(6)
    errors = []
    for _ in range(150):
        move = next(game.round(lambda: Sequences(draw().ids.repeat(20, 1), draw().lengths.repeat(20)), 0))
        optimizer.zero_grad()
        move.terms["reconstruction"].backward()
        optimizer.step()
        errors.append(float(move.terms["reconstruction"].detach()))
    assert sum(errors[-10:]) / 10 < 0.8 < 0.95 < errors[0], "z has the variance 1"
    z = game.latents(500)
    assert float((game.encode(game.generate(z)) - z).square().mean().detach()) < 0.85


def test_two_words_change_places():
    torch.manual_seed(0)
    ids = draw().ids.repeat(200, 1)
    made = swapped(TOKENS, ids)
    lengths = TOKENS.lengths(ids)
    assert torch.equal(TOKENS.lengths(made), lengths) and torch.equal(made.sort(1)[0], ids.sort(1)[0])
    apart = torch.tensor([[0, 1, 2, 3, 4, 5]]).expand(1_000, -1)
    different = (swapped(Tokens(tuple("012345"), 6), apart) != apart).sum(1)
    assert (different == 2).all(), "of texts of different tokens two are elsewhere"
    pairs = swapped(Tokens(tuple("012345"), 6), apart).ne(apart).nonzero()[:, 1].view(-1, 2)
    assert len(pairs.unique(dim=0)) == 15, "any two"
    assert torch.equal(made[lengths == 1], ids[lengths == 1])


def test_samples_are_texts_of_z():
    game = textgan().eval()
    z = game.prior.draw(50)
    assert torch.equal(game.generate(z), game.generate(z)) and len(game.generate(5 * z).unique(dim=0)) > 1
    assert game.encode(game.generate(z)).shape == (50, 3) and game.score(game.generate(z)).shape == (50,)


@pytest.mark.parametrize(("tokens", "message"), [
    (Tokens(("<unk>", "a", "b"), 1), "texts of one token have no words to change places"),
    (Tokens(("<unk>", "<eos>", "a", "b"), 2), "texts of one token have no words to change places"),
    (Tokens(("<unk>", "<eos>", "a"), 4), "all words of the texts are the same"),
])  # fmt: skip
def test_texts_that_nothing_can_be_learnt_of_are_refused(tokens: Tokens, message: str):
    with pytest.raises(ZerosumError, match=message):
        textgan(tokens).check()
    textgan().check()
