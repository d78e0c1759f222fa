"""Is it still the engine that the self-test found? One that came back as another would be judged with under its name.

Asking is cheap (no tokens are generated), and done only where the answer may have changed:
- An engine that is replaced breaks the calls that it is busy with. So a call left unanswered raises a doubt.
- With no call in flight nothing breaks. So silence before a call raises one, however idle the worker was or why.
- A proxy may move its clients to another engine and break nothing. So an answer holds for `STALE` seconds at most.
No call is sent while there is a doubt, so that no text of one model enters another's cache. And before a judgment is
finished, the engine must have been asked since the judgment began: a busy worker asks about once in the time that a
judgment takes, for all that it holds. What is left open is a proxy that moves without a broken call and a pause: the
judgments that were in flight at that moment may carry the old name, and none that began later does.
"""

import asyncio

from worker.engines.protocol import Engine, Identity
from worker.errors import EngineUnavailable, EngineUnsuitable, JudgingFailed

QUIET = 0.5  # seconds without a call in flight; no server loads a model sooner
STALE = 30.0  # seconds after which the engine is asked again, busy or not
PATIENCE = 30.0  # seconds; an engine that does not say by then who it is gives no answer


def require_same(was: Identity, found: Identity) -> None:
    """Raise `EngineUnsuitable` where these are not one engine."""
    if found != was:
        raise EngineUnsuitable(f"the engine is now {found} instead of {was}; start the worker again to judge with it")


class Sameness:
    """What is known about the engine's identity, and since when; begins with the self-test's finding."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._asking = asyncio.Lock()
        self._asked_at = self._last_call = self._clock()
        self._doubted_at = self._failed_at = float("-inf")
        self._failure: JudgingFailed | None = None
        self._in_flight = 0

    def doubt(self) -> None:
        """A call got no answer."""
        self._doubted_at = self._clock()

    async def before_call(self) -> None:
        """Return where a call may be sent; raises `EngineUnsuitable` where another engine would answer it."""
        now = self._clock()
        silent = self._in_flight == 0 and now - self._last_call > QUIET
        if silent or now - self._asked_at > STALE:
            self._doubted_at = max(self._doubted_at, now)
        await self._asked_since(self._doubted_at)

    async def confirm(self, *, since: float) -> None:
        """Return where what was heard since then (seconds of the event loop's clock) came from the known engine."""
        if self._last_call > since:
            await self._asked_since(max(since, self._doubted_at))

    def __enter__(self) -> None:
        self._in_flight += 1

    def __exit__(self, *_: object) -> None:
        self._in_flight -= 1
        self._last_call = self._clock()

    async def _asked_since(self, moment: float) -> None:
        if self._asked_at >= moment:
            return
        came = self._clock()
        async with self._asking:
            if self._asked_at >= moment:
                return
            if self._failure is not None and self._failed_at >= came:
                raise self._failure  # those who waited together share the answer, and its absence
            began = self._clock()
            try:
                async with asyncio.timeout(PATIENCE):
                    found = await self._engine.identity()
            except TimeoutError:
                self._fail(EngineUnavailable("the engine does not say who it is"))
            except JudgingFailed as error:
                self._fail(error)
            else:
                require_same(self._engine.describe().identity, found)
                self._asked_at = began

    def _fail(self, error: JudgingFailed) -> None:
        self._failure, self._failed_at = error, self._clock()
        raise error

    def _clock(self) -> float:
        return asyncio.get_running_loop().time()
