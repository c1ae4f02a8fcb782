"""What people pass in Python: NumPy's numbers and tensors are right; all else is refused in one sentence."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import zerosum
from zerosum import ZerosumError, data, losses, optim
from zerosum.losses import penalties
from zerosum.losses.adversarial import LabelSmoothing
from zerosum.optim import SGD, Adam, Cosine, Decay
from zerosum.options import Checked, OptionError, hints, rows
from zerosum.recipe import RECIPES, Training
from zerosum.run.loaded import Run
from zerosum.util.checks import ArgumentError

INF, NAN = math.inf, math.nan
D, X = nn.Linear(2, 1), torch.zeros(3, 2)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Tiny runs: of a plain GAN, of one of classes, of a classifier, of codes."""
    folder = tmp_path_factory.mktemp("runs")
    found = {}
    for recipe in ("gan/toy", "cgan/toy", "sgan/toy", "infogan/toy"):
        name = recipe.partition("/")[0]
        found[name] = zerosum.train(recipe, out=folder / name, steps=1, batch_size=16, quiet=True, health=False)
    return found


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(ZerosumError) as caught:
        call()
    assert "\n" not in str(caught.value) and caught.value.exit_code == 2
    return str(caught.value)


# Runs


@pytest.mark.parametrize("count", [0, -1, 2.5, 2.0, "3", True, None, NAN, np.array([3]), [3]])
def test_counts(runs: dict[str, Run], count: Any) -> None:
    run = runs["gan"]
    for call in (run.sample, lambda n: list(run.parts(n)), lambda n: run.interpolate(n, 2), run.labels_for):
        if call == run.labels_for and count == 0 and count is not False:
            continue
        assert "count must be" in refused(lambda call=call: call(count))


@pytest.mark.parametrize("seed", [2**64, 2**70, -(2**63) - 1, 1.5, "1", None, True, NAN])
def test_seeds(runs: dict[str, Run], seed: Any, tmp_path: Path) -> None:
    run = runs["gan"]
    for call in (
        lambda: run.sample(3, seed=seed),
        lambda: list(run.parts(3, seed=seed)),
        lambda: run.interpolate(3, 2, (0, seed)),
        lambda: runs["infogan"].traverse(seed=seed),
        lambda: zerosum.evaluate(run, seed=seed, samples=20),
        lambda: zerosum.synthesize(runs["cgan"], tmp_path / "o.npz", 3, seed=seed),
        lambda: data.load("ring", seed=seed),
    ):
        assert "seed" in refused(call)
    if seed != "1":  # options take words for numbers, as JSON and flags give them
        assert "seed" in refused(lambda: Training(seed=seed))
        assert "seed" in refused(lambda: zerosum.train("gan/toy", out=tmp_path / "run", seed=seed, quiet=True))
    assert not (tmp_path / "run").exists()


def test_numbers_of_numpy_and_tensors_are_numbers(runs: dict[str, Run]) -> None:
    run = runs["gan"]
    expected = run.sample(3, seed=5, truncation=0.5)
    for three, five, half in (
        (np.int64(3), np.int32(5), np.float64(0.5)),
        (np.array(3), np.uint8(5), np.array(0.5)),
        (torch.tensor(3), torch.tensor(5), torch.tensor(0.5)),
    ):
        assert torch.equal(run.sample(three, seed=five, truncation=half), expected)
    assert torch.equal(run.interpolate(3, np.int64(2), (np.int64(0), torch.tensor(1))), run.interpolate(3, 2, (0, 1)))
    assert run.sample(2, seed=2**64 - 1).shape == run.sample(2, seed=-(2**63)).shape == (2, 2)


@pytest.mark.parametrize("truncation", [0, -1, NAN, INF, "1", True])
def test_truncation(runs: dict[str, Run], truncation: Any, tmp_path: Path) -> None:
    assert "truncation must be" in refused(lambda: runs["gan"].sample(3, truncation=truncation))
    assert "truncation must be" in refused(lambda: zerosum.evaluate(runs["gan"], truncation=truncation))
    out = tmp_path / "o.npz"
    assert "truncation must be" in refused(lambda: zerosum.synthesize(runs["cgan"], out, 2, truncation=truncation))


@pytest.mark.parametrize("classes", [[], (), np.array([]), torch.tensor([], dtype=torch.int64)])
def test_no_classes(runs: dict[str, Run], classes: Any) -> None:
    run = runs["cgan"]
    for call in (run.sample, lambda n, classes: list(run.parts(n, classes=classes)), run.labels_for):
        said = refused(lambda call=call: call(3, classes=classes))
        assert said == "classes is empty: name one at least, or leave it out for all in turn"
    assert "takes no class" in refused(lambda: runs["gan"].sample(3, classes=classes))


@pytest.mark.parametrize("classes", ["", 9, -1, 1.0, True, None, NAN, b"0", [None], [[0, 1]], torch.tensor([0.0])])
def test_what_is_no_class(runs: dict[str, Run], classes: Any) -> None:
    if classes is not None:
        assert "there is no class" in refused(lambda: runs["cgan"].sample(3, classes=classes))
    else:
        assert runs["cgan"].sample(3, classes=classes).shape == (3, 2)  # all in turn


def test_classes_in_arrays(runs: dict[str, Run]) -> None:
    run = runs["cgan"]
    names = run.record.data.classes
    expected = run.sample(4, classes=[1, 0])
    for classes in ((1, 0), np.array([1, 0]), torch.tensor([1, 0]), list(reversed(names)), np.array(names)[::-1]):
        assert torch.equal(run.sample(4, classes=classes), expected)
    for one in (1, "1", names[1], np.int64(1), torch.tensor(1), np.array(1)):
        assert torch.equal(run.sample(4, classes=one), run.sample(4, classes=[1]))


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (torch.zeros(2, 3), "samples of shape (2,), not (3,)"),
        (torch.zeros(2), "samples of shape (2,), not (): give a batch, (N, 2)"),
        (torch.tensor(1.0), "not a single number"),
        ([[0.0, 1.0]], "x must be a tensor or a NumPy array of real numbers, not list"),
        ("x", "not str"),
        (None, "not NoneType"),
        (torch.zeros(2, 2, dtype=torch.complex64), "not torch.complex64"),
        (torch.zeros(2, 2, dtype=torch.bool), "not torch.bool"),
        (np.array([["a", "b"]]), "not <U1"),
        (torch.full((2, 2), NAN), "x holds NaN or infinite numbers"),
        (torch.full((2, 2), INF), "x holds NaN or infinite numbers"),
        (torch.zeros(2, 2, device="meta"), "x is on the device meta"),
    ],
)
def test_samples_to_judge(runs: dict[str, Run], x: Any, says: str) -> None:
    assert says in refused(lambda: runs["sgan"].classify(x))
    assert says in refused(lambda: runs["gan"].score(x))


def test_arrays_are_judged_as_tensors(runs: dict[str, Run]) -> None:
    x = torch.randn(5, 2)
    for function in (runs["sgan"].classify, runs["gan"].score):
        for other in (x.numpy(), x.double(), x.double().numpy(), x.numpy()[::1]):
            assert torch.allclose(function(other), function(x))
        assert len(function(x[:0])) == 0
    score = runs["cgan"].score
    expected = score(x, torch.tensor([0, 1, 0, 1, 1]))
    for y in ([0, 1, 0, 1, 1], np.array([0, 1, 0, 1, 1]), (0, 1, 0, 1, 1)):
        assert torch.equal(score(x, y), expected)


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, "8", None])
def test_batch_sizes(runs: dict[str, Run], batch_size: Any) -> None:
    """Of none, the samples were walked through for ever."""
    assert "batch_size must be" in refused(lambda: runs["sgan"].classify(X[:, :2], batch_size=batch_size))
    assert "batch_size must be" in refused(lambda: runs["gan"].score(X[:, :2], batch_size=batch_size))


@pytest.mark.parametrize(
    "y", [[0], [0, 1, 9], [0, 1, -1], [0.0, 1.0, 1.0], "0", torch.zeros(3, 2), [True, False, True]]
)
def test_labels_of_samples(runs: dict[str, Run], y: Any) -> None:
    refused(lambda: runs["cgan"].score(X, y))


def test_walks_and_codes(runs: dict[str, Run]) -> None:
    run, codes = runs["gan"], runs["infogan"]
    assert "frames must be" in refused(lambda: run.interpolate(2, 0))
    assert "seeds must be two" in refused(lambda: run.interpolate(2, 3, (1,)))  # type: ignore[arg-type]
    assert "seeds must be two" in refused(lambda: run.interpolate(2, 3, 1))  # type: ignore[arg-type]
    assert "codes is empty" in refused(lambda: codes.traverse(codes=[]))
    assert "steps must be" in refused(lambda: codes.traverse(steps=2.5))  # type: ignore[arg-type]
    assert codes.traverse("c1").keys() == {"c1"}


# Paths and names


@pytest.mark.parametrize("where", [None, 3, "", b"run", ["run"], 1.5])
def test_paths(runs: dict[str, Run], where: Any, tmp_path: Path) -> None:
    for call in (
        lambda: zerosum.load(where),
        lambda: zerosum.resume(where),
        lambda: zerosum.evaluate(where),
        lambda: zerosum.classify(where, "ring"),
        lambda: zerosum.classify(runs["sgan"], where),
        lambda: zerosum.translate(where, "x", tmp_path / "y"),
        lambda: zerosum.synthesize(where, tmp_path / "o.npz", 2),
        lambda: zerosum.synthesize(runs["cgan"], where, 2),
        lambda: zerosum.export(where, tmp_path / "x.onnx"),
        lambda: zerosum.export(runs["gan"], where),
        lambda: data.load(where),
    ):
        refused(call)


@pytest.mark.parametrize(
    "chosen",
    [
        {"out": 3},
        {"out": ""},
        {"data": ""},
        {"data": np.zeros((5, 2))},
        {"data": 3},
        {"recipe": 3},
        {"labels": 0},
        {"labels": 2.5},
        {"size": (3, 4, 5)},
        {"size": "32"},
        {"size": 0},
        {"size": 32.5},
        {"device": "tpu"},
        {"device": "meta"},
        {"device": 3},
        {"data_dir": 3},
        {"network": 3},
        {"g_optimizer": 3},
        {"steps": NAN},
        {"steps": True},
        {"batch_size": 0},
        {"average": NAN},
        {"clip": INF},
        {"hooks": 3},
    ],
    ids=str,
)
def test_what_train_refuses(chosen: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused(lambda: zerosum.train(**{"recipe": "dcgan", "data": "digits", "quiet": True, "steps": 1} | chosen))
    assert list(tmp_path.iterdir()) == []


def test_what_train_takes(tmp_path: Path) -> None:
    run = zerosum.train(
        "gan/toy",
        Path("ring"),
        tmp_path / "run",
        steps=np.int64(1),
        batch_size=torch.tensor(16),
        g_optimizer=Adam(np.float32(0.5)),
        quiet=True,
        health=False,
    )
    assert (run.step, run.batch_size, run.record.options["config"]["g_optimizer"]["lr"]) == (1, 16, 0.5)


@pytest.mark.parametrize("wrong", [3, 3.0, True, ["cpu"], np.float32(3), b"cpu", torch.tensor(3), {}, int])
def test_devices_data_and_recipes_are_names(runs: dict[str, Run], wrong: Any, tmp_path: Path) -> None:
    run = next(iter(runs.values())).path
    for call in (
        lambda: zerosum.load(run, device=wrong),
        lambda: zerosum.resume(run, device=wrong, quiet=True),
        lambda: zerosum.train("gan/toy", device=wrong, out=tmp_path / "run", quiet=True),
    ):
        assert "device must be a name, such as 'cpu'" in refused(call)
    assert "data must be a string" in refused(lambda: zerosum.resume(run, data=wrong, quiet=True))
    assert "recipe must be a string" in refused(lambda: zerosum.resume(run, recipe=wrong, quiet=True))
    for name, says in (
        ("value_range", "value_range must be two numbers"),
        ("frames", "frames must be 'first' or 'all'"),
    ):
        assert says in refused(
            lambda name=name: zerosum.train("gan/toy", **{name: wrong}, out=tmp_path / "run", quiet=True)
        )
    assert list(tmp_path.iterdir()) == []


def test_a_device_of_pytorch_is_one(runs: dict[str, Run]) -> None:
    assert zerosum.load(next(iter(runs.values())).path, device=torch.device("cpu")).sample(1) is not None


def test_numbers_that_float32_has_not(runs: dict[str, Run]) -> None:
    run = next(run for run in runs.values() if run.condition is None)
    torch.testing.assert_close(run.sample(3, truncation=1e308), run.sample(3, truncation=1e30))
    assert "samples must be at most 9223372036854775807" in refused(lambda: zerosum.evaluate(run, samples=10**30))


def test_what_load_takes(runs: dict[str, Run]) -> None:
    where = runs["gan"].path
    assert zerosum.load(str(where), checkpoint_step=np.int64(1)).step == 1
    for chosen in ({"checkpoint_step": "1"}, {"average": "no"}, {"device": "meta"}, {"recipe": 3}):
        refused(lambda chosen=chosen: zerosum.load(where, **chosen))


# Options


@pytest.mark.parametrize(
    "make",
    [
        lambda: Adam(-1),
        lambda: Adam(NAN),
        lambda: Adam(INF),
        lambda: Adam("fast"),
        lambda: Adam(None),
        lambda: Adam(True),
        lambda: Adam(betas=0.5),
        lambda: Adam(betas=(0.5,)),
        lambda: Adam(betas=(0.5, 1.0)),
        lambda: Adam(decay="cosine"),
        lambda: Adam(kind="sgd"),
        lambda: SGD(momentum=1),
        lambda: Decay("cosin"),
        lambda: Decay(warmup=1.5),
        lambda: Decay(final=2),
        lambda: Cosine(NAN),
        lambda: optim.RMSprop(alpha=NAN),
        lambda: optim.SGHMC(friction=0),
        lambda: Training(steps=0),
        lambda: Training(steps="many"),
        lambda: Training(batch_size=2.5),
        lambda: Training(precision="fp8"),
        lambda: Training(average=1),
        lambda: zerosum.augment.InstanceNoise(-1),
        lambda: zerosum.games.two_player.TwoPlayer.Config(penalties={"r1": NAN}),
        lambda: zerosum.games.two_player.TwoPlayer.Config(penalties={"r9": 1.0}),
        lambda: zerosum.games.gan.GAN.Config(latent_dim=0),
        lambda: zerosum.techniques.Techniques(historical_averaging=NAN),
    ],
)
def test_options_are_held_to_their_fields(make: Callable[[], Any]) -> None:
    with pytest.raises(OptionError, match=r"^[A-Z]\w+\.\w+(\.\w+)?: should ") as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("chosen", [{"real": 1.5}, {"fake": -0.1}, {"flip": NAN}, {"real": "1"}, {"real": None}])
def test_targets(chosen: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=r"^targets\.\w+ must be"):
        LabelSmoothing(**chosen)


def test_options_become_plain_numbers() -> None:
    adam = Adam(np.float64(0.5), [np.float32(0.5), torch.tensor(0.25)], decay={"shape": "linear"})  # type: ignore
    assert adam == Adam(0.5, (0.5, 0.25), decay=Decay("linear")) and type(adam.lr) is type(adam.betas[1]) is float
    assert type(Training(steps=np.int64(3)).steps) is int
    assert LabelSmoothing(np.float32(0.5)) == LabelSmoothing(0.5) and hash(adam) == hash(adam)


def test_every_option_of_every_recipe_is_checked() -> None:
    seen: dict[type, Any] = {}

    def walk(value: Any) -> None:
        if is_dataclass(value) and type(value) not in seen:
            seen[type(value)] = value
            for name in hints(type(value)):
                walk(getattr(value, name))

    for one in (Training(), *(value for recipe in RECIPES.values() for value in recipe.options.values())):
        walk(one)
    assert len(seen) > 40
    for cls, value in seen.items():
        assert issubclass(cls, Checked), cls
        for option in rows(value):
            if option.type.startswith("float") and "." not in option.name:
                for wrong in (NAN, INF, "word"):
                    with pytest.raises(ZerosumError):
                        cls(**{name: getattr(value, name) for name in hints(cls)} | {option.name: wrong})


# Losses and penalties


@pytest.mark.parametrize("objective", list(losses.OBJECTIVES.values()), ids=lambda one: one.name)
def test_losses(objective: Any) -> None:
    three = torch.zeros(3)
    for real, fake in (
        (torch.zeros(0), torch.zeros(0)),
        (torch.zeros(3, dtype=torch.int64), three),
        (np.zeros(3), three),
        (None, three),
        (three, 3.0),
        (three, torch.zeros(3, device="meta")),
    ):
        with pytest.raises(ArgumentError):
            objective.d(real, fake)
    for targets in (0.9, None, "real"):
        with pytest.raises(ArgumentError, match="targets must be a LabelSmoothing"):
            objective.d(three, three, targets)


@pytest.mark.parametrize(
    "weights", [{"r1": NAN}, {"r1": INF}, {"r1": "x"}, {"r1": -1}, {"r9": 1.0}, [("r1", 1.0)], "r1", 3]
)
def test_weights_of_penalties(weights: Any) -> None:
    with pytest.raises(ArgumentError):
        penalties.lazy(weights, 1, 0, D, X, X)


@pytest.mark.parametrize("name", list(penalties.PENALTIES))
def test_penalties(name: Any) -> None:
    penalty = penalties.PENALTIES[name]
    for discriminator, real in (
        (D, X[:0]),
        (D, X.long()),
        (D, X.numpy()),
        (D, torch.zeros(3, 2, device="meta")),
        (3, X),
    ):
        with pytest.raises(ArgumentError):
            penalty(discriminator, real, real)
    for every in (0, 1.5, "2", True):
        with pytest.raises(ArgumentError, match="penalty_every"):
            penalties.lazy({name: 1.0}, every, 0, D, X, X)


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, "4", None])
def test_streams(batch_size: Any) -> None:
    with pytest.raises(ValueError, match="batch_size"):
        data.Stream(data.load("ring"), batch_size, seed=0)
