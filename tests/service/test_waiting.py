"""The waiting room: whoever expects a judgment is woken by its end, whatever happens to Redis in between."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from selfref.messages import Cancellation, Waiting, now
from selfref.store import Stored, StoreUnavailable
from service.waiting import WaitingRoom

START = now()


class TailInMemory:
    """A tail of finished judgments that can be cut off and that counts how often states were asked for."""

    def __init__(self) -> None:
        self.away = False
        self.asked: list[str] = []
        self._ended: list[str] = []
        self._changed = asyncio.Condition()

    async def end(self, judgment_id: str) -> None:
        async with self._changed:
            self._ended.append(judgment_id)
            self._changed.notify_all()

    async def cut_off(self) -> None:
        async with self._changed:
            self.away = True
            self._changed.notify_all()

    async def finished(self, after: dict[int, str] | None, *, wait: float) -> tuple[list[str], dict[int, str]]:
        self._refuse_while_away()
        start = len(self._ended) if after is None else int(after[0])
        if wait:
            async with self._changed:
                await asyncio.wait_for(self._changed.wait_for(lambda: self.away or len(self._ended) > start), 10)
        self._refuse_while_away()
        return self._ended[start:], {0: str(len(self._ended))}

    async def states(self, judgment_ids: list[str]) -> list[Stored | None]:
        self._refuse_while_away()
        self.asked += judgment_ids
        return [Stored("t", self._state(judgment_id)) for judgment_id in judgment_ids]

    def _state(self, judgment_id: str) -> Waiting | Cancellation:
        if judgment_id in self._ended:
            return Cancellation(id=judgment_id, created_at=START, finished_at=START)
        return Waiting(id=judgment_id, created_at=START)

    def _refuse_while_away(self) -> None:
        if self.away:
            raise StoreUnavailable("cut off")


@pytest.fixture
def tail() -> TailInMemory:
    return TailInMemory()


@asynccontextmanager
async def room_on(tail: TailInMemory):
    room = WaitingRoom(tail)
    running = asyncio.create_task(room.run())
    try:
        async with asyncio.timeout(10):
            yield room
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_everybody_who_expects_a_judgment_is_woken_by_its_end_and_nobody_else(tail):
    async with room_on(tail) as room:
        with room.expect("a") as first, room.expect("a") as second, room.expect("b") as other:
            await tail.end("a")
            assert (await first).id == (await second).id == "a"
            assert not other.done()


async def test_what_ends_before_the_first_read_of_the_tail_is_not_missed(tail):
    async with room_on(tail) as room:
        with room.expect("a") as future:
            await tail.end("a")  # the reader has not run yet, and will start behind this
            assert (await future).status == "canceled"


async def test_what_ends_while_redis_is_away_is_not_missed(tail):
    async with room_on(tail) as room:
        with room.expect("a") as seen, room.expect("b") as unseen, room.expect("c") as waiting:
            await tail.end("a")
            await seen
            await tail.cut_off()
            await tail.end("b")
            tail.away = False
            assert (await unseen).id == "b"
            assert not waiting.done()
            await tail.end("c")
            await waiting


async def test_ends_that_nobody_expects_cost_no_lookup(tail):
    async with room_on(tail) as room:
        await tail.end("stranger")
        with room.expect("a") as future:
            await tail.end("a")
            await future
        with room.expect("a"):
            pass
        await tail.end("stranger")
        with room.expect("b") as future:
            await tail.end("b")
            await future
    assert "stranger" not in tail.asked


async def test_a_stopping_process_lets_everybody_go_and_keeps_nobody_waiting_again(tail):
    async with room_on(tail) as room:
        with room.expect("a") as future:
            room.drain()
            assert await future is None
        with room.expect("a") as future:
            assert await future is None
