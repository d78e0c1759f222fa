"""Rows join, grow and leave in any order, and each keeps exactly its own keys and values."""

import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine.batch_cache import BatchCache

HEADS, SIZE, LAYERS = 2, 3, 2


class BatchMachine(RuleBasedStateMachine):
    """The buffer against a plain list of rows; a row is the list of its columns' numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = BatchCache(budget=300)
        self.rows: list[list[float]] = []
        self.next = 1.0

    @rule(length=st.integers(1, 150))
    def join(self, length: int) -> None:
        row = [self._number() for _ in range(length)]
        keys = torch.tensor(row).reshape(1, -1, 1).expand(HEADS, -1, SIZE)
        self.cache.join([(keys + layer, -keys - layer) for layer in range(LAYERS)])
        self.rows.append(row)

    @precondition(lambda self: self.rows)
    @rule(steps=st.integers(1, 40))
    def step(self, steps: int) -> None:
        for _ in range(steps):
            mask = self.cache.before_step()
            width = max(map(len, self.rows)) + 1
            expected = [[0] * (width - len(row) - 1) + [1] * (len(row) + 1) for row in self.rows]
            assert (mask is None and all(all(row) for row in expected)) or mask.tolist() == expected
            numbers = [self._number() for _ in self.rows]
            column = torch.tensor(numbers).reshape(-1, 1, 1, 1).expand(-1, HEADS, 1, SIZE)
            assert self.cache.get_mask_sizes(1, 0) == (width, 0)
            for layer in range(LAYERS):
                keys, values = self.cache.update(column + layer, -column - layer, layer)
                assert keys.shape == values.shape == (len(self.rows), HEADS, width, SIZE)
                assert torch.isfinite(keys).all()
            self.cache.after_step()
            for row, number in zip(self.rows, numbers, strict=True):
                row.append(number)

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(self.rows) - 1))
        self.cache.leave(place)
        self.rows[place] = self.rows[-1]
        self.rows.pop()

    @rule()
    def clear(self) -> None:
        self.cache.clear()
        self.rows = []

    @invariant()
    def every_row_is_its_own(self) -> None:
        assert self.cache.lengths == [len(row) for row in self.rows]
        for place, row in enumerate(self.rows):
            for layer, (keys, values) in enumerate(self.cache.row(place)):
                assert keys[0, :, 0].tolist() == [number + layer for number in row]
                assert torch.equal(values, -keys)

    def _number(self) -> float:
        self.next += 1
        return self.next


TestBatch = BatchMachine.TestCase
TestBatch.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
