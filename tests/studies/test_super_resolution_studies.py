"""`zerosum reproduce srresnet-set5` and `srgan-set5` in small: their code, not their results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from wave_photos import photo

from zerosum.batches import Paired
from zerosum.data.images.benchmarks import Whole
from zerosum.game import Game
from zerosum.roles import Translates
from zerosum.studies import STUDIES, srgan_set5, srresnet_set5
from zerosum.studies.sharpness import bounds, gradient_energy
from zerosum.studies.srgan_set5 import SRGAN_SET5, of_energy, patches, share_of_way
from zerosum.studies.srresnet_set5 import SRRESNET_SET5
from zerosum.studies.super_resolution import enlarged_by, pairs_of, y_of

TINY: dict[str, Any] = {"width": 4, "blocks": 1}
FRACTION = 0.001  # 6 and 2 steps


PHOTOGRAPHS = [photo(0), photo(1, channels=1), photo(2)]
TESTS = {"Set5": [photo(3), photo(4, 1)], "Set14": [photo(5, 3, 37, 45)]}


def trained(folder: Path, fraction: float = FRACTION) -> Any:
    return srresnet_set5.train(PHOTOGRAPHS, TESTS["Set5"], 0, fraction, folder, TINY, side=16)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return trained(tmp_path_factory.mktemp("srresnet"))[0].sampler


def test_they_are_known():
    assert STUDIES["srresnet-set5"] is SRRESNET_SET5 and STUDIES["srgan-set5"] is SRGAN_SET5
    assert SRGAN_SET5.work == SRRESNET_SET5.work == "srresnet-set5", "the SRResNet of one is where the other begins"
    assert not set(SRGAN_SET5.parts(0)) & set(SRRESNET_SET5.parts(0))


def test_crops_are_of_all_photographs_in_colour():
    pairs = pairs_of(PHOTOGRAPHS, 16, seed=0)
    assert pairs.fields["b"].stored.shape == (3 * 32, 3, 16, 16)  # round(4 * 40 * 52 / 256)
    assert pairs.fields["a"].stored.shape == (3 * 32, 3, 4, 4)
    grey = pairs.fields["b"].stored[32:64]
    assert torch.equal(grey[:, 0], grey[:, 2])


def test_a_stopped_training_goes_on(tmp_path: Path):
    whole = trained(tmp_path / "whole")
    again = trained(tmp_path / "whole")  # from its last checkpoint: nothing is left to play
    assert again[1] == whole[1] and [point["round"] for point in whole[1]] == [*range(1, 7)]
    for name, value in whole[0].game.state_dict().items():
        assert torch.equal(value, again[0].game.state_dict()[name]), name


def test_figures_of_srresnet(begun: Any):
    grey = TESTS["Set5"][1].pixels
    assert enlarged_by(begun, grey).shape == (1, 40, 52) and enlarged_by(begun, grey).dtype == torch.uint8
    sets = {"Set5": {"bicubic": {"psnr": 28.0}, "srresnet": {"psnr": 29.6}}}
    sets["Set14"] = {"bicubic": {"psnr": 26.0}, "srresnet": {"psnr": 26.8}}
    summary = SRRESNET_SET5.summarise([{"sets": sets}])
    assert summary["values"] == [1.6] and summary["set14"] == [0.8]
    assert not SRRESNET_SET5.reached(dict(summary)), "0.8 dB on Set14 are too few"
    sets["Set14"]["srresnet"]["psnr"] = 26.91
    assert SRRESNET_SET5.reached(dict(SRRESNET_SET5.summarise([{"sets": sets}])))
    assert SRRESNET_SET5.ours(summary) == "+1.60 dB on Set5, +0.80 dB on Set14"


def test_srgan_begins_with_srresnet_and_is_measured_beside_noise(begun: Any, tmp_path: Path):
    torch.nn.init.normal_(begun.core.translator.last.weight, std=0.02)
    after = srgan_set5.train(PHOTOGRAPHS, begun, 0, FRACTION, tmp_path, TINY, {"width": 4}, side=16)
    weights, first = after.core.translator.state_dict(), begun.core.translator.state_dict()
    moved = max(float((weights[name] - first[name]).abs().max()) for name in first)
    assert 0 < moved < 1e-3, "two steps of Adam at 1e-4 from there"
    torch.nn.init.normal_(after.core.translator.last.weight, std=1.0)  # much sharper than it was
    rows = srgan_set5.measured(TESTS["Set5"], begun, after, seed=0)
    assert list(rows) == ["bicubic", "srresnet", "noise", "unsharp", "srgan"]
    assert rows["noise"]["energy"] == pytest.approx(rows["srgan"]["energy"], rel=0.02)
    assert rows["unsharp"]["energy"] == pytest.approx(rows["srgan"]["energy"], rel=0.02)
    assert rows["srresnet"]["energy"] < rows["srgan"]["energy"]
    assert set(rows["srgan"]) == {"psnr", "ssim", "ssim_daala", "energy", "frechet"}
    summary = SRGAN_SET5.summarise([{"part": "srgan", "seed": 0, "sets": {"Set5": rows, "Set14": rows}}])
    assert summary["values"] == [round(share_of_way(rows), 4)] and "of the way" in SRGAN_SET5.ours(summary)


def row(psnr: float, energy: float, distance: float) -> dict[str, float]:
    return {"psnr": psnr, "energy": energy, "frechet": distance}


def test_what_the_goal_asks():
    rows = {"bicubic": row(28.4, 0.5, 3.0), "srresnet": row(30.0, 0.6, 2.0), "srgan": row(28.9, 0.9, 0.5)}
    rows |= {"noise": row(27.0, 0.9, 1.0), "unsharp": row(28.5, 0.9, 0.8)}

    def reached(**changed: dict[str, float]) -> bool:
        return SRGAN_SET5.reached(dict(SRGAN_SET5.summarise([{"sets": {"Set5": rows | changed}}])))

    assert share_of_way(rows) == pytest.approx(0.75) and reached()
    assert not reached(srgan=row(28.9, 0.79, 0.5)), "less than half of the way"
    assert not reached(srgan=row(28.9, 1.21, 0.5)), "sharper than real images"
    assert not reached(srgan=row(28.3, 0.9, 0.5)), "below bicubic"
    assert not reached(noise=row(29.0, 0.9, 1.0)) and not reached(unsharp=row(28.5, 0.9, 0.4))


def test_gradient_energy_by_hand():
    y = torch.tensor([[0.0, 3.0], [4.0, 7.0]], dtype=torch.float64)
    assert gradient_energy(y) == 16 + 9
    assert y_of(photo(0).pixels).shape == (32, 44) and float(y_of(photo(0).pixels).min()) >= 16


class Levels(Game[Paired], Translates):
    """Makes each channel of one level: 10, 20 and 60."""

    name = "levels"

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.told = torch.nn.Parameter(torch.zeros(())), list[bool]()

    def players(self) -> Any:
        return {}

    def round(self, draw: Any, step: int) -> Any:
        yield from ()

    def translate(self, a: Tensor, seeds: Tensor | None = None) -> Tensor:
        self.told.append(self.training)
        levels = torch.tensor([10.0, 20.0, 60.0]).view(1, 3, 1, 1) / 127.5 - 1
        return levels.expand(len(a), 3, 4 * a.shape[2], 4 * a.shape[3])


@pytest.mark.parametrize("training", [True, False])
def test_grey_is_the_mean_of_what_is_made_in_colour_and_a_game_goes_on_as_it_was(training: bool):
    game = Levels().train(training)
    assert enlarged_by(game, photo(0, 1).pixels).unique().tolist() == [30]
    assert enlarged_by(game, photo(0).pixels)[:, 0, 0].tolist() == [10, 20, 60]
    assert game.told == [False, False] and game.training is training


def test_bounds_are_halved_around_what_is_sought():
    """Of 0 to 8: 5 lies above 4, below 6 and at 5, which is enough."""
    found = [bounds(lambda strength: strength, 5.0, 8.0, halvings) for halvings in range(4)]
    assert found == [(0.0, 8.0), (4.0, 8.0), (4.0, 6.0), (4.0, 5.0)]
    assert bounds(lambda strength: strength, 99.0, 8.0, 2) == (6.0, 8.0)


def test_a_strength_is_found():
    def made(strength: float) -> Tensor:
        return (100 + strength * torch.eye(20)[None]).round().to(torch.uint8)

    energy = gradient_energy(y_of(made(50.0)))
    assert gradient_energy(y_of(of_energy(made, energy, 100.0))) == pytest.approx(energy, rel=0.05)
    assert torch.equal(of_energy(made, 0.0, 100.0), made(0.0)), "an image that is sharp enough stays as it is"


def test_patches_are_of_all_images():
    moments = patches([photo(0).pixels, photo(1).pixels])
    assert moments.count == 2 * 7 * 10 and moments.dim == 64  # of 32x44 pixels without the border
    flat = patches([torch.full((1, 40, 52), 51, dtype=torch.uint8)])
    assert flat.mean.tolist() == pytest.approx([0.2] * 64), "in parts of 255"


def test_a_blur_is_gaussian_of_one_pixel():
    point = torch.zeros(2, 21, 21)
    point[1, 10, 10] = 1.0
    weights = torch.exp(-0.5 * torch.arange(-3.0, 4) ** 2)
    weights /= weights.sum()
    found = srgan_set5.blurred(point)
    torch.testing.assert_close(found[1, 7:14, 7:14], torch.outer(weights, weights))
    assert float(found[0].abs().max()) == 0


def test_rows_are_made_of_srresnets_images_and_energies_are_over_the_real(monkeypatch: pytest.MonkeyPatch):
    """SRResNet blurs, and SRGAN is right: an unsharp mask comes nearer than noise of as much energy."""
    games: dict[Any, Any] = {
        "before": lambda real: srgan_set5.blurred(real.float()).round().to(torch.uint8),
        "after": lambda real: real,
    }
    monkeypatch.setattr(srgan_set5, "enlarged_by", lambda game, real: games[game](real))
    rows_and_columns = torch.arange(40.0)[:, None], torch.arange(52.0)
    fine = [128 + 100 * torch.sin(k * rows_and_columns[0]) * torch.cos(0.9 * rows_and_columns[1]) for k in (0.8, 1.0)]
    tests = [Whole("fine", x.round().to(torch.uint8).expand(3, -1, -1)) for x in fine]
    rows = srgan_set5.measured(tests, "before", "after", seed=0)  # type: ignore[arg-type]
    assert rows["srgan"]["energy"] == 1 and rows["srgan"]["frechet"] == pytest.approx(0, abs=1e-4)
    assert rows["srresnet"]["energy"] < 0.9
    assert rows["noise"]["psnr"] + 3 < rows["unsharp"]["psnr"] and rows["srresnet"]["psnr"] < rows["unsharp"]["psnr"]


def test_each_image_has_noise_of_its_own(monkeypatch: pytest.MonkeyPatch):
    made: list[Tensor] = []

    def once(strengthened: Any, energy: float, strongest: float) -> Tensor:
        made.append(strengthened(9.0))
        return made[-1]

    monkeypatch.setattr(srgan_set5, "of_energy", once)
    monkeypatch.setattr(srgan_set5, "enlarged_by", lambda game, real: torch.full_like(real, 128))
    for seed in (0, 1):
        srgan_set5.measured([photo(3), photo(3)], "before", "after", seed)  # type: ignore[arg-type]
    first, _, second, _, other, *_ = made  # noise, unsharp mask, noise ...
    assert not torch.equal(first, second) and not torch.equal(first, other)
    assert float((first.float() - 128).std()) == pytest.approx(9, rel=0.05)


def test_g_answers_to_d_after_a_tenth_of_the_steps(begun: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(srgan_set5, "play", lambda *_: None)
    after = srgan_set5.train(PHOTOGRAPHS, begun, 0, 1.0, tmp_path, TINY, {"width": 4}, side=16)
    assert after.core.config.warm_up == 200
