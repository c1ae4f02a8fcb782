"""The files of a run directory, in one table: the report, docs/guide.md and the tests are held against it."""

from __future__ import annotations

from dataclasses import dataclass

AT_END = "at the end"
STOPPED = f"{AT_END}, and when stopped"


@dataclass(frozen=True)
class Artifact:
    """A file of a run, or a kind of file."""

    path: str  # within the run directory; N stands for a step or a seed
    content: str
    written: str  # when, or by which command
    optional: bool = False  # whether a run that ended may lack it


ARTIFACTS = (
    Artifact(
        "run.json", "recipe, every option, data with its fingerprint, versions, seed, the command", "at the start"
    ),
    Artifact(
        "metrics.jsonl",
        "lines of JSON: step, seconds, the mean of each loss term and logged value",
        "every `--log-every` steps",
    ),
    Artifact(
        "health.jsonl",
        "the health signals, and events: diverged, rolled back",
        "while training, without `--no-health`",
        optional=True,
    ),
    Artifact(
        "samples/step-N.png",
        "samples of the same latent points",
        "every `--sample-every` steps, and after 10, 30, 60, 120, 240 ... seconds",
    ),
    Artifact(
        "checkpoints/step-N/",
        "`game`, `average` and `training` as safetensors, `checkpoint.json`",
        "every `--checkpoint-every` steps",
    ),
    Artifact("tensorboard/", "the curves for TensorBoard", "while training, with `--tensorboard`", optional=True),
    Artifact("samples.png", "samples; a row for each class, where the generator takes one", STOPPED),
    Artifact("samples.txt", "texts only: samples, one a line", AT_END, optional=True),
    Artifact(
        "samples.gif", "videos only: samples as they move, or data and what is foreseen of it", AT_END, optional=True
    ),
    Artifact("samples.wav", "sounds and melodies only: samples, one after the other", AT_END, optional=True),
    Artifact("neighbours.png", "images only: samples and their nearest training images", AT_END, optional=True),
    Artifact("interpolation.png", "walks between points of the latent space", AT_END),
    Artifact("codes.png", "what each latent code changes, where z has codes", AT_END, optional=True),
    Artifact("film.gif", "the pictures of `samples/` as a film", STOPPED),
    Artifact("report.html", "all of this as one page that opens offline", STOPPED),
    Artifact("evaluation.json", "metrics with their protocol", "`zerosum evaluate`", optional=True),
    Artifact("health.png", "the health signals as a picture", "`zerosum doctor`", optional=True),
    Artifact(
        "samples-seed-N.png",
        "more samples, of sounds a `.wav`, of videos a `.gif`; with `--to-seed` an interpolation, a `.gif`; with "
        "`--traverse` `codes-seed-N.png`",
        "`zerosum sample`",
        optional=True,
    ),
    Artifact("predictions.csv", "the class of each image", "`zerosum classify`", optional=True),
    Artifact("generator.onnx", "the generator, for onnxruntime and others", "`zerosum export`", optional=True),
)
