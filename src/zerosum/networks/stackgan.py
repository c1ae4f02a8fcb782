"""StackGAN's conditioning augmentation and the generator of its second stage; Zhang et al., 2017."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.losses.variational import reparametrised
from zerosum.modality import Shape
from zerosum.networks.blocks import halvings, image_shape

FACTOR = 4  # by which the second stage enlarges
MOST = 0.99  # of an enlarged image, to which something is added before a tanh
COARSE = 16  # pixels, down to which the second stage shrinks what it begins with


class Augmentation(nn.Module):
    """Meanings, (B, size), to the conditions c that a generator is told: conditioning augmentation; section 3.2.

    c is drawn from a normal distribution about a mean, both of which a linear layer makes of the meaning. The authors'
    code has a leaky rectifier after it, so that its deviations seldom are small; here as in the paper there is none.

    Args:
        dim: numbers of a condition.
        drawn: else c is the mean itself.
    """

    def __init__(self, size: int, dim: int, drawn: bool = True):
        super().__init__()
        self.dim, self.drawn = dim, drawn
        self.layer = nn.Linear(size, 2 * dim if drawn else dim)

    @property
    def noise(self) -> int:
        """Numbers of noise that a condition is drawn by."""
        return self.dim if self.drawn else 0

    def distribution(self, meaning: Tensor) -> tuple[Tensor, Tensor]:
        """The mean and the logarithm of the deviation of c, (B, dim) each."""
        mean, log_sigma = self.layer(meaning).float().chunk(2, 1)
        return mean, log_sigma

    def forward(self, meaning: Tensor, noise: Tensor) -> Tensor:
        """(B, dim) c, by noise, (B, self.noise), from N(0, 1)."""
        if not self.drawn:
            return self.layer(meaning).float()
        return reparametrised(*self.distribution(meaning), noise)


class Residual(nn.Module):
    """(B, width, h, w) to the same shape: two normalised 3x3 convolutions beside the identity."""

    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.layers(x))


class Enlarger(nn.Module):
    """Small images, (B, C, H / 4, W / 4), and conditions, (B, dim), to images (B, C, H, W) in [-1, 1]; section 3.4.

    Convolutions shrink the small image to 16 pixels, where it is larger; there the features are joined to the
    condition, which is the same at every place; after residual blocks, features are doubled to the size of the image,
    each pixel becoming four before a convolution. What these draw is added to the small image, enlarged, before the
    last tanh, and is nothing before training: in the paper there is no such way past the blocks.

    Args:
        shape: of the large images, whose sides 4 divides.
        width: channels of the large image before it is drawn; of each half of it twice as many, down to the blocks.
        dim: numbers of a condition; 0: there is none.
        blocks: residual ones.
    """

    def __init__(self, shape: Shape, width: int, dim: int, blocks: int):
        super().__init__()
        channels, height, across = image_shape(shape)
        small = halvings(height // FACTOR, across // FACTOR, smallest=COARSE)
        sizes = [(height, across), (height // 2, across // 2), *small]
        widths = [width * 2**i for i in range(len(sizes))]
        of_small = widths[2:]
        layers: list[nn.Module] = [nn.Conv2d(channels, of_small[0], 3, padding=1), nn.ReLU(inplace=True)]
        for before, after in pairwise(of_small):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False)]  # rounds odd sides up
            layers += [nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
        self.encode = nn.Sequential(*layers)
        last = widths[-1]
        self.join = nn.Conv2d(last, last, 3, padding=1, bias=False)
        self.told = nn.Linear(dim, last, bias=False) if dim else None
        self.joined = nn.Sequential(nn.BatchNorm2d(last), nn.ReLU(inplace=True))
        self.blocks = nn.Sequential(*(Residual(last) for _ in range(blocks)))
        layers = []
        for i in range(len(sizes) - 1, 0, -1):
            layers += [nn.Upsample(sizes[i - 1]), nn.Conv2d(widths[i], widths[i - 1], 3, padding=1, bias=False)]
            layers += [nn.BatchNorm2d(widths[i - 1]), nn.ReLU(inplace=True)]
        last_layer = nn.Conv2d(width, channels, 3, padding=1)
        nn.init.zeros_(last_layer.weight)
        nn.init.zeros_(last_layer.bias)  # type: ignore[arg-type]
        self.draw = nn.Sequential(*layers, last_layer)

    def forward(self, small: Tensor, condition: Tensor | None = None) -> Tensor:
        features = self.join(self.encode(small))
        if self.told is not None:
            features = features + self.told(condition)[..., None, None].to(features.dtype)
        drawn = self.draw(self.blocks(self.joined(features)))
        return (drawn + enlarged(small).clamp(-MOST, MOST).atanh().to(drawn.dtype)).tanh()


def enlarged(x: Tensor) -> Tensor:
    """Images (B, C, h, w) at four times both sides, by cubic interpolation, in [-1, 1]."""
    return F.interpolate(x.float(), scale_factor=FACTOR, mode="bicubic", align_corners=False).clamp(-1, 1)
