"""Bad input: one clear sentence that names the thing and the cure, an exit code, and nothing lost."""

from __future__ import annotations

import json
import resource
import shutil
from pathlib import Path

import pytest
from shell import Call, finish, spawn

import zerosum
from zerosum.run.directory import RunDirectory

TOY = ("train", "gan/toy", "--out", "run", "--steps", 4, "--batch-size", 8)

NAN = """
from dataclasses import dataclass

import torch

from zerosum.game import Player, Move
from zerosum.latent import Normal
from zerosum.latent_game import LatentGame
from zerosum.modality import Spec
from zerosum.optim import Adam
from zerosum.recipe import recipe


class Bad(LatentGame[torch.Tensor]):
    name = "bad"

    @dataclass(frozen=True)
    class Config:
        when: int = 7

    def __init__(self, config):
        super().__init__()
        self.generator, self.config, self.prior = torch.nn.Linear(2, 2), config, Normal(2)

    def players(self):
        return {"generator": Player(Adam(), (self.generator,), averaged=True)}

    def round(self, draw, step):
        fake = self.generate(self.latents(len(draw())))
        wrong = torch.log(fake.sum() * 0) if step == self.config.when else fake.sum()
        yield Move("generator", fine=fake.mean(), wrong=wrong)


@recipe(data="ring")
def points(data: Spec, config: Bad.Config = Bad.Config()) -> Bad:
    return Bad(config)
"""


def refused(call: Call, *arguments: object, code: int = 2) -> str:
    """The one line on standard error of a command that must fail."""
    got, _, err = call(*arguments)
    assert got == code, err
    lines = [line for line in err.splitlines() if line.startswith("zerosum: ")]
    assert len(lines) == 1, err
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("trian",), "no command 'trian'; did you mean 'train'?"),
        (("train", "wgan-pg"), "no recipe 'wgan-pg'; did you mean 'wgan-gp'"),
        (("train", "toy"), "several recipes are called 'toy': "),
        (("train", "nothing.py:gan"), "cannot read nothing.py"),
        (("show", "dcgna"), "did you mean 'dcgan'"),
        ((*TOY, "--d-steps", 0), "d_steps: should be greater than 0, got 0"),
        ((*TOY, "--g-optimizer.lr", -1), "g_optimizer.lr: should be greater than 0, got -1.0"),
        ((*TOY, "--average", 1), "average: should be less than 1, got 1.0"),
        ((*TOY, "--data", "no/such/folder"), "no/such/folder"),
        ((*TOY, "--batch-size", 200_000), "200000 is more than the 100000 samples of ring"),
        (("train", "gan/tutorial", "--data", "ring"), "gan/tutorial does not fit ring"),
        (
            ("train", "two-player/toy", "--out", "run", "--objective", "hinge", "--targets.real", 0.9),
            "zerosum: two-player/toy: the hinge objective has no targets to smooth or flip",
        ),
        (
            ("train", "two-player/toy", "--out", "run", "--clusters", 9),
            "two-player/toy: clusters (9) are a part",
        ),
        (
            ("train", "two-player/toy", "--out", "run", "--clusters", 1, "--prior", "uniform"),
            "zerosum: two-player/toy: a one-hot cluster stands beside normal numbers",
        ),
        (
            ("train", "r3gan/images", "--out", "run", "--augment.end", 2),
            "r3gan/images: augment is a probability",
        ),
        (
            ("train", "infogan/toy", "--out", "run", "--categories", "--continuous", 0),
            "zerosum: infogan/toy: an InfoGAN needs a code",
        ),
        (("resume", "nowhere"), "nowhere holds no run"),
        (("sample", "nowhere"), "nowhere holds no run"),
        (("report", "nowhere"), "nowhere holds no run"),
        (("data", "check", "nowhere"), "nowhere"),
    ],
)
def test_one_sentence_names_it(call: Call, arguments: tuple[object, ...], says: str) -> None:
    assert says in refused(call, *arguments)
    assert not Path("run").exists()


def test_a_misspelt_flag_is_named_with_the_right_one(call: Call) -> None:
    code, _, err = call(*TOY, "--bach-size", 3)
    assert code == 2
    assert "--bach-size" in err
    assert "--batch-size" in err
    assert not Path("run").exists()


def test_an_unknown_option_of_the_api_is_named_with_the_right_one() -> None:
    with pytest.raises(zerosum.ZerosumError, match="no option 'd_step'; did you mean 'd_steps'"):
        zerosum.train("gan/toy", out="run", d_step=3, quiet=True)


def test_empty_and_unreadable_folders(call: Call) -> None:
    Path("empty").mkdir()
    assert "empty" in refused(call, *TOY, "--data", "empty")
    Path("broken").mkdir()
    Path("broken/a.png").write_bytes(b"no image")
    assert "broken" in refused(call, *TOY, "--data", "broken")


def test_a_run_is_not_overwritten(call: Call) -> None:
    assert call(*TOY)[0] == 0
    before = Path("run/run.json").read_bytes()
    assert "already holds a run; go on with it by `zerosum resume run`" in refused(call, *TOY)
    assert Path("run/run.json").read_bytes() == before


def test_two_processes_in_one_run_directory(call: Call) -> None:
    assert call(*TOY)[0] == 0
    with RunDirectory(Path("run")).locked():
        code, err = finish(spawn("resume", "run", "--steps", 8))
    assert code == 2
    assert "run is in use: another process is training there" in err
    assert call("resume", "run", "--steps", 8)[0] == 0


def test_nan_stops_with_its_name_and_keeps_the_last_good_checkpoint(call: Call) -> None:
    Path("bad.py").write_text(NAN)
    arguments = ("--out", "run", "--steps", 20, "--batch-size", 8, "--checkpoint-every", 3, "--log-every", 4)
    said = refused(call, "train", "bad.py:points", *arguments, code=3)
    assert "generator/wrong is -inf in step 7" in said
    assert "--clip" in said
    assert "again after 3 rollbacks" in said
    assert sorted(p.name for p in Path("run/checkpoints").iterdir()) == [f"step-0000000{n}" for n in (0, 3, 6)]
    assert zerosum.load("run", recipe="bad.py:points").sample(3).isfinite().all()
    for line in Path("run/metrics.jsonl").read_text().splitlines():
        assert json.loads(line)["step"] <= 6


def test_an_average_that_never_saw_a_finite_round(call: Call) -> None:
    Path("bad.py").write_text(NAN)
    said = refused(call, "train", "bad.py:points", "--out", "run", "--steps", 9, "--batch-size", 8, "--when", 0, code=3)
    assert "in step 0" in said
    assert [path.name for path in Path("run").glob("checkpoints/step-*")] == ["step-00000000"]


@pytest.mark.parametrize("name", ["game.safetensors", "training.safetensors", "average.safetensors", "checkpoint.json"])
def test_a_truncated_checkpoint_is_named(call: Call, name: str) -> None:
    assert call(*TOY, "--checkpoint-every", 2)[0] == 0
    file = Path("run/checkpoints/step-00000004", name)
    file.write_bytes(file.read_bytes()[:-9])
    said = refused(call, "resume", "run", "--steps", 6)
    assert f"step-00000004/{name}" in said
    shutil.rmtree(file.parent)
    assert call("resume", "run", "--steps", 6)[0] == 0, "the earlier checkpoint still serves"


def test_a_foreign_checkpoint_is_refused(call: Call) -> None:
    assert call(*TOY)[0] == 0
    assert call("train", "wgan-gp/toy", "--out", "other", "--steps", 2, "--batch-size", 8)[0] == 0
    shutil.rmtree("run/checkpoints")
    shutil.copytree("other/checkpoints", "run/checkpoints")
    assert "is of another game" in refused(call, "sample", "run")


def test_a_damaged_record_is_named(call: Call) -> None:
    assert call(*TOY)[0] == 0
    Path("run/run.json").write_text('{"format": 1}')
    assert "run.json is damaged or not a zerosum run" in refused(call, "sample", "run")


def test_data_that_changed_is_not_trained_on(call: Call) -> None:
    from PIL import Image

    Path("photos").mkdir()
    for i in range(9):
        Image.new("RGB", (16, 16), (i * 20, 90, 200)).save(f"photos/{i}.png")
    small = ("--network.width", 4, "--batch-size", 4, "--steps", 2)
    assert call("train", "dcgan", "--data", "photos", "--out", "run", *small)[0] == 0
    Image.new("RGB", (16, 16), "black").save("photos/0.png")
    assert "changed" in refused(call, "resume", "run", "--steps", 4)


def test_a_full_disk_keeps_what_was_saved(call: Call) -> None:
    """A file-size limit stands in for the disk: the third checkpoint does not fit below it."""
    assert call(*TOY, "--checkpoint-every", 2)[0] == 0
    before = sorted(Path("run/checkpoints").rglob("*.safetensors"))

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    code, err = finish(spawn("resume", "run", "--steps", 6, preexec_fn=limit))
    assert code == 2, err
    assert "cannot write run/checkpoints/step-00000006" in err
    assert sorted(Path("run/checkpoints").rglob("*.safetensors")) == before
    assert call("resume", "run", "--steps", 6)[0] == 0


def test_sampling_mistakes(call: Call) -> None:
    assert call(*TOY)[0] == 0
    assert "at least one sample" in refused(call, "sample", "run", "-n", 0)
    assert "a.jpg" in refused(call, "sample", "run", "--out", "a.jpg")
    assert "samples of run are points, which go to a .png or .npz file" in refused(
        call, "sample", "run", "--out", "folder"
    )
    assert "truncation must be above 0" in refused(call, "sample", "run", "--truncation", 0, "--out", "a.npz")
    assert "takes no class" in refused(call, "sample", "run", "--class", 3)
    assert "no checkpoint of step 99; it has those of 0, 4" in refused(call, "sample", "run", "--checkpoint", 99)
    assert ".gif" in refused(call, "sample", "run", "--to-seed", 3, "--out", "a.png")


def test_traversing_mistakes(call: Call) -> None:
    assert call(*TOY)[0] == 0
    assert "the z of gan/toy has no codes to move" in refused(call, "sample", "run", "--traverse")
    assert "one at a time" in refused(call, "sample", "run", "--traverse", "--to-seed", 3)
    assert "add --traverse" in refused(call, "sample", "run", "--code", "c1")
    assert "add --traverse" in refused(call, "sample", "run", "--steps", 5)
    made = call("train", "two-player/toy", "--out", "coded", "--steps", 1, "--latent-dim", 8, "--clusters", 3)
    assert made[0] == 0
    traverse = ("sample", "coded", "--traverse")
    assert "no code 'c9'; its codes are cluster" in refused(call, *traverse, "--code", "cluster", "--code", "c9")
    assert "at least 2 steps and 1 row, not 1 and 100" in refused(call, *traverse, "--steps", 1)
    assert "1 row, not 10 and 0" in refused(call, *traverse, "-n", 0)
    for out in ("a.gif", "a.npz", "folder"):
        assert f"--out {out}: a traversal is written to a .png file" in refused(call, *traverse, "--out", out)
    assert "takes no class" in refused(call, *traverse, "--class", 3)
    assert "truncation must be above 0" in refused(call, *traverse, "--truncation", 0)
    assert not list(Path("coded").glob("codes-*")) and call(*traverse)[0] == 0


def test_a_device_that_is_not_there(call: Call) -> None:
    """On a machine with a hundred GPUs this test must change."""
    assert call(*TOY)[0] == 0
    for command in (
        ("sample", "run"),
        ("evaluate", "run"),
        ("resume", "run", "--steps", 6),
        (*TOY[:2], "--out", "new"),
    ):
        assert "use --device cpu" in refused(call, *command, "--device", "cuda:99")
    assert "use --device cpu" in refused(call, "sample", "run", "--device", "abacus")
    assert not Path("new").exists()
