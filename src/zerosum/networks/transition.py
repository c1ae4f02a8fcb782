"""The transition model of a driving simulator: what comes next, in latent space; Santana and Hotz, 2016."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Transition(nn.Module):
    """Codes and actions so far to the next code.

    A gated recurrent unit (Cho et al., 2014), where the paper has a plain one of tanh; its output is added to the code
    before, so that at first a scene stands still.

    Args:
        latent_dim: of a code.
        actions: numbers of an action.
        width: units of the hidden state.
    """

    def __init__(self, latent_dim: int, actions: int, width: int):
        super().__init__()
        self.width = width
        self.cell = nn.GRUCell(latent_dim + actions, width)
        self.out = nn.Linear(width, latent_dim)

    def forward(self, codes: Tensor, actions: Tensor) -> Tensor:
        """The codes of frames 1 to L, (B, L, latent_dim), under actions (B, L, K): action t leads to frame t + 1.

        Teacher-forced first: the model is shown `codes`, (B, S, latent_dim), of the frames 0 to S - 1. Then it runs
        free: it is shown the code that it has foreseen.
        """
        hidden, foreseen = codes.new_zeros(len(codes), self.width), list[Tensor]()
        for t, action in enumerate(actions.unbind(1)):
            code = codes[:, t] if t < codes.shape[1] else foreseen[-1]
            hidden = self.cell(torch.cat([code, action], 1), hidden)
            foreseen.append(code + self.out(hidden))
        return torch.stack(foreseen, 1)
