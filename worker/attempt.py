"""One attempt at one claim: judge it, decide how it ends, store the ending.

Judged, failed for good, put off to a later attempt, or handed back: `worker.endings` decides, one branch here does it.
The store may go away meanwhile. A judgment is paid for, so a result that cannot be stored waits here until the store is
back; that the first writer wins makes it safe to be late.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from selfref.messages import Judgment, Label, Verdict, Work
from selfref.store import Claim, Store, StoreUnavailable
from worker import metrics
from worker.backoff import pauses
from worker.bias import BiasCounter
from worker.circuit import Circuit
from worker.endings import Ending, Failed, HandedBack, Judged, PutOff, after_crashes, after_error
from worker.errors import EngineMisconfigured, EngineUnavailable, JudgingFailed
from worker.terms import Terms

MOST_REMEMBERED = 1_000  # pairs whose outages are counted; another worker may end them, and nobody tells
MOST_OUTAGES = 5  # engine outages that a pair may have been part of before they count as its attempts
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0  # seconds between tries while the store is away

Judge = Callable[[Work], Awaitable[Judgment]]
Answer = TypeVar("Answer")
log = structlog.get_logger()


class Attempts:
    """Judges claims by `judge` and stores what becomes of them."""

    def __init__(self, *, store: Store, judge: Judge, model: str, circuit: Circuit, terms: Terms) -> None:
        """`model` is the engine's, which stays the same for as long as the process lives: whose failures these are."""
        self._store = store
        self._judge = judge
        self._model = model
        self._bias = BiasCounter()
        self._circuit = circuit
        self._terms = terms
        self._outages: Counter[str] = Counter()  # by pair, until the pair ends

    @property
    def remembered(self) -> int:
        """Pairs whose outages are counted."""
        return len(self._outages)

    async def ending(self, claim: Claim) -> Ending:
        """Judge the pair; may be canceled at any point. What is no `JudgingFailed` is a bug and escapes."""
        crashed = after_crashes(claim, max_deliveries=self._terms.max_deliveries)
        if crashed is not None:
            return crashed
        try:
            return Judged(await _outlasting(lambda: self._judge(claim.work)))
        except EngineUnavailable as error:
            if await self._circuit.is_away() and self._excused(claim):
                return HandedBack(error.code)
            return after_error(error, claim, max_attempts=self._terms.max_attempts)
        except EngineMisconfigured as error:
            self._circuit.suspect(str(error))
            if self._excused(claim):
                return HandedBack(error.code)
            return after_error(error, claim, max_attempts=self._terms.max_attempts)
        except JudgingFailed as error:
            return after_error(error, claim, max_attempts=self._terms.max_attempts)

    async def settle(self, claim: Claim, ending: Ending) -> None:
        """Store the ending, however long that takes."""
        await _outlasting(lambda: self._store_ending(claim, ending))
        if not isinstance(ending, HandedBack):
            self._outages.pop(claim.work.id, None)

    def _excused(self, claim: Claim) -> bool:
        """An engine that is away, or shut, is not the pair's doing, unless it is so each time it is shown this pair."""
        self._outages[claim.work.id] += 1
        if len(self._outages) > MOST_REMEMBERED:
            del self._outages[next(iter(self._outages))]  # the one that was first part of an outage
        return self._outages[claim.work.id] <= MOST_OUTAGES

    async def _store_ending(self, claim: Claim, ending: Ending) -> None:
        work, retention = self._store.work, self._terms.retention
        match ending:
            case Judged(judgment):
                label = Label.of(claim.work.comparison, judgment)
                ours = await work.finish(claim, judgment, label, retention=retention)
                metrics.JUDGMENTS.labels(_outcome(judgment.verdict) if ours else "superseded").inc()
                if ours:
                    self._bias.judged(claim.work, judgment)
            case Failed(failure):
                ours = await work.finish(claim, failure, None, retention=retention, model=self._model)
                metrics.JUDGMENTS.labels("failed" if ours else "superseded").inc()
                if ours:
                    metrics.FAILURES.labels(failure.error.code).inc()
                    self._bias.failed(claim.work, model=self._model)
                log.warning("failed", id=failure.id, code=failure.error.code, error=failure.error.message)
            case PutOff(delay, reason):
                await work.retry_later(claim, delay=delay, reason=reason)
                metrics.JUDGMENTS.labels("retried").inc()
                metrics.RETRIES.labels(reason).inc()
                log.info("put_off", id=claim.work.id, code=reason, attempts=claim.attempts + 1, delay=round(delay, 2))
            case HandedBack(reason):
                await work.hand_back([claim])
                metrics.JUDGMENTS.labels("returned").inc()
                log.info("handed_back", id=claim.work.id, code=reason)


async def _outlasting(step: Callable[[], Awaitable[Answer]]) -> Answer:
    """The step's answer, however long the store is away in between; steps are safe to repeat."""
    for pause in pauses(first=FIRST_PAUSE, longest=LONGEST_PAUSE):
        try:
            return await step()
        except StoreUnavailable as error:
            metrics.STORE_OUTAGES.inc()
            log.warning("store_unavailable", error=str(error), again_in=round(pause, 2))
            await asyncio.sleep(pause)
    raise AssertionError("pauses never end")


def _outcome(verdict: Verdict) -> str:
    return "decided" if verdict.decided else verdict.value
