"""Parts of like lengths hold every token once; what is computed of them comes back in the order of the sequences."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from trainer import lengths
from trainer.lengths import at_last_places, parts_of

SHAPES = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 9)), min_size=1, max_size=40)  # prompt, answer


def mask_of(shapes: list[tuple[int, int]]) -> tuple[Tensor, int]:
    """Prompts padded at the left, answers at the right; and how many places the longest answer has."""
    before, behind = (max(sizes) for sizes in zip(*shapes, strict=True))
    rows = [[0] * (before - prompt) + [1] * (prompt + answer) + [0] * (behind - answer) for prompt, answer in shapes]
    return torch.tensor(rows), behind


@given(shapes=SHAPES)
def test_every_token_is_in_one_part(shapes: list[tuple[int, int]]) -> None:
    mask, _ = mask_of(shapes)
    seen = torch.zeros_like(mask)
    for part in parts_of(mask):
        assert 1 <= len(part.rows) <= lengths.AT_ONCE
        some = mask[part.rows, part.columns]
        assert some[:, [0, -1]].any(dim=0).all(), "no place is computed that only padding has"
        seen[part.rows, part.columns] += 1
    assert seen.max() == 1
    assert not (mask.bool() & (seen == 0)).any()


@given(shapes=SHAPES)
def test_what_is_computed_comes_back_where_it_belongs(shapes: list[tuple[int, int]]) -> None:
    mask, places = mask_of(shapes)
    tokens = torch.arange(mask.numel()).view(mask.shape)

    def compute(some: Tensor, stands: Tensor, last: int) -> Tensor:
        assert some.shape == stands.shape
        return torch.stack([some[:, -last:], stands[:, -last:]], dim=-1)

    found = at_last_places(compute, tokens, mask, places=places)
    said = mask[:, -places:].bool()
    assert found.shape == (*said.shape, 2)
    assert torch.equal(found[..., 0][said], tokens[:, -places:][said])
    assert found[..., 1][said].all()


def test_short_ones_do_not_wait_for_long_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lengths, "AT_ONCE", 2)
    mask, _ = mask_of([(1, 9), (1, 1), (1, 8), (1, 2)])
    assert [part.columns for part in parts_of(mask)] == [slice(0, 3), slice(0, 10)]
