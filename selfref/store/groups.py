"""The consumer groups of the work streams."""

from redis.exceptions import ResponseError

from selfref.messages import Lane
from selfref.store.keys import GROUP, Shards
from selfref.store.pipeline import TRIES, exchange
from selfref.store.wire import Wire, meaning


async def create_groups(wire: Wire, shards: Shards) -> None:
    """Make the groups that are missing, from the first entry of each stream on. Raises StoreUnavailable."""
    commands = [("XGROUP", "CREATE", keys.work(lane), GROUP, "0", "MKSTREAM") for keys in shards for lane in Lane]
    for reply in await exchange(wire, commands, tries=TRIES):
        if isinstance(reply, ResponseError) and "BUSYGROUP" not in str(reply):
            raise meaning(reply)
