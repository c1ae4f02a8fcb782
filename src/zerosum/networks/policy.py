"""A recurrent policy: the distribution of the next token, given those before; Yu et al., 2017 (SeqGAN), section 3.1."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zerosum.modality import Tokens
from zerosum.networks.choice import choose
from zerosum.util import distributed

START = 0  # the token that every text is taken to begin after, as in the authors' code
ROWS = 256  # texts whose next tokens are chosen together: their logits stay in the processor's cache


class State(NamedTuple):
    """What an LSTM remembers of B texts."""

    hidden: Tensor  # (B, H)
    cell: Tensor  # (B, H)
    known: Tensor  # (K, V): 1 where a token occurs in what texts are about; (1, 0) of texts about nothing
    about: Tensor  # (B,): the row of that for each text

    def take(self, rows: Tensor) -> State:
        return self._replace(hidden=self.hidden[rows], cell=self.cell[rows], about=self.about[rows])

    def beside(self, other: State) -> State:
        """That of these texts and of others, which are about the same things."""
        return State(
            torch.cat([self.hidden, other.hidden]),
            torch.cat([self.cell, other.cell]),
            self.known,
            torch.cat([self.about, other.about]),
        )


class Policy(nn.Module):
    """An LSTM of one layer over an embedding, and the logits of the next token.

    What a text is about may be told to it as the state that its LSTM begins with (`begun`).

    A text ends at its first `<eos>`, which fills the rest of the row. Where texts end so, the last place of a row can
    hold nothing else: no choice is left there, and it has the probability 1.

    Args:
        tokens: what is written.
        embedding: numbers that a token becomes.
        hidden: units of the LSTM.
        std: of the normal numbers that all weights and biases begin as; the authors' code has 0.1.
        copies: whether what it remembers makes tokens that are known (`State.known`) likelier or less likely, all by
            one number: much as a copying mechanism; Gu et al., 2016.
    """

    def __init__(self, tokens: Tokens, embedding: int = 32, hidden: int = 32, std: float = 0.1, copies: bool = False):
        super().__init__()
        self.tokens = tokens
        self.embedding = nn.Embedding(tokens.size, embedding)
        self.lstm = nn.LSTM(embedding, hidden, batch_first=True)
        self.out = nn.Linear(hidden, tokens.size)
        self.copy = nn.Linear(hidden, 1) if copies else None
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=std)
        second = self.lstm.get_parameter("bias_hh_l0")  # a gate has one bias
        nn.init.zeros_(second).requires_grad_(False)

    def forward(self, ids: Tensor, begun: State | None = None) -> Tensor:
        """(B, length, V) logits of each token of ids, (B, length), given those before."""
        return self.logits(self.hidden(ids, begun), None if begun is None else begun.known[begun.about][:, None])

    def logits(self, hidden: Tensor, known: Tensor | None) -> Tensor:
        """(..., V) of the next token, by what the LSTM remembers, (..., H), and rows of `State.known`, (..., V)."""
        logits: Tensor = self.out(hidden)
        return logits if self.copy is None or known is None else logits + self.copy(hidden) * known

    def hidden(self, ids: Tensor, begun: State | None = None) -> Tensor:
        """(B, length, H): what the LSTM makes of the tokens before each of ids, (B, length)."""
        before = None if begun is None else (begun.hidden[None], begun.cell[None])
        made: Tensor = self.lstm(self.embedding(F.pad(ids[:, :-1], (1, 0), value=START)), before)[0]
        return made

    def log_likelihood(
        self, ids: Tensor, logits: Tensor | None = None, temperature: float = 1.0, begun: State | None = None
    ) -> Tensor:
        """(B, length): the log probability of each token of ids (B, length); 0 behind `<eos>`.

        Args:
            logits: (B, length, V), where they are known.
            temperature: > 0, by which they are divided.
            begun: the state of the B texts before they begin.
        """
        logits = (self(ids, begun) if logits is None else logits).float() / temperature
        found = -F.cross_entropy(logits.flatten(0, 1), ids.flatten(), reduction="none").view(ids.shape)
        return found * self.chosen(ids)

    def surprise(self, ids: Tensor, begun: State | None = None) -> Tensor:
        """The mean negative log likelihood of texts (B, length), in nats a token, of the batch of all processes."""
        return -self.log_likelihood(ids, begun=begun).sum() / distributed.mean(self.chosen(ids).sum())

    def chosen(self, ids: Tensor) -> Tensor:
        """(B, length), 1 where a token is a choice, `<eos>` included; 0 behind it, and where nothing else can be."""
        return self.tokens.chosen(ids)

    @torch.no_grad()
    def write(
        self,
        u: Tensor,
        start: Tensor | None = None,
        temperature: float = 1.0,
        chosen_by: Callable[[Tensor, Tensor], Tensor] = choose,
        begun: State | None = None,
    ) -> Tensor:
        """Texts (B, length), int64, by uniform numbers u (B, length) in [0, 1), one a token.

        Args:
            start: (S,) ids that every text begins with, S < length.
            temperature: > 0, by which logits are divided.
            chosen_by: logits (B, V) and numbers (B,) to tokens.
            begun: the state of the B texts before they begin.
        """
        rows = torch.arange(len(u), device=u.device).split(ROWS)
        states = [None if begun is None else begun.take(part) for part in rows]
        parts = zip(u.split(ROWS), states, strict=True)
        return torch.cat([self._write(part, start, temperature, chosen_by, state) for part, state in parts])

    def _write(
        self,
        u: Tensor,
        start: Tensor | None,
        temperature: float,
        chosen_by: Callable[[Tensor, Tensor], Tensor],
        state: State | None,
    ) -> Tensor:
        count, length = u.shape
        given = 0 if start is None else len(start)
        ids = torch.full((count, length), self.tokens.end or 0, device=u.device)
        rows = torch.arange(count, device=u.device)  # texts that are written on
        ended = torch.zeros(count, dtype=torch.bool, device=u.device)
        token = torch.full((count,), START, device=u.device)
        for place in range(length):
            state = self.read(token, state)
            if start is not None and place < given:
                token = start[place].expand(count)
            else:
                token = self._next(state, ended, u[rows, place], place, temperature, chosen_by)
            ids[rows, place] = token
            ended = self._ends(token)
            if drops(ended):
                rows, token, state, ended = rows[~ended], token[~ended], state.take(~ended), ended[~ended]
                if not len(rows):
                    break
        return ids

    @torch.no_grad()
    def rollouts(self, ids: Tensor, count: int, begun: State | None = None) -> Tensor:
        """(L - 1, count, B, L): of each beginning of texts ids (B, L), of 1 to L - 1 tokens, `count` completions.

        Monte Carlo search; Yu et al., 2017, section 3.1. All beginnings of a text share the state of the LSTM up to
        their last token, and all completions that have begun and not ended go on together, so that each place is one
        step. A beginning that has ended is the text itself.
        """
        size, length = ids.shape
        made = ids.expand(length - 1, count, size, length).clone()
        flat = made.view(-1, length)
        over = ~self.tokens.within(ids)  # whether a text has ended at a place or before
        shown = self.read(torch.full((size,), START, device=ids.device), begun)
        none = torch.arange(0, device=ids.device)
        rows, ended, state = none, none > 0, shown.take(none)  # completions that go on, by their row of `flat`
        each, texts = torch.arange(count, device=ids.device)[:, None], torch.arange(size, device=ids.device)
        # Each text has its own numbers, whatever is beside it.
        u = torch.rand(size, length - 1, count, length, device=ids.device)
        u = u.permute(1, 2, 0, 3).reshape(-1, length)
        for place in range(1, length):
            shown = self.read(ids[:, place - 1], shown)  # of the first `place` tokens
            own = texts[~over[:, place - 1]] if drops(over[:, place - 1]) else texts
            new = own.repeat(count)
            rows = torch.cat([rows, (((place - 1) * count + each) * size + own).flatten()])
            ended = torch.cat([ended, over[new, place - 1]])
            state = state.beside(shown.take(new))
            if not len(rows):
                continue
            token = self._next(state, ended, u[rows, place], place)
            flat[rows, place] = token
            ended = self._ends(token)
            if drops(ended):
                flat[rows[ended], place:] = token[ended][:, None]
                rows, token, state, ended = rows[~ended], token[~ended], state.take(~ended), ended[~ended]
            if place < length - 1 and len(rows):
                state = self.read(token, state)
        return made

    def begins(self, ids: Tensor) -> Tensor:
        """(L - 1, B): which beginnings of texts ids (B, L), of 1 to L - 1 tokens, have not ended."""
        return self.tokens.within(ids)[:, :-1].T

    def read(self, token: Tensor, state: State | None) -> State:
        """The state after one more token, (B,), of each text; None: of texts that are yet to begin."""
        before = None if state is None else (state.hidden[None], state.cell[None])
        _, (hidden, cell) = self.lstm(self.embedding(token)[:, None], before)
        if state is None:
            return State(hidden[0], cell[0], hidden.new_empty(1, 0), token.new_zeros(len(token)))
        return state._replace(hidden=hidden[0], cell=cell[0])

    def _next(
        self,
        state: State,
        ended: Tensor,
        u: Tensor,
        place: int,
        temperature: float = 1.0,
        chosen_by: Callable[[Tensor, Tensor], Tensor] = choose,
    ) -> Tensor:
        """The token of each text at a place, by what the LSTM remembers of it, and uniform numbers (B,)."""
        end = self.tokens.end
        if end is not None and place == self.tokens.length - 1:
            return torch.full((len(u),), end, device=u.device)
        parts = zip(state.hidden.split(ROWS), state.about.split(ROWS), u.split(ROWS), strict=True)
        logits = ((self.logits(part, state.known[about]) / temperature, own) for part, about, own in parts)
        token = torch.cat([chosen_by(part, own) for part, own in logits])
        return token if end is None else torch.where(ended, end, token)

    def _ends(self, token: Tensor) -> Tensor:
        """(B,): whether a text ends with its token, (B,)."""
        return torch.zeros_like(token, dtype=torch.bool) if self.tokens.end is None else token == self.tokens.end


def drops(ended: Tensor) -> bool:
    """Whether texts that have ended, (B,), are left out of what follows: where that costs no wait for the device."""
    return ended.device.type == "cpu" and bool(ended.any())
