"""`oracle`: texts that a fixed LSTM writes, which then says how likely it finds others; Yu et al., 2017, section 4."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from zerosum.data.dataset import DataError, Dataset, fingerprint_of
from zerosum.data.paths import find
from zerosum.data.request import Request, split
from zerosum.data.text.lines import fields_of
from zerosum.modality import Tokens
from zerosum.networks.policy import Policy

NAME = "oracle"
PARTS = ("published", "drawn")
FILE = "seqgan/oracle_lstm.safetensors"
VOCABULARY, LENGTH, UNITS, COUNT = 5_000, 20, 32, 10_000
GATES = ("input", "forget", "cell", "output")  # in PyTorch's order
SHAPES = {
    "embedding": (VOCABULARY, UNITS),
    "W_logits": (UNITS, VOCABULARY),
    "b_logits": (VOCABULARY,),
    **{f"{kind}_{gate}": (UNITS, UNITS) for gate in GATES for kind in "WU"},
    **{f"b_{gate}": (UNITS,) for gate in GATES},
}
DRAWN_SEED = 88  # of the weights of the drawn oracle: it is one and the same, whatever the seed of the texts


def oracle(request: Request) -> Dataset:
    """10,000 texts of 20 tokens, which are numbers from 0 to 4999, drawn from the seed, by the authors' oracle.

    Its weights are read from `seqgan/oracle_lstm.safetensors` in $ZEROSUM_DATA. "oracle:drawn" needs no file: an LSTM
    of the same size whose weights are drawn from N(0, 1), as the authors' were. Other weights give other numbers.

    Raises:
        DataError: the file is missing or damaged.
    """
    part = split(request, PARTS)
    model = oracle_of(request.name, request.data_dir)
    assert model is not None
    generator = torch.Generator().manual_seed(request.seed)
    ids = model.write(torch.rand(COUNT, LENGTH, generator=generator))
    return Dataset(
        request.name, fields_of(model.tokens, ids), fingerprint_of(f"oracle:{part} {COUNT} texts, seed {request.seed}")
    )


def oracle_of(name: str, data_dir: Path | None = None) -> Policy | None:
    """The network that data of this name is written by, where there is one; `DataError` where its file is missing."""
    known, _, part = name.partition(":")
    if known != NAME:
        return None
    tokens = Tokens(tuple(map(str, range(VOCABULARY))), LENGTH)
    model = Policy(tokens, UNITS, UNITS)
    model.load_state_dict(_drawn(model) if part == "drawn" else _published(data_dir))
    return model.requires_grad_(False).eval()


def _drawn(model: Policy) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(DRAWN_SEED)
    state = {name: torch.randn(w.shape, generator=generator) for name, w in model.state_dict().items()}
    return state | {"lstm.bias_hh_l0": torch.zeros(4 * UNITS)}  # a gate has one bias


def _published(data_dir: Path | None) -> dict[str, Tensor]:
    path = find(FILE, data_dir)
    if path is None:
        raise DataError(
            f"the authors' oracle is not here: put {FILE} into the folder that $ZEROSUM_DATA names, or train on "
            f"{NAME}:drawn, an oracle that is drawn"
        )
    try:
        weights = load_file(path)
    except (OSError, SafetensorError) as error:
        raise DataError(f"cannot read {path}: {error}; get it again") from error
    if {name: tuple(w.shape) for name, w in weights.items()} != SHAPES:
        raise DataError(f"{path} does not hold the weights of the authors' oracle; get it again")
    return {
        "embedding.weight": weights["embedding"],
        "lstm.weight_ih_l0": torch.cat([weights[f"W_{gate}"].T for gate in GATES]),
        "lstm.weight_hh_l0": torch.cat([weights[f"U_{gate}"].T for gate in GATES]),
        "lstm.bias_ih_l0": torch.cat([weights[f"b_{gate}"] for gate in GATES]),
        "lstm.bias_hh_l0": torch.zeros(4 * UNITS),
        "out.weight": weights["W_logits"].T.contiguous(),
        "out.bias": weights["b_logits"],
    }
