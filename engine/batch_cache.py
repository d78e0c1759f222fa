"""Keys and values of all running rows in one preallocated buffer, so that rows join and leave between any two steps.

Rows are aligned at the right: row `i` with `n` tokens lies in columns `[end - n, end)`, as in any left-padded batch, so
every attention variant of transformers works on it with an ordinary padding mask. A decoding step writes one column and
copies nothing; a row joins by writing its own columns, and leaves by the last row taking its place.
"""

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

KeysValues = Sequence[tuple[Tensor, Tensor]]  # per layer: keys and values, each (heads, tokens, head size)

HEADROOM = 64  # free columns on the right of a new layout, so that laying out is seldom


class BatchCache(Cache):
    """A transformers cache for decoding steps of all rows; `lengths[i]` is the number of cached tokens of row `i`."""

    def __init__(self, *, budget: int) -> None:
        """`budget`: token slots (rows x columns) past which a layout leaves no slack."""
        super().__init__(layers=[])
        self.lengths: list[int] = []
        self.start = self.end = 0
        self._rows = self._columns = 0
        self._budget = budget

    @property
    def width(self) -> int:
        """Columns of the longest row."""
        return self.end - self.start

    def join(self, row: KeysValues) -> None:
        """Append a row."""
        length = row[0][0].shape[1]
        if not self.layers:
            self.layers = [_WindowLayer(self, keys=keys, values=values) for keys, values in row]
        place, width = len(self.lengths), max([length, *self.lengths])
        if place == self._rows or width > self.end:
            self._lay_out(rows=place + 1, width=width)
        for layer, (keys, values) in zip(self._windows(), row, strict=True):
            layer.keys[place, :, self.end - length : self.end] = keys
            layer.values[place, :, self.end - length : self.end] = values
        self.lengths.append(length)
        self.start = self.end - width

    def leave(self, place: int) -> None:
        """Drop a row; the last row takes its number."""
        last = len(self.lengths) - 1
        if place != last:
            columns = slice(self.end - self.lengths[last], self.end)
            for layer in self._windows():
                layer.keys[place, :, columns] = layer.keys[last, :, columns]
                layer.values[place, :, columns] = layer.values[last, :, columns]
            self.lengths[place] = self.lengths[last]
        self.lengths.pop()
        self.start = self.end - max(self.lengths, default=0)

    def clear(self) -> None:
        """Drop all rows and give the memory back."""
        self.layers = []
        self.lengths = []
        self.start = self.end = self._rows = self._columns = 0

    def row(self, place: int) -> KeysValues:
        """A copy of one row's keys and values."""
        columns = slice(self.end - self.lengths[place], self.end)
        return [
            (layer.keys[place, :, columns].clone(), layer.values[place, :, columns].clone())
            for layer in self._windows()
        ]

    def before_step(self) -> Tensor | None:
        """Make room for one more token per row.

        Returns the step's padding mask, (rows, width + 1) on the CPU, or None where no row is padded.
        """
        if self.end == self._columns:
            self._lay_out(rows=len(self.lengths), width=self.width)
        if min(self.lengths) == self.width:
            return None
        padding = self.width - torch.tensor(self.lengths)
        return (torch.arange(self.width + 1) >= padding.unsqueeze(1)).long()

    def after_step(self) -> None:
        """The step has written one token per row."""
        self.end += 1
        self.lengths = [length + 1 for length in self.lengths]

    def _lay_out(self, *, rows: int, width: int) -> None:
        """Move the rows to end at column `width`, into a bigger buffer where the present one is too small."""
        rows_held, columns_held = self._rows, self._columns
        if rows > rows_held or width + HEADROOM > columns_held:
            self._rows, self._columns = _power_of_two(rows), _power_of_two(width + HEADROOM)
            if self._rows * self._columns > self._budget:
                self._rows, self._columns = rows, width + HEADROOM
        for layer in self._windows():
            layer.move(old=(self.start, self.end), end=width, shape=(self._rows, self._columns))
        self.start, self.end = width - self.width, width

    def _windows(self) -> "list[_WindowLayer]":
        return cast("list[_WindowLayer]", self.layers)


class _WindowLayer(CacheLayerMixin):  # type: ignore[no-untyped-call]
    """One layer's buffer, (rows, heads, columns, head size); attention sees the window of its `BatchCache`."""

    is_sliding = False

    def __init__(self, batch: BatchCache, *, keys: Tensor, values: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.batch = batch
        # Zeros and not garbage: a masked column still meets 0 x its value, and 0 x NaN is NaN.
        self.keys: Tensor = keys.new_zeros((0, keys.shape[0], 0, keys.shape[2]))
        self.values: Tensor = values.new_zeros((0, values.shape[0], 0, values.shape[2]))
        self.is_initialized = True

    def move(self, *, old: tuple[int, int], end: int, shape: tuple[int, int]) -> None:
        """Bring the columns `old` of the rows in use to end at `end`, in a buffer of `shape` (rows, columns)."""
        rows, start = len(self.batch.lengths), end - (old[1] - old[0])
        self.keys = _moved(self.keys, rows=rows, old=old, start=start, shape=shape)
        self.values = _moved(self.values, rows=rows, old=old, start=start, shape=shape)

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Write the step's column; returns the window including it."""
        rows, start, end = len(self.batch.lengths), self.batch.start, self.batch.end
        self.keys[:rows, :, end] = key_states[:, :, 0]
        self.values[:rows, :, end] = value_states[:, :, 0]
        return self.keys[:rows, :, start : end + 1], self.values[:rows, :, start : end + 1]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Length of what attention sees, and its offset."""
        return self.batch.width + query_length, 0

    def get_seq_length(self) -> int:
        """Cached columns in the window."""
        return self.batch.width

    def get_max_length(self) -> int:
        """No limit."""
        return -1

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Nothing to do: the buffers exist from the start."""


def _moved(buffer: Tensor, *, rows: int, old: tuple[int, int], start: int, shape: tuple[int, int]) -> Tensor:
    kept = buffer[:rows, :, old[0] : old[1]]
    if buffer.shape[0] != shape[0] or buffer.shape[2] != shape[1]:
        buffer = buffer.new_zeros((shape[0], buffer.shape[1], shape[1], buffer.shape[3]))
    else:
        kept = kept.clone()  # source and target overlap
    buffer[:rows, :, start : start + kept.shape[2]] = kept
    return buffer


def _power_of_two(number: int) -> int:
    return 1 << (number - 1).bit_length()
