"""Runs of policies: recorded, trained, stopped, played, evaluated and reported; by hand and by command."""

from __future__ import annotations

import json
from pathlib import Path

import corridor
import numpy as np
import pytest
from gymnasium.envs.classic_control.cartpole import CartPoleEnv
from PIL import Image

import zerosum
from zerosum import data
from zerosum.cli import main
from zerosum.errors import ZerosumError
from zerosum.workflows import record as recording

corridor.register()
FEW = {"steps": 3, "moves": {"steps": 200, "epochs": 1}, "d_steps": 2, "quiet": True, "health": False}
EXPERT = """
def push(states):
    return (states[:, 2] + 0.4 * states[:, 3] > 0).astype(int)

def scold(states):
    raise RuntimeError("no")

def shout(states):
    return states[:, :1] * 9.5

nothing = 3
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("acting")
    zerosum.record("CartPole-v0", folder / "shown.npz", episodes=2, every=10, seed=1)
    zerosum.train("gail", data=folder / "shown.npz", out=folder / "run", **FEW)
    return folder / "run"


def test_what_an_expert_shows_is_written_to_a_file(tmp_path: Path):
    found = zerosum.record("MountainCar-v0", tmp_path / "new" / "climbs.npz", episodes=3, every=5, seed=2)
    loaded = data.load(str(found.path))
    assert loaded.modality.environment == "MountainCar-v0" and loaded.modality.episodes == 3
    first, second = found.lines()
    assert first == f"demonstrated by a rule that is written down; {len(loaded)} of 306 steps are kept"
    assert second.startswith("demonstrated: 3 episodes of 102 steps, with a return of -102.0; all ended before")
    with pytest.raises(ZerosumError, match=r"climbs\.npz is there already; remove it, or choose another --out"):
        zerosum.record("MountainCar-v0", found.path)


def test_an_expert_learns_by_the_environment_s_rewards(tmp_path: Path):
    found = zerosum.record(corridor.NAME, tmp_path / "hall.npz", episodes=5, rounds=4, seed=1)
    assert found.expert == "demonstrated by a policy that learnt for 4 rounds"
    assert found.shown.terminated is not None and found.shown.terminated.all(), "it walks to the goal"
    assert (found.shown.pairs[:, 3] == 1).all()


def test_numbers_can_be_learnt_and_nobody_can_demonstrate(tmp_path: Path):
    slid = zerosum.record("SlidingCorridor-v0", tmp_path / "slides.npz", episodes=2, rounds=1, expert="learnt")
    assert not slid.shown.places.discrete and slid.shown.pairs.shape[1] == 3
    chance = zerosum.record("CartPole-v0", tmp_path / "chance.npz", expert="random", episodes=20)
    assert chance.shown.returns is not None and 15 < chance.shown.returns.mean() < 35


def test_experts_of_files_and_of_runs(tmp_path: Path, run: Path):
    (tmp_path / "own.py").write_text(EXPERT)
    own = f"{tmp_path / 'own.py'}"
    found = zerosum.record("CartPole-v0", tmp_path / "own.npz", expert=f"{own}:push", episodes=4)
    assert found.shown.returns is not None and found.shown.returns.mean() > 150
    again = zerosum.record("CartPole-v0", tmp_path / "run.npz", expert=str(run), episodes=2)
    assert again.expert == f"demonstrated by the policy of {run}"
    for expert, message in (
        (f"{own}:scold", r"own\.py:scold does not act: RuntimeError: no"),
        (
            f"{own}:shout",
            r"own\.py:shout gives float32 \(10, 1\) for 10 states; give whole numbers \(10,\) from 0 to 1",
        ),
        (f"{own}:nothing", r"own\.py has no function 'nothing'"),
        (f"{tmp_path / 'gone.py'}:push", "cannot read"),
        ("nobody", "there is no expert nobody; give rule, learnt, random, a run directory, or FILE.py:FUNCTION"),
    ):
        with pytest.raises(ZerosumError, match=message):
            zerosum.record("CartPole-v0", tmp_path / "no.npz", expert=expert)
    with pytest.raises(ZerosumError, match="acts in CartPole-v0, and not in MountainCar-v0"):
        zerosum.record("MountainCar-v0", tmp_path / "no.npz", expert=str(run))
    with pytest.raises(ZerosumError, match="no written expert of Corridor-v0"):
        zerosum.record(corridor.NAME, tmp_path / "no.npz", expert=recording.RULE)
    with pytest.raises(ZerosumError, match=r"--out .*no\.csv: demonstrations are written to an \.npz file"):
        zerosum.record("CartPole-v0", tmp_path / "no.csv")
    assert not (tmp_path / "no.npz").exists()


def test_a_run_ends_with_its_returns_and_cloning_beside_them(run: Path):
    evaluation = json.loads((run / "evaluation.json").read_text())
    (result,) = evaluation["results"]
    assert [*result["scores"]] == ["the policy", "behaviour cloning"] and result["protocol"]["fake"] == 50
    for score in result["scores"].values():
        assert score["references"]["real"] == 200 and 15 < score["references"]["noise"] < 35
        assert score["interval"][0] <= score["value"] <= score["interval"][1]
    page = (run / "report.html").read_text()
    assert "behaviour cloning" in page and "acting at random in the same environment" in page
    assert f"zerosum play {run}" in page
    for picture in ("samples.png", "samples/step-00000003.png"):
        with Image.open(run / picture) as image:
            assert image.size[0] > 300


def test_a_run_says_by_which_rewards_it_learns(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    shown = run.parent / "shown.npz"
    options = ["--steps", "2", "--moves.steps", "200", "--moves.epochs", "1", "--d-steps", "1", "--no-health"]
    assert main(["train", "gail", "--data", str(shown), "--out", str(tmp_path / "said"), *options]) == 0
    said = capsys.readouterr().err
    assert "rewards: -log(1 - D), as 0% of the demonstrated episodes ended before the limit of 200 steps" in said
    assert "behaviour cloning: a return of" in said and "demonstrated 200.0, at random" in said


def test_play_films_an_episode_and_prints_returns(run: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["play", str(run), "-n", "4", "--policy", "clone", "--seed", "3"]) == 0
    said = capsys.readouterr().out
    assert "play-clone-seed-3.gif" in said and "means of 4 episodes" in said and "filmed: an episode of " in said
    with Image.open(run / "play-clone-seed-3.gif") as film:
        assert film.n_frames > 5
        first, second = (np.asarray(frame.convert("L")) for frame in _frames(film, 2))
    assert (first != second).any()
    assert main(["play", str(run), "-n", "4", "--no-film", "--seed", "4"]) == 0
    assert not (run / "play-seed-4.gif").exists()


def _frames(film: Image.Image, count: int) -> list[Image.Image]:
    found = []
    for place in range(count):
        film.seek(place)
        found.append(film.copy())
    return found


def test_playing_is_of_the_seed(run: Path):
    one, same, other = (zerosum.play(run, episodes=5, seed=seed).returns.value for seed in (1, 1, 2))
    assert one == same != other


@pytest.mark.parametrize(("arguments", "message"), [
    (["play", "RUN", "--no-film", "--out", "a.gif"], "--no-film makes no film for --out a.gif"),
    (["play", "RUN", "--out", "a.png"], "--out a.png: a film is written to a .gif file"),
    (["play", "RUN", "-n", "1"], "episodes must be at least 2, not 1"),
    (["evaluate", "RUN", "-n", "1"], "episodes must be at least 2, not 1"),
    (["sample", "RUN"], "gail cannot generate from z; let it act: zerosum play RUN"),
    (["translate", "RUN", "x", "--out", "y"], "gail is not an image-to-image model; let it act"),
    (["evaluate", "RUN", "--metrics", "frechet"], "RUN acts, and is measured by its returns: leave out --metrics"),
    (
        ["evaluate", "RUN", "--real", "9", "--truncation", "0.5", "--no-references"],
        "RUN acts, and is measured by its returns: leave out --truncation and --real and --no-references",
    ),
    (["evaluate", "RUN", "--against", "digits", "--alpha", "keep"], "leave out --against and --alpha"),
    (["record", "Nowhere-v0"], "there is no environment Nowhere-v0"),
    (["record", "CartPole-v1", "--out", "x.npz", "--episodes", "0"], "episodes must be at least 1"),
])  # fmt: skip
def test_what_cannot_be_is_refused(
    run: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main([str(run) if word == "RUN" else word for word in arguments]) == 2
    assert message.replace("RUN acts", f"{run} acts") in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("how", ["fails", "draws nothing", "is not made"])
def test_what_cannot_be_filmed_says_so_before_anything_is_measured(
    run: Path, how: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def wrong(*args: object, **own: object) -> None:
        if how != "draws nothing":
            raise NotImplementedError

    method = "__init__" if how == "is not made" else "render"
    monkeypatch.setattr(CartPoleEnv, method, wrong)
    assert main(["play", str(run), "-n", "4", "--seed", "77"]) == 2
    said = capsys.readouterr()
    assert "CartPole-v0 cannot be filmed: " in said.err and "leave the film out by --no-film" in said.err
    assert "means of" not in said.out and not (run / "play-seed-77.gif").exists()


def test_the_films_of_both_policies_stand_beside_each_other(run: Path):
    for policy, name in (("policy", "play-seed-8.gif"), ("clone", "play-clone-seed-8.gif")):
        assert main(["play", str(run), "-n", "2", "--policy", policy, "--seed", "8"]) == 0
        assert (run / name).exists()


def test_an_expert_may_change_what_it_is_given(tmp_path: Path):
    (tmp_path / "rude.py").write_text(
        "def push(states):\n    states[:] = 7\n    return (states[:, 0] * 0).astype(int)\n"
    )
    found = zerosum.record("CartPole-v0", tmp_path / "rude.npz", expert=f"{tmp_path / 'rude.py'}:push", episodes=2)
    assert found.shown.pairs[:, :4].abs().max() < 5


def test_a_gan_of_images_does_not_act(tmp_path: Path):
    made = zerosum.train("gan/toy", out=tmp_path / "toy", steps=2, quiet=True, health=False)
    with pytest.raises(ZerosumError, match="gan does not act in an environment"):
        zerosum.play(made.path)


def test_evaluate_measures_returns_again(run: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["evaluate", str(run), "--seed", "9", "-n", "7"]) == 0
    said = capsys.readouterr().out
    assert "behaviour cloning" in said and "real: the demonstrated episodes" in said
    assert json.loads((run / "evaluation.json").read_text())["results"][0]["protocol"]["seed"] == 9
    assert json.loads((run / "evaluation.json").read_text())["results"][0]["protocol"]["fake"] == 7
