"""The consumer groups of the work streams."""

from typing import Any

from redis.exceptions import ResponseError

from selfref.messages import Lane
from selfref.store.keys import GROUP, Shards
from selfref.store.pipeline import TRIES, exchange
from selfref.store.wire import Wire, meaning


async def create_groups(wire: Wire, shards: Shards) -> None:
    """Make the groups that are missing, from the first entry of each stream on. Raises StoreUnavailable.

    Looks before it writes: a full Redis refuses to make even a group that is there, and must stay readable.
    """
    streams = [keys.work(lane) for keys in shards for lane in Lane]
    found = await exchange(wire, [("XINFO", "GROUPS", stream) for stream in streams], tries=TRIES)
    missing = [stream for stream, reply in zip(streams, found, strict=True) if not _has_group(reply)]
    if not missing:
        return
    commands = [("XGROUP", "CREATE", stream, GROUP, "0", "MKSTREAM") for stream in missing]
    for reply in await exchange(wire, commands, tries=TRIES):
        if isinstance(reply, ResponseError) and "BUSYGROUP" not in str(reply):
            raise meaning(reply)


def _has_group(reply: Any) -> bool:
    """Whether XINFO GROUPS told of our group; a stream that is not there has none."""
    if isinstance(reply, ResponseError):
        if "no such key" in str(reply):
            return False
        raise meaning(reply)
    return any(GROUP.encode() in group for group in reply)
