"""GAN-INT-CLS: what each player is shown, which captions are wrong, the two phases, and sentence encoders of others."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zerosum.batches import Captioned
from zerosum.errors import ZerosumError
from zerosum.game import Move
from zerosum.games.gan_int_cls import GANINTCLS
from zerosum.losses import adversarial
from zerosum.modality import Tokens
from zerosum.networks.text_encoder import Sentences, TextEncoder
from zerosum.roles import Illustrates, in_role

KIND = Tokens(("<unk>", "<eos>", "red", "blue", "circle"), 4)


class Sum(nn.Module):
    """A discriminator whose logit is the mean of the image plus that of the meaning; it remembers what it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.seen = nn.Parameter(torch.ones(())), list[tuple[Tensor, Tensor]]()

    def forward(self, x: Tensor, meaning: Tensor) -> Tensor:
        self.seen.append((x.detach(), meaning.detach()))
        return self.weight * (x.flatten(1).mean(1) + meaning.mean(1))[:, None]


class Paint(nn.Module):
    """A generator of images that are as bright as the meaning."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, z: Tensor, meaning: Tensor) -> Tensor:
        return self.weight * (meaning.mean(1) + 0 * z.sum(1))[:, None, None, None].expand(-1, 3, 2, 2)


class Count(nn.Module):
    """The meaning of a text: its first two ids."""

    def forward(self, text: Tensor) -> Tensor:
        return text[:, :2].float()


def game(**config: Any) -> GANINTCLS:
    return GANINTCLS(Count(), None, Paint(), Sum(), KIND, GANINTCLS.Config(latent_dim=2, **config))


BATCH = Captioned(
    torch.full((2, 3, 2, 2), 0.5),
    torch.tensor([[2, 4, 1, 1], [3, 4, 1, 1]]),
    torch.tensor([[3, 2, 1, 1], [2, 2, 1, 1]]),
)


def moves(of: GANINTCLS) -> tuple[Move, Move]:
    d, g = of.round(lambda: BATCH, 0)
    return d, g


def seen(of: GANINTCLS) -> Sum:
    assert isinstance(of.discriminator, Sum)
    return of.discriminator


def test_d_sees_right_wrong_and_fake_and_real_counts_twice() -> None:
    own = game(interpolated=0.0)
    d, _ = moves(own)
    x, meaning = seen(own).seen[0]
    right, wrong = BATCH.text[:, :2].float(), BATCH.wrong[:, :2].float()
    assert torch.equal(meaning, torch.cat([right, right, wrong])), "real and right, fake and right, real and wrong"
    assert torch.equal(x[:2], BATCH.x) and torch.equal(x[4:], BATCH.x) and torch.equal(x[2:4, 0, 0, 0], right.mean(1))
    logits = (x.flatten(1).mean(1) + meaning.mean(1))[:, None]
    softplus = nn.functional.softplus
    by_hand = softplus(-logits[:2]).mean() + (softplus(logits[2:4]).mean() + softplus(logits[4:]).mean()) / 2
    torch.testing.assert_close(d.loss, by_hand)
    assert d.logits is not None and torch.equal(d.logits.real, logits[:2]) and torch.equal(d.logits.fake, logits[2:4])


def test_without_cls_no_wrong_caption_is_seen() -> None:
    own = game(cls=False, interpolated=0.0)
    d, _ = moves(own)
    assert len(seen(own).seen[0][0]) == 4 and not d.log
    assert d.logits is not None
    torch.testing.assert_close(d.loss, adversarial.non_saturating.d(*d.logits))


@pytest.mark.parametrize(("share", "more"), [(0.0, 0), (0.5, 1), (1.0, 2)])
def test_g_answers_for_what_lies_midway_between_two_captions(share: float, more: int) -> None:
    own = game(interpolated=share)
    moves(own)
    x, meaning = seen(own).seen[1]
    right, wrong = BATCH.text[:, :2].float(), BATCH.wrong[:, :2].float()
    assert torch.equal(meaning, torch.cat([right, ((right + wrong) / 2)[:more]]))
    assert torch.equal(x[:, 0, 0, 0], meaning.mean(1)), "each fake is made of what D is told"


def test_first_the_encoder_learns_alone_and_then_it_stands_still() -> None:
    torch.manual_seed(0)
    encoder, images = TextEncoder(KIND, 2, 4), nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    own = GANINTCLS(encoder, images, Paint(), Sum(), KIND, GANINTCLS.Config(latent_dim=2, encoder_steps=5))
    assert [move.player for move in own.round(lambda: BATCH, 4)] == ["encoder"]
    assert [move.player for move in own.round(lambda: BATCH, 5)] == ["discriminator", "generator"]
    assert own.phase(4) != own.phase(5) == own.phase(6)
    for move in own.round(lambda: BATCH, 5):
        slopes = torch.autograd.grad(move.loss, [*encoder.parameters()], allow_unused=True)
        assert all(slope is None for slope in slopes)


def test_an_objective_that_pairs_samples_is_refused() -> None:
    with pytest.raises(ZerosumError, match="--objective relativistic compares each fake with a real sample"):
        game(objective="relativistic")


# ---- what texts mean


def test_the_end_of_a_text_is_where_reading_ends() -> None:
    torch.manual_seed(1)
    encoder = TextEncoder(KIND, 6, 8)
    long = TextEncoder(Tokens(KIND.vocabulary, 9), 6, 8)
    long.load_state_dict(encoder.state_dict())
    text = torch.tensor([[2, 4, 1, 1], [3, 2, 4, 1], [1, 1, 1, 1], [2, 3, 2, 3]])
    meaning = encoder(text)
    torch.testing.assert_close(meaning, long(nn.functional.pad(text, (0, 5), value=1)))
    torch.testing.assert_close(meaning.norm(dim=1), torch.ones(4))
    torch.testing.assert_close(meaning[:1], encoder(text[:1]))
    assert not torch.allclose(encoder(torch.tensor([[2, 3, 1, 1]])), encoder(torch.tensor([[3, 2, 1, 1]]))), "order"


def test_a_function_of_sentences_is_asked_once_for_each() -> None:
    asked: list[str] = []

    def encode(sentences: list[str]) -> list[list[float]]:
        asked.extend(sentences)
        return [[float(len(sentence)), 1.0] for sentence in sentences]

    encoder = Sentences(encode, KIND, 2)
    text = torch.tensor([[2, 4, 1, 1], [3, 1, 1, 1], [2, 4, 1, 1]])
    assert encoder(text).tolist() == [[10, 1], [4, 1], [10, 1]] == encoder(text).tolist()
    assert asked == ["red circle", "blue"]
    own = GANINTCLS(encoder, None, Paint(), Sum(), KIND, GANINTCLS.Config(latent_dim=2))
    assert set(own.players()) == {"generator", "discriminator"}, "nothing of it is trained"
    assert [move.player for move in own.round(lambda: BATCH, 0)] == ["discriminator", "generator"]
    assert own.phase(0) is None, "no GPU records what a function of sentences does"
    made = own.generate(torch.zeros(1, 2), torch.tensor([[2, 1, 1, 1]]))
    assert made.shape == (1, 3, 2, 2) and made.flatten()[0] == 2
    assert torch.equal(
        made, in_role(own, Illustrates).illustrate(torch.zeros(1, 2), own.embed(torch.tensor([[2, 1, 1, 1]])))
    )


@pytest.mark.parametrize("wrong", [[[1.0]], [[float("nan"), 1.0]], [[1.0, 1.0], [1.0, 1.0]]])
def test_a_sentence_encoder_that_makes_something_else_is_named(wrong: list[list[float]]) -> None:
    with pytest.raises(
        ZerosumError, match=r"the sentence encoder makes .* of 1 sentences, and finite numbers \(1, 2\)"
    ):
        Sentences(lambda sentences: wrong, KIND, 2)(torch.tensor([[2, 1, 1, 1]]))
