"""The success of attacks by hand: of which samples the share is taken, what errors count, and what is beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import zerosum
from zerosum.data.dataset import Dataset, dataset
from zerosum.errors import ZerosumError
from zerosum.evaluation.protocol import Evaluation
from zerosum.games import find
from zerosum.games.advgan import AdvGAN
from zerosum.metrics import attack_success
from zerosum.metrics.attack_success import attackable, known_attacks, success
from zerosum.run.loaded import Run
from zerosum.workflows.evaluate import evaluate


class Bands(nn.Module):
    """(B, 3) logits by the mean m of an image: the class is 0 below -1/3, 2 above 1/3, 1 between."""

    def forward(self, x: Tensor) -> Tensor:
        mean = x.flatten(1).mean(1)
        return torch.stack([-mean, torch.full_like(mean, 1 / 3), mean], 1)


def flat(*levels: float) -> Tensor:
    return torch.tensor(levels).view(-1, 1, 1, 1).expand(-1, 1, 4, 4)


X, Y = flat(-0.9, 0.05, 0.9, 0.1), torch.tensor([0, 1, 2, 0])  # f errs on the last


def test_only_what_was_right_before_counts_and_any_error_or_the_target() -> None:
    assert attackable(Bands(), X, Y).tolist() == [True, True, True, False]
    assert attackable(Bands(), X, Y, target=2).tolist() == [True, True, False, False]
    changed = flat(-0.9, 0.5, 0.0)
    assert success(Bands(), changed, Y[:3]) == pytest.approx(2 / 3)
    assert success(Bands(), changed[:2], Y[:2], target=2) == 0.5
    with pytest.raises(ValueError, match="no samples that the classifier gets right"):
        success(Bands(), changed[:0], Y[:0])


def test_known_attacks_change_by_epsilon_and_those_that_look_succeed() -> None:
    made = known_attacks(Bands(), X[:3], Y[:3], 0.7, 5, seed=0)
    assert [*made] == ["FGSM", "PGD", "random signs"]
    for changed in made.values():
        assert float((changed - X[:3]).abs().max()) <= 0.7 + 1e-6 and float(changed.abs().max()) <= 1
    assert [success(Bands(), changed, Y[:3]) for changed in made.values()] == [1, 1, 0]
    again = known_attacks(Bands(), X[:3], Y[:3], 0.7, 5, seed=0)
    assert all(torch.equal(changed, again[name]) for name, changed in made.items())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("advgan")
    small: dict[str, Any] = {"network": {"width": 2, "blocks": 1}, "patch": {"width": 2}, "classifier_steps": 30}
    return zerosum.train("advgan/images", "digits", folder / "run", steps=31, batch_size=32, quiet=True, **small)


def measured(run: Run, **given: Any) -> Evaluation:
    return evaluate(run, metrics="attack-success:count=40,steps=2", samples=40, **given)


def test_a_run_is_measured_beside_fgsm_pgd_and_chance(run: Run) -> None:
    (result,) = measured(run).results
    scores = result.scores
    assert [*scores] == [
        *("success", "FGSM", "PGD", "random signs"),
        *("L-infinity", "largest L-infinity", "L2", "largest L2"),
    ]
    game = run.game.core
    assert isinstance(game, AdvGAN) and scores["largest L-infinity"].value <= game.epsilon + 1e-6
    assert scores["PGD"].value >= 0.9 > scores["random signs"].value
    assert scores["success"].interval is not None and "of 40 samples" in scores["success"].note
    assert "learnt from" in result.warnings[0]
    assert scores == measured(run).results[0].scores


def test_by_default_it_is_measured_of_attacks_alone(run: Run) -> None:
    names = {result.protocol.metric for result in evaluate(run, samples=30).results}
    assert "attack-success" in names


def test_other_data_and_other_runs(run: Run, tmp_path: Path) -> None:
    game = find("r3gan/small").build(run.record.data.spec)
    with pytest.raises(ZerosumError, match="it needs a run that attacks a classifier"):
        measured(replace(run, game=game))
    torch.manual_seed(0)
    images = torch.randint(256, (40, 1, 28, 28), dtype=torch.uint8)
    path = tmp_path / "two.npz"
    _save(path, dataset("two", images, torch.arange(40) % 2 + 10, tuple(map(str, range(12))), fingerprint="0" * 16))
    with pytest.raises(ZerosumError, match="has other classes than the run"):
        measured(run, against=str(path))
    path = tmp_path / "none.npz"
    _save(path, dataset("none", images, None, (), fingerprint="0" * 16))
    with pytest.raises(ZerosumError, match="it needs data with classes"):
        measured(run, against=str(path))


def _save(path: Path, given: Dataset) -> None:
    labels = {} if given.y is None else {"labels": given.y.numpy()}
    np.savez(path, samples=given.x.numpy(), **labels)


def test_a_classifier_that_is_never_right_cannot_be_attacked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attack_success, "attackable", lambda network, x, y, target: y < 0)
    with pytest.raises(ZerosumError, match="samples that the classifier gets right, and there are none"):
        measured(run)
    names = {result.protocol.metric for result in evaluate(run, samples=30).results}
    assert "attack-success" not in names and "frechet" in names
