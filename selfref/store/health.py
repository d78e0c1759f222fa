"""What an operator must know about the Redis behind the store."""

from dataclasses import dataclass

from selfref.store.keys import Keys
from selfref.store.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """Redis as it describes itself; `used_memory` and `maxmemory` in bytes, 0 for no maximum."""

    redis_version: str
    aof_enabled: bool
    aof_last_write_status: str
    maxmemory_policy: str
    used_memory: int
    maxmemory: int


async def read_health(pipeline: Pipeline) -> StoreHealth:
    """Ask Redis. Raises StoreUnavailable."""
    facts = await _facts(pipeline, "server", "persistence", "memory")
    return StoreHealth(
        redis_version=facts["redis_version"],
        aof_enabled=facts["aof_enabled"] == "1",
        aof_last_write_status=facts["aof_last_write_status"],
        maxmemory_policy=facts["maxmemory_policy"],
        used_memory=int(facts["used_memory"]),
        maxmemory=int(facts["maxmemory"]),
    )


async def read_run_id(pipeline: Pipeline) -> str:
    """What Redis calls itself since its last start. Raises StoreUnavailable."""
    return (await _facts(pipeline, "server"))["run_id"]


async def _facts(pipeline: Pipeline, *sections: str) -> dict[str, str]:
    told = await pipeline.calls([("INFO", section) for section in sections])
    return dict(line.split(":", 1) for section in told for line in section.decode().splitlines() if ":" in line)


async def require_writes(pipeline: Pipeline, keys: Keys) -> None:
    """Raises StoreFull, StoreRefuses or StoreUnavailable unless Redis would take a write now.

    Asks for one that changes nothing: memory, disk and role are looked at before the command is.
    """
    await pipeline.call("SET", keys.never, "", "XX")
