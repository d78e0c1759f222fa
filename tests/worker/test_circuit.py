"""When is the engine away, and when was it one call? The probe here is an engine that a test switches on and off."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from worker.circuit import Circuit
from worker.errors import EngineOverloaded, EngineUnavailable, JudgingFailed


class Switch:
    """An engine that answers, is away, or refuses."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.asked = 0

    async def probe(self) -> None:
        self.asked += 1
        if self.error is not None:
            raise self.error

    def off(self) -> None:
        self.error = EngineUnavailable("connection refused")

    def on(self) -> None:
        self.error = None


@pytest.fixture
async def switch() -> Switch:
    return Switch()


@pytest.fixture
async def circuit(switch: Switch) -> AsyncIterator[Circuit]:
    circuit = Circuit(switch.probe)
    watching = asyncio.create_task(circuit.watch())
    yield circuit
    watching.cancel()
    await asyncio.wait((watching,))


async def test_a_silent_engine_that_answers_the_probe_is_not_away(circuit: Circuit, switch: Switch) -> None:
    assert not await circuit.is_away()
    assert circuit.closed
    assert switch.asked == 1


async def test_an_engine_that_does_not_answer_the_probe_is_away_until_it_does(circuit: Circuit, switch: Switch) -> None:
    switch.off()
    assert await circuit.is_away()
    assert not circuit.closed
    switch.on()
    async with asyncio.timeout(5):
        await circuit.wait_closed()
    assert not await circuit.is_away()


async def test_another_calls_answer_clears_the_engine_without_a_probe(circuit: Circuit, switch: Switch) -> None:
    switch.off()
    question = asyncio.create_task(circuit.is_away())
    await asyncio.sleep(0)
    circuit.answered()
    assert not await question
    assert switch.asked == 0
    assert circuit.closed


async def test_those_who_failed_together_share_one_probe(circuit: Circuit, switch: Switch) -> None:
    switch.off()
    assert all(await asyncio.gather(*(circuit.is_away() for _ in range(64))))
    assert switch.asked == 1


@pytest.mark.parametrize("answer", [EngineOverloaded("busy"), JudgingFailed("no")])
async def test_a_refusal_is_an_answer(circuit: Circuit, switch: Switch, answer: Exception) -> None:
    switch.error = answer
    assert not await circuit.is_away()


async def test_an_engine_that_became_another_ends_the_watch(switch: Switch) -> None:
    circuit = Circuit(switch.probe)
    switch.off()
    assert await circuit.is_away()
    switch.error = LookupError("another model")
    with pytest.raises(LookupError):
        await asyncio.wait_for(circuit.watch(), 5)
