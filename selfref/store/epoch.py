"""What is fixed when a Redis is first used: the feed's epoch, and the number of shards."""

import os

from selfref.store.errors import ShardsDiffer
from selfref.store.keys import Shards
from selfref.store.pipeline import Pipeline


async def settle(pipeline: Pipeline, shards: Shards) -> str:
    """The feed's epoch, made now if this Redis is new.

    Raises ShardsDiffer when this Redis was set up with another number of shards, and StoreUnavailable.
    """
    first = shards[0]
    _, epoch, _, count = await pipeline.calls(
        [
            ("SET", first.epoch, os.urandom(6).hex(), "NX"),
            ("GET", first.epoch),
            ("SET", first.shards, len(shards), "NX"),
            ("GET", first.shards),
        ]
    )
    if int(count) != len(shards):
        raise ShardsDiffer(
            f"this Redis holds pairs in {int(count)} shards, not {len(shards)}; set SELFREF_SHARDS={int(count)}"
        )
    return str(epoch.decode())
