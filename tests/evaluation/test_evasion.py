"""Attacks on detectors that are known: what they find, and that chance finds less."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from zerosum.evaluation.evasion import Attack, at_random, attack
from zerosum.games.malgan import MalGAN

D = 12
CHEAP = MalGAN.Config(objective="non-saturating", addition=0.05)


def needs_two(vectors: Tensor) -> Tensor:
    """Finds malicious what lacks the last feature, or has the first but one."""
    return ~vectors[:, -1].bool() | vectors[:, 1].bool()


@pytest.fixture(scope="module")
def vectors() -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(0)
    malware, benign = (torch.rand(400, D, generator=draw) < 0.3 for _ in range(2))
    malware[:, 1], malware[:, -1] = 0, 0
    benign[:, 1], benign[:, -1] = 0, 1
    return malware, benign


def run(vectors: tuple[Tensor, Tensor], steps: int = 300, seed: int = 0) -> Attack:
    malware, benign = vectors
    changeable = torch.ones(D, dtype=torch.bool)
    return attack(needs_two, malware, benign, malware[:100], changeable, steps=steps, seed=seed, config=CHEAP)


def test_malgan_finds_what_to_add_and_what_not(vectors: tuple[Tensor, Tensor]) -> None:
    malware, _ = vectors
    made = run(vectors)
    changed = made(malware)
    assert changed.dtype == torch.bool and bool((changed >= malware).all()), "nothing is removed"
    assert needs_two(malware).all() and needs_two(changed).float().mean() < 0.05
    by_chance = at_random(malware, changed, torch.ones(D, dtype=torch.bool), 0)
    assert needs_two(by_chance).float().mean() > 0.5, "as many features by chance hide less"


def test_equal_seeds_attack_alike_and_disturb_no_random_number(vectors: tuple[Tensor, Tensor]) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, same, other = (run(vectors, 20, seed)(vectors[0]) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one, same) and not torch.equal(one, other)


@pytest.mark.parametrize(("steps", "looks"), [(20, 10), (19, 10), (25, 10), (3, 3)])
def test_all_answers_are_counted(vectors: tuple[Tensor, Tensor], steps: int, looks: int) -> None:
    tried = 100
    assert run(vectors, steps).queries == steps * 2 * 64 + looks * tried


def test_random_additions_of_many_vectors_are_made_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    malware = torch.rand(50, D, generator=torch.Generator().manual_seed(2)) < 0.3
    everything = torch.ones_like(malware)
    monkeypatch.setattr("zerosum.evaluation.evasion.AT_A_TIME", 7)
    assert bool(at_random(malware, everything, torch.ones(D, dtype=torch.bool), 0).all())


def test_the_generator_of_the_least_detected_moment_is_kept(vectors: tuple[Tensor, Tensor]) -> None:
    malware, benign = vectors
    asked: list[float] = []

    def watched(x: Tensor) -> Tensor:
        found = needs_two(x)
        if len(x) == 100:  # those that it is chosen by
            asked.append(float(found.float().mean()))
        return found

    changeable = torch.ones(D, dtype=torch.bool)
    made = attack(watched, malware, benign, malware[:100], changeable, steps=60, seed=3, config=CHEAP)
    kept = float(needs_two(made(malware[:100])).float().mean())
    assert len(asked) == 10 and kept == min(asked) < max(asked)


def test_random_additions_are_as_many_where_they_may_be() -> None:
    draw = torch.Generator().manual_seed(1)
    malware = torch.rand(200, D, generator=draw) < 0.3
    changeable = torch.arange(D) < 8
    evading = malware | ((torch.rand(200, D, generator=draw) < 0.5) & changeable)
    made = at_random(malware, evading, changeable, 0)
    assert torch.equal((made != malware).sum(1), (evading != malware).sum(1))
    assert bool((made >= malware).all()) and torch.equal(made[:, 8:], malware[:, 8:])
    assert not torch.equal(made, evading)
    assert torch.equal(made, at_random(malware, evading, changeable, 0))
