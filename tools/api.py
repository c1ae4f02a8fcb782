"""Write docs/api.md, a line for each public part, from the docstrings: `python -m tools.api`.

`tests/docs/test_api.py` fails where the page differs from them.
"""

import dataclasses
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "api.md"
HEAD = """# API

A line for each part that can be imported alone. `help(zerosum.train)`, the docstring, has shapes, ranges, units and
errors; [architecture](architecture.md) says how parts of your own are added. This page is written by
`python -m tools.api` from the docstrings.
"""
NETWORKS = [
    "dcgan",
    "deep_dcgan",
    "small",
    "mlp",
    "resnet",
    "r3gan",
    "sgan",
    "began",
    "bigan",
    "infogan",
    "srresnet",
    "vgg",
    "pretrained",
    "tutorial",
    "conditional",
    "captioned",
    "stackgan",
    "text_encoder",
    "policy",
    "monte_carlo",
    "dialogue",
    "choice",
    "text_cnn",
    "text_writer",
    "heads",
    "pixel_density",
    "sounds",
    "blocks",
    "discriminate",
]
METRICS = [
    "frechet",
    "kernel",
    "inception_score",
    "manifold",
    "structural",
    "daala_ssim",
    "attack_success",
    "modes",
    "pitch",
    "two_sample",
    "linear_svm",
    "memorization",
    "tstr",
    "discrimination",
    "path_length",
    "nearest_distance",
    "parzen",
    "bleu",
    "n_grams",
    "distinct_n",
    "likelihood",
    "grammar",
    "music",
    "answers",
    "attributes",
    "matching",
    "statistics",
]
SECTIONS = {  # title: what is said first, and the modules whose public parts are listed
    "Commands as functions": ("Each does what the command of its name does.", ["zerosum"]),
    "Networks": (
        "Ordinary modules for any height, width and channel count; generators map z to samples, discriminators samples "
        "to logits (B, 1).",
        [f"zerosum.networks.{name}" for name in NETWORKS],
    ),
    "Losses": (
        "Pure functions of logits; an `Objective` has those of both players, as `losses.hinge.d` and `losses.hinge.g`.",
        [
            f"zerosum.losses.{name}"
            for name in (
                "adversarial",
                "feature_matching",
                "discrepancy",
                "semi_supervised",
                "mutual_information",
                "matching",
                "adversarial_examples",
            )
        ],
    ),
    "Penalties": ("Scalars of a discriminator and samples, to be weighted and added.", ["zerosum.losses.penalties"]),
    "Techniques": (
        "What any two-player game can add, as options of every recipe ([techniques](techniques.md)).",
        [
            "zerosum.techniques",
            "zerosum.techniques.minibatch",
            "zerosum.techniques.historical",
            "zerosum.techniques.virtual_batch_norm",
            "zerosum.techniques.consistency",
            "zerosum.augment.instance_noise",
            "zerosum.augment.affine",
            "zerosum.augment.diff_augment",
            "zerosum.augment.adaptive",
            "zerosum.augment.pipeline",
        ],
    ),
    "Metrics": (
        "Each file has its function of tensors, and its `Metric` for `zerosum.evaluate` ([metrics](metrics.md)).",
        [f"zerosum.metrics.{name}" for name in METRICS],
    ),
    "Parts": (
        "What games, trainers and data are made of.",
        [
            "zerosum.game",
            "zerosum.roles",
            "zerosum.latent_game",
            "zerosum.latent",
            "zerosum.optim",
            "zerosum.modality",
            "zerosum.batches",
            "zerosum.recipe",
            "zerosum.data",
            "zerosum.training.trainer",
            "zerosum.run.loaded",
            "zerosum.theory",
        ],
    ),
}


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for title, (about, modules) in SECTIONS.items():
        parts.append(f"## {title}\n\n{about}\n")
        parts.append("| part | what it is |\n|---|---|")
        for name in modules:
            parts += [f"| `{part}` | {line} |" for part, line in lines(importlib.import_module(name))]
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def lines(module: ModuleType) -> Iterator[tuple[str, str]]:
    """Every public function and class of a module by its full name, with the first sentence of its docstring."""
    for name in public(module):
        part = getattr(module, name)
        if (isinstance(part, type) or inspect.isroutine(part)) and (line := first_sentence(part)):
            yield f"{module.__name__}.{name}", line


def public(module: ModuleType) -> list[str]:
    """What a module says is public, else what it defines without an underscore, in the order of the file."""
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return [name for name in listed if not name.startswith("_")]
    return [
        name
        for name, part in vars(module).items()
        if not name.startswith("_") and getattr(part, "__module__", None) == module.__name__
    ]


def first_sentence(part: Any) -> str:
    """The first line of a docstring as a cell; "" where there is none of its own."""
    text = part.__doc__ or ""
    if dataclasses.is_dataclass(part) and text.startswith(f"{part.__name__}("):  # what Python writes itself
        return ""
    whole = " ".join(text.strip().split("\n\n")[0].split())
    sentence = re.split(r"(?<=[.]) (?=[A-Z`(])", whole)[0]
    return sentence.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"{PAGE}: written")
