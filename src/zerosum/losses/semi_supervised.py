"""Losses of a discriminator with classes, and of the generators that it learns best from.

D gives each sample logits (B, K), one of each class, and the fake class has the logit 0, since softmax does not mind
what is added to all of them (the implicit fake logit; Salimans et al., 2016, section 5). Or it gives (B, K + 1), the
last of the fake class. `classes` is K; all functions return float32, and raise `ArgumentError`, a `ValueError`, for
other shapes, for empty batches and for classes that are none of K.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum.losses.adversarial import to_float32
from zerosum.util.checks import ArgumentError, labels, number, refuse, shapes, whole


def _class_logits(name: str, logits: Tensor, classes: int) -> Tensor:
    """Logits (B, K) or (B, K + 1), half precision raised."""
    number("classes", classes, 1)
    shapes("B columns", **{name: logits})
    if logits.shape[1] not in (classes, classes + 1):
        raise refuse(name, logits, f"(B, {classes}), one logit a class, or (B, {classes + 1}) with that of fakes")
    return to_float32(logits)


def real_logit(logits: Tensor, classes: int) -> Tensor:
    """(B,) the logit of being real, whatever the class: log of p(y <= K | x) over p(y = K + 1 | x)."""
    logits = _class_logits("logits", logits, classes)
    real = logits[:, :classes].logsumexp(1)
    return real - logits[:, classes] if logits.shape[1] > classes else real


def supervised(logits: Tensor, y: Tensor, classes: int) -> Tensor:
    """-E log p(y | x, y <= K), for classes y, (B,) int64; Salimans et al., 2016, section 5.

    Classes out of 0 to K - 1 are refused on the CPU; on a GPU, which no check waits for, they stop the kernel.
    """
    logits = _class_logits("logits", logits, classes)
    whole("B", {"B": (len(logits),)}, y=y)
    labels("y", y, classes)
    return F.cross_entropy(logits[:, :classes], y, ignore_index=_NOTHING)


_NOTHING = torch.iinfo(torch.int64).min  # else -100 would be left out of the mean without a word


def conditional_entropy(logits: Tensor, classes: int) -> Tensor:
    """The mean entropy of p(y | x, y <= K), in nats: small where D is sure of the classes of unlabelled samples.

    A term of D's objective in Dai et al., 2017.
    """
    log_p = F.log_softmax(_class_logits("logits", logits, classes)[:, :classes], dim=1)
    return -(log_p.exp() * log_p).sum(1).mean()


def pseudo_label_loss(p: Tensor, view_logits: Tensor, confidence: float) -> Tensor:
    """Cross-entropy of D's own guess, the likeliest class by `p`, (B, K), on other views of the same samples.

    Guesses of which D is not sure, with a probability below `confidence`, in [0, 1], count nothing; no gradient goes
    through them; FixMatch's loss on unlabelled samples; Sohn et al., 2020, eq. 4. `view_logits` are logits, (B, K) or
    (B, K + 1).
    """
    number("confidence", confidence, 0, 1)
    sizes = shapes("B K", p=p)
    classes = p.shape[1]
    shapes("B columns", {"B": sizes["B"]}, view_logits=view_logits)
    sure, guess = p.detach().max(1)
    logits = _class_logits("view_logits", view_logits, classes)[:, :classes]
    loss = F.cross_entropy(logits, guess, reduction="none")
    return (loss * (sure >= confidence)).mean()


def align_distribution(p: Tensor, frequencies: Tensor) -> Tensor:
    """Distribution alignment to equal classes; Berthelot et al., 2020 (ReMixMatch).

    Probabilities p, (B, K), over the `frequencies`, (K,), at which D predicts each class, scaled to sum to 1.
    """
    sizes = shapes("B K", p=p)
    shapes("K", {"K": sizes["K"]}, frequencies=frequencies)
    p = p / frequencies.clamp_min(1e-6)
    return p / p.sum(1, keepdim=True)


def pull_away(features: Tensor) -> Tensor:
    """The mean squared cosine of the features, (B, F), of two different fakes: small where fakes differ.

    The pull-away term of Zhao et al., 2017 (EBGAN), which Dai et al., 2017, take in place of the generator's entropy.
    """
    shapes("B F", features=features)
    count = len(features)
    if count < 2:
        raise ArgumentError("pull_away compares different fakes: features must be of at least two, (B, F)")
    features = F.normalize(to_float32(features), dim=1)
    squares = (features @ features.T).square()  # (B, B)
    # The diagonal is of ones, but for features that are all 0, as those of dead rectifiers are.
    return (squares.sum() - squares.diagonal().sum()) / (count * (count - 1))


def low_density(log_density: Tensor, threshold: Tensor) -> Tensor:
    """The mean of how far the fakes' log-densities, (B,), lie above the threshold, (): fakes keep out of the data.

    Dai et al., 2017; the mean is over those that lie above it, as in the authors' code, and 0 where none does.
    """
    shapes("B", log_density=log_density)
    shapes("", threshold=threshold)
    above = (to_float32(log_density) - threshold).clamp_min(0)
    return above.sum() / torch.count_nonzero(above).clamp_min(1)
