"""Is a keeper active? Without one pairs are judged, but no file is: nobody reads it, or archives what comes of it."""

from selfref.cli.checks.finding import Finding, Part
from selfref.store import StoreUnavailable
from selfref.store.keys import Shards
from selfref.store.lease import Lease
from selfref.store.pipeline import Pipeline
from selfref.store.wire import Wire

_KEEPER = Part("keeper")
_MEND = (
    "Start `python -m service.keeper`: until then uploads stay `validating` and labels stay in Redis. "
    "Where one has just died, a standby is active within SELFREF_KEEPER_LEASE seconds and a few."
)


async def check_keeper(redis_url: str) -> list[Finding]:
    """Whether some keeper holds the lease. Nothing where Redis cannot be asked: that is Redis' own finding."""
    try:
        wire = Wire(redis_url)
    except ValueError:
        return []
    try:
        # The lease lies in the first shard however many there are; opening the store would write to Redis.
        held = await Lease(Pipeline(wire), shards=Shards(1)).is_held()
    except StoreUnavailable:
        return []
    finally:
        await wire.aclose()
    if held:
        return [_KEEPER.ok("active", "one holds the lease")]
    return [_KEEPER.warn("active", "no keeper is active: jobs wait", mend=_MEND)]
