"""What is fixed when a Redis is first used: the feed's epoch, and the number of shards."""

import os

from selfref.store.errors import ShardsDiffer
from selfref.store.keys import Shards
from selfref.store.pipeline import Pipeline
from selfref.store.wire import Command


async def settle(pipeline: Pipeline, shards: Shards) -> str:
    """The feed's epoch, made now if this Redis is new.

    Writes only where something is missing: a full Redis refuses even a SET that would change nothing, and what it has
    must stay readable. Raises ShardsDiffer when this Redis was set up with another number of shards, and
    StoreUnavailable.
    """
    first = shards[0]
    reading: list[Command] = [("GET", first.epoch), ("GET", first.shards)]
    epoch, count = await pipeline.calls(reading)
    if epoch is None or count is None:
        new: list[Command] = [("SET", first.epoch, os.urandom(6).hex(), "NX"), ("SET", first.shards, len(shards), "NX")]
        _, _, epoch, count = await pipeline.calls([*new, *reading])
    if int(count) != len(shards):
        raise ShardsDiffer(
            f"this Redis holds pairs in {int(count)} shards, not {len(shards)}; set SELFREF_SHARDS={int(count)}"
        )
    return str(epoch.decode())
