"""Two domains as one set: what is learnt of each, colours, sizes, and that no class of the target can be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Picture

from zerosum.batches import Domains
from zerosum.data import DataError, Stream, load
from zerosum.data.dataset import Dataset, dataset
from zerosum.data.domains import joined
from zerosum.data.held_out import names_to_hold_out, split
from zerosum.data.sources import absolute, reads_files, reads_pictures
from zerosum.modality import Classes, Image


def images(count: int, channels: int = 1, side: int = 4, classes: tuple[str, ...] = ("cat", "dog")) -> Dataset:
    """The k-th is all of value k, and of each class in turn; without classes they have none."""
    x = torch.arange(count, dtype=torch.uint8)[:, None, None, None].expand(-1, channels, side, side).contiguous()
    y = torch.arange(count) % len(classes) if classes else None
    return dataset(f"{count} images", x, y, classes)


def save(path: Path, value: int, size: tuple[int, int] = (4, 4), mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Picture.fromarray(np.full(size, value, np.uint8)).convert(mode).save(path)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Grey cats and dogs, and colour pictures, some of which lie in a folder that says what they show."""
    for k in range(6):
        save(tmp_path / "drawn" / ("cat", "dog")[k % 2] / f"{k}.png", k)
        save(tmp_path / "photos" / ("" if k else "dog") / f"{k}.png", 100 + k, mode="RGB")
    return tmp_path


def test_classes_go_with_the_source_alone():
    both = joined("both", images(5), images(7))
    assert {name: (f.deck, len(f)) for name, f in both.fields.items()} == {
        "x": ("source", 5), "y": ("source", 5), "target": ("target", 7),
    }  # fmt: skip
    assert both.fields["y"].modality == Classes(("cat", "dog")) and both.y is not None
    assert [name for name, f in both.fields.items() if f.modality.labels] == ["y"]


def test_other_classes_of_the_target_are_the_same_data():
    """A game cannot learn what is not there: neither the batches nor the fingerprint know the target's classes."""
    with_classes, without = (joined("both", images(5), images(7, classes=kinds)) for kinds in (("cat", "dog"), ()))
    assert with_classes.fingerprint == without.fingerprint and with_classes.classes == without.classes
    assert Domains._fields == ("x", "y", "target")


def test_both_domains_are_drawn_in_orders_of_their_own():
    both = joined("both", images(30), images(20))
    stream = Stream(both, 10, seed=3, batch=Domains)
    drawn = [stream() for _ in range(6)]
    rows = [torch.cat([getattr(batch, name)[:, 0, 0, 0] for batch in drawn]) for name in ("x", "target")]
    x, target = (((own + 1) * 127.5).round().long() for own in rows)
    assert sorted(x[:30].tolist()) == list(range(30)) and sorted(target[:20].tolist()) == list(range(20))
    assert torch.equal(torch.cat([batch.y for batch in drawn]), x % 2)
    assert not torch.equal(x[:20] % 20, target[:20])


def test_samples_of_the_source_without_a_class_are_not_drawn():
    source = images(6)
    y = torch.tensor([0, 1, -1, -1, 0, 1])
    source = dataset("some", source.x, y, ("cat", "dog"))
    stream = Stream(joined("both", source, images(4)), 4, seed=0, batch=Domains)
    assert {int(v) for v in ((stream().x[:, 0, 0, 0] + 1) * 127.5).round()} == {0, 1, 4, 5}


@pytest.mark.parametrize(("source", "target"), [(1, 3), (3, 1), (1, 1), (3, 3)])
def test_grey_beside_colour_is_colour(source: int, target: int):
    both = joined("both", images(5, source), images(7, target))
    channels = max(source, target)
    assert both.fields["x"].modality == both.fields["target"].modality == Image(channels, 4, 4)
    batch = Stream(both, 5, seed=0, batch=Domains)()
    for x in (batch.x, batch.target):
        assert x.shape == (5, channels, 4, 4) and (x == x[:, :1]).all()


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (images(5, classes=()), images(5), "the source, 5 images, has no classes.*sub-folder"),
        (images(5, side=4), images(6, side=8), "1x4x4.*1x8x8.*--size 4 4"),
        (images(5, 1), images(6, 4), "same colours"),
        (images(5, 3), images(6, 2), "same colours"),
        (images(5), dataset("dots", torch.rand(4, 2)), "dots holds points, and domains are of images"),
    ],
)
def test_what_does_not_fit_is_refused(source: Dataset, target: Dataset, message: str):
    with pytest.raises(DataError, match=message):
        joined("both", source, target)


def test_two_folders(folders: Path):
    both = load(f"domains:{folders / 'drawn'},{folders / 'photos'}")
    assert both.classes == ("cat", "dog") and both.counts == (3, 3)
    assert both.fields["x"].modality == Image(3, 4, 4) and both.files["source"][0] == "cat/0.png"
    values = both.fields["target"].stored[:, 0, 0, 0].tolist()
    assert sorted(values) == [100, 101, 102, 103, 104, 105]
    sized = load(f"domains:{folders / 'drawn'},digits", size=(6, 6))
    assert sized.fields["x"].modality == sized.fields["target"].modality == Image(1, 6, 6)


def test_names_of_folders_are_found_from_anywhere(folders: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folders)
    assert absolute("domains:drawn,photos") == f"domains:{folders / 'drawn'},{folders / 'photos'}"
    assert absolute("domains:digits,mnist:test") == "domains:digits,mnist:test"
    assert reads_files("domains:digits,photos") and reads_pictures("domains:drawn,digits")
    assert not reads_files("domains:digits,digits") and not reads_pictures("domains:digits,digits")


def test_files_are_read_as_asked(folders: Path):
    both = load(f"domains:digits,{folders / 'photos'}", value_range=(0, 105), size=(4, 4))
    assert both.fields["target"].stored.max() == 255
    with pytest.raises(DataError, match="--value-range is of images in your own files"):
        load("domains:digits,digits", value_range=(0, 105))


@pytest.mark.parametrize("name", ["domains:", "domains:digits", "domains:digits,", "domains:a,b,c"])
def test_two_domains_are_named(name: str):
    with pytest.raises(DataError, match="domains:SOURCE,TARGET"):
        load(name)


def test_a_target_without_images_is_refused(folders: Path):
    (folders / "empty").mkdir()
    with pytest.raises(DataError, match=r"no image in .*empty"):
        load(f"domains:{folders / 'drawn'},{folders / 'empty'}")
    with pytest.raises(DataError, match="no data called 'nowhere'"):
        load(f"domains:{folders / 'drawn'},nowhere")


def test_other_data_is_refused_with_the_name_that_is_needed():
    with pytest.raises(DataError, match=r"draws x, y and target; .* name both domains, as domains:SOURCE,TARGET"):
        Stream(images(5), 2, seed=0, batch=Domains)


def test_what_is_held_out_is_held_out_of_both(folders: Path):
    both = load(f"domains:{folders / 'drawn'},{folders / 'photos'}")
    kept, rest = split(both, names_to_hold_out(both, 0.3))
    for name in ("x", "target"):
        assert len(kept.fields[name]) + len(rest.fields[name]) == 6 and len(rest.fields[name]) > 0
    assert len(kept.fields["x"]) == len(kept.fields["y"])
