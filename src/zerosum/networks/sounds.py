"""Networks for sounds (C, T): a generator of learnt waveforms, and a discriminator that hears loudnesses, not phases.

The generator's last layer is linear: each hidden unit has a waveform of its own. Transposed convolutions, as WaveGAN
has them (Donahue et al., 2019, "Adversarial audio synthesis"), share waveforms between all times and samples.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.modality import Shape, Sound
from zerosum.networks.blocks import Reshape
from zerosum.util import spectra

HOPS = 4  # windows that begin within one
FAINT = 1e-5  # of a full sine's power: 50 dB below it, where D's sense of loudness ends
FEWEST = 8  # windows from which on a convolution halves their number
QUIET = 0.2  # deviation of the sounds that G begins with, about


class Generator(nn.Module):
    """z, (B, latent_dim), to sounds (B, C, T) in [-1, 1]: two hidden layers with batch norm, and a sum of waveforms."""

    def __init__(self, latent_dim: int, shape: Shape, hidden: int = 256):
        super().__init__()
        last = nn.Linear(hidden, math.prod(shape))
        nn.init.normal_(last.weight, 0, QUIET / math.sqrt(hidden))
        self.layers = nn.Sequential(
            *(nn.Linear(latent_dim, hidden), nn.BatchNorm1d(hidden), nn.LeakyReLU(0.2)),
            *(nn.Linear(hidden, hidden), nn.BatchNorm1d(hidden), nn.LeakyReLU(0.2)),
            *(last, nn.Tanh(), Reshape(shape)),
        )

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z)


class Discriminator(nn.Module):
    """Sounds (B, C, T) to logits (B, outputs): convolutions over time, whose input channels are how loud frequencies
    are, then two linear layers; no normalisation.

    Loudness is the root of the amplitude, which ears are nearer to than to the amplitude itself, and which has a slope
    where there is hardly any sound, so that G learns to begin one.

    Args:
        window: samples of a spectrum; windows begin at every quarter of it.
        width: channels of the convolutions.
    """

    window: Tensor

    def __init__(self, shape: Shape, window: int, width: int = 96, hidden: int = 256, outputs: int = 1):
        super().__init__()
        channels, length = shape
        self.register_buffer("window", torch.hann_window(window), persistent=False)
        before, frames = channels * (window // 2 + 1), length // (window // HOPS) + 1
        layers: list[nn.Module] = []
        while frames >= FEWEST:
            layers += [nn.Conv1d(before, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
            before, frames = width, frames // 2
        layers += [nn.Flatten(), nn.Linear(before * frames, hidden), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Linear(hidden, outputs))
        weighted = [m for m in self.layers if isinstance(m, (nn.Linear, nn.Conv1d))]
        for module in weighted:
            gain = 1.0 if module is weighted[-1] else 2.0
            nn.init.normal_(module.weight, 0, math.sqrt(gain / module.weight[0].numel()))
            assert module.bias is not None
            nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(self.loudness(x).flatten(1, 2))

    def loudness(self, x: Tensor) -> Tensor:
        """(B, C, window / 2 + 1, frames) of sounds (B, C, T): -0.8 of silence to 3 of a full sine."""
        size = len(self.window)
        padded = F.pad(x.float(), (size // 2, size // 2))  # every sample is in the middle of a window
        windows = padded.unfold(2, size, size // HOPS) * self.window
        found = torch.fft.rfft(windows) * (2 / self.window.sum())
        power = found.real.square() + found.imag.square()
        return (4 * (power + FAINT).sqrt().sqrt() - 1).transpose(2, 3)


def window_of(sound: Sound) -> int:
    """Samples of a window for D: those of the spectra that pictures show."""
    return spectra.window_size(sound.samples, sound.rate)
