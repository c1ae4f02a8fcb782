"""Adaptive discriminator augmentation (ADA); Karras et al., 2020, arXiv 2006.06676."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from zerosum.util import distributed
from zerosum.util.checks import number, refuse, shapes

EVERY = 4  # batches between adjustments; section 3
Transform = tuple[Tensor, Tensor]  # A (B, 2, 2) and b (B, 2): pixel u comes from A u + b; (x, y) from the centre


class AdaptiveAugment(nn.Module):
    """Pixel blitting, geometric and colour transforms (section 2.3), each with the probability p for each image.

    p, a buffer, starts at 0. Every four batches it rises if r_t = E sign(D(x)) over their real images is above
    `target`, and falls if it is below, at a pace that leads from 0 to 1 in `images` real images. D(x) above 0 must mean
    "real", as with cross-entropy or hinge losses. Pixels are interpolated linearly; the paper filters them, too.
    """

    p: Tensor
    signs: Tensor
    batches: Tensor

    def __init__(self, target: float = 0.6, images: int = 500_000):
        super().__init__()
        number("target", target, 0, 1)
        number("images", images, 1)
        self.target, self.images = target, images
        self.register_buffer("p", torch.zeros(()))
        self.register_buffer("signs", torch.zeros(()))  # sum of the mean signs since the last adjustment
        self.register_buffer("batches", torch.zeros(()))  # since then

    @torch.no_grad()
    def update(self, real: Tensor) -> None:
        """Take in D's logits, (B,) or (B, 1), on a batch of real images. The device is never waited for."""
        if real.shape not in ((len(real),), (len(real), 1)):
            raise refuse("real", real, "(B,) or (B, 1)")
        self.signs += distributed.mean(real.float().sign().mean())
        self.batches += 1
        due = self.batches >= EVERY
        pace = EVERY * len(real) * distributed.world_size() / self.images
        self.p += due * pace * (self.signs / EVERY - self.target).sign()
        self.p.clamp_(0, 1)
        self.signs *= ~due
        self.batches *= ~due

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) to the same shape."""
        shapes("B C H W", x=x)
        return color(affine(x, self.p), self.p)


def affine(x: Tensor, p: Tensor) -> Tensor:
    """Images (B, C, H, W) blitted and transformed geometrically, each transform with the probability p."""
    turn, move = blitting(x, p)
    stretch, shift = geometry(x, p)
    return warp(x, (_matmul(turn, stretch), _matmul(turn, shift[:, :, None])[:, :, 0] + move))


def blitting(x: Tensor, p: Tensor) -> Transform:
    """Mirroring, quarter turns, and translation by up to an eighth of each side in whole pixels."""
    mirror = 1.0 - 2 * _bernoulli(x, p) * torch.randint(2, (len(x),), device=x.device)
    quarters = _bernoulli(x, p) * torch.randint(4, (len(x),), device=x.device)
    move = [side / 8 * (2 * torch.rand(len(x), device=x.device) - 1) for side in (x.shape[3], x.shape[2])]
    linear = _matmul(_scaling(mirror, torch.ones_like(mirror)), _rotation(math.pi / 2 * quarters))
    return linear, torch.stack(move, 1).round() * _bernoulli(x, p)[:, None]


def geometry(x: Tensor, p: Tensor) -> Transform:
    """Scaling, rotation, stretching and rotation again, and translation by fractions of pixels."""
    larger, longer = ((0.2 * _normal(x) * _bernoulli(x, p)).exp2() for _ in range(2))
    one = 1 - (1 - p).sqrt()  # the probability of each rotation, so that of at least one is p
    first, second = (math.pi * (2 * torch.rand(len(x), device=x.device) - 1) * _bernoulli(x, one) for _ in range(2))
    linear = _matmul(_scaling(larger, larger), _rotation(first))
    linear = _matmul(_matmul(linear, _scaling(longer, 1 / longer)), _rotation(second))
    move = torch.stack([side / 8 * _normal(x) for side in (x.shape[3], x.shape[2])], 1)
    return linear, move * _bernoulli(x, p)[:, None]


def color(x: Tensor, p: Tensor) -> Tensor:
    """Brightness and contrast; the sign of what channels share; of RGB also hue and saturation.

    Images of neither 1 nor 3 channels have no colours: of theirs, brightness and contrast change alone.
    """
    x = x + _expand(0.2 * _normal(x) * _bernoulli(x, p))
    x = x * _expand((0.5 * _normal(x) * _bernoulli(x, p)).exp2())
    if x.shape[1] not in (1, 3):
        return x
    flip = _bernoulli(x, p) * torch.randint(2, (len(x),), device=x.device)
    x = x - _expand(2 * flip) * x.mean(1, keepdim=True)
    if x.shape[1] == 1:
        return x
    angle = math.pi * (2 * torch.rand(len(x), device=x.device) - 1) * _bernoulli(x, p)
    own, apart = angle.cos(), angle.sin() / math.sqrt(3)  # a rotation about grey: each row is the last one, shifted
    common = (1 - own) / 3
    x = _expand(own + common) * x + _expand(common + apart) * x.roll(1, 1) + _expand(common - apart) * x.roll(2, 1)
    saturation = _expand((_normal(x) * _bernoulli(x, p)).exp2())
    return saturation * x + (1 - saturation) * x.mean(1, keepdim=True)


def warp(x: Tensor, transform: Transform) -> Tensor:
    """Images (B, C, H, W) under an affine map, linear between pixels, reflected at the border.

    Made of gathers: unlike `grid_sample` it can be differentiated twice, which gradient penalties need.
    """
    (a, b), (height, width) = transform, x.shape[2:]
    u = torch.arange(width, device=x.device) - (width - 1) / 2
    v = (torch.arange(height, device=x.device) - (height - 1) / 2)[:, None]
    from_x, from_y = (
        _reflect(
            _expand(a[:, i, 0])[:, 0] * u + _expand(a[:, i, 1])[:, 0] * v + _expand(b[:, i])[:, 0] + (side - 1) / 2,
            side,
        )
        for i, side in enumerate((width, height))
    )  # (B, H, W) each
    left, top, flat = from_x.floor(), from_y.floor(), x.flatten(2)
    sampled = torch.zeros_like(flat)
    for column, row in ((left, top), (left + 1, top), (left, top + 1), (left + 1, top + 1)):
        share = (1 - (from_x - column).abs()) * (1 - (from_y - row).abs())
        index = row.clamp_max(height - 1).long() * width + column.clamp_max(width - 1).long()
        sampled = sampled + share.flatten(1)[:, None] * flat.gather(2, index.flatten(1)[:, None].expand_as(flat))
    return sampled.view_as(x)


def _reflect(position: Tensor, side: int) -> Tensor:
    """Positions on a line, reflected into [0, side - 1]."""
    last = side - 1
    return last - (position.remainder(2 * last) - last).abs() if last else torch.zeros_like(position)


def _bernoulli(x: Tensor, p: Tensor) -> Tensor:
    """(B,) 1 with the probability p, else 0: which images are transformed."""
    return (torch.rand(len(x), device=x.device) < p).float()


def _normal(x: Tensor) -> Tensor:
    return torch.randn(len(x), device=x.device)


def _expand(values: Tensor) -> Tensor:
    return values[:, None, None, None]


def _scaling(along_x: Tensor, along_y: Tensor) -> Tensor:
    zero = torch.zeros_like(along_x)
    return torch.stack([along_x, zero, zero, along_y], 1).view(-1, 2, 2)


def _rotation(angle: Tensor) -> Tensor:
    return torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).view(-1, 2, 2)


def _matmul(a: Tensor, b: Tensor) -> Tensor:
    """The matrix product, by hand: under autocast `@` would step to bf16."""
    return (a[..., None] * b[:, None]).sum(2)
