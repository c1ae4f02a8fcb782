"""What D agrees with itself on: guesses aligned over the classes, other views, the worst perturbation."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from zerosum.augment import RandomAffine
from zerosum.losses import semi_supervised
from zerosum.losses.mutual_information import Posterior, kl_divergence, virtual_adversarial
from zerosum.techniques.consistency import Consistency, Guesses


def test_guesses_are_those_of_the_aligned_probabilities():
    """A class that D guesses nearly always gives way to one that it guesses nearly never."""
    guesses = Guesses(2)
    guesses.frequencies.copy_(torch.tensor([0.9, 0.1]))
    logits = torch.tensor([[0.4, 0.0], [3.0, 0.0]])  # by themselves both of the first class
    view = torch.tensor([[2.0, -1.0], [0.5, 0.3]])
    loss = guesses(logits, view, 0.0)
    p = F.softmax(logits, 1)
    frequencies = 0.99 * torch.tensor([0.9, 0.1]) + 0.01 * p.mean(0)
    aligned = semi_supervised.align_distribution(p, frequencies)
    assert aligned.argmax(1).tolist() == [1, 0] and p.argmax(1).tolist() == [0, 0]
    torch.testing.assert_close(loss, F.cross_entropy(view, torch.tensor([1, 0])))
    torch.testing.assert_close(guesses.frequencies, frequencies)


def test_guesses_are_constants():
    guesses, logits, view = Guesses(3), torch.randn(4, 3, requires_grad=True), torch.randn(4, 3, requires_grad=True)
    guesses(logits, view, 0.0).backward()
    assert logits.grad is None and view.grad is not None and not guesses.frequencies.requires_grad


def test_views_are_seen_where_they_weigh():
    x = torch.rand(5, 1, 8, 8)
    torch.manual_seed(0)
    seen = Consistency(weight=0.5).view(x)
    torch.manual_seed(0)
    assert torch.equal(seen, RandomAffine()(x)) and not torch.equal(seen, x)
    assert Consistency().view(x) is x


def test_the_virtual_adversarial_direction_is_that_of_the_gradient():
    """Up the divergence, not down: by the gradient at a random direction of norm `radius`, drawn again here."""
    torch.manual_seed(0)
    weight, x, radius = torch.randn(3, 4, dtype=torch.float64), torch.randn(6, 3, dtype=torch.float64), 2.0

    def posterior(x: Tensor) -> Posterior:
        return Posterior((x.tanh() @ weight,), x[:, :0], x[:, :0])

    q = posterior(x)
    torch.manual_seed(1)
    moved = virtual_adversarial(posterior, x, q, radius)
    torch.manual_seed(1)
    start = F.normalize(torch.randn_like(x))
    at = (x + radius * start).requires_grad_()
    (slope,) = torch.autograd.grad(kl_divergence(q, posterior(at)), at)
    torch.testing.assert_close(moved, x + radius * F.normalize(slope))
    torch.testing.assert_close((moved - x).norm(dim=1), torch.full((6,), radius, dtype=torch.float64))
