"""What a large job costs a small one that comes later, of another tenant: an equal share of the engine, and no more.

The yardstick is the small job alone with half of the concurrency, which is its equal share.
"""

import asyncio
import hashlib
import time
from functools import partial
from pathlib import Path

from selfref.bench.jobs.caller import Caller, done, ended
from selfref.bench.jobs.lines import write_lines
from selfref.bench.jobs.plan import Case, Figures, Measurement, Plan
from selfref.bench.jobs.stack import Bench

FIRST, LATER = "first-tenant", "later-tenant"  # also their API keys
UNDER_WAY = 100  # pairs of the large job that have ended when the small one comes
PATIENCE = 900.0  # seconds


def cases(plan: Plan) -> list[Case]:
    """One, on two stacks."""
    heading = (
        f"{plan.small:,} pairs beside {plan.big:,}\nengine {plan.latency * 1000:g} ms, {plan.concurrency} in flight"
    )
    return [Case(heading, partial(measure, plan))]


async def measure(plan: Plan) -> Figures:
    """The small job alone on half of the engine, then beside the large one on all of it."""
    alone = await _alone(plan)
    beside, others = await _beside(plan)
    return {
        "alone_seconds": alone,
        "beside_seconds": beside,
        "ratio": beside / alone,
        "later_pairs_per_second": plan.small / beside,
        "first_pairs_per_second": others / beside,
    }


async def _alone(plan: Plan) -> float:
    async with Bench.standing() as bench:
        url = await _parts(bench, plan, concurrency=max(1, plan.concurrency // 2))
        file = await _file(bench, plan.small, seed=1)
        async with Caller.calling(url, key=LATER) as caller:
            return await _timed(caller, file)


async def _beside(plan: Plan) -> tuple[float, int]:
    """Seconds of the small job, and how many pairs of the large one ended meanwhile."""
    async with Bench.standing() as bench:
        url = await _parts(bench, plan, concurrency=plan.concurrency)
        small, big = await _file(bench, plan.small, seed=1), await _file(bench, plan.big, seed=2)
        async with Caller.calling(url, key=FIRST) as first, Caller.calling(url, key=LATER) as later:
            job = await first.upload(big)
            before = await first.until(job["id"], lambda job: ended(job) >= UNDER_WAY, within=PATIENCE)
            seconds = await _timed(later, small)
            after = await first.until(job["id"], lambda _: True, within=PATIENCE)
            return seconds, ended(after) - ended(before)


async def _timed(caller: Caller, file: Path) -> float:
    """Seconds from the beginning of the upload to the end of the job."""
    began = time.perf_counter()
    job = await caller.upload(file)
    await caller.until(job["id"], done, within=PATIENCE)
    return time.perf_counter() - began


async def _parts(bench: Bench, plan: Plan, *, concurrency: int) -> str:
    keys = ",".join(f"{name}:{hashlib.sha256(name.encode()).hexdigest()}" for name in (FIRST, LATER))
    await bench.redis()
    _, url = await bench.gateway({"SELFREF_SERVICE_API_KEYS": keys})
    await bench.keeper()
    await bench.worker(await bench.engine(latency=plan.latency), concurrency=concurrency)
    return url


async def _file(bench: Bench, count: int, *, seed: int) -> Path:
    file = bench.folder / f"lines-{seed}.jsonl"
    await asyncio.to_thread(write_lines, file, count, seed=seed)
    return file


MEASUREMENT = Measurement(
    title="A small job of another tenant, medians",
    figures=(
        ("alone_seconds", "alone on half of the engine, s", "{:.2f}"),
        ("beside_seconds", "beside the large job on all of it, s", "{:.2f}"),
        ("ratio", "beside, of alone", "{:.2f}"),
        ("later_pairs_per_second", "its pairs/s meanwhile", "{:.1f}"),
        ("first_pairs_per_second", "pairs/s of the large job meanwhile", "{:.1f}"),
    ),
    cases=cases,
)
