"""What D says of single samples is what it says of them in a round."""

from __future__ import annotations

import torch

from zerosum.game import Labelled, Semi


def test_realism_is_what_d_says_of_real_samples_in_a_round(case):
    game, data = case.game().eval(), case.batch()
    x = {Labelled: lambda: data.x, Semi: lambda: data.unlabelled}.get(game.batch, lambda: data)()
    realism = game.realism(Labelled(x, data.y) if game.condition else x)
    if case.packs:
        assert realism is None
        return
    assert realism is not None and realism.shape == (len(x),) and realism.isfinite().all()
    plain = case.plain().eval()
    plain.load_state_dict(game.state_dict())
    real = next(move.log["real"] for move in plain.round(lambda: data, 10_000) if "real" in move.log).detach()
    if real.numel() == len(x):
        torch.testing.assert_close(realism.detach(), real.flatten(), rtol=1e-4, atol=1e-5)
    else:  # one logit of each of several discriminators
        assert real.shape[0] == len(x) and ((realism >= 0) & (realism <= 1)).all()


def test_what_d_says_is_computed_where_d_is(case, every_op):
    with torch.device("meta"):
        game = case.game().eval()
    data = case.batch(device="meta")
    x = data.x if case.recipe.labelled else data
    with every_op("meta"):
        said = [game.realism(Labelled(x, data.y) if game.condition else x)]
        if (classifier := game.classifier()) is not None:
            said.append(classifier(x))
    assert all(tensor.device.type == "meta" for tensor in said if tensor is not None)


def test_techniques_leave_realism_to_the_game(case_of):
    case = case_of("gan/toy")
    case.options = {"techniques": {"historical_averaging": 0.1}}
    game, x = case.game().eval(), case.batch()
    assert torch.equal(game.realism(x), game.game.realism(x))
