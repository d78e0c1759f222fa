"""What a pair costs the queue: the CPU of Redis, and of the store in its client, step by step and without an engine.

A job's pairs are enqueued, claimed, finished and archived; beside them, on the same Redis, as many pairs take the way
of `POST /judge`. Everything is logged to the append-only file as in production. CPU of Redis is that of all its
threads, to the nanosecond (`schedstat`), so its background (ten ticks and one sync a second) is in the figures.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from selfref.bench.cpu import fine_cpu_seconds
from selfref.bench.jobs.lines import write_lines
from selfref.bench.jobs.made import judged, works
from selfref.bench.jobs.plan import Case, Figures, Measurement, Plan
from selfref.bench.jobs.stack import Bench
from selfref.messages import Lane
from selfref.store import Claim, Segment, Store, StoredJob, ready_item
from selfref.store.documents import pack

ENQUEUED_AT_ONCE = 250  # as the keeper does
IN_FLIGHT = 64  # pairs claimed before the first of them is finished: a worker's default concurrency
ARCHIVED_FROM = 2000  # entries of a sequence, as the keeper does
RETENTION = 3600.0
JOB, TENANT = "job-" + "0" * 24, "default"
RESULTS, LABELS = f"results:{JOB}", f"labels:{TENANT}"
STEPS = ("enqueue", "accept", *(f"{step}{way}" for way in ("", "_judge") for step in ("claim", "finish", "archive")))

Each = TypeVar("Each")


@dataclass(slots=True)
class Costs:
    """CPU seconds by step, of Redis and of this process."""

    redis_pid: int
    redis: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    client: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    @contextmanager
    def of(self, step: str) -> Iterator[None]:
        """What is spent within the block belongs to this step."""
        redis, client = fine_cpu_seconds(self.redis_pid), time.process_time()
        yield
        self.client[step] += time.process_time() - client
        self.redis[step] += fine_cpu_seconds(self.redis_pid) - redis


def cases(plan: Plan) -> list[Case]:
    """Calls come together under load, and alone without."""
    return [
        Case("16 calls at a time", partial(measure, plan.pairs, together=16)),
        Case("one at a time", partial(measure, plan.pairs, together=1)),
    ]


async def measure(pairs: int, *, together: int) -> Figures:
    """One fresh Redis; `together` claims come with one call, and as many pairs are finished at the same time."""
    async with Bench.standing() as bench:
        costs = Costs((await bench.redis()).pid)
        lines = bench.folder / "lines"
        await asyncio.to_thread(write_lines, lines, pairs)
        store = await Store.open(bench.redis_url)
        try:
            sizes = await _job(store, lines, costs, together=together)
            await _interactive(store, lines, costs, together=together)
        finally:
            await store.aclose()
    return {**figures(costs, pairs=pairs), **sizes}


def figures(costs: Costs, *, pairs: int) -> Figures:
    """Microseconds a pair, and the sums and ratio that the goals are about."""
    redis = {f"redis_{step}": costs.redis[step] / pairs * 1e6 for step in STEPS}
    client = {f"client_{step}": costs.client[step] / pairs * 1e6 for step in STEPS}
    job = redis["redis_enqueue"] + redis["redis_finish"]
    judge = redis["redis_accept"] + redis["redis_finish_judge"]
    return {
        **redis,
        **client,
        "redis_enqueue_finish": job,
        "redis_accept_finish": judge,
        "share_of_judge": job / judge,
        "redis_whole": sum(redis[f"redis_{step}"] for step in ("enqueue", "claim", "finish", "archive")),
    }


async def _job(store: Store, lines: Path, costs: Costs, *, together: int) -> Figures:
    pairs = await asyncio.to_thread(works, lines, job_id=JOB, lane=Lane.BATCH)
    job = await _started(store, pairs=len(pairs))
    items = [ready_item(number, cost=1, work=work) for number, work in enumerate(pairs)]
    with costs.of("enqueue"):
        for first in range(0, len(items), ENQUEUED_AT_ONCE):
            part = items[first : first + ENQUEUED_AT_ONCE]
            await store.jobs.enqueue(job, part, after=first, through=first + len(part))
    await _finish_all(store, costs, len(pairs), together=together, way="", sequences=(RESULTS, LABELS))
    judgment, label = judged(pairs[0])
    sizes: Figures = {}
    for name, document in (("work", pairs[0]), ("judgment", judgment), ("label", label)):
        text = document.model_dump_json()
        sizes |= {f"{name}_bytes": len(text), f"{name}_packed": len(pack(text))}
    return sizes


async def _interactive(store: Store, lines: Path, costs: Costs, *, together: int) -> None:
    pairs = await asyncio.to_thread(works, lines, job_id=None, lane=Lane.INTERACTIVE)
    with costs.of("accept"):
        for some in _in_parts(pairs, together):
            await asyncio.gather(
                *[store.judgments.accept(work, fingerprint=work.id, queue_limit=2 * len(pairs)) for work in some]
            )
    await _finish_all(store, costs, len(pairs), together=together, way="_judge", sequences=(LABELS,))


async def _started(store: Store, *, pairs: int) -> StoredJob:
    await store.jobs.register(JOB, tenant=TENANT, manifest=b"{}", fingerprint="0", created=0)
    registered = await store.jobs.get(JOB)
    assert registered is not None  # noqa: S101 - it has just been registered
    await store.jobs.start(registered, lines=b"{}", pairs=pairs, checks=0, at=0)
    started = await store.jobs.get(JOB)
    assert started is not None  # noqa: S101
    return started


async def _finish_all(
    store: Store, costs: Costs, count: int, *, together: int, way: str, sequences: Sequence[str]
) -> None:
    """Claim as a worker with `IN_FLIGHT` slots does, finish in rounds, archive on the way, until all have ended."""
    ended = kept = 0
    while ended < count:
        claims: list[Claim] = []
        with costs.of(f"claim{way}"):
            while len(claims) < min(IN_FLIGHT, count - ended):
                claims += await store.work.claim("bench", count=min(together, count - ended - len(claims)), wait=0)
        outcomes = [(each, *judged(each.work)) for each in claims]
        with costs.of(f"finish{way}"):
            for some in _in_parts(outcomes, together):
                await asyncio.gather(
                    *[store.work.finish(each, outcome, label, retention=RETENTION) for each, outcome, label in some]
                )
        ended, kept = ended + len(claims), kept + len(claims)
        if kept >= ARCHIVED_FROM or ended == count:
            kept = 0
            with costs.of(f"archive{way}"):
                for name in sequences:
                    await _archive(store, name)


async def _archive(store: Store, name: str) -> None:
    """What archiving asks of Redis; the file itself is not written."""
    keys = store.shards[0]
    if entries := await store.sequences.oldest(keys, name, limit=ARCHIVED_FROM + IN_FLIGHT):
        segment = Segment(file="none", first=entries[0][0], last=entries[-1][0], count=len(entries))
        await store.sequences.archived(keys, name, segment)


def _in_parts(items: Sequence[Each], size: int) -> Iterator[Sequence[Each]]:
    return (items[first : first + size] for first in range(0, len(items), size))


MEASUREMENT = Measurement(
    title="Queue: CPU a pair, µs, medians",
    figures=(
        ("redis_enqueue", "Redis: enqueue", "{:.1f}"),
        ("redis_claim", "Redis: claim (dealt and taken)", "{:.1f}"),
        ("redis_finish", "Redis: finish", "{:.1f}"),
        ("redis_archive", "Redis: read and trimmed for the archive", "{:.1f}"),
        ("redis_whole", "Redis: all of it", "{:.1f}"),
        ("redis_enqueue_finish", "Redis: enqueue + finish", "{:.1f}"),
        ("redis_accept", "Redis, /judge: accept", "{:.1f}"),
        ("redis_claim_judge", "Redis, /judge: claim", "{:.1f}"),
        ("redis_finish_judge", "Redis, /judge: finish", "{:.1f}"),
        ("redis_archive_judge", "Redis, /judge: read and trimmed for the archive", "{:.1f}"),
        ("redis_accept_finish", "Redis, /judge: accept + finish", "{:.1f}"),
        ("share_of_judge", "enqueue + finish, of accept + finish", "{:.0%}"),
        ("client_enqueue", "client: enqueue", "{:.1f}"),
        ("client_claim", "client: claim", "{:.1f}"),
        ("client_finish", "client: finish", "{:.1f}"),
        ("client_accept", "client, /judge: accept", "{:.1f}"),
        ("client_claim_judge", "client, /judge: claim", "{:.1f}"),
        ("client_finish_judge", "client, /judge: finish", "{:.1f}"),
        ("work_bytes", "bytes of a pair's work", "{:.0f}"),
        ("work_packed", "bytes of it as it is stored", "{:.0f}"),
        ("judgment_bytes", "bytes of its judgment", "{:.0f}"),
        ("judgment_packed", "bytes of it as it is stored", "{:.0f}"),
        ("label_bytes", "bytes of its label", "{:.0f}"),
        ("label_packed", "bytes of it as it is stored", "{:.0f}"),
    ),
    cases=cases,
)
