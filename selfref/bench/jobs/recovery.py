"""How long pairs stand still after a SIGKILL: of a worker, of the active keeper, and of Redis."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

from redis.asyncio import Redis

from selfref.bench.jobs.caller import Caller, ended, read
from selfref.bench.jobs.lines import write_lines
from selfref.bench.jobs.plan import Case, Figures, Measurement, Plan
from selfref.bench.jobs.stack import Bench, kill
from selfref.messages import Lane
from selfref.store.keys import GROUP, Shards

KEYS = Shards(1)[0]
LINES = 5_000  # more than are judged meanwhile
UNDER_WAY = 50  # pairs that have ended when somebody is killed
LOOK_AGAIN = 0.005  # seconds
PATIENCE = 120.0  # seconds
SMALL_WINDOW = 32  # pairs ready: so few that the keeper feeds all the time


def cases(plan: Plan) -> list[Case]:
    """Who is killed."""
    return [
        Case("a worker", partial(measure_worker, plan)),
        Case("the active keeper", partial(measure_keeper, plan)),
        Case("Redis", partial(measure_redis, plan)),
    ]


async def measure_worker(plan: Plan) -> Figures:
    """Two workers share a job; until every pair that the killed one held is another's."""
    async with Bench.standing() as bench:
        url = await _parts(bench)
        engine = await bench.engine(latency=plan.latency)
        half = max(1, plan.concurrency // 2)
        victim, _ = [await bench.worker(engine, concurrency=half, lease=plan.lease) for _ in range(2)]
        client = Redis.from_url(bench.redis_url, protocol=2)
        try:
            async with Caller.calling(url) as caller:
                await _under_way(bench, caller)
            consumer = await _consumer(client, victim.pid)
            await _until(partial(_holds, client, consumer), reached=lambda held: held >= half / 2)
            await kill(victim)
            began = time.perf_counter()
            held = await _holds(client, consumer)
            await _until(partial(_holds, client, consumer), reached=lambda left: left < max(held, 1))
            first = time.perf_counter() - began
            await _until(partial(_holds, client, consumer), reached=lambda left: left == 0)
            every = time.perf_counter() - began
        finally:
            await client.aclose()
    return {
        "lease": plan.lease,
        "held": held,
        "first_seconds": first,
        "seconds": every,
        "leases": every / plan.lease,
    }


async def measure_keeper(plan: Plan) -> Figures:
    """One keeper is active and one stands by; until the plan of the job moves on."""
    async with Bench.standing() as bench:
        told = {"SELFREF_KEEPER_LEASE": str(plan.lease), "SELFREF_KEEPER_WINDOW_PAIRS": str(SMALL_WINDOW)}
        await bench.redis()
        _, url = await bench.gateway()
        victim = await bench.keeper(told)
        await bench.standby(told)
        await bench.worker(await bench.engine(latency=plan.latency), concurrency=plan.concurrency)
        client = Redis.from_url(bench.redis_url, protocol=2)
        try:
            async with Caller.calling(url) as caller:
                job_id = await _under_way(bench, caller)
            await kill(victim)
            began, fed = time.perf_counter(), await _fed(client, job_id)
            await _until(partial(_fed, client, job_id), reached=lambda now: now > fed)
            seconds = time.perf_counter() - began
        finally:
            await client.aclose()
    return {"lease": plan.lease, "seconds": seconds, "leases": seconds / plan.lease}


async def measure_redis(plan: Plan) -> Figures:
    """Redis is started again at once, as systemd would; until more pairs have ended than it then knew."""
    async with Bench.standing() as bench:
        redis = await bench.redis()
        _, url = await bench.gateway()
        await bench.keeper()
        await bench.worker(await bench.engine(latency=plan.latency), concurrency=plan.concurrency)
        async with Caller.calling(url) as caller:
            job_id = await _under_way(bench, caller)
            await kill(redis)
            began = time.perf_counter()
            await bench.redis()
            answering = time.perf_counter() - began
            known = ended(await caller.until(job_id, read, within=PATIENCE))
            await caller.until(job_id, lambda job: ended(job) > known, within=PATIENCE)
            seconds = time.perf_counter() - began
    return {"redis_seconds": answering, "seconds": seconds}


async def _parts(bench: Bench) -> str:
    await bench.redis()
    _, url = await bench.gateway()
    await bench.keeper()
    return url


async def _under_way(bench: Bench, caller: Caller) -> str:
    """A job of which some pairs have ended and most have not."""
    file = bench.folder / "lines.jsonl"
    await asyncio.to_thread(write_lines, file, LINES)
    job = await caller.upload(file)
    await caller.until(job["id"], lambda job: ended(job) >= UNDER_WAY, within=PATIENCE)
    return str(job["id"])


async def _consumer(client: "Redis", pid: int) -> str:
    """The name of a worker in its consumer group, which says its process."""
    for each in await client.xinfo_consumers(KEYS.work(Lane.BATCH), GROUP):
        name: str = each["name"].decode()
        if f"-{pid}-" in name:
            return name
    raise LookupError(f"no consumer of process {pid}")


async def _holds(client: "Redis", consumer: str) -> int:
    return len(await client.xpending_range(KEYS.work(Lane.BATCH), GROUP, "-", "+", 1000, consumer))


async def _fed(client: "Redis", job_id: str) -> int:
    return int(await client.hget(KEYS.job(job_id), "fed") or 0)


async def _until(asked: Callable[[], Awaitable[int]], *, reached: Callable[[int], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if reached(await asked()):
                return
            await asyncio.sleep(LOOK_AGAIN)


MEASUREMENT = Measurement(
    title="Standstill after a SIGKILL, medians",
    figures=(
        ("lease", "lease, s", "{:g}"),
        ("held", "pairs that the killed one held", "{:.0f}"),
        ("first_seconds", "s until the first of them is another's", "{:.2f}"),
        ("redis_seconds", "s until Redis answers again", "{:.2f}"),
        ("seconds", "s until all goes on", "{:.2f}"),
        ("leases", "in leases", "{:.2f}"),
    ),
    cases=cases,
)
