"""Which pairs of a job become hidden checks of its judge, and where in the job: a function of the job's id alone."""

import hashlib
import heapq
import math
from collections.abc import Iterator

from service.spool.records import Kind, Record

MOST_OF_A_KIND = 500  # of a share of one half, the standard error is then 2.2 %
_FARTHEST = 1000  # records from a pair to its check, at most; a small job has its checks within a quarter of it


class Draw:
    """Chooses pairs one in every `stride`, alternately for a repeat and for twice the same answer.

    Spread over the whole job, though nobody knows yet how many pairs it has: `most_pairs` is as many as it can have.
    """

    def __init__(self, job_id: str, *, share: float, most_pairs: int) -> None:
        self._job_id = job_id
        self._stride = max(math.ceil(1 / share), math.ceil(most_pairs / (2 * MOST_OF_A_KIND))) if share else 0
        self._farthest = max(1, min(_FARTHEST, most_pairs // 4))
        self._pairs = 0
        self._chosen = -1  # which pair of this stretch of `stride` pairs
        self._waiting: list[tuple[int, Record]] = []  # heap by the number of the record that a check may follow

    def kind_of_next(self) -> Kind | None:
        """The check that the next pair is chosen for; to be asked exactly once for each pair."""
        if not self._stride:
            return None
        stretch, position = divmod(self._pairs, self._stride)
        self._pairs += 1
        if position == 0:
            self._chosen = self._number("pair", stretch) % self._stride
        if position != self._chosen:
            return None
        return Kind.SAME_ANSWERS if stretch % 2 else Kind.REPEAT

    def put_off(self, check: Record) -> None:
        """Keep a check of the pair of number `check.of` until other records stand between the two."""
        distance = 1 + self._number("distance", check.of) % self._farthest
        heapq.heappush(self._waiting, (check.of + distance, check))

    def due(self, number: int) -> Iterator[Record]:
        """The checks whose place is at this record number or before it; each is yielded once."""
        while self._waiting and self._waiting[0][0] <= number:
            yield heapq.heappop(self._waiting)[1]
            number += 1

    def rest(self) -> Iterator[Record]:
        """The checks that are left when there are no more pairs."""
        while self._waiting:
            yield heapq.heappop(self._waiting)[1]

    def _number(self, purpose: str, of: int) -> int:
        digest = hashlib.sha256(f"{self._job_id}\n{purpose}\n{of}".encode()).digest()
        return int.from_bytes(digest[:8], "big")
