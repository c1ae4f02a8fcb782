"""The networks of the baselines as recipes, for `zerosum train benchmarks/recipes.py:mlp` in the checkout."""

from __future__ import annotations

from benchmarks.baselines import dcgan as dcgan_baseline
from benchmarks.baselines import mlp as mlp_baseline
from benchmarks.zerosum_rounds import Logits, Spatial
from zerosum.games.two_player import TwoPlayer
from zerosum.modality import Spec
from zerosum.recipe import recipe

SHARED = TwoPlayer.Config(shared_fakes=True)  # as in the script


@recipe(data="digits", batch_size=64, steps=3_000)
def mlp(data: Spec, config: TwoPlayer.Config = SHARED) -> TwoPlayer:
    """The MLP GAN of the ordinary script; Goodfellow et al., 2014, with Adam; 28x28 digits alone."""
    return TwoPlayer(mlp_baseline.Generator(), Logits(mlp_baseline.Discriminator(), flat=True), config)


@recipe(data="digits", batch_size=64, steps=60)
def dcgan(data: Spec, config: TwoPlayer.Config = SHARED) -> TwoPlayer:
    """The DCGAN of the ordinary script; Radford et al., 2016; 64x64 colour images alone."""
    generator, discriminator = dcgan_baseline.Generator(), dcgan_baseline.Discriminator()
    generator.apply(dcgan_baseline.initialise)
    discriminator.apply(dcgan_baseline.initialise)
    return TwoPlayer(Spatial(generator), Logits(discriminator, flat=False), config)
