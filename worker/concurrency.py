"""How many engine calls may be in flight: additive increase, multiplicative decrease (AIMD), and the gate that obeys.

The rules are pure functions on `Pace`, so that each is a row in a test; `Gate` is the asyncio edge that applies them.
It opens at the ceiling rather than at one: the engine's own limit is known from its `/info`, so the ceiling is the best
first guess, and an engine that is busier than that says so at once with a 429.
"""

import asyncio
import heapq
import itertools
import math
from contextvars import ContextVar
from dataclasses import dataclass, replace

OVERLOAD_FACTOR = 0.7  # what a 429 leaves of the limit
QUEUEING_FACTOR = 0.9  # what a long queue leaves of it: the call was served, only late
QUEUE_CALM = 0.5  # seconds in the engine's own queue up to which the limit grows
QUEUE_LONG = 2.0  # seconds in the engine's own queue from which the limit falls
MARGIN = 1 / 16  # of the engine's permits left to health checks and to other clients; one at least

SENIORITY: ContextVar[int] = ContextVar("seniority", default=0)  # of the pair that a task works for; 0 goes first


@dataclass(frozen=True)
class Pace:
    """The limit on engine calls in flight; fractional, because it grows by parts of a call."""

    limit: float
    ceiling: int
    fell_at: float = -math.inf  # when the limit last fell, seconds of the event loop's clock

    @property
    def slots(self) -> int:
        """Whole calls that may be in flight."""
        return int(self.limit)


def opening(asked: int, engine_permits: int | None) -> Pace:
    """The pace to begin with: `asked` calls, or the engine's permits less a margin where that is fewer."""
    ceiling = asked
    if engine_permits is not None:
        ceiling = min(asked, engine_permits - max(1, round(engine_permits * MARGIN)))
    ceiling = max(1, ceiling)
    return Pace(limit=float(ceiling), ceiling=ceiling)


def after_answer(pace: Pace, *, started: float, now: float, queued: float | None) -> Pace:
    """One more call for each full round of answers; fewer when the answer had waited long in the engine's queue.

    `queued` is seconds, None on an engine that does not tell.
    """
    if queued is not None and queued >= QUEUE_LONG:
        return _fallen(pace, QUEUEING_FACTOR, started=started, now=now)
    if queued is not None and queued > QUEUE_CALM:
        return pace
    if pace.limit >= pace.ceiling:
        return pace
    return replace(pace, limit=min(float(pace.ceiling), pace.limit + 1 / pace.limit))


def after_overload(pace: Pace, *, started: float, now: float) -> Pace:
    """A 429: fall back at once, never below one call."""
    return _fallen(pace, OVERLOAD_FACTOR, started=started, now=now)


def _fallen(pace: Pace, factor: float, *, started: float, now: float) -> Pace:
    """The limit falls once per round trip: calls sent before it last fell report the load that it already answered."""
    if started <= pace.fell_at:
        return pace
    return replace(pace, limit=max(1.0, pace.limit * factor), fell_at=now)


class Gate:
    """Lets at most `pace.slots` callers through at a time: `async with gate: ...`.

    Those who wait go in by the `SENIORITY` of their context, then first come first served. So the oldest pair ends
    first, however many calls each has: in turn of arrival, all pairs held would advance together and none would end.
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._in_flight = 0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []  # a heap
        self._arrivals = itertools.count()

    @property
    def pace(self) -> Pace:
        """The pace in force."""
        return self._pace

    @property
    def in_flight(self) -> int:
        """Callers inside."""
        return self._in_flight

    def adopt(self, pace: Pace) -> None:
        """Apply a new pace; a lower one lets those inside finish and holds back the next."""
        self._pace = pace
        self._admit()

    async def __aenter__(self) -> None:
        if self._in_flight < self._pace.slots and not self._waiting:
            self._in_flight += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        place = (SENIORITY.get(), next(self._arrivals), turn)
        heapq.heappush(self._waiting, place)
        try:
            await turn
        except asyncio.CancelledError:
            if place in self._waiting:
                self._waiting.remove(place)
                heapq.heapify(self._waiting)
            elif not turn.cancelled():  # let in and canceled in the same tick: the place goes to the next
                self._leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._leave()

    def _leave(self) -> None:
        self._in_flight -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._in_flight < self._pace.slots:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                self._in_flight += 1
                turn.set_result(None)
