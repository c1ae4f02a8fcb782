"""Notes at the start of a training: a beginning that takes all the steps is told, and nothing else is."""

from __future__ import annotations

import pytest

from zerosum.cli import main

SCENES = ["--data", "scenes:track", "--batch-size", "2", "--network.width", "2", "--autoencoder-steps", "9"]
SMALL = ["--network.width", "2", "--network.blocks", "1"]


@pytest.mark.parametrize(
    ("arguments", "steps", "begin"),
    [
        (["simgan/gauges", *SMALL, "--pretrain-refiner", "5", "--pretrain-discriminator", "2"], 7, 7),
        (["simgan/gauges", *SMALL, "--pretrain-refiner", "5", "--pretrain-discriminator", "2"], 3, 7),
        (["srgan/images", *SMALL, "--judge.width", "2", "--warm-up", "30"], 12, 30),
        (["driving-simulator", *SCENES], 9, 9),
        (["seqgan/lines", "--pretrain-generator", "4", "--pretrain-discriminator", "2"], 3, 6),
        (["seqgan/lines", "--pretrain-generator", "4", "--pretrain-discriminator", "2"], 6, 6),
        (["stackgan/shapes", "--size", "16", "16", "--encoder-steps", "2", "--first-steps", "3"], 2, 5),
    ],
)
def test_a_run_that_ends_within_a_beginning_says_so(
    arguments: list[str], steps: int, begin: int, capsys: pytest.CaptureFixture[str]
):
    for asked, told in ((steps, True), (begin + 1, False)):
        assert main(["train", *arguments, "--steps", str(asked), "--dry-run"]) == 0
        captured = capsys.readouterr()
        assert (f"begins after step {begin}: raise --steps" in captured.out + captured.err) is told


@pytest.mark.parametrize(("first", "told"), [("5000", False), ("5001", True), ("9000", True)])
def test_a_stage_that_goes_on_at_rates_of_zero_says_so(first: str, told: bool, capsys: pytest.CaptureFixture[str]):
    small = ["--size", "16", "16", "--batch-size", "4", "--network.width", "2", "--network.blocks", "0"]
    assert main(["train", "stackgan/shapes", *small, "--first-steps", first, "--dry-run"]) == 0
    captured = capsys.readouterr()
    said = "first-generator and first-discriminator are 0 from step 8,500 on, where they still play"
    assert (said in captured.out + captured.err) is told


@pytest.mark.parametrize("recipe", ["gan/toy", "r3gan/toy", "wgan-gp/toy", "cyclegan"])
def test_games_that_begin_at_once_say_nothing(recipe: str, capsys: pytest.CaptureFixture[str]):
    assert main(["train", recipe, "--steps", "1", "--dry-run"]) == 0
    captured = capsys.readouterr()
    assert "end in the phase" not in captured.out + captured.err
