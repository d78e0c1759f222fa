"""Will Redis keep what was accepted? Reads INFO, and asks for a write that changes nothing; reads nothing of ours."""

from typing import Any

from redis import RedisError
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from selfref.cli.checks.finding import Finding, Part
from selfref.store import StoreError
from selfref.store.keys import Keys
from selfref.store.wire import meaning

OLDEST = (6, 2)  # XAUTOCLAIM came with 6.2
TIMEOUT = 3.0  # seconds
NEARLY_FULL = 0.9  # of maxmemory
_REDIS = Part("redis")


async def check_redis(url: str) -> list[Finding]:
    """Reachable, taking writes, new enough, persistent, never evicting, and with room left."""
    try:
        client = Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, protocol=2)
    except ValueError as error:
        return [_REDIS.fail("reachable", str(error), mend="Give --redis-url as redis://HOST:PORT/0.")]
    try:
        info = await client.info()
        taken = await _takes_writes(client)
    except (RedisError, OSError) as error:
        return [_REDIS.fail("reachable", str(error), mend="Start it (`selfref up` has its own), or give --redis-url.")]
    finally:
        await client.aclose()
    return [taken, *findings_of(info)]


def findings_of(info: dict[str, Any]) -> list[Finding]:
    """What an INFO reply says."""
    return [_version(info), _append_only_file(info), _writes(info), _eviction(info), _room(info)]


async def _takes_writes(client: Redis) -> Finding:
    """Asks for a write that changes nothing: memory, disk and role are looked at before the command is."""
    try:
        await client.set(Keys(0).never, "", xx=True)
    except ResponseError as error:
        refusal = meaning(error)
        mend = f"{refusal.detail}." if isinstance(refusal, StoreError) else "See its log."
        return _REDIS.fail("writes", f"refused: {error}", mend=mend)
    return _REDIS.ok("writes", "taken")


def _version(info: dict[str, Any]) -> Finding:
    version = str(info["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        return _REDIS.fail("version", version, mend="Use Redis 6.2 or newer, or Valkey.")
    return _REDIS.ok("version", version)


def _append_only_file(info: dict[str, Any]) -> Finding:
    if info.get("aof_enabled"):
        return _REDIS.ok("persistence", "append-only file on")
    mend = "Set `appendonly yes` and `appendfsync everysec`: without it a crash loses accepted pairs."
    return _REDIS.fail("persistence", "append-only file off", mend=mend)


def _writes(info: dict[str, Any]) -> Finding:
    seen = {name: str(info.get(name, "ok")) for name in ("aof_last_write_status", "aof_last_bgrewrite_status")}
    bad = [f"{name} {status}" for name, status in seen.items() if status != "ok"]
    if bad:
        return _REDIS.fail("disk", ", ".join(bad), mend="Free space where Redis keeps its data; see its log.")
    return _REDIS.ok("disk", "last writes ok")


def _eviction(info: dict[str, Any]) -> Finding:
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        return _REDIS.fail("eviction", policy, mend="Set `maxmemory-policy noeviction`: others delete accepted pairs.")
    return _REDIS.ok("eviction", policy)


def _room(info: dict[str, Any]) -> Finding:
    used, most = int(info["used_memory"]), int(info.get("maxmemory", 0))
    seen = f"{used / 2**20:.0f} MiB used of {f'{most / 2**20:.0f} MiB' if most else 'no limit'}"
    if most and used > NEARLY_FULL * most:
        return _REDIS.warn("memory", seen, mend="Raise maxmemory: at the limit new pairs are refused.")
    return _REDIS.ok("memory", seen)
