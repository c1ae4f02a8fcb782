"""Extractors: what goes in, what comes out, what is refused."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import Tensor

from zerosum.errors import ZerosumError
from zerosum.metrics import extractors
from zerosum.metrics.extractors import EXTRACTORS, Extractor, Features, digest, extract, find
from zerosum.metrics.frechet import frechet
from zerosum.metrics.statistics import Moments

WITHOUT_EXTRA = [name for name in EXTRACTORS if name != "inception-v3"]


def images(count: int = 5, channels: int = 1, height: int = 28, width: int = 28) -> Tensor:
    return torch.rand(count, channels, height, width) * 2 - 1


@pytest.mark.parametrize("size", [(28, 28), (8, 11), (64, 40)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("name", "dim", "classes"), [("digits", 128, 10), ("random", 64, 0), ("pixels", 0, 0)])
def test_shapes(name: str, dim: int, classes: int, channels: int, size: tuple[int, int]):
    x = images(3, channels, *size).requires_grad_()
    result = find(name)(x)
    assert result.features.shape == (3, dim or x[0].numel())
    assert result.features.dtype == torch.float32 and not result.features.requires_grad
    assert (result.logits is None) if not classes else (result.logits is not None)
    if result.logits is not None:
        assert result.logits.shape == (3, classes)


@pytest.mark.parametrize("name", WITHOUT_EXTRA)
def test_a_sample_has_the_same_features_alone_and_among_many(name: str):
    extractor, x = find(name), images(600)
    whole = extractor(x)
    for i in (0, 249, 250, 599):
        torch.testing.assert_close(extractor(x[[i]]).features, whole.features[[i]], rtol=1e-4, atol=1e-5)
    parts = extract(extractor, x.split(37))
    torch.testing.assert_close(parts.features, whole.features, rtol=1e-4, atol=1e-5)
    assert (parts.logits is None) == (whole.logits is None)
    if parts.logits is not None and whole.logits is not None:
        torch.testing.assert_close(parts.logits, whole.logits, rtol=1e-4, atol=1e-4)


def test_pixels_are_the_samples_as_they_are():
    x, points = images(4, 3, 5, 6) * 7, torch.randn(9, 2)
    assert torch.equal(find("pixels")(x).features, x.flatten(1))
    assert torch.equal(find("pixels")(points).features, points)
    assert torch.equal(find("pixels")(points.double()).features, points)


def test_random_weights_are_the_same_everywhere():
    """Recorded; a change would make results of two versions incomparable, which stamps could not see otherwise."""
    extractor = find("random")
    assert extractor.identity == "f93d13fb671d3736"
    ramp = torch.linspace(-1, 1, 28).expand(1, 1, 28, 28)
    expected = torch.tensor([0.590966, 0.793703, 0.919908, 0.219616, 0.026318, 0.936724, 1.103637, 0.0])
    torch.testing.assert_close(extractor(ramp).features[0, ::8], expected, rtol=1e-4, atol=1e-5)


def test_random_features_see_what_changes():
    """Noise, blur and a missing class of digits all move the Fréchet distance well above that of two equal halves."""
    extractor = find("random")

    def moments(x: Tensor) -> Moments:
        result = Moments(64)
        result.update(extractor(x).features)
        return result

    strokes = torch.nn.functional.interpolate(images(2000, 1, 7, 7), (28, 28), mode="bilinear").sign()
    first, second = strokes.chunk(2)
    floor = frechet(moments(first), moments(second))
    noisy = frechet(moments(first), moments((second + 0.3 * torch.randn_like(second)).clamp(-1, 1)))
    blurred = frechet(moments(first), moments(torch.nn.functional.avg_pool2d(second, 3, 1, 1)))
    assert min(noisy, blurred) > 10 * floor


@pytest.mark.parametrize("name", ["digits", "random"])
def test_grey_and_equal_colours_are_the_same(name: str):
    x = images(3)
    torch.testing.assert_close(find(name)(x).features, find(name)(x.expand(-1, 3, -1, -1)).features)


def test_digits_are_resized_and_clamped():
    extractor = find("digits")
    x = torch.nn.functional.interpolate(images(6, 1, 7, 7), (28, 28), mode="bilinear")
    doubled = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    near = torch.nn.functional.interpolate(doubled, (28, 28), mode="bilinear", antialias=True)
    assert torch.equal(extractor(doubled).features, extractor(near).features)
    assert torch.equal(extractor(3 * x).features, extractor((3 * x).clamp(-1, 1)).features)
    red = torch.cat([x, -torch.ones(6, 2, 28, 28)], 1)
    grey = 0.299 * x - (1 - 0.299)
    torch.testing.assert_close(extractor(red).features, extractor(grey).features, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "shape", "word"), [
    ("digits", (4, 2), "pixels"),
    ("random", (4, 2), "pixels"),
    ("digits", (4, 2, 28, 28), "1 or 3 channels"),
    ("random", (4, 4, 28, 28), "1 or 3 channels"),
    ("random", (4, 1, 7, 28), "8x8"),
])  # fmt: skip
def test_samples_of_another_kind_are_refused(name: str, shape: tuple[int, ...], word: str):
    with pytest.raises(ZerosumError, match=word):
        find(name)(torch.zeros(shape))


def test_bytes_and_nothing_are_refused():
    with pytest.raises(ValueError, match="uint8"):
        find("pixels")(torch.zeros(4, 2, dtype=torch.uint8))
    with pytest.raises(ValueError, match="at least one"):
        find("pixels")(torch.zeros(0, 2))
    with pytest.raises(ZerosumError, match="no samples"):
        extract(find("pixels"), [])


def test_unknown_names_get_a_hint():
    with pytest.raises(ZerosumError, match="did you mean 'digits'"):
        find("digit")
    with pytest.raises(ZerosumError, match=r"there are .*pixels"):
        find("vgg")


def test_a_callable_is_an_extractor():
    def mean_and_spread(x: Tensor) -> Tensor:
        return torch.stack([x.mean((1, 2, 3)), x.std((1, 2, 3))], 1).double()

    extractor, x = find(mean_and_spread), images(300)
    assert (extractor.name, extractor.identity) == ("mean_and_spread", "")
    torch.testing.assert_close(extractor(x).features, mean_and_spread(x).float())
    assert find(torch.nn.Flatten()).name == "Flatten"


@pytest.mark.parametrize("bad", [lambda x: x, lambda x: x.flatten(1)[1:], lambda x: None, lambda x: x.mean()])
def test_a_callable_that_makes_no_features_is_named(bad):
    with pytest.raises(ZerosumError, match=r"<lambda>.*tensor"):
        find(bad)(images(3))


def test_the_digest_is_of_the_weights_and_nothing_else():
    a, b = torch.arange(6.0), torch.ones(2, 3)
    first = digest({"a": a, "b": b})
    assert len(first) == 16 and int(first, 16) >= 0
    assert first == digest({"b": b.t().contiguous().t(), "a": torch.arange(12.0)[:6]})  # the layout in memory is not it
    others = [{"a": a, "c": b}, {"a": a, "b": b.t()}, {"a": a, "b": b.double()}, {"a": a.neg(), "b": b}, {"a": a}]
    assert len({first, *map(digest, others)}) == 6


def test_identities_differ():
    found = [find(name) for name in ("digits", "random")]
    assert len({extractor.identity for extractor in found}) == 2 and all(len(e.identity) == 16 for e in found)
    assert find("digits") != find("random")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name.partition(".")[0])

    monkeypatch.setattr("zerosum.metrics.extractors.inception.importlib.import_module", missing)
    with pytest.raises(ZerosumError, match=r"pip install 'zerosum\[inception\]'"):
        find("inception-v3")


def test_an_extra_that_does_not_import_gives_its_cause(monkeypatch: pytest.MonkeyPatch, tmp_path):
    package = tmp_path / "torch_fidelity"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "torch_fidelity"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ZerosumError, match="torchvision::nms"):
        find("inception-v3")


def test_importing_metrics_needs_none_of_the_extras():
    code = (
        "import sys, zerosum.metrics.extractors, zerosum.metrics.structural\n"
        "found = {'torchvision', 'torch_fidelity', 'scipy', 'sklearn', 'matplotlib'} & set(sys.modules)\n"
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_extractor_of_ones_own():
    """For networks with logits, a class of the user's fits into the same place."""
    own = Extractor("own", "", "none", lambda x: Features(x.flatten(1), x.flatten(1)[:, :2]), chunk=2)
    result = extract(own, images(7).split(3))
    assert result.features.shape == (7, 784) and result.logits is not None and result.logits.shape == (7, 2)
    assert extractors.find("pixels").chunk > 2
