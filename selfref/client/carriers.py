"""Carry conversations out over HTTP: one carrier for ordinary code, one for asyncio. They decide nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, aclosing, closing
from typing import TypeVar

import httpx2

from selfref.client.steps import Conversation, Give, Outcome, Pause, Receive, Reply, Send, Stream
from selfref.client.transport import async_content_of, content_of, is_left_open, lost, reply_of, request_of

T = TypeVar("T")


class Carrier:
    """For ordinary code, from any number of threads."""

    def __init__(self, http: httpx2.Client) -> None:
        self._http = http

    def carry_out(self, conversation: Conversation[T]) -> T:
        """What the conversation returns; raises what it raises."""
        outcome: Outcome = None
        with closing(_Line(self._http)) as line:
            while True:
                try:
                    step = conversation.send(outcome)
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]
                outcome = line.take(step)

    def stream(self, stream: Stream[T]) -> Iterator[T]:
        """What the stream gives, as it comes; raises what it raises."""
        outcome: Outcome = None
        with closing(_Line(self._http)) as line:
            while True:
                try:
                    step = stream.send(outcome)
                except StopIteration:
                    return
                if isinstance(step, Give):
                    yield step.value
                    outcome = None
                else:
                    outcome = line.take(step)


class AsyncCarrier:
    """For asyncio code, from any number of tasks."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def carry_out(self, conversation: Conversation[T]) -> T:
        """What the conversation returns; raises what it raises."""
        outcome: Outcome = None
        async with aclosing(_AsyncLine(self._http)) as line:
            while True:
                try:
                    step = conversation.send(outcome)
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]
                outcome = await line.take(step)

    async def stream(self, stream: Stream[T]) -> AsyncIterator[T]:
        """What the stream gives, as it comes; raises what it raises."""
        outcome: Outcome = None
        async with aclosing(_AsyncLine(self._http)) as line:
            while True:
                try:
                    step = stream.send(outcome)
                except StopIteration:
                    return
                if isinstance(step, Give):
                    yield step.value
                    outcome = None
                else:
                    outcome = await line.take(step)


class _Line:
    """What one conversation has open: at most one response."""

    def __init__(self, http: httpx2.Client) -> None:
        self._http = http
        self._held = ExitStack()
        self._pieces: Iterator[bytes] = iter(())

    def take(self, step: Send | Receive | Pause) -> Outcome:
        """Take a step; what came of it."""
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        try:
            return self._send(step) if isinstance(step, Send) else next(self._pieces, b"")
        except httpx2.TransportError as error:
            return lost(error)

    def close(self) -> None:
        """Give the connection back."""
        self._held.close()

    def _send(self, step: Send) -> Reply:
        self.close()
        response = self._held.enter_context(self._http.stream(**request_of(step), content=content_of(step)))
        if is_left_open(step, response):
            self._pieces = response.iter_bytes()
            return reply_of(response, b"")
        return reply_of(response, response.read())


class _AsyncLine:
    """The same for asyncio code."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http
        self._held = AsyncExitStack()
        self._pieces: AsyncIterator[bytes] | None = None

    async def take(self, step: Send | Receive | Pause) -> Outcome:
        """Take a step; what came of it."""
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return None
        try:
            if isinstance(step, Send):
                return await self._send(step)
            return b"" if self._pieces is None else await anext(self._pieces, b"")
        except httpx2.TransportError as error:
            return lost(error)

    async def aclose(self) -> None:
        """Give the connection back."""
        await self._held.aclose()

    async def _send(self, step: Send) -> Reply:
        await self.aclose()
        opening = self._http.stream(**request_of(step), content=async_content_of(step))
        response = await self._held.enter_async_context(opening)
        if is_left_open(step, response):
            self._pieces = response.aiter_bytes()
            return reply_of(response, b"")
        return reply_of(response, await response.aread())
