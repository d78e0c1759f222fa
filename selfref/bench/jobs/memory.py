"""How much memory Redis takes for jobs of several sizes, while they are uploaded, fed, judged in part and archived.

Twice for every size: judged by a worker on an engine that answers at once, and ended without an engine as fast as one
client can, which fills the results faster than any judge would.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from redis.asyncio import Redis

from selfref.bench.cpu import peak_bytes
from selfref.bench.jobs.caller import Caller, ended, read
from selfref.bench.jobs.lines import write_lines
from selfref.bench.jobs.made import judged
from selfref.bench.jobs.plan import Case, Figures, Measurement, Plan
from selfref.bench.jobs.stack import Bench
from selfref.store import Segment, Store
from selfref.store.keys import Shards, label_sequence

SAMPLE_EVERY = 0.05  # seconds
TOGETHER = 16  # pairs claimed and finished at a time without an engine
RETENTION = 3600.0
PATIENCE = 1800.0  # seconds
MB = 1e6
TENANT = "default"


def cases(plan: Plan) -> list[Case]:
    """Each size, judged and ended."""
    return [
        *(
            Case(
                f"{size:,} lines\na worker",
                partial(measure_judged, size, most=plan.ended, concurrency=plan.concurrency),
            )
            for size in plan.sizes
        ),
        *(
            Case(f"{size:,} lines\nno engine", partial(measure_ended, size, most=10 * plan.ended))
            for size in plan.sizes
        ),
    ]


async def measure_judged(size: int, *, most: int, concurrency: int) -> Figures:
    """A worker judges at least `most` pairs of the job."""
    async with Bench.standing() as bench, _watched(bench, size) as (figures, caller, job_id):
        began = time.perf_counter()
        await bench.worker(await bench.engine(), concurrency=concurrency)
        job = await caller.until(job_id, lambda job: ended(job) >= min(size, most), within=PATIENCE)
        figures["ended"] = ended(job)
        figures["ended_per_second"] = ended(job) / (time.perf_counter() - began)
    return figures


async def measure_ended(size: int, *, most: int) -> Figures:
    """This process ends at least `most` pairs of the job, with judgments of the usual size."""
    async with Bench.standing() as bench, _watched(bench, size) as (figures, _, _):
        began, count = time.perf_counter(), 0
        store = await Store.open(bench.redis_url)
        try:
            while count < min(size, most):
                claims = await store.work.claim("bench", count=TOGETHER, wait=1)
                endings = [store.work.finish(each, *judged(each.work), retention=RETENTION) for each in claims]
                count += sum(await asyncio.gather(*endings))
            figures["ended"] = count
            figures["ended_per_second"] = count / (time.perf_counter() - began)
        finally:
            await store.aclose()
    return figures


@asynccontextmanager
async def _watched(bench: Bench, size: int) -> AsyncIterator[tuple[Figures, Caller, str]]:
    """A job of that size that has been read; what memory came to is in the figures behind the block."""
    file = bench.folder / "lines.jsonl"
    await asyncio.to_thread(write_lines, file, size)
    redis = await bench.redis()
    gateway, url = await bench.gateway()
    keeper = await bench.keeper()
    figures: Figures = {}
    samples: list[int] = []
    client = Redis.from_url(bench.redis_url, protocol=2)
    sampling = asyncio.create_task(_sample(client, samples))
    try:
        async with Caller.calling(url) as caller:
            job = await caller.upload(file)
            await caller.until(job["id"], read, within=PATIENCE)
            yield figures, caller, job["id"]
            await asyncio.sleep(2 * SAMPLE_EVERY)
        info = await client.info("memory")
        figures |= {
            "redis_used_mb": max([*samples, info["used_memory_peak"]]) / MB,
            "redis_peak_mb": peak_bytes(redis.pid) / MB,
            "gateway_peak_mb": peak_bytes(gateway.pid) / MB,
            "keeper_peak_mb": peak_bytes(keeper.pid) / MB,
            "archived": await _archived(client),
            "redis_log_mb": (bench.folder / "redis" / "appendonly.aof").stat().st_size / MB,
        }
    finally:
        sampling.cancel()
        await asyncio.wait([sampling])
        await client.aclose()


async def _archived(client: "Redis") -> int:
    """Labels that lie in the archive."""
    segments: Any = await client.zrange(Shards(1)[0].segments(label_sequence(TENANT)), 0, -1)
    return sum(Segment.decode(each).count for each in segments)


async def _sample(client: "Redis", samples: list[int]) -> None:
    while True:
        samples.append((await client.info("memory"))["used_memory"])
        await asyncio.sleep(SAMPLE_EVERY)


MEASUREMENT = Measurement(
    title="Memory while a job is uploaded, read, fed, judged in part and archived; medians",
    figures=(
        ("redis_used_mb", "Redis: peak used_memory, MB", "{:.1f}"),
        ("redis_peak_mb", "Redis: peak of the process, MB", "{:.1f}"),
        ("redis_log_mb", "Redis: append-only file at the end, MB", "{:.1f}"),
        ("gateway_peak_mb", "gateway: peak memory, MB", "{:.0f}"),
        ("keeper_peak_mb", "keeper: peak memory, MB", "{:.0f}"),
        ("ended", "pairs that ended", "{:,.0f}"),
        ("archived", "of them archived by then", "{:,.0f}"),
        ("ended_per_second", "ended a second", "{:,.0f}"),
    ),
    cases=cases,
)
