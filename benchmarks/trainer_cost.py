"""What the trainer costs a move: microseconds over a hand-written loop of the same mathematics."""

import statistics
from time import perf_counter

import torch
from torch import nn

from zerosum import data
from zerosum.games.two_player import TwoPlayer
from zerosum.losses import adversarial
from zerosum.optim import Adam
from zerosum.recipe import Training
from zerosum.training.trainer import Trainer

LATENT, BATCH, ROUNDS = 4, 8, 200


def networks() -> tuple[nn.Module, nn.Module]:
    """Networks so small that the loop itself is most of the time."""
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(LATENT, 16), nn.ReLU(), nn.Linear(16, 2))
    return generator, nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))


class HandWritten:
    """The same moves without zerosum's trainer or game, and without `.item()`."""

    def __init__(self, stream: data.Stream):
        self.g, self.d = networks()
        self.stream = stream
        self.g_parameters, self.d_parameters = list(self.g.parameters()), list(self.d.parameters())
        self.g_optimizer = torch.optim.Adam(self.g_parameters, 2e-4, (0.5, 0.999), fused=True)
        self.d_optimizer = torch.optim.Adam(self.d_parameters, 2e-4, (0.5, 0.999), fused=True)

    def round(self) -> None:
        real = self.stream()
        assert isinstance(real, torch.Tensor)
        fake = self.g(torch.randn(BATCH, LATENT))
        logits = self.d(torch.cat([real, fake.detach()]))
        loss = adversarial.non_saturating.d(logits[:BATCH], logits[BATCH:])
        self.d_optimizer.zero_grad(set_to_none=True)
        loss.backward(inputs=self.d_parameters)
        self.d_optimizer.step()
        loss = adversarial.non_saturating.g(self.d(fake))
        self.g_optimizer.zero_grad(set_to_none=True)
        loss.backward(inputs=self.g_parameters)
        self.g_optimizer.step()


def cost(repeats: int = 15) -> float:
    """The median over `repeats` interleaved pairs, in microseconds a move."""
    torch.set_num_threads(1)
    source = data.load("ring")
    by_hand = HandWritten(data.Stream(source, BATCH, seed=0))
    config = TwoPlayer.Config(latent_dim=LATENT, shared_fakes=True, g_optimizer=Adam(2e-4), d_optimizer=Adam(2e-4))
    stream = data.Stream(source, BATCH, seed=0)
    trainer = Trainer(TwoPlayer(*networks(), config), stream, Training(batch_size=BATCH, average=0.0))

    def trained() -> None:
        trainer.round()
        if trainer.step % 50 == 0:
            trainer.pop_metrics()

    differences = []
    for _ in range(repeats + 1):
        seconds = []
        for play in (by_hand.round, trained):
            began = perf_counter()
            for _ in range(ROUNDS):
                play()
            seconds.append(perf_counter() - began)
        differences.append((seconds[1] - seconds[0]) / (2 * ROUNDS) * 1e6)
    return statistics.median(differences[1:])  # the first pair warms up


if __name__ == "__main__":
    print(f"{cost():.1f} us a move")
