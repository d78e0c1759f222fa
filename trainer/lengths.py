"""Padded sequences computed in parts of like lengths, so that little of their padding is computed.

Everywhere `tokens` and `mask` are (sequences, longest), and `mask` is 1 where a token stands.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

AT_ONCE = 16  # sequences in a part: few enough to be of like lengths, enough to keep a processor busy


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the sequences."""

    rows: Tensor  # which they are
    columns: slice  # from the first to the last place where one of them has a token


def parts_of(mask: Tensor) -> Iterator[Part]:
    """All sequences, those together that end at like places."""
    places = torch.arange(1, mask.shape[1] + 1, device=mask.device)
    ends = (mask * places).amax(dim=1)
    for rows in torch.split(ends.argsort(stable=True), AT_ONCE):
        stands = mask[rows].any(dim=0).nonzero()
        yield Part(rows, slice(int(stands[0]), int(stands[-1]) + 1))


def joined(parts: Sequence[Part], computed: Sequence[Tensor]) -> Tensor:
    """What was computed part by part, (sequences, …), in the order of the sequences."""
    return torch.cat(list(computed))[torch.cat([part.rows for part in parts]).argsort()]


def at_last_places(
    compute: Callable[[Tensor, Tensor, int], Tensor], tokens: Tensor, mask: Tensor, *, places: int
) -> Tensor:
    """What `compute(tokens, mask, places)` gives for the last places, (sequences, places, …).

    Every sequence has a token at one of these places; what is given for padding has no meaning.
    """
    parts, computed = list(parts_of(mask)), []
    for part in parts:
        behind = tokens.shape[1] - part.columns.stop
        found = compute(tokens[part.rows, part.columns], mask[part.rows, part.columns], places - behind)
        computed.append(torch.cat([found, found.new_zeros(len(found), behind, *found.shape[2:])], dim=1))
    return joined(parts, computed)
