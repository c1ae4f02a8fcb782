"""`run.json`: the settings, the data and the versions that a run came of."""

from __future__ import annotations

import math
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, ClassVar

from annotated_types import Gt, Lt, MinLen
from pydantic import ConfigDict, StringConstraints

from zerosum.data.request import AS_STORED, Reading
from zerosum.errors import ZerosumError
from zerosum.games import find
from zerosum.latent import DrawName
from zerosum.modality import AnyModality, Classes, Image, Positive, Spec
from zerosum.options import OptionError
from zerosum.recipe import Recipe, Training
from zerosum.training.hardware import Precision
from zerosum.util.text import from_encodable, shell_word


@dataclass(frozen=True)
class HeldOut:
    """What of the data was not learnt from."""

    share: Annotated[float, Gt(0), Lt(1)]  # that was asked for, of the files
    names: Annotated[tuple[str, ...], MinLen(1)]  # of these files, or the numbers of samples that are none


@dataclass(frozen=True)
class DataRecord:
    """The data of a run: enough to find it again, and to notice that it changed."""

    name: str  # as `--data` takes it; paths are absolute
    fields: dict[str, AnyModality]  # of the data as the game learns from it
    count: Annotated[int, Gt(0)]  # samples
    fingerprint: Annotated[str, StringConstraints(pattern="^[0-9a-f]{16}$")]
    problems: tuple[str, ...]  # files left out, with the reason
    data_dir: str | None = None
    counts: tuple[int, ...] = ()  # of each class: labelled samples
    labels: int | None = None  # how many were kept, of all there are; None: all
    vectors: tuple[tuple[float, ...], ...] = ()  # some of its vectors, to sample by
    captions: tuple[str, ...] = ()  # some of its captions, to sample by
    reading: Reading = AS_STORED  # how its files are read
    held_out: HeldOut | None = None  # of all that is there; the rest was learnt from
    whole: tuple[Positive, Positive] | None = None  # (H, W) of the images that crops were drawn of; None: no crops

    @property
    def folder(self) -> Path | None:
        """Where published sets were looked for first."""
        return Path(self.data_dir) if self.data_dir else None

    @property
    def spec(self) -> Spec:
        """The modalities of its fields."""
        return Spec(self.fields, self.count)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; () without labels."""
        y = self.fields.get("y")
        return y.names if isinstance(y, Classes) else ()

    @property
    def size(self) -> tuple[int, int] | None:
        """(H, W) that its images are read at, of two sizes the larger, which is the one that was asked for; None
        without images.
        """
        return self.whole or self._learnt

    @property
    def crop(self) -> tuple[int, int] | None:
        """(H, W) of the crops that were drawn of them, if they were."""
        return self._learnt if self.whole else None

    @property
    def _learnt(self) -> tuple[int, int] | None:
        sizes = [field.size for field in self.fields.values() if isinstance(field, Image)]
        return max(sizes, key=math.prod, default=None)


@dataclass(frozen=True)
class Record:
    """`run.json`, beside its format number."""

    # A field that is misspelt must not fall back to its default.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", allow_inf_nan=False)

    recipe: str
    source: str  # sha256 of the file of a recipe from outside the package
    summary: str
    options: dict[str, dict[str, Any]]  # plain values by the recipe's parameters
    training: Training
    data: DataRecord
    players: dict[str, int]  # parameters of each
    device: str
    precision: Precision
    versions: dict[str, str]
    command: str
    created: str  # ISO 8601, UTC
    draw: DrawName = "rows"  # how the z of a seed are drawn, see `latent`
    roles: tuple[str, ...] | None = None  # of the game, names of classes; None in runs of older versions
    # That each took `training.batch_size` samples a step; None in runs of older versions.
    processes: Annotated[int, Gt(0)] | None = None


def recipe_of(record: Record, given: str | None) -> Recipe:
    """The recipe of a run; one from outside the package only if it was given, because finding it runs its file.

    Raises:
        ZerosumError: there is no such recipe, it was not given, or it has other options than those in run.json.
    """
    if ":" in record.recipe and given is None:
        raise ZerosumError(
            f"this run was made by {record.recipe}, code from outside zerosum; if you trust that file, "
            f"add --recipe {shell_word(from_encodable(record.recipe))}"
        )
    recipe = find(given or record.recipe)
    if unknown := sorted(record.options.keys() - recipe.options.keys()):
        raise ZerosumError(
            f"run.json has options of {unknown[0]!r}, but {recipe.name} has only those of {', '.join(recipe.options)}"
        )
    try:
        recipe.resolve(record.options)
    except OptionError as error:
        raise ZerosumError(
            f"the options in run.json do not fit {recipe.name}; undo what was changed, in it or in the recipe: {error}"
        ) from None
    return recipe


def versions() -> dict[str, str]:
    """What a result may depend on."""
    packages = {name: version(name) for name in ("zerosum", "torch", "numpy")}
    return {"python": platform.python_version(), **packages, "platform": platform.platform()}
