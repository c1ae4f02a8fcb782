"""Losses of a discriminator with classes, and of the generators that it learns best from.

D gives each sample logits (B, K), one of each class, and the fake class has the logit 0, since softmax does not mind
what is added to all of them (the implicit fake logit; Salimans et al., 2016, section 5). Or it gives (B, K + 1), the
last of the fake class. `classes` is K; all functions return float32.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum.losses.adversarial import to_float32


def real_logit(logits: Tensor, classes: int) -> Tensor:
    """(B,) the logit of being real, whatever the class: log of p(y <= K | x) over p(y = K + 1 | x)."""
    logits = to_float32(logits)
    real = logits[:, :classes].logsumexp(1)
    return real - logits[:, classes] if logits.shape[1] > classes else real


def supervised(logits: Tensor, y: Tensor, classes: int) -> Tensor:
    """-E log p(y | x, y <= K), for classes y, (B,) int64; Salimans et al., 2016, section 5."""
    return F.cross_entropy(to_float32(logits)[:, :classes], y)


def conditional_entropy(logits: Tensor, classes: int) -> Tensor:
    """The mean entropy of p(y | x, y <= K), in nats: small where D is sure of the classes of unlabelled samples.

    A term of D's objective in Dai et al., 2017.
    """
    log_p = F.log_softmax(to_float32(logits)[:, :classes], dim=1)
    return -(log_p.exp() * log_p).sum(1).mean()


def pseudo_label_loss(p: Tensor, view_logits: Tensor, confidence: float) -> Tensor:
    """Cross-entropy of D's own guess, the likeliest class by `p`, (B, K), on other views of the same samples.

    Guesses of which D is not sure, with a probability below `confidence`, count nothing; no gradient goes through them;
    FixMatch's loss on unlabelled samples; Sohn et al., 2020, eq. 4. `view_logits` are logits, (B, K) or (B, K + 1).
    """
    sure, guess = p.detach().max(1)
    loss = F.cross_entropy(to_float32(view_logits)[:, : p.shape[1]], guess, reduction="none")
    return (loss * (sure >= confidence)).mean()


def align_distribution(p: Tensor, frequencies: Tensor) -> Tensor:
    """Distribution alignment to equal classes; Berthelot et al., 2020 (ReMixMatch).

    Probabilities p, (B, K), over the `frequencies`, (K,), at which D predicts each class, scaled to sum to 1.
    """
    p = p / frequencies.clamp_min(1e-6)
    return p / p.sum(1, keepdim=True)


def pull_away(features: Tensor) -> Tensor:
    """The mean squared cosine of the features, (B, F), of two different fakes: small where fakes differ.

    The pull-away term of Zhao et al., 2017 (EBGAN), which Dai et al., 2017, take in place of the generator's entropy.
    """
    features = F.normalize(to_float32(features), dim=1)
    cosines = features @ features.T  # (B, B)
    count = len(features)
    return (cosines.square().sum() - count) / (count * (count - 1))  # the diagonal is of ones


def low_density(log_density: Tensor, threshold: Tensor) -> Tensor:
    """The mean of how far the fakes' log-densities, (B,), lie above the threshold: fakes keep out of the data.

    Dai et al., 2017; the mean is over those that lie above it, as in the authors' code, and 0 where none does.
    """
    above = (to_float32(log_density) - threshold).clamp_min(0)
    return above.sum() / torch.count_nonzero(above).clamp_min(1)
