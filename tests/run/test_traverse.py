"""A traversal moves one code and nothing else: seen through a generator that shows its z."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from zerosum.game import Game
from zerosum.latent import Clustered, InfoGANPrior, Prior
from zerosum.roles import Generates
from zerosum.run.sampling import traverse


class Glass(Game[Tensor], Generates):
    """A sample is z itself, then one number of chance."""

    name = "glass"

    def __init__(self, prior: Prior):
        super().__init__()
        self.prior, self.one = prior, nn.Parameter(torch.ones(()))

    def players(self):
        raise NotImplementedError

    def round(self, draw, step):
        raise NotImplementedError

    def generate(self, z, y=None):
        return torch.cat([self.one * z, torch.rand(len(z), 1)], dim=1)


PRIORS = [InfoGANPrior(3, (4, 2), 2), InfoGANPrior(1, (), 1), Clustered(2, 5, 3.0)]


@pytest.mark.parametrize("prior", PRIORS)
def test_one_code_takes_its_values_while_all_else_stays(prior: Prior) -> None:
    made = traverse(Glass(prior), prior.codes, 7, 3, seed=4)
    assert list(made) == [code.name for code in prior.codes]
    for code in prior.codes:
        x, own = made[code.name], slice(code.start, code.start + code.size)
        assert x.shape == (3, 7 if code.size == 1 else code.size, prior.dim + 1)
        assert torch.equal(x[:, :, own], code.values(7).expand(3, -1, -1))
        rest = torch.cat([x[:, :, : own.start], x[:, :, own.stop :]], dim=2)
        assert torch.equal(rest, rest[:, :1].expand_as(rest))  # the chance, too
        assert not torch.equal(rest[0], rest[1])  # each row another z


@pytest.mark.parametrize("prior", PRIORS)
def test_the_rest_is_drawn_from_the_prior_by_the_seed(prior: Prior) -> None:
    game, first = Glass(prior), prior.codes[:1]
    drawn, again, others = (traverse(game, first, 2, 50, seed=seed) for seed in (1, 1, 2))
    name = first[0].name
    assert drawn[name].equal(again[name])
    assert not drawn[name][:, :, 0].equal(others[name][:, :, 0])
    z = drawn[name][:, 0, :-1]
    assert abs(z[:, 0].mean().item()) < 0.6 and 0.6 < z[:, 0].std().item() < 1.4  # noise ~ N(0, 1)
    for code in prior.codes[1:]:
        part = z[:, code.start : code.start + code.size]
        assert (part.sum(1) == 1).all() if code.size > 1 else (part.abs() <= 1).all()


def test_truncation_keeps_noise_in_the_middle_and_codes_as_they_are() -> None:
    prior = InfoGANPrior(3, (4,), 1)
    x = traverse(Glass(prior), prior.codes, 5, 40, truncation=0.3)
    assert x["c1"][:, :, :3].abs().max() <= 0.3
    assert torch.equal(x["c2"][0, :, 7], torch.linspace(-1, 1, 5))


def test_random_numbers_of_others_are_left_alone() -> None:
    prior = Clustered(2, 3)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    traverse(Glass(prior), prior.codes, 2, 4)
    assert torch.equal(torch.rand(3), expected)
