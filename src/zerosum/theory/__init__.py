"""Theory as software: known densities, how far apart they are, and claims of papers beside measurements.

    from zerosum.theory import Grid, Mixture, divergence, normal

    p, q, grid = normal(0.0, 1.0), normal(1.0, 2.0), Grid.box([-16.0], [16.0], 3200)
    divergence.js(p, q, grid)  # nats

`divergence` integrates known densities, `estimate` takes samples; each further file is a topic of `zerosum theory`.
"""

from zerosum.theory import divergence, estimate
from zerosum.theory.density import Density, Grid, Histogram, Mixture, Uniform, normal

__all__ = ["Density", "Grid", "Histogram", "Mixture", "Uniform", "divergence", "estimate", "normal"]
