"""An engine with a number of places behind the gate: all calls are served, the limit finds the places, errors go up."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from selfref.messages import ChatMessage, Usage
from worker.circuit import Circuit
from worker.concurrency import Gate, opening
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
from worker.errors import EngineFailed, EngineOverloaded, EngineUnavailable
from worker.paced import PacedEngine

PROMPT = Prompt(messages=(ChatMessage(role="user", content="?"),), text="?", tokens=1)
DESCRIPTION = Description(
    engine="fake",
    version=None,
    model="m",
    revision=None,
    dtype=None,
    method="verdict-token",
    max_tokens=4096,
    counts_tokens=True,
    opening_tokens=4,
    chat_template="t",
)


class SmallEngine:
    """Serves `places` calls at a time, each in `seconds`, and refuses the others at once, as TGI does."""

    def __init__(self, *, places: int, seconds: float = 0.001) -> None:
        self.places, self.seconds = places, seconds
        self.refusals = 0  # calls of `prepare` that a proxy refuses before the others are served
        self.inside = self.most_inside = self.served = self.refused = self.prepared = 0
        self.error: Exception | None = None
        self.silences = 0  # calls that get no answer before the others do
        self.queued: float | None = None
        self.is_now = DESCRIPTION.identity
        self.asked = 0  # who it is

    def describe(self) -> Description:
        return DESCRIPTION

    async def identity(self) -> Identity:
        self.asked += 1
        return self.is_now

    async def prepare(self, messages: Sequence[ChatMessage]) -> Prompt:
        self.prepared += 1
        if self.refusals:
            self.refusals -= 1
            raise EngineOverloaded("too many requests")
        return PROMPT

    async def generate(self, prompt: Prompt, *, sampling: Sampling, max_new_tokens: int) -> Generation:
        await self._serve()
        return Generation(text="ok", finish_reason="stop", usage=Usage(calls=1), queued=self.queued)

    async def read_verdict(self, prompt: Prompt, critique: Generation) -> LabelLogProbs | LabelChoice:
        await self._serve()
        return LabelChoice(first=True, usage=Usage(calls=1))

    async def aclose(self) -> None:
        pass

    async def _serve(self) -> None:
        if self.error is not None:
            raise self.error
        if self.silences:
            self.silences -= 1
            raise EngineUnavailable("503")
        if self.inside >= self.places:
            self.refused += 1
            raise EngineOverloaded("Model is overloaded")
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.inside -= 1
        self.served += 1


Probe = Callable[[], Awaitable[None]]


async def _never_asked() -> None:
    raise AssertionError("the engine was asked on purpose")


async def _there() -> None:
    pass


async def _away() -> None:
    raise EngineUnavailable("refused")


def paced(
    engine: Engine, *, calls: int, patience: float = 60.0, probe: Probe = _never_asked
) -> tuple[PacedEngine, Gate]:
    gate = Gate(opening(calls, None))
    return PacedEngine(engine, gate=gate, circuit=Circuit(probe), patience=patience), gate


async def generate(engine: PacedEngine) -> Generation:
    return await engine.generate(PROMPT, sampling=Sampling(), max_new_tokens=8)


async def test_no_more_calls_than_the_limit_reach_the_engine() -> None:
    small = SmallEngine(places=100)
    engine, _ = paced(small, calls=4)
    critique = await generate(engine)
    calls = (generate(engine) if number % 2 else engine.read_verdict(PROMPT, critique) for number in range(39))
    await asyncio.gather(*calls)
    assert small.most_inside == 4
    assert (small.served, small.refused) == (40, 0)


async def test_an_overloaded_engine_slows_the_worker_and_loses_no_call() -> None:
    small = SmallEngine(places=3)
    engine, gate = paced(small, calls=16)
    answers = await asyncio.gather(*(generate(engine) for _ in range(100)))
    assert len(answers) == small.served == 100
    assert small.refused > 0
    assert gate.pace.slots < 16
    assert gate.in_flight == 0


async def test_a_long_queue_inside_the_engine_slows_the_worker() -> None:
    small = SmallEngine(places=100)
    engine, gate = paced(small, calls=10)
    small.queued = 3.0
    await generate(engine)
    assert gate.pace.slots == 9


async def test_an_engine_that_has_no_room_for_long_is_reported() -> None:
    engine, gate = paced(SmallEngine(places=0), calls=1, patience=0.0)
    with pytest.raises(EngineOverloaded):
        await asyncio.wait_for(generate(engine), 5)
    assert gate.in_flight == 0


async def test_a_call_left_unanswered_is_made_again_while_the_engine_is_there() -> None:
    small = SmallEngine(places=4)
    small.silences = 2
    engine, gate = paced(small, calls=1, probe=_there)
    assert (await generate(engine)).text == "ok"
    assert gate.in_flight == 0


async def test_a_call_left_unanswered_again_and_again_goes_up() -> None:
    small = SmallEngine(places=4)
    small.silences = 3
    engine, gate = paced(small, calls=1, probe=_there)
    with pytest.raises(EngineUnavailable):
        await generate(engine)
    assert small.silences == 0
    assert gate.in_flight == 0


async def test_an_engine_that_is_away_is_not_called_again() -> None:
    small = SmallEngine(places=4)
    small.silences = 2
    engine, _ = paced(small, calls=1, probe=_away)
    with pytest.raises(EngineUnavailable):
        await generate(engine)
    assert small.silences == 1


async def test_other_errors_are_not_repeated_here() -> None:
    small = SmallEngine(places=4)
    small.error = EngineFailed("424")
    engine, gate = paced(small, calls=4)
    with pytest.raises(EngineFailed):
        await generate(engine)
    assert gate.in_flight == 0


async def test_counting_that_a_proxy_refuses_is_made_again_after_a_pause() -> None:
    small = SmallEngine(places=4)
    small.refusals = 2
    engine, _ = paced(small, calls=1)
    assert await engine.prepare(PROMPT.messages) is PROMPT
    assert small.prepared == 3
    small.refusals = 9
    impatient, _ = paced(small, calls=1, patience=0.0)
    with pytest.raises(EngineOverloaded):
        await impatient.prepare(PROMPT.messages)


async def test_counting_is_not_held_at_the_gate() -> None:
    small = SmallEngine(places=4, seconds=60.0)
    engine, gate = paced(small, calls=1)
    generating = asyncio.create_task(generate(engine))
    await asyncio.sleep(0)
    assert gate.in_flight == 1
    assert await engine.prepare(PROMPT.messages) is PROMPT
    generating.cancel()
    await asyncio.wait((generating,))
    assert gate.in_flight == 0
