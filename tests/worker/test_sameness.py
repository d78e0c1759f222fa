"""An engine that became another is found out before a text of it is used, and asking costs a busy worker little."""

import asyncio
from dataclasses import replace

import pytest

from tests.worker.test_paced import DESCRIPTION, PROMPT, SmallEngine, _there, generate, paced
from worker.errors import EngineUnavailable, EngineUnsuitable
from worker.paced import PacedEngine
from worker.sameness import QUIET

OTHERS = [
    replace(DESCRIPTION.identity, model="other"),
    replace(DESCRIPTION.identity, revision="sha"),
    replace(DESCRIPTION.identity, dtype="float16"),
    replace(DESCRIPTION.identity, chat_template="u"),
]


def clock() -> float:
    return asyncio.get_running_loop().time()


async def quiet() -> None:
    """Return once the engine has been silent for long enough to have become another."""
    silent = asyncio.Event()
    asyncio.get_running_loop().call_later(QUIET + 0.05, silent.set)
    await silent.wait()


async def judged(engine: PacedEngine) -> None:
    began = clock()
    for _ in range(4):
        await generate(engine)
    await engine.confirm(since=began)


@pytest.mark.parametrize("other", OTHERS, ids=["model", "revision", "dtype", "template"])
async def test_an_engine_that_changed_while_idle_answers_nothing_under_the_old_name(other) -> None:
    small = SmallEngine(places=4)
    engine, _ = paced(small, calls=4)
    await generate(engine)
    small.is_now = other
    await quiet()
    with pytest.raises(EngineUnsuitable, match="instead of m"):
        await generate(engine)
    with pytest.raises(EngineUnsuitable):
        await engine.prepare(PROMPT.messages)
    assert (small.served, small.prepared) == (1, 0)


async def test_after_a_call_left_unanswered_the_engine_is_asked_before_the_next() -> None:
    small = SmallEngine(places=4)
    engine, _ = paced(small, calls=4, probe=_there)
    await generate(engine)
    small.silences, small.is_now = 1, OTHERS[0]
    with pytest.raises(EngineUnsuitable):
        await generate(engine)
    assert small.served == 1


async def test_a_judgment_that_straddles_a_change_is_not_finished() -> None:
    small = SmallEngine(places=4)
    engine, _ = paced(small, calls=4)
    began = clock()
    await generate(engine)
    small.is_now = OTHERS[0]
    await generate(engine)  # a proxy has moved: nothing broke
    with pytest.raises(EngineUnsuitable):
        await engine.confirm(since=began)


async def test_a_busy_worker_asks_about_once_in_the_time_of_a_judgment() -> None:
    small = SmallEngine(places=64, seconds=0.01)
    engine, _ = paced(small, calls=32)

    async def slot(number: int) -> None:
        await asyncio.sleep(number / 1000)  # so that not all end at once
        for _ in range(5):
            await judged(engine)

    await asyncio.gather(*(slot(number) for number in range(32)))
    assert small.served == 32 * 5 * 4
    assert 4 <= small.asked <= 32 * 5 / 5


async def test_a_pair_that_asked_the_engine_nothing_needs_no_confirmation() -> None:
    small = SmallEngine(places=4)
    engine, _ = paced(small, calls=4)
    await engine.confirm(since=clock())
    assert small.asked == 0


async def test_those_who_wait_for_the_answer_share_its_absence() -> None:
    class Mute(SmallEngine):
        async def identity(self):
            self.asked += 1
            await asyncio.sleep(0.01)
            raise EngineUnavailable("refused")

    mute = Mute(places=64)

    async def away() -> None:
        raise EngineUnavailable("refused")

    engine, _ = paced(mute, calls=64, probe=away)
    await quiet()
    results = await asyncio.gather(*(generate(engine) for _ in range(32)), return_exceptions=True)
    assert all(isinstance(result, EngineUnavailable) for result in results)
    assert mute.asked <= 2
    assert mute.served == 0
