"""What the discriminator knows: counted by hand, and asked of games as they play."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

from zerosum import data
from zerosum.batches import Labelled
from zerosum.data.dataset import dataset
from zerosum.errors import ZerosumError
from zerosum.game import Game, Logits, Move, Player
from zerosum.games import find
from zerosum.metrics.discrimination import discrimination, own_logits
from zerosum.metrics.nearest_distance import nearest_distance
from zerosum.modality import Points, Spec
from zerosum.optim import Adam


def test_by_hand():
    real, fake = torch.tensor([2.0, 1.0, -1.0, 3.0]), torch.tensor([-2.0, 0.0, 0.5])
    accuracy, on_real, on_fake, order = discrimination(real, fake)
    assert (on_real, on_fake) == (0.75, pytest.approx(2 / 3))
    assert accuracy == pytest.approx((0.75 + 2 / 3) / 2)
    assert order == pytest.approx(10 / 12)  # -1 is below two of the three


def test_the_order_is_the_area_under_the_curve_and_needs_no_threshold():
    torch.manual_seed(0)
    real, fake = torch.randn(60), (torch.randn(80) - 0.5).round(decimals=1)
    expected = roc_auc_score([1] * 60 + [0] * 80, torch.cat([real, fake]))
    assert discrimination(real, fake).order == pytest.approx(expected, rel=1e-12)
    assert discrimination(real + 100, fake + 100).order == pytest.approx(expected, rel=1e-9)


def test_a_discriminator_that_knows_nothing():
    assert discrimination(torch.zeros(5), torch.zeros(9)).order == 0.5
    with pytest.raises(ValueError, match="both sides"):
        discrimination(torch.zeros(0), torch.zeros(1))


class Known(Game[Labelled]):
    """Its critic sees the class: its logit is 10 for real samples of even classes, and -1 for every fake."""

    name = "known"

    def __init__(self):
        super().__init__()
        self.network = nn.Linear(2, 2)
        self.times = 0

    def players(self) -> dict[str, Player]:
        return {"critic": Player(Adam(), (self.network,))}

    def round(self, draw, step: int) -> Iterator[Move]:
        yield Move("critic", warm_up=self.network.weight.sum())
        batch = draw()
        assert not self.training
        real = torch.where(batch.y % 2 == 0, 10.0, -10.0)
        yield Move("critic", loss=self.network.weight.sum(), logits=Logits(real, -torch.ones(3, 1)))
        self.times += 1
        assert self.times == 1, "only the first time it is played to its end"


def test_the_game_is_asked_as_it_plays():
    """With classes, in evaluation mode, up to each discriminator's first move, until there are enough logits."""
    game = Known()
    source = dataset("x", torch.zeros(100, 2), torch.arange(100) % 4, tuple("abcd"))
    stream = data.Stream(source, 10, seed=0, batch=Labelled)
    before = torch.get_rng_state()
    found = own_logits(game, stream, 25, step=7)
    real, fake = found.pop("critic")
    assert not found
    assert torch.equal(torch.get_rng_state(), before)
    assert (len(real), len(fake)) == (30, 9)
    assert real.unique().tolist() == [-10.0, 10.0] and fake.unique().tolist() == [-1.0]
    assert game.training


def test_a_game_that_logs_no_logits_says_so():
    class Silent(Known):
        def round(self, draw, step: int) -> Iterator[Move]:
            yield Move("critic", loss=self.network.weight.sum())

    source = dataset("x", torch.zeros(10, 2), torch.zeros(10, dtype=torch.int64), ("a",))
    with pytest.raises(ZerosumError, match="known hands over no logits"):
        own_logits(Silent(), data.Stream(source, 5, seed=0, batch=Labelled), 5, step=0)


@pytest.mark.parametrize("name", ["gan/toy", "wgan-gp/toy", "r3gan/toy", "two-player/toy"])
def test_every_toy_recipe_can_be_asked_and_none_is_changed(name: str):
    game = find(name).build(Spec({"x": Points(2)}))
    before = {key: value.clone() for key, value in game.state_dict().items()}
    [(real, fake)] = own_logits(game, data.Stream(data.load("ring"), 32, seed=0), 50, step=1).values()
    assert len(real) == len(fake) == 64
    assert all(torch.equal(before[key], value) for key, value in game.state_dict().items())


def test_the_nearest_distance_is_a_mean_of_squares():
    real = torch.tensor([[0.0, 0.0], [10.0, 10.0]])
    fake = torch.tensor([[1.0, 0.0], [10.0, 10.0], [7.0, 6.0]])
    assert nearest_distance(fake, real).tolist() == pytest.approx([0.5, 0.0, 12.5])
    images = torch.zeros(2, 1, 4, 4), torch.ones(3, 1, 4, 4)
    assert nearest_distance(*images).tolist() == [1.0, 1.0]
