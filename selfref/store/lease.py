"""Which of several processes is the active one: whoever holds a lease that runs out by itself."""

from selfref.store.calls import new_call
from selfref.store.keys import Shards
from selfref.store.pipeline import Pipeline


class Lease:
    """One process's claim to be the active keeper; raises StoreUnavailable."""

    def __init__(self, pipeline: Pipeline, *, shards: Shards) -> None:
        self._pipeline = pipeline
        self._key = shards[0].lease
        self._name = new_call()

    async def hold(self, *, seconds: float) -> bool:
        """Take the lease or hold it longer. False while another process has it."""
        return bool(await self._pipeline.run("hold_lease", keys=[self._key], args=[self._name, round(seconds * 1000)]))

    async def is_held(self) -> bool:
        """Whether some process is the active one now; changes nothing."""
        return bool(await self._pipeline.call("EXISTS", self._key))

    async def release(self) -> None:
        """Let another process be active at once."""
        await self._pipeline.run("release_lock", keys=[self._key], args=[self._name])
