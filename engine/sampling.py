"""From logits to the next token of each row: penalties, grammar, warpers, log-probabilities, choice; in TGI's order.

Log-probabilities are those of the distribution that the token is drawn from, as in TGI: raw for a plain greedy row,
after penalties, grammar and warpers otherwise (server/utils/tokens.py).
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor
from transformers import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

from engine.grammar import Grammar
from engine.request import Chosen, Sampling


class TokenChooser:
    """How one row chooses; holds its random state, so that a seed gives the same text in any batch."""

    def __init__(self, sampling: Sampling, *, grammar: Grammar | None, device: torch.device) -> None:
        self._sampling = sampling
        self._grammar = grammar
        self._penalty = (
            RepetitionPenaltyLogitsProcessor(sampling.repetition_penalty)
            if sampling.repetition_penalty != 1.0
            else None
        )
        self._warpers = _warpers(sampling)
        self._random = torch.Generator(device).manual_seed(sampling.seed) if sampling.sampled else None

    @property
    def reshapes(self) -> bool:
        """False where the raw distribution is used as it is."""
        sampling = self._sampling
        return bool(
            self._penalty or sampling.frequency_penalty != 0.0 or self._grammar is not None or len(self._warpers)
        )

    @property
    def draws(self) -> bool:
        """True where the token is drawn and not simply the likeliest."""
        return self._random is not None

    def reshape(self, scores: Tensor, history: Sequence[int]) -> Tensor:
        """The scores (vocabulary,) that this row chooses by, given all its tokens so far, prompt included."""
        ids = torch.tensor([history], device=scores.device)
        row = scores.unsqueeze(0)
        if self._penalty is not None:
            row = self._penalty(ids, row)
        if self._sampling.frequency_penalty != 0.0:
            share = torch.bincount(ids[0], minlength=row.shape[1]).to(row.dtype) / ids.shape[1]
            row = row - self._sampling.frequency_penalty * share
        if self._grammar is not None:
            row = self._grammar.mask(row[0]).unsqueeze(0)
        return self._warpers(cast("torch.LongTensor", ids), cast("torch.FloatTensor", row))[0]

    def draw(self, logprobs: Tensor) -> int:
        """A token drawn from the distribution (vocabulary,), by the exponential race that torch.multinomial runs."""
        race = torch.empty_like(logprobs).exponential_(1, generator=self._random)
        return int((logprobs.exp() / race).argmax())

    def chose(self, token: int) -> None:
        """Take note of the row's new token."""
        if self._grammar is not None:
            self._grammar.advance(token)


def choose(
    logits: Tensor, choosers: Sequence[TokenChooser], *, histories: Sequence[Sequence[int]], top_n: Sequence[int]
) -> list[Chosen]:
    """The next token of each row. `logits`: (rows, vocabulary), float32; it may be overwritten."""
    for row, chooser in enumerate(choosers):
        if chooser.reshapes:
            logits[row] = chooser.reshape(logits[row], histories[row])
    logprobs = torch.log_softmax(logits, dim=-1)
    likeliest = logits.argmax(dim=-1)
    for row, chooser in enumerate(choosers):
        if chooser.draws:
            likeliest[row] = chooser.draw(logprobs[row])
    ids = likeliest.tolist()
    values = logprobs.gather(1, likeliest.unsqueeze(1)).squeeze(1).tolist()
    tops = top_tokens(logprobs, top_n)
    for chooser, token in zip(choosers, ids, strict=True):
        chooser.chose(token)
    return [Chosen(id=token, logprob=value, top=top) for token, value, top in zip(ids, values, tops, strict=True)]


def top_tokens(logprobs: Tensor, top_n: Sequence[int]) -> list[tuple[tuple[int, float], ...]]:
    """The `top_n[i]` likeliest tokens of row `i`, likeliest first; all that tie with the last one are given too.

    Tokens of probability 0 are never given, so there may be fewer.
    """
    most = min(max(top_n, default=0), logprobs.shape[1])
    if most == 0:
        return [()] * len(top_n)
    values, ids = torch.topk(logprobs, min(most + 1, logprobs.shape[1]), dim=-1)
    found = []
    for row, wanted in enumerate(top_n):
        row_ids, row_values = ids[row].tolist(), values[row].tolist()
        if 0 < wanted < len(row_values) and row_values[wanted] == row_values[wanted - 1]:
            row_ids, row_values = _with_ties(logprobs[row], threshold=row_values[wanted - 1])
            wanted = len(row_ids)
        pairs = zip(row_ids[:wanted], row_values[:wanted], strict=True)
        found.append(tuple((token, value) for token, value in pairs if value != float("-inf")))
    return found


def _with_ties(logprobs: Tensor, *, threshold: float) -> tuple[list[int], list[float]]:
    ids = (logprobs >= threshold).nonzero().squeeze(1)
    values, order = logprobs[ids].sort(descending=True, stable=True)
    return ids[order].tolist(), values.tolist()


def _warpers(sampling: Sampling) -> LogitsProcessorList:
    warpers = LogitsProcessorList()
    if sampling.temperature != 1.0:
        warpers.append(TemperatureLogitsWarper(sampling.temperature))
    if sampling.top_k > 0:
        warpers.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1.0:
        warpers.append(TopPLogitsWarper(sampling.top_p))
    if sampling.typical_p < 1.0:
        warpers.append(TypicalLogitsWarper(sampling.typical_p))
    return warpers
