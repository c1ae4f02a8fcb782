"""SGD whose momentum rises: PyTorch's, with another number at each step."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zerosum.games import find
from zerosum.optim import SGD, Decay, scheduled
from zerosum.optim.scheduled import ScheduledSGD
from zerosum.options import OptionError


def test_it_is_pytorchs_with_the_momentum_of_each_step():
    torch.manual_seed(0)
    start = [torch.randn(3, 4), torch.randn(5)]
    ours, theirs = ([nn.Parameter(p.clone()) for p in start] for _ in range(2))
    value = SGD(0.1, 0.5, Decay("exponential", steps=100, final=0.5), momentum_end=0.9, momentum_steps=4)
    own, reference = value.build(ours), torch.optim.SGD(theirs, 0.1, 0.5)
    assert isinstance(own, ScheduledSGD)
    momenta = []
    for step in range(8):
        now = scheduled(value, step, 1000)
        momenta.append(now["momentum"])
        gradients = [torch.randn_like(p) for p in start]
        for parameters, optimizer in ((ours, own), (theirs, reference)):
            optimizer.param_groups[0].update(now)
            for p, g in zip(parameters, gradients, strict=True):
                p.grad = g.clone()
            optimizer.step()
        for a, b in zip(ours, theirs, strict=True):
            torch.testing.assert_close(a, b)
    assert momenta == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9, 0.9, 0.9, 0.9])


def test_a_recorded_step_reads_tensors():
    """As the trainer changes them between steps: in place."""
    results = []
    for wrap in (float, torch.tensor):
        p = nn.Parameter(torch.tensor([1.0, -2.0]))
        sgd = ScheduledSGD([p], wrap(0.1), wrap(0.5))
        (group,) = sgd.param_groups
        for momentum, g in ((0.5, (0.3, 0.1)), (0.9, (-0.2, 0.5)), (0.1, (0.4, 0.0))):
            if isinstance(group["momentum"], torch.Tensor):
                group["momentum"].fill_(momentum)
            else:
                group["momentum"] = momentum
            p.grad = torch.tensor(g)
            sgd.step()
        results.append(p.detach().clone())
    torch.testing.assert_close(results[0], results[1])


def test_what_has_no_gradient_stays():
    p, other = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    sgd = ScheduledSGD([p, other], 0.1, 0.5)
    p.grad = torch.ones(2)
    sgd.step()
    assert torch.equal(other, torch.ones(2)) and not torch.equal(p, other)


def test_constant_momentum_is_pytorchs_and_unscheduled():
    assert isinstance(SGD().build([nn.Parameter(torch.ones(1))]), torch.optim.SGD)
    assert "momentum" not in scheduled(SGD(), 5, 10)


def test_the_papers_rises_to_07_in_250_epochs():
    """The authors' mnist.yaml, with 500 steps an epoch."""
    for player in ("g_optimizer", "d_optimizer"):
        value = getattr(find("gan/paper").options["config"], player)
        assert [round(scheduled(value, 500 * epoch, 200_000)["momentum"], 6) for epoch in (0, 125, 250, 400)] == [
            0.5, 0.6, 0.7, 0.7,
        ]  # fmt: skip


def test_a_momentum_that_is_none_is_refused():
    for wrong in (1.0, -0.1):
        with pytest.raises(OptionError):
            SGD(momentum_end=wrong)
    with pytest.raises(OptionError):
        SGD(momentum_end=0.7, momentum_steps=0)
