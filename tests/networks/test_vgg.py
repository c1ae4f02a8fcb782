"""The small VGG: batch norm that becomes part of the convolutions, and the distances that its features have."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zerosum.networks import vgg
from zerosum.networks.vgg import SMALLEST, WIDTHS, Classifier, Features, folded, in_grey


def normed() -> Classifier:
    """As it is in the middle of a training."""
    network = Classifier(3, 5, normed=True)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.3)
            nn.init.normal_(layer.bias, 0.0, 0.3)
            layer.running_mean.normal_(0.0, 0.3)
            layer.running_var.uniform_(0.5, 2.0)
    network.features.mean.fill_(0.1)
    network.features.deviation.fill_(0.5)
    return network


def test_folded_it_computes_what_it_did_with_batch_norm() -> None:
    network, x = normed(), torch.rand(3, 3, 12, 9) * 2 - 1
    plain = folded(network)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in plain.modules())
    assert plain.state_dict().keys() == Classifier(3, 5).state_dict().keys()
    torch.testing.assert_close(plain(x), network.eval()(x))
    torch.testing.assert_close(plain.features(x), network.features(x), rtol=1e-4, atol=1e-5)


def test_it_does_the_same_in_training_and_to_an_image_alone() -> None:
    features, x = folded(normed()).features, torch.rand(3, 3, 16, 11) * 2 - 1
    expected = features.eval()(x)
    assert torch.equal(features.train()(x), expected)
    torch.testing.assert_close(features(x[1:2]), expected[1:2])


@pytest.mark.parametrize("size", [(SMALLEST, SMALLEST), (SMALLEST, 21), (33, 10)])
def test_images_may_have_any_size(size: tuple[int, int]) -> None:
    x = torch.rand(2, 1, *size, requires_grad=True)
    found = Features(1).activations(x)
    assert [own.shape[1] for own in found] == [widths[-1] for widths in WIDTHS]
    assert all(min(own.shape[2:]) >= 1 for own in found)
    Features(1)(x).square().mean().backward()
    assert x.grad is not None and bool((x.grad != 0).any())


def test_all_blocks_weigh_the_same() -> None:
    features = Features(2)
    features.scales.copy_(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    a, b = torch.rand(2, 3, 2, 16, 16)
    own = [
        (scale * (one - other)).square().mean()
        for scale, one, other in zip(features.scales, features.activations(a), features.activations(b), strict=True)
    ]
    torch.testing.assert_close((features(a) - features(b)).square().mean(), torch.stack(own).mean())
    assert features(a).shape == (3, sum(width * 256 // 4**k for k, width in enumerate((32, 64, 128, 256))))


def test_different_images_are_one_apart() -> None:
    features, x = Features(1), torch.rand(40, 1, 16, 16) * 2 - 1
    features.calibrate(x)
    distance = (features(x) - features(x.roll(1, 0))).square().mean()
    torch.testing.assert_close(distance, torch.tensor(1.0))


def test_grey_images_have_the_features_of_three_equal_channels() -> None:
    colour, grey, x = folded(normed()).features, Features(1), torch.rand(2, 1, 10, 10) * 2 - 1
    grey.load_state_dict(in_grey(colour.state_dict()))
    torch.testing.assert_close(grey(x), colour(x.expand(-1, 3, -1, -1)), rtol=1e-4, atol=1e-5)


def test_the_least_side_is_what_the_poolings_leave_one_pixel_of() -> None:
    assert vgg.SMALLEST == 8
    with pytest.raises(RuntimeError):
        Features(1)(torch.rand(1, 1, SMALLEST - 1, 20))
