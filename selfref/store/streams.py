"""Waiting on Redis Streams for entries to come."""

from collections.abc import Mapping
from typing import Any

from selfref.store.pipeline import exchange
from selfref.store.wire import ROUND_TRIP, Command, Wire, meaning

FIRST_ID = "0-0"  # before every entry
MAX_BLOCK = 2.0  # seconds; a connection lost during a longer block would go unnoticed that long

Entries = dict[str, list[tuple[str, list[bytes]]]]  # by key: (stream id, alternating field names and values)


def block_milliseconds(wait: float) -> int:
    """How long to BLOCK; at least 1, because 0 means for ever to Redis."""
    return max(1, round(min(wait, MAX_BLOCK) * 1000))


async def ask(wire: Wire, command: Command, *, wait: float = 0.0) -> Any:
    """The reply of one command that must not be repeated, or that blocks up to `wait` seconds.

    Raises StoreUnavailable, or the error that Redis answered.
    """
    (reply,) = await exchange(wire, [command], tries=1, within=min(wait, MAX_BLOCK) + ROUND_TRIP)
    if isinstance(reply, Exception):
        raise meaning(reply)
    return reply


async def tail(wire: Wire, positions: Mapping[str, str], *, count: int, wait: float) -> Entries:
    """Up to `count` entries of each stream after its position; waits up to `wait` seconds (2 at most) for the first."""
    block: Command = ("BLOCK", block_milliseconds(wait)) if wait > 0 else ()
    command = ("XREAD", "COUNT", count, *block, "STREAMS", *positions, *positions.values())
    reply = await ask(wire, command, wait=wait)
    return {key.decode(): [(entry.decode(), fields) for entry, fields in entries] for key, entries in reply or ()}
