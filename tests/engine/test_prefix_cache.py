"""The prefix cache gives back what was put in, the longest first, within its bytes."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.batch_cache import KeysValues
from engine.prefix_cache import SHORTEST, PrefixCache, Tokens, shared_length

TOKEN_BYTES = 2 * 4  # one key and one value of one float each


def tokens(*parts: tuple[int, int]) -> Tokens:
    """(value, count) runs."""
    return np.concatenate([np.full(count, value) for value, count in parts]).astype(np.int64)


def computed(row: Tokens) -> KeysValues:
    """Keys and values that tell which tokens they are of."""
    keys = torch.tensor(row, dtype=torch.float32).reshape(1, -1, 1)
    return [(keys, keys + 0.5)]


def put(cache: PrefixCache, row: Tokens) -> None:
    cache.put(row, lambda: computed(row))


def test_the_longest_prefix_is_found() -> None:
    cache = PrefixCache(budget=10_000)
    put(cache, tokens((1, 20), (2, 5)))
    put(cache, tokens((1, 20), (3, 9)))
    found = cache.longest(tokens((1, 20), (3, 4), (4, 1)))
    assert found.length == 24
    assert found.keys_values[0][0].flatten().tolist() == [1.0] * 20 + [3.0] * 4


def test_the_last_token_is_never_taken_from_the_cache() -> None:
    cache = PrefixCache(budget=10_000)
    row = tokens((1, 30))
    put(cache, row)
    assert cache.longest(row).length == 29


def test_a_longer_entry_replaces_the_one_it_extends() -> None:
    cache = PrefixCache(budget=10_000)
    put(cache, tokens((1, 20)))
    put(cache, tokens((1, 20), (2, 10)))
    put(cache, tokens((1, 20), (2, 4)))  # known already
    assert (len(cache), cache.size) == (1, 30 * TOKEN_BYTES)


def test_short_prefixes_are_not_worth_keeping() -> None:
    cache = PrefixCache(budget=10_000)
    put(cache, tokens((1, SHORTEST - 1)))
    assert len(cache) == 0


def test_the_entry_least_recently_used_goes_first() -> None:
    cache = PrefixCache(budget=3 * 20 * TOKEN_BYTES)
    for value in (1, 2, 3):
        put(cache, tokens((value, 20)))
    assert cache.longest(tokens((1, 20), (9, 1))).length == 20
    put(cache, tokens((4, 20)))
    lengths = [cache.longest(tokens((value, 20), (9, 1))).length for value in (1, 2, 3, 4)]
    assert lengths == [20, 0, 20, 20]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 1), min_size=SHORTEST, max_size=SHORTEST + 8), max_size=25), st.integers(1, 200)
)
def test_it_agrees_with_a_list_of_everything(rows: list[list[int]], budget_tokens: int) -> None:
    cache = PrefixCache(budget=budget_tokens * TOKEN_BYTES)
    seen: list[Tokens] = []
    for row in rows:
        asked = np.array(row, dtype=np.int64)
        found = cache.longest(asked)
        known = max((shared_length(asked[:-1], one) for one in seen), default=0)
        assert found.length <= known
        if budget_tokens == 200 and known >= SHORTEST:
            assert found.length == known
        if found.length:
            assert found.keys_values[0][0].flatten().tolist() == row[: found.length]
            assert found.keys_values[0][1].shape[1] == found.length
        put(cache, asked)
        seen.append(asked)
        assert cache.size <= budget_tokens * TOKEN_BYTES
