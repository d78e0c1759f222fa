"""Calls made at the same time share one round trip.

Everything sent through here must be harmless when repeated: a broken exchange is sent again, and nobody can know
whether the first one ran. While one exchange is under way later calls gather for the next, so batches grow with load.
"""

import asyncio
import random
from collections.abc import Iterable, Sequence
from typing import Any

from redis.exceptions import NoScriptError

from selfref.store.errors import StoreUnavailable
from selfref.store.lua import Script, every_script, script
from selfref.store.wire import ROUND_TRIP, Argument, Command, Wire, meaning

MAX_BATCH = 256  # commands in one exchange
TRIES = 3
FIRST_PAUSE = 0.1  # seconds before the second try, doubled for each further one, and jittered

Waiting = tuple[Command, asyncio.Future[Any]]


class Pipeline:
    """One process's way to Redis for commands that may be repeated."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._queue: list[Waiting] = []
        self._sender: asyncio.Task[None] | None = None

    async def call(self, *command: Argument) -> Any:
        """One command's reply. Raises StoreUnavailable, or the error that Redis answered."""
        return await self._submit(command)

    async def run(self, name: str, *, keys: Sequence[str], args: Sequence[Argument] = ()) -> Any:
        """One script's reply; same errors as `call`."""
        return await self._submit(invocation(script(name), keys=keys, args=args))

    async def calls(self, commands: Iterable[Command]) -> list[Any]:
        """The replies of several commands, in order; same errors as `call`."""
        return await asyncio.gather(*[self._submit(command) for command in commands])

    async def aclose(self) -> None:
        """Wait for what is under way."""
        if self._sender is not None:
            await asyncio.wait([self._sender])

    def _submit(self, command: Command) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        reply: asyncio.Future[Any] = loop.create_future()
        self._queue.append((command, reply))
        if self._sender is None:
            self._sender = loop.create_task(self._send_all())
        return reply

    async def _send_all(self) -> None:
        try:
            while self._queue:
                batch, self._queue = self._queue[:MAX_BATCH], self._queue[MAX_BATCH:]
                await self._send(batch)
        finally:
            self._sender = None

    async def _send(self, batch: Sequence[Waiting]) -> None:
        replies: list[Any] = [StoreUnavailable("the exchange with Redis was abandoned")] * len(batch)
        try:
            replies = await exchange(self._wire, [command for command, _ in batch], tries=TRIES)
        except StoreUnavailable as error:
            replies = [StoreUnavailable(error.detail) for _ in batch]
        finally:
            _deliver(batch, replies)


def invocation(program: Script, *, keys: Sequence[str], args: Sequence[Argument] = ()) -> Command:
    """The command that runs a script."""
    return ("EVALSHA", program.sha, len(keys), *keys, *args)


async def exchange(wire: Wire, commands: Sequence[Command], *, tries: int, within: float = ROUND_TRIP) -> list[Any]:
    """One round trip, made up to `tries` times, and once more for the scripts that Redis did not know.

    `within` is for each try, in seconds. Error replies are returned. Raises StoreUnavailable.
    """
    replies = await _repeat(wire, commands, tries=tries, within=within)
    unknown = [index for index, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
    if unknown:
        await load_scripts(wire, tries=tries)
        again = await _repeat(wire, [commands[index] for index in unknown], tries=tries, within=within)
        for index, reply in zip(unknown, again, strict=True):
            replies[index] = reply
    return replies


async def load_scripts(wire: Wire, *, tries: int) -> None:
    """Make every script known to Redis. Raises StoreUnavailable."""
    for reply in await _repeat(wire, [("SCRIPT", "LOAD", each.text) for each in every_script()], tries=tries):
        if isinstance(reply, Exception):
            raise meaning(reply)


async def _repeat(wire: Wire, commands: Sequence[Command], *, tries: int, within: float = ROUND_TRIP) -> list[Any]:
    for attempt in range(1, tries):
        try:
            return await wire.exchange(commands, within=within)
        except StoreUnavailable:
            jitter = random.uniform(0.5, 1.0)  # noqa: S311 - no secret
            await asyncio.sleep(jitter * FIRST_PAUSE * 2 ** (attempt - 1))
    return await wire.exchange(commands, within=within)


def _deliver(batch: Sequence[Waiting], replies: Sequence[Any]) -> None:
    for (_, future), reply in zip(batch, replies, strict=True):
        if future.done():  # its caller was cancelled
            continue
        if isinstance(reply, Exception):
            future.set_exception(meaning(reply))
        else:
            future.set_result(reply)
