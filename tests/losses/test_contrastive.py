"""Matching of images and texts, by hand."""

from __future__ import annotations

import pytest
import torch

from zerosum.losses.matching import contrastive


def test_further_wrong_texts_are_wrong_answers_of_their_images_alone() -> None:
    images, texts, wrong = torch.tensor([[1.0, 0], [0, 1]]), torch.tensor([[2.0, 0], [0, 2]]), torch.ones(2, 2)
    loss = contrastive(images, texts, torch.eye(2, dtype=torch.bool), wrong)
    two, one = torch.tensor([2.0, 0.0, 1.0]), torch.tensor([2.0, 0.0])
    torch.testing.assert_close(loss, -(two.log_softmax(0)[0] + one.log_softmax(0)[0]) / 2)
    with pytest.raises(ValueError, match="wrong"):
        contrastive(images, texts, torch.eye(2, dtype=torch.bool), wrong[:1])


def test_the_matching_loss_by_hand() -> None:
    images, texts = torch.tensor([[1.0, 0], [0, 1]]), torch.tensor([[2.0, 0], [0, 2]])
    own = torch.eye(2, dtype=torch.bool)
    loss = contrastive(images, texts, own)
    torch.testing.assert_close(loss, torch.log1p(torch.tensor(-2.0).exp()))
    torch.testing.assert_close(contrastive(images, texts, torch.ones(2, 2, dtype=torch.bool)), torch.tensor(0.0))


def test_equal_texts_are_no_wrong_answers() -> None:
    images = torch.randn(3, 4, requires_grad=True)
    texts = torch.randn(3, 4)
    texts[1] = texts[0]
    same = torch.tensor([[1, 1, 0], [1, 1, 0], [0, 0, 1]]).bool()
    loss = contrastive(images, texts, same)
    loss.backward()
    assert images.grad is not None and bool(images.grad.isfinite().all())
    logits = images.detach() @ texts.T
    of_first = [logits[0, [0, 2]].log_softmax(0)[0], logits[[0, 2], 0].log_softmax(0)[0]]
    of_second = [logits[1, [1, 2]].log_softmax(0)[0], logits[[1, 2], 1].log_softmax(0)[0]]
    of_third = [logits[2].log_softmax(0)[2], logits[:, 2].log_softmax(0)[2]]
    torch.testing.assert_close(loss.detach(), -torch.stack([*of_first, *of_second, *of_third]).sum() / 6)
