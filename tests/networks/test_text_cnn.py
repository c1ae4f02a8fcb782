"""SeqGAN's discriminator: filters over windows of tokens, as convolutions give them."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from zerosum.modality import Tokens
from zerosum.networks.text_cnn import FILTERS, Highway, TextCNN, Windows


@pytest.mark.parametrize("width", [1, 2, 5])
def test_windows_are_the_highest_of_a_convolution(width):
    torch.manual_seed(0)
    layer, x = Windows(4, width, 7), torch.randn(3, 5, 4, requires_grad=True)
    weight = layer.linear.weight.view(7, width, 4).transpose(1, 2)
    expected = F.conv1d(x.transpose(1, 2), weight, layer.linear.bias).relu().amax(2)
    torch.testing.assert_close(layer(x), expected)
    ours, theirs = (torch.autograd.grad(y.square().sum(), x)[0] for y in (layer(x), expected))
    torch.testing.assert_close(ours, theirs)


def test_the_published_filters():
    """1,720 of twelve widths, of the authors' code; and none that is wider than a text."""
    assert sum(FILTERS.values()) == 1_720 and max(FILTERS) == 20
    tokens = Tokens(tuple(map(str, range(30))), 20)
    d = TextCNN(tokens)
    assert d.head.in_features == 1_720 and d(torch.randint(30, (2, 20))).shape == (2, 1)
    short = TextCNN(Tokens(("a", "b"), 3))
    assert short.head.in_features == 500 and short(torch.zeros(2, 3, dtype=torch.long)).shape == (2, 1)


def test_a_closed_highway_changes_nothing():
    torch.manual_seed(0)
    highway, x = Highway(6), torch.randn(2, 6)
    torch.nn.init.constant_(highway.gate.bias, -100.0)
    torch.testing.assert_close(highway(x), x)
    torch.nn.init.constant_(highway.gate.bias, 100.0)
    torch.testing.assert_close(highway(x), highway.transform(x).relu())
