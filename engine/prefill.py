"""Running prompts: planned against the prefix cache, grouped by how much of each is new, one forward call per group."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from transformers import DynamicCache
from transformers.cache_utils import Cache

from engine.batch_cache import KeysValues
from engine.model import Inputs, keys_values
from engine.prefix_cache import NOTHING, Prefix, PrefixCache, Tokens
from engine.text import Text

PADDING_SHARE = 0.25  # most of a group's columns that may be padding ...
PADDING_TOKENS = 32  # ... unless it is this few per row: a forward call of its own costs more


@dataclass(frozen=True)
class Plan:
    """A prompt about to be run, and the part of it whose keys and values are already known."""

    text: Text
    tokens: Tokens
    prefix: Prefix

    @cached_property
    def new(self) -> int:
        """Tokens to compute."""
        return len(self.tokens) - self.prefix.length


def plan(text: Text, prefixes: PrefixCache) -> Plan:
    """Look the prompt up. Prompts whose own log-probabilities are wanted are computed in full."""
    tokens = text.tokens(len(text.ticket.job.prompt))
    prefix = NOTHING if text.ticket.job.prefill_logprobs else prefixes.longest(tokens)
    return Plan(text=text, tokens=tokens, prefix=prefix)


def groups(plans: Sequence[Plan]) -> Iterator[list[Plan]]:
    """Split into groups of similar length; a prompt that wants its log-probabilities is a group of its own."""
    group: list[Plan] = []
    for each in sorted(plans, key=lambda one: (one.text.ticket.job.prefill_logprobs, one.new)):
        if group and (each.text.ticket.job.prefill_logprobs or _wasteful(group, each)):
            yield group
            group = []
        group.append(each)
    if group:
        yield group


def inputs(group: Sequence[Plan]) -> Inputs:
    """The group as one forward call.

    Every row is aligned at the right and computes as many of its last tokens as the neediest row, so that no row has
    padding in its middle. Logits of all tokens are asked for where log-probabilities of the prompt are wanted.
    """
    lengths = [len(each.tokens) for each in group]
    new = max(each.new for each in group)
    reused = [max(length - new, 0) for length in lengths]
    columns = max(reused) + new
    ids = torch.zeros((len(group), new), dtype=torch.long)
    for row, each in enumerate(group):
        tail = torch.from_numpy(each.tokens[reused[row] :])
        ids[row, new - len(tail) :] = tail
    ends = torch.tensor(lengths).unsqueeze(1)
    return Inputs(
        ids=ids,
        positions=(torch.arange(new) - new + ends).clamp(min=0),
        mask=(torch.arange(columns) >= columns - ends).long() if min(lengths) < columns else None,
        cache=_past(group, reused=reused),
        keep=0 if group[0].text.ticket.job.prefill_logprobs else 1,
    )


def computed(group: Sequence[Plan], cache: Cache) -> list[KeysValues]:
    """Each row's keys and values after the forward call, as views."""
    layers = keys_values(cache)
    return [
        [(keys[row, :, -len(each.tokens) :], values[row, :, -len(each.tokens) :]) for keys, values in layers]
        for row, each in enumerate(group)
    ]


def _wasteful(group: Sequence[Plan], longer: Plan) -> bool:
    """Whether running `longer` with the shorter ones of the group computes too much padding."""
    padding = sum(longer.new - each.new for each in group)
    rows = len(group) + 1
    return padding > PADDING_TOKENS * rows and padding > PADDING_SHARE * longer.new * rows


def _past(group: Sequence[Plan], *, reused: Sequence[int]) -> DynamicCache:
    """The reused keys and values of all rows, aligned at the right; zeros where a row has fewer."""
    width = max(reused)
    if width == 0:
        return DynamicCache()
    if len(group) == 1:
        return DynamicCache([(keys.unsqueeze(0), values.unsqueeze(0)) for keys, values in group[0].prefix.keys_values])
    like = next(each.prefix.keys_values for each, length in zip(group, reused, strict=True) if length)
    past = [
        (
            keys.new_zeros((len(group), keys.shape[0], width, keys.shape[2])),
            values.new_zeros((len(group), values.shape[0], width, values.shape[2])),
        )
        for keys, values in like
    ]
    for row, (each, length) in enumerate(zip(group, reused, strict=True)):
        for (all_keys, all_values), (keys, values) in zip(past, each.prefix.keys_values, strict=False):
            all_keys[row, :, width - length :] = keys[:, :length]
            all_values[row, :, width - length :] = values[:, :length]
    return DynamicCache(past)
