"""An engine behind the gate: every call waits its turn, is measured, and is repeated where that costs next to nothing.

This is the one place where an engine *call* is repeated: after a 429 (the engine refused at once, and the pair is not
to blame), and a few times after a quick failure to answer of an engine that is there, because the pair's other calls
are paid for. Every other error is the pair's attempt failing and goes up (`worker.endings`). Counting tokens passes
beside the gate, as it is done by the engine's router and takes none of its permits; a proxy may refuse it all the same,
so it is repeated like the others.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Protocol, TypeVar

from selfref.messages import ChatMessage
from worker import metrics
from worker.backoff import pauses
from worker.circuit import Circuit
from worker.concurrency import Gate, after_answer, after_overload
from worker.engines.protocol import (
    Description,
    Engine,
    Generation,
    Identity,
    LabelChoice,
    LabelLogProbs,
    Prompt,
    Sampling,
)
from worker.errors import EngineOverloaded, EngineUnavailable, JudgingFailed
from worker.sameness import Sameness

PATIENCE = 60.0  # seconds of refusals after which the pair is handed back rather than held
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0  # seconds, bounds of the jittered wait after a refusal
REPEATS = 2  # of a call that got no answer
QUICK = 5.0  # seconds; a call that fell silent later has kept the engine busy, and is not made again for cheap

_BESIDE_THE_GATE: AbstractAsyncContextManager[None] = nullcontext()


class Timed(Protocol):
    """An answer that may know how long it waited."""

    @property
    def queued(self) -> float | None:
        """Seconds in the engine's own queue, where the engine tells."""
        ...


Answer = TypeVar("Answer")
TimedAnswer = TypeVar("TimedAnswer", bound=Timed)


class PacedEngine:
    """The same calls as `engine`, at most as many at a time as the gate's pace allows; implements `Engine`."""

    def __init__(self, engine: Engine, *, gate: Gate, circuit: Circuit, patience: float = PATIENCE) -> None:
        self._engine = engine
        self._gate = gate
        self._circuit = circuit
        self._patience = patience
        self._sameness = Sameness(engine)
        metrics.CONCURRENCY_LIMIT.set_function(lambda: gate.pace.slots)
        metrics.ENGINE_CALLS_IN_FLIGHT.set_function(lambda: gate.in_flight)

    def describe(self) -> Description:
        """What the self-test found."""
        return self._engine.describe()

    async def identity(self) -> Identity:
        """As the engine's own; not held at the gate."""
        return await self._engine.identity()

    async def confirm(self, *, since: float) -> None:
        """Return where all answers since then (the event loop's clock) may go under this engine's name.

        Raises `EngineUnsuitable` where the engine has become another (`worker.sameness` says when it is asked).
        """
        await self._repeated(lambda: self._sameness.confirm(since=since))

    async def prepare(self, messages: Sequence[ChatMessage]) -> Prompt:
        """As the engine's own; not held at the gate."""
        return await self._repeated(lambda: self._measured("prepare", lambda: self._engine.prepare(messages)))

    async def generate(self, prompt: Prompt, *, sampling: Sampling, max_new_tokens: int) -> Generation:
        """As the engine's own, in turn."""
        return await self._in_turn(
            "generate", lambda: self._engine.generate(prompt, sampling=sampling, max_new_tokens=max_new_tokens)
        )

    async def read_verdict(self, prompt: Prompt, critique: Generation) -> LabelLogProbs | LabelChoice:
        """As the engine's own, in turn."""
        return await self._in_turn("verdict", lambda: self._engine.read_verdict(prompt, critique))

    async def aclose(self) -> None:
        """Close the engine's connections."""
        await self._engine.aclose()

    async def _in_turn(self, kind: str, send: Callable[[], Awaitable[TimedAnswer]]) -> TimedAnswer:
        return await self._repeated(lambda: self._observed(kind, send), place=self._gate)

    async def _repeated(
        self, step: Callable[[], Awaitable[Answer]], *, place: AbstractAsyncContextManager[None] = _BESIDE_THE_GATE
    ) -> Answer:
        """The step's answer; each try is made inside `place`, and the pauses between tries outside it."""
        clock = asyncio.get_running_loop().time
        refused_at: float | None = None
        unanswered = 0
        for pause in pauses(first=FIRST_PAUSE, longest=LONGEST_PAUSE):
            try:
                async with place:
                    started = clock()
                    return await step()
            except EngineOverloaded:
                refused_at = refused_at or started
                if clock() - refused_at > self._patience:
                    raise
            except EngineUnavailable:
                unanswered += 1
                if unanswered > REPEATS or clock() - started > QUICK or await self._circuit.is_away():
                    raise
            await asyncio.sleep(pause)
        raise AssertionError("pauses never end")

    async def _observed(self, kind: str, send: Callable[[], Awaitable[TimedAnswer]]) -> TimedAnswer:
        """One call, and what its end says about the pace."""
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            answer = await self._measured(kind, send)
        except EngineOverloaded:
            self._gate.adopt(after_overload(self._gate.pace, started=started, now=clock()))
            raise
        self._gate.adopt(after_answer(self._gate.pace, started=started, now=clock(), queued=answer.queued))
        return answer

    async def _measured(self, kind: str, send: Callable[[], Awaitable[Answer]]) -> Answer:
        """One call, counted by its outcome; anything but silence shows that the engine is there."""
        clock = asyncio.get_running_loop().time
        await self._sameness.before_call()
        started, outcome = clock(), "canceled"
        try:
            with self._sameness:
                answer = await send()
        except EngineUnavailable:
            outcome = "unavailable"
            self._sameness.doubt()
            raise
        except JudgingFailed as error:
            outcome = "overloaded" if isinstance(error, EngineOverloaded) else "failed"
            self._circuit.answered()
            raise
        else:
            outcome = "ok"
            self._circuit.answered()
            metrics.ENGINE_CALL_SECONDS.labels(kind).observe(clock() - started)
            return answer
        finally:
            metrics.ENGINE_CALLS.labels(kind, outcome).inc()
