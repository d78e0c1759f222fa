"""The store as a process sees it: one object, opened once, made of small parts."""

import contextlib
from typing import Self

from redis.exceptions import ResponseError

from selfref.store.dead_letters import DeadLetters
from selfref.store.epoch import settle
from selfref.store.errors import StoreUnavailable
from selfref.store.groups import create_groups
from selfref.store.health import StoreHealth, read_health, read_run_id, require_writes
from selfref.store.jobs import Jobs
from selfref.store.judgments import Judgments
from selfref.store.keys import Shards
from selfref.store.labels import Labels
from selfref.store.lease import Lease
from selfref.store.pipeline import TRIES, Pipeline, load_scripts
from selfref.store.references import References
from selfref.store.sequences import Archive, NoArchive, Sequences
from selfref.store.tallies import Tallies
from selfref.store.wire import Wire
from selfref.store.work import Work


class Store:
    """Everything that lasts: judgments, jobs, work, labels, references, dead letters and tallies, on one Redis."""

    def __init__(self, wire: Wire, *, shards: Shards, archive: Archive) -> None:
        """Use `Store.open`, which also makes sure that Redis is there and ready."""
        self._wire = wire
        self._pipeline = Pipeline(wire)
        self._shards = shards
        self.judgments = Judgments(self._pipeline, wire, shards=shards)
        self.work = Work(self._pipeline, wire, shards=shards)
        self.sequences = Sequences(self._pipeline, archive=archive)
        self.labels = Labels(self._pipeline, wire, self.sequences, shards=shards)
        self.jobs = Jobs(self._pipeline, self.sequences, shards=shards)
        self.lease = Lease(self._pipeline, shards=shards)
        self.references = References(self._pipeline, shards=shards)
        self.dead_letters = DeadLetters(self._pipeline, shards=shards)
        self.tallies = Tallies(self._pipeline, shards=shards)

    @classmethod
    async def open(cls, redis_url: str, *, shards: int = 1, archive: Archive | None = None) -> Self:
        """Connect, load the scripts and make the consumer groups. Without `archive` only what Redis holds can be read.

        Raises StoreUnavailable (ShardsDiffer for the wrong number of shards), and ValueError for no Redis URL.
        """
        store = cls(Wire(redis_url), shards=Shards(shards), archive=archive or NoArchive())
        try:
            await store._prepare()
        except StoreUnavailable:
            await store._wire.aclose()
            raise
        return store

    @property
    def shards(self) -> Shards:
        """The shards that everything is spread over."""
        return self._shards

    async def ping(self) -> None:
        """Raises StoreUnavailable unless Redis answers."""
        await self._pipeline.call("PING")

    async def run_id(self) -> str:
        """Another after every start of Redis. Raises StoreUnavailable."""
        return await read_run_id(self._pipeline)

    async def rewrite_log(self) -> None:
        """Have Redis write its append-only file anew, in the background. Raises StoreUnavailable.

        After a start on a file whose end was torn, the file still holds the beginning of a transaction that this start
        has dropped, and that the next one would carry out by half.
        """
        with contextlib.suppress(ResponseError):  # one is being written, or this Redis does not let us
            await self._pipeline.call("BGREWRITEAOF")

    async def health(self) -> StoreHealth:
        """What Redis says about itself. Raises StoreUnavailable."""
        return await read_health(self._pipeline)

    async def require_writes(self) -> None:
        """Raises StoreUnavailable (StoreFull for lack of memory) unless Redis would take a write now."""
        await require_writes(self._pipeline, self._shards[0])

    async def aclose(self) -> None:
        """Give back what this process's consumers still hold, leave their groups, and close the connections."""
        with contextlib.suppress(StoreUnavailable):  # then the leases run out by themselves
            await self.work.retire()
        await self._pipeline.aclose()
        await self._wire.aclose()

    async def _prepare(self) -> None:
        await load_scripts(self._wire, tries=TRIES)
        await settle(self._pipeline, self._shards)
        await create_groups(self._wire, self._shards)
