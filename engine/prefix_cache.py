"""Keys and values of earlier prompts, so that a prompt that begins like one of them computes only what is new.

A judgment's verdict read is its critique's prompt, the critique, and a short opening; both orders share the reference
and the instructions. Matching is token by token; nothing is assumed about texts. Memory is bounded in bytes, and the
entry least recently of use goes first.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from engine.batch_cache import KeysValues

Tokens = NDArray[np.int64]

SHORTEST = 16  # tokens; what is shorter is as quick to compute as to find and copy


@dataclass(frozen=True)
class Prefix:
    """What can be reused of a prompt: keys and values of its first `length` tokens."""

    length: int
    keys_values: KeysValues


NOTHING = Prefix(length=0, keys_values=())


@dataclass(frozen=True)
class _Entry:
    tokens: Tokens
    keys_values: KeysValues
    size: int


class PrefixCache:
    """Least recently used entries, at most `budget` bytes of keys and values together."""

    def __init__(self, *, budget: int) -> None:
        self._budget = budget
        self._entries: OrderedDict[int, _Entry] = OrderedDict()  # oldest use first
        self._by_head: dict[bytes, list[int]] = {}  # entries that agree in their first SHORTEST tokens
        self._numbers = count()
        self.size = 0

    def __len__(self) -> int:
        return len(self._entries)

    def longest(self, tokens: Tokens) -> Prefix:
        """The longest cached prefix of `tokens`, never all of them: the last token must still be run for its logits."""
        best, length = None, 0
        for number in self._by_head.get(_head(tokens), ()):
            agree = shared_length(tokens[:-1], self._entries[number].tokens)
            if agree > length:
                best, length = number, agree
        if best is None or length < SHORTEST:
            return NOTHING
        self._entries.move_to_end(best)
        kept = [(keys[:, :length], values[:, :length]) for keys, values in self._entries[best].keys_values]
        return Prefix(length=length, keys_values=kept)

    def put(self, tokens: Tokens, take: Callable[[], KeysValues]) -> None:
        """Keep `take()`, the keys and values of `tokens`, unless an entry has them already.

        Entries that this one extends are dropped. `take` is called only where its result is kept, and must copy.
        """
        if len(tokens) < SHORTEST or self._budget <= 0:
            return
        siblings = list(self._by_head.get(_head(tokens), ()))
        shared = {number: shared_length(tokens, self._entries[number].tokens) for number in siblings}
        for number, agree in shared.items():
            if agree == len(tokens):
                self._entries.move_to_end(number)
                return
        for number, agree in shared.items():
            if agree == len(self._entries[number].tokens):
                self._drop(number)
        self._add(tokens, take())

    def _add(self, tokens: Tokens, keys_values: KeysValues) -> None:
        size = sum(keys.nbytes + values.nbytes for keys, values in keys_values)
        if size > self._budget:
            return
        while self.size + size > self._budget:
            self._drop(next(iter(self._entries)))
        number = next(self._numbers)
        self._entries[number] = _Entry(tokens=tokens, keys_values=keys_values, size=size)
        self._by_head.setdefault(_head(tokens), []).append(number)
        self.size += size

    def _drop(self, number: int) -> None:
        entry = self._entries.pop(number)
        siblings = self._by_head[_head(entry.tokens)]
        siblings.remove(number)
        if not siblings:
            del self._by_head[_head(entry.tokens)]
        self.size -= entry.size


def shared_length(left: Tokens, right: Tokens) -> int:
    """How many tokens two sequences have in common from the start."""
    shortest = min(len(left), len(right))
    different = np.flatnonzero(left[:shortest] != right[:shortest])
    return int(different[0]) if len(different) else shortest


def _head(tokens: Tokens) -> bytes:
    return tokens[:SHORTEST].tobytes()
