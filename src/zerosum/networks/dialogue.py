"""Networks of questions and answers: one that answers, one that tells its answers from real ones, and a critic."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from zerosum.modality import Tokens
from zerosum.networks.policy import Policy, State
from zerosum.networks.text_cnn import Highway, Windows

WIDTHS: Mapping[int, int] = {1: 64, 2: 64, 3: 64, 4: 32, 6: 32}  # D's filters by their width in tokens


class Reader(nn.Module):
    """Texts, ids (B, length), to the state of an LSTM that has read them from their end to their beginning, and their
    tokens.

    So what fills a row behind its text is read first; Sutskever et al., 2014, section 3.3, read so, too.
    """

    def __init__(self, kind: Tokens, embedding: int, hidden: int):
        super().__init__()
        self.kind, self.embedding = kind, nn.Embedding(kind.size, embedding)
        self.lstm = nn.LSTM(embedding, hidden, batch_first=True)
        second = self.lstm.get_parameter("bias_hh_l0")  # a gate has one bias
        nn.init.zeros_(second).requires_grad_(False)

    def forward(self, ids: Tensor) -> State:
        _, (hidden, cell) = self.lstm(self.embedding(ids.flip(1)))
        known = torch.zeros(len(ids), self.kind.size, device=ids.device, dtype=hidden.dtype).scatter_(1, ids, 1.0)
        if self.kind.end is not None:
            known[:, self.kind.end] = 0
        return State(hidden[0], cell[0], known, torch.arange(len(ids), device=ids.device))


class Answerer(nn.Module):
    """A policy of answers that begins where the reader of the question has ended: sequence to sequence.

    It knows which words the question has, to say them again, or just not those.

    Args:
        question: the kind of the questions.
        answer: that of the answers.
        embedding: numbers that a token becomes.
        hidden: units of both LSTMs.
    """

    def __init__(self, question: Tokens, answer: Tokens, embedding: int = 64, hidden: int = 128):
        super().__init__()
        self.reader = Reader(question, embedding, hidden)
        self.policy = Policy(answer, embedding, hidden, copies=True)


class Filters(nn.Module):
    """Texts, ids (B, length), to what filters of several widths find in them, (B, F).

    Beside the numbers of a token stands whether it occurs in another text; Chen et al., 2017, "Reading Wikipedia to
    answer open-domain questions", section 3.2.
    """

    def __init__(self, kind: Tokens, embedding: int, filters: Mapping[int, int]):
        super().__init__()
        self.kind, self.embedding = kind, nn.Embedding(kind.size, embedding)
        self.windows = nn.ModuleList(Windows(embedding + 1, width, count) for width, count in filters.items())

    def forward(self, ids: Tensor, other: Tensor) -> Tensor:
        occurs = (ids[:, :, None] == other[:, None]).any(2) & self.kind.within(ids)
        x = self.embedding(ids)
        x = torch.cat([x, occurs[:, :, None].to(x.dtype)], 2)
        return torch.cat([windows(x) for windows in self.windows], 1)


class Discriminator(nn.Module):
    """A question and an answer to a logit: what filters find in each, and in both at once.

    Args:
        question: the kind of the questions.
        answer: that of the answers.
        embedding: numbers that a token becomes.
        filters: how many there are of each width, for each of the two.
        dropout: share of the features that is left out in training.
    """

    def __init__(
        self,
        question: Tokens,
        answer: Tokens,
        embedding: int = 64,
        filters: Mapping[int, int] = WIDTHS,
        dropout: float = 0.25,
    ):
        super().__init__()
        shortest = min(question.length, answer.length)
        fitting = {width: count for width, count in filters.items() if width <= shortest}
        size = sum(fitting.values())
        self.question, self.answer = (Filters(kind, embedding, fitting) for kind in (question, answer))
        self.highway = Highway(3 * size)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(3 * size, 1)

    def forward(self, question: Tensor, answer: Tensor) -> Tensor:
        """(B, 1) of ids (B, length) of both."""
        asked, said = self.question(question, answer), self.answer(answer, question)
        return self.head(self.dropout(self.highway(torch.cat([asked, said, asked * said], 1))))


class Critic(nn.Module):
    """The reward that is to be expected, in (0, 1), of what a policy's LSTM remembers, (..., H) to (...)."""

    def __init__(self, hidden: int, width: int = 64):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(hidden, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, state: Tensor) -> Tensor:
        return self.layers(state).float().sigmoid()[..., 0]
