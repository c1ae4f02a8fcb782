"""Tiles: a network's output in parts is that of the whole image, with and without statistics of the whole."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zerosum.networks import srresnet
from zerosum.networks.refiner import Network, Refiner
from zerosum.networks.resnet_translator import ResNet, Translator
from zerosum.networks.srresnet import SRResNet
from zerosum.networks.tiles import Tileable, in_tiles, tiles
from zerosum.networks.unet import Upsampling
from zerosum.util.checks import ArgumentError


def network(norm: bool, upsampling: Upsampling = "resize", blocks: int = 1) -> Translator:
    torch.manual_seed(0)
    made = Translator((3, 32, 32), (2, 32, 32), ResNet(8, blocks, upsampling))
    for name, layer in list(made.named_modules()):
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(layer.weight)  # so that far pixels count
        if isinstance(layer, nn.InstanceNorm2d) and not norm:
            parent, _, last = name.rpartition(".")
            setattr(made.get_submodule(parent), last, nn.Identity())
    return made.eval()


@pytest.mark.parametrize("size", [(97, 130), (40, 301), (128, 128)])
@pytest.mark.parametrize("upsampling", ["resize", "transposed"])
@pytest.mark.parametrize(("norm", "allowed"), [(False, 1e-5), (True, 1e-4)])
def test_parts_are_the_whole(size: tuple[int, int], upsampling: Upsampling, norm: bool, allowed: float):
    made, x = network(norm, upsampling), torch.rand(3, *size) * 2 - 1
    with torch.no_grad():
        whole = made(x[None])[0]
    assert 0.1 < float(whole.abs().mean()) < 0.9  # or tanh would hide differences
    found = in_tiles(made, x, 32)
    assert found.shape == whole.shape and float((found - whole).abs().max()) <= allowed


def test_parts_of_an_almost_uniform_image_are_the_whole():
    """Instance norm divides small differences from the mean by small deviations, so what is lost in them counts."""
    torch.manual_seed(0)
    made, x = Translator((3, 32, 32), (3, 32, 32), ResNet(8, 9)).eval(), torch.full((3, 301, 266), -0.9)
    x[:, :, :3] = -0.89
    with torch.no_grad():
        whole = made(x[None])[0]
    assert float((in_tiles(made, x, 128) - whole).abs().max()) <= 6e-4


def randomised(made: Tileable) -> Tileable:
    """With weights that let far pixels count, and statistics that are none of a new layer."""
    for layer in made.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -1, 1)  # type: ignore[arg-type]
            nn.init.uniform_(layer.running_var, 0.5, 2)  # type: ignore[arg-type]
    return made.eval()


ENLARGING = [SRResNet(4, 2, norm, upsampling) for norm in ("none", "batch") for upsampling in ("sub-pixel", "resize")]  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [(60, 45), (1, 90), (33, 47), (24, 24)])
@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("network", ENLARGING)
def test_enlarged_parts_are_the_whole(network: SRResNet, factor: int, size: tuple[int, int]):
    torch.manual_seed(0)
    made, x = randomised(srresnet.Translator(3, 3, factor, network)), torch.rand(3, *size) * 2 - 1
    with torch.no_grad():
        whole = made(x[None])[0]
    found = in_tiles(made, x, 12 * factor)
    assert found.shape == whole.shape == (3, factor * size[0], factor * size[1])
    assert float((found - whole).abs().max()) <= 1e-5 * max(1, float(whole.abs().max()))


@pytest.mark.parametrize("size", [(60, 45), (1, 90), (33, 47), (20, 20), (20, 21)])
def test_refined_parts_are_the_whole(size: tuple[int, int]):
    torch.manual_seed(0)
    made, x = randomised(Refiner(1, Network(4, 2))), torch.rand(1, *size) * 2 - 1
    with torch.no_grad():
        whole = made(x[None])[0]
    assert float((in_tiles(made, x, 20) - whole).abs().max()) <= 1e-5


@pytest.mark.parametrize("network", [SRResNet(4, 2), SRResNet(4, 0, upsampling="resize", base="none")])
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_the_reach_of_networks_that_enlarge(network: SRResNet, factor: int):
    """By gradients, of all places within an enlarged pixel: at least what is there, and at most two pixels more."""
    made, reached, place = srresnet.Translator(1, 1, factor, network), 0, 30
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.abs_().add_(0.01)
    for offset in range(factor):
        x = torch.full((1, 1, 61, 61), 0.5, requires_grad=True)
        (gradient,) = torch.autograd.grad(made(x)[0, 0, factor * place + offset, factor * place], x)
        rows = gradient[0, 0].abs().sum(1).nonzero()[:, 0]
        reached = max(reached, place - int(rows[0]), int(rows[-1]) - place)
    assert reached <= made.reach <= reached + 2


def test_the_reach_is_not_larger_than_it_must_be_by_a_cell():
    """By gradients of the middle: what is said is at least what is there, and at most four pixels more."""
    made = network(norm=False, blocks=2)
    with torch.no_grad():
        for layer in made.modules():
            if isinstance(layer, nn.Conv2d):
                layer.weight.abs_().mul_(0.02)
    reached = 0
    for offset in range(4):
        x = torch.full((1, 3, 160, 160), 0.5, requires_grad=True)
        place = 80 + offset
        (gradient,) = torch.autograd.grad(made(x)[0, 0, place, place], x)
        rows = gradient[0].abs().sum((0, 2)).nonzero()[:, 0]
        reached = max(reached, place - int(rows[0]), int(rows[-1]) - place)
    assert reached <= made.reach <= reached + 4


def test_a_tile_without_its_reach_would_be_seen():
    made, x = network(norm=False), torch.rand(3, 96, 96)
    made.reach = 4
    with torch.no_grad():
        assert float((in_tiles(made, x, 32) - made(x[None])[0]).abs().max()) > 1e-3


class Halving(Tileable):
    """Half as large, normalised by instance norm with its own gain and bias, and as large again: it sees 3 pixels."""

    stride, reach = 2, 3

    def __init__(self, level: float = 0.0):
        super().__init__()
        torch.manual_seed(0)
        self.down, self.up = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 3, 3, padding=1)
        self.norm = nn.InstanceNorm2d(4, affine=True)
        nn.init.constant_(self.down.bias, level)  # type: ignore[arg-type]
        nn.init.uniform_(self.norm.weight, 0.5, 2)
        nn.init.uniform_(self.norm.bias, -1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        height, width = x.shape[2:]
        x = nn.functional.pad(x, (0, width % 2, 0, height % 2), mode="replicate")
        x = nn.functional.interpolate(self.norm(self.down(x)), scale_factor=2.0)
        return self.up(x)[..., :height, :width]


@pytest.mark.parametrize("size", [(40, 60), (33, 51)])
@pytest.mark.parametrize(("level", "allowed"), [(0.0, 1e-5), (1000.0, 2e-2)])
def test_a_norm_of_its_own_gain_and_a_reach_of_other_than_whole_strides(
    level: float, allowed: float, size: tuple[int, int]
):
    """Sums of squares far from 0 need the double precision that they have."""
    made, x = Halving(level).eval(), torch.rand(3, *size)
    with torch.no_grad():
        whole = made(x[None])[0]
    assert float((in_tiles(made, x, 16) - whole).abs().max()) <= allowed


def test_a_channel_without_variance_stays_at_its_bias():
    made, x = Halving().eval(), torch.zeros(3, 40, 40)
    with torch.no_grad():
        torch.testing.assert_close(in_tiles(made, x, 16), made(x[None])[0])


def test_bytes_in_and_out_and_progress():
    made, said = network(norm=True), list[tuple[int, int]]()
    image = torch.randint(256, (3, 70, 50), dtype=torch.uint8)

    def load(x: torch.Tensor) -> torch.Tensor:
        return x / 127.5 - 1

    def store(x: torch.Tensor) -> torch.Tensor:
        return ((x + 1) * 127.5).round().to(torch.uint8)

    found = in_tiles(made, image, 32, load=load, store=store, progress=lambda done, total: said.append((done, total)))
    with torch.no_grad():
        whole = store(made(load(image[None])))[0]
    assert found.dtype == torch.uint8 and (found.int() - whole.int()).abs().max() <= 1
    norms = sum(isinstance(layer, nn.InstanceNorm2d) for layer in made.modules())
    assert said[-1] == (6 * (norms + 1),) * 2 and [done for done, _ in said] == list(range(1, len(said) + 1))


def test_tiles_cover_an_image_once():
    count = torch.zeros(100, 70, dtype=torch.int64)
    for tile in tiles(100, 70, 32, 8):
        top, bottom, left, right = tile.inner
        count[top:bottom, left:right] += 1
        assert tile.outer[0] == max(top - 8, 0) and tile.outer[3] == min(right + 8, 70)
    assert (count == 1).all()


def test_a_tile_smaller_than_a_cell_is_refused():
    with pytest.raises(ArgumentError, match="take 4 and more"):
        in_tiles(network(norm=False), torch.rand(3, 64, 64), 3)
    with pytest.raises(ArgumentError, match="take 3 and more"):
        in_tiles(srresnet.Translator(3, 3, 3, SRResNet(4, 1)), torch.rand(3, 64, 64), 2)
