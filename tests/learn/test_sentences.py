"""SeqGAN and TextGAN learn the sentences of a grammar, and their games leave them valid."""

from __future__ import annotations

from pathlib import Path

import torch

import zerosum
from zerosum.data.text.sentences import grammar


def test_seqgan_writes_valid_sentences(tmp_path: Path) -> None:
    """Maximum likelihood, then a few steps of the game; a tenth of it writes few."""
    options = {"pretrain_generator": 600, "pretrain_discriminator": 50, "d_steps": 2, "rollouts": 2, "batch_size": 32}
    small = {"network": {"embedding": 32, "hidden": 64, "filters": 0.1}, "health": False, "quiet": True, "seed": 100}
    run = zerosum.train(
        "seqgan/lines", "sentences", tmp_path / "run", steps=660, g_optimizer={"lr": 3e-3}, **options, **small
    )
    assert share(run) > 0.75
    begun = zerosum.load(run.path)
    torch.nn.init.normal_(begun.game.core.generator.out.weight)
    assert share(begun) < 0.1


def test_textgan_writes_valid_sentences_of_z(tmp_path: Path) -> None:
    """An autoencoder whose codes are like z, then a few steps of the game; z says which sentence it is."""
    options = {"pretrain": 250, "latent_dim": 16, "batch_size": 32, "health": False, "quiet": True, "seed": 100}
    network = {"embedding": 32, "hidden": 64, "filters": 24, "widest": 3, "matched": 16}
    rates = {"g_optimizer": {"lr": 4e-3}, "d_optimizer": {"lr": 4e-3}}
    run = zerosum.train("textgan/lines", "sentences", tmp_path / "run", steps=260, network=network, **options, **rates)
    assert share(run) > 0.6
    assert len(run.sample(300).unique(dim=0)) > 60


def share(run: zerosum.Run) -> float:
    """Of valid sentences."""
    texts = run.record.data.spec.texts.write(run.sample(300))
    return sum(grammar().derivation(text.split()) is not None for text in texts) / 300
