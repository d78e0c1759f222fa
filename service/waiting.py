"""Requests that wait for a judgment: one reader a process follows the tail of what has finished, and wakes them.

A judgment that is expected before its pair is accepted cannot be missed: the reader's cursor is older than the pair.
When the reader loses Redis it starts a new cursor and then looks at everything expected, so nothing that ended in
between is missed either.
"""

import asyncio
import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

import structlog

from selfref.messages import State, Waiting
from selfref.store import Stored, StoreUnavailable
from service import metrics

TAIL_WAIT = 2.0  # seconds of one blocking read; bounds how long stopping takes
BACKOFF = (0.1, 2.0)  # seconds, first and longest pause after Redis was lost

log = structlog.get_logger()


class FinishedTail(Protocol):
    """What the waiting room needs of the store (`Store.judgments`)."""

    async def finished(self, after: dict[int, str] | None, *, wait: float) -> tuple[list[str], dict[int, str]]:
        """The ids that ended since the cursor, and the next cursor; None starts now."""

    async def states(self, ids: list[str]) -> list[Stored | None]:
        """The states of these, in order."""


class WaitingRoom:
    """Futures of judgments that some request expects; each becomes the final state, or None when the process stops."""

    def __init__(self, judgments: FinishedTail) -> None:
        self._judgments = judgments
        self._expected: dict[str, set[asyncio.Future[State | None]]] = {}
        self._draining = False

    @property
    def draining(self) -> bool:
        """True once the process has been told to stop: nobody is kept waiting any more."""
        return self._draining

    @contextmanager
    def expect(self, judgment_id: str) -> Iterator[asyncio.Future[State | None]]:
        """A future for the end of this judgment; enter before accepting the pair, or look at its state afterwards."""
        future: asyncio.Future[State | None] = asyncio.get_running_loop().create_future()
        if self._draining:
            future.set_result(None)
        waiters = self._expected.setdefault(judgment_id, set())
        waiters.add(future)
        metrics.WAITING_REQUESTS.inc()
        try:
            yield future
        finally:
            metrics.WAITING_REQUESTS.dec()
            waiters.discard(future)
            if not waiters:
                self._expected.pop(judgment_id, None)

    def drain(self) -> None:
        """Let everybody go, now and from now on: their pairs are on the queue and will be judged all the same."""
        self._draining = True
        metrics.DRAINING.set(1)
        for waiters in self._expected.values():
            for future in waiters:
                if not future.done():
                    future.set_result(None)

    async def run(self) -> None:
        """Follow the tail until canceled; survives any loss of Redis."""
        cursor: dict[int, str] | None = None
        losses = 0
        while True:
            try:
                if cursor is None:
                    _, cursor = await self._judgments.finished(None, wait=0)
                    await self._wake(tuple(self._expected))
                    losses = 0
                ids, cursor = await self._judgments.finished(cursor, wait=TAIL_WAIT)
                await self._wake(ended for ended in ids if ended in self._expected)
            except StoreUnavailable as error:
                cursor = None
                losses += 1
                if losses == 1:
                    log.warning("finished_tail_lost", detail=error.detail)
                await asyncio.sleep(random.uniform(0.5, 1) * min(BACKOFF[0] * 2**losses, BACKOFF[1]))  # noqa: S311

    async def _wake(self, ids: Iterable[str]) -> None:
        wanted = list(ids)
        if not wanted:
            return
        for judgment_id, stored in zip(wanted, await self._judgments.states(wanted), strict=True):
            if stored is None or isinstance(stored.state, Waiting):
                continue
            for future in self._expected.get(judgment_id, ()):
                if not future.done():
                    future.set_result(stored.state)
