"""Translators and PatchGAN: parameters of the authors' networks, receptive fields, any size, each image on its own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from zerosum.networks import patch, resnet_translator, unet
from zerosum.networks.patch import FIELDS, Field, Patch
from zerosum.networks.resnet_translator import ResNet
from zerosum.networks.seeded_dropout import SeededDropout, uniform
from zerosum.networks.unet import UNet
from zerosum.util.checks import ArgumentError

RGB = (3, 256, 256)
SIZES = [(17, 40), (64, 33), (100, 31), (128, 257), (300, 19)]


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def seeds(count: int, start: int = 0) -> Tensor:
    return torch.arange(start, start + count)


def small_unet(**options: object) -> unet.Translator:
    return unet.Translator((3, 32, 32), (3, 32, 32), UNet(width=4, **options))  # type: ignore[arg-type]


def small_resnet() -> resnet_translator.Translator:
    return resnet_translator.Translator((3, 32, 32), (3, 32, 32), ResNet(width=4, blocks=2))


def test_the_unet_of_256_pixels_has_the_authors_layers():
    """54.414 million parameters are what the authors' PyTorch code counts, two for each feature that is normalised."""
    network = unet.Translator(RGB, RGB, UNet(upsampling="transposed"))
    assert len(network.down) == len(network.up) == 8 and round(parameters(network) / 1e6, 3) == 54.414


def test_the_residual_translators_have_the_authors_layers():
    """11.378 million with nine blocks, of which the code's biases before instance norm, that do nothing, are 5,376."""
    network = resnet_translator.Translator(RGB, RGB, ResNet(blocks=9, upsampling="transposed"))
    unused = 64 + 128 + 256 + 18 * 256 + 128 + 64
    assert round((parameters(network) + unused) / 1e6, 3) == 11.378


def test_the_patchgan_of_70_pixels_has_the_authors_layers():
    """2.769 million of pairs. Of CycleGAN's 2.765, where a feature has a bias before its norm in place of a gain and a
    bias after it, of 896."""
    assert round(parameters(patch.Discriminator(6, (256, 256))) / 1e6, 3) == 2.769
    assert round((parameters(patch.Discriminator(3, (256, 256))) - 896) / 1e6, 3) == 2.765


@pytest.mark.parametrize("field", FIELDS)
def test_a_logit_sees_a_patch_of_that_size(field: Field):
    network = patch.Discriminator(1, (900, 900), Patch(field, width=2, norm="none"))
    for p in network.parameters():
        nn.init.constant_(p, 0.1)  # so that nothing cancels
    side = 3 * field + 64
    x = torch.ones(1, 1, side, side, requires_grad=True)
    logits = network(x)
    assert logits.shape[1] == 1
    middle = logits.shape[2] // 2
    (gradient,) = torch.autograd.grad(logits[0, 0, middle, middle], x)
    rows = gradient[0, 0].abs().sum(1).nonzero()[:, 0]
    assert int(rows[-1] - rows[0]) + 1 == len(rows) == field


@pytest.mark.parametrize("field", FIELDS)
def test_the_smallest_image_of_a_patchgan_leaves_a_logit(field: Field):
    side = patch.smallest(field)
    network = patch.Discriminator(1, (side, side), Patch(field, width=2))
    assert network(torch.rand(1, 1, side, side)).numel() >= 1
    with pytest.raises(
        ArgumentError, match=r"too small for (patches of .* choose --patch\.field|a discriminator: take)"
    ):
        patch.Discriminator(1, (500, side - 1), Patch(field, width=2))


@pytest.mark.parametrize(("side", "field"), [(2, 1), (6, 16), (12, 34), (23, 34), (24, 70), (1000, 70)])
def test_by_itself_it_takes_the_papers_field_or_the_largest_that_fits(side: int, field: int):
    assert patch.Discriminator(1, (side, 1000), Patch(width=2)).field == field


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("upsampling", ["resize", "transposed"])
def test_any_size_in_the_same_size_out(size: tuple[int, int], upsampling: str):
    x = torch.rand(2, 3, *size)
    assert small_unet(upsampling=upsampling)(x, seeds(2)).shape == x.shape
    resnet = resnet_translator.Translator((3, 32, 32), (1, 32, 32), ResNet(4, 1, upsampling))  # type: ignore[arg-type]
    assert resnet(x).shape == (2, 1, *size)


@pytest.mark.parametrize("side", [2, 3, 4, 7, 8, 28])
def test_a_unet_goes_down_to_one_or_two_pixels(side: int):
    network = unet.Translator((1, side, side), (1, side, side), UNet(width=2))
    assert side / network.stride >= 1 and side / network.stride < 2
    assert network.train()(torch.rand(1, 1, side, side), seeds(1)).isfinite().all()


@pytest.mark.parametrize("training", [True, False])
def test_an_image_alone_and_in_a_batch_in_training_and_in_use(training: bool):
    """One behaviour: no statistics of the batch, and dropout by each image's seed."""
    x = torch.rand(3, 3, 32, 32)
    for network, arguments in ((small_unet(), (seeds(3),)), (small_resnet(), ())):
        used = network.eval()(x, *arguments)
        network.train(training)
        alone = torch.cat([network(x[i : i + 1], *(a[i : i + 1] for a in arguments)) for i in range(3)])
        torch.testing.assert_close(alone, used, rtol=0, atol=2e-6)


def test_another_seed_is_other_noise_and_no_dropout_none():
    x, network = torch.rand(1, 3, 32, 32), small_unet()
    for p in network.parameters():
        nn.init.normal_(p, 0, 0.2)
    assert not torch.equal(network(x, seeds(1)), network(x, seeds(1, 5)))
    torch.manual_seed(0)
    assert torch.equal(network(x, seeds(1)), network(x, seeds(1)))
    still = small_unet(dropout=0.0)
    assert torch.equal(still(x, seeds(1)), still(x, seeds(1, 5)))


def test_seeded_dropout_drops_its_share_and_keeps_the_mean():
    x = torch.ones(8, 4, 50, 50)
    dropped = SeededDropout(0.3, 0)(x, seeds(8))
    assert float((dropped == 0).float().mean()) == pytest.approx(0.3, abs=0.01)
    assert float(dropped.max()) == pytest.approx(1 / 0.7)
    assert not torch.equal(dropped[0], dropped[1])
    assert not torch.equal(dropped, SeededDropout(0.3, 1)(x, seeds(8)))


def test_uniform_numbers_are_split_mix_64s():
    """By whole numbers of Python, which do not wrap around."""
    mask, step = 2**64 - 1, 0x9E3779B97F4A7C15

    def mixed(z: int) -> int:
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return z ^ (z >> 31)

    for seed, place in ((5, 0), (2**62 + 3, 2)):
        start = mixed((mixed(seed * step & mask) + place) & mask)
        expected = [(mixed((start + i * step) & mask) >> 11) * 2.0**-53 for i in range(1, 5)]
        assert uniform(torch.tensor([seed]), 4, place)[0].tolist() == expected
