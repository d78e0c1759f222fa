"""Is the engine there? While it is not, nothing is claimed, and no pair pays for it.

One failed call proves little: under load the next answer to any other call clears the engine, and only in silence is
it asked on purpose. An engine that does not answer that either is away: the circuit opens, and `watch` asks on with
growing pauses until it closes again.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from worker import metrics
from worker.backoff import pauses
from worker.errors import EngineUnavailable, JudgingFailed

HEARSAY = 0.25  # seconds to wait for another call's answer before the engine is asked on purpose
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0  # seconds between questions while the engine is away

log = structlog.get_logger()


class Circuit:
    """Closed while the engine answers, open while it is away.

    `probe` asks the engine on purpose: it raises `EngineUnavailable` where no answer comes. What is no `JudgingFailed`
    (an engine that came back as another model) escapes and ends the process.
    """

    def __init__(self, probe: Callable[[], Awaitable[None]]) -> None:
        self._probe = probe
        self._closed = asyncio.Event()
        self._closed.set()
        self._opened = asyncio.Event()
        self._asking = asyncio.Lock()
        self._heard = asyncio.Event()
        self._answered_at = 0.0
        metrics.ENGINE_UP.set(1)

    @property
    def closed(self) -> bool:
        """True while pairs may be claimed."""
        return self._closed.is_set()

    async def wait_closed(self) -> None:
        """Return once the engine is there."""
        await self._closed.wait()

    def answered(self) -> None:
        """Some call was answered, well or badly: the engine is there."""
        self._answered_at = asyncio.get_running_loop().time()
        self._heard.set()

    async def is_away(self) -> bool:
        """After a call that got no answer: is the engine away (True), or was it this one call (False)?"""
        failed_at = asyncio.get_running_loop().time()
        async with self._asking:  # those who failed together share the first one's finding
            if not self.closed:
                return True
            if self._answered_at > failed_at or await self._heard_meanwhile():
                return False
            return not await self._answers()

    def suspect(self, why: str) -> None:
        """The engine refuses the worker itself: nothing more is claimed until `watch` has had it tested."""
        self._open(why)

    async def watch(self) -> None:
        """Close the circuit again each time the engine comes back; runs until canceled."""
        while True:
            await self._opened.wait()
            for pause in pauses(first=FIRST_PAUSE, longest=LONGEST_PAUSE):
                await asyncio.sleep(pause)
                if await self._answers():
                    break
            self._opened.clear()
            self._closed.set()
            metrics.ENGINE_UP.set(1)
            log.info("engine_back")

    async def _heard_meanwhile(self) -> bool:
        self._heard.clear()
        try:
            async with asyncio.timeout(HEARSAY):
                return await self._heard.wait()
        except TimeoutError:
            return False

    async def _answers(self) -> bool:
        try:
            await self._probe()
        except EngineUnavailable as error:
            self._open(str(error))
            return False
        except JudgingFailed:
            pass  # too busy, or a refusal: an answer all the same
        self.answered()
        return True

    def _open(self, why: str) -> None:
        if self.closed:
            log.warning("engine_away", error=why)
            metrics.ENGINE_UP.set(0)
            self._closed.clear()
            self._opened.set()
