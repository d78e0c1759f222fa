"""Jobs for the store's tests: registered, started and fed without a file or a keeper."""

from collections.abc import Iterable

from selfref.messages import Check, Comparison, Lane, Preset, Work, now
from selfref.store import Claim, Position, Store, StoredJob, ready_item
from service.archive import SegmentArchive
from tests.outcomes import failure_of
from tests.selfref.store.pairs import RETENTION, judged

START = Position()


def pair_of(job_id: str, number: int, *, tenant: str = "acme", check: Check | None = None) -> Work:
    """One pair of a job."""
    return Work(
        id=f"{job_id}.{number}",
        tenant=tenant,
        lane=Lane.BATCH,
        comparison=Comparison(prompt=f"Question {job_id} {number}?", answer_a="Yes.", answer_b="No."),
        preset=Preset.SELF_REFERENCE,
        custom_id=f"c{number}",
        job_id=job_id,
        check=check,
        created_at=now(),
    )


def item(work: Work, *, cost: int = 1) -> bytes:
    """The pair as a keeper puts it on the ready list."""
    number = int(work.id.rpartition(".")[2])
    return ready_item(number, cost=cost, work=work)


async def started(store: Store, job_id: str, pairs: int, *, tenant: str = "acme", checks: int = 0) -> StoredJob:
    """A running job of so many pairs, none of them fed."""
    assert await store.jobs.register(job_id, tenant=tenant, manifest=b"{}", fingerprint=job_id, created=1) is None
    await store.jobs.start(await stored(store, job_id), lines=b"{}", pairs=pairs, checks=checks, at=2)
    return await stored(store, job_id)


async def stored(store: Store, job_id: str) -> StoredJob:
    """The job as it is now; its counts add up."""
    job = await store.jobs.get(job_id)
    assert job is not None
    counts = job.counts.model_dump()
    assert counts.pop("submitted") == sum(counts.values())
    assert all(count >= 0 for count in counts.values())
    return job


async def fed(store: Store, job_id: str, numbers: Iterable[int], *, tenant: str = "acme", cost: int = 1) -> None:
    """Put these pairs on the ready list, as the next ones of the plan."""
    job = await stored(store, job_id)
    items = [item(pair_of(job_id, number, tenant=tenant), cost=cost) for number in numbers]
    place = await store.jobs.enqueue(job, items, after=job.fed, through=job.fed + len(items))
    assert place == job.fed + len(items)


async def judge(store: Store, claim: Claim) -> bool:
    """End the pair as judged."""
    return await store.work.finish(claim, *judged(claim.work), retention=RETENTION)


async def fail(store: Store, claim: Claim) -> bool:
    """End the pair as failed."""
    return await store.work.finish(claim, failure_of(claim.work), None, retention=RETENTION)


async def running(store: Store, job_id: str, pairs: int, *, tenant: str = "acme") -> StoredJob:
    """A job with all of its pairs fed."""
    await started(store, job_id, pairs, tenant=tenant)
    await fed(store, job_id, range(pairs), tenant=tenant)
    return await stored(store, job_id)


async def archive_oldest(store: Store, archive: SegmentArchive, sequence: str, count: int) -> str | None:
    """Move the oldest entries of a job's sequence to the archive. The segment's file; None where there was nothing."""
    keys = store.shards.of(sequence.partition(":")[2])
    entries = await store.sequences.oldest(keys, sequence, limit=count)
    if not entries:
        return None
    segment = await archive.write(sequence, entries)
    assert await store.sequences.archived(keys, sequence, segment)
    return segment.file


async def outcomes(store: Store, job_id: str) -> tuple[list[str], list[str]]:
    """The ids of the job's results and of its failures, as sequences have them."""
    results = await store.jobs.results(job_id, after=START, limit=10_000)
    failures = await store.jobs.failures(job_id, after=START, limit=10_000)
    return [_id(document) for _, document in results], [_id(document) for _, document in failures]


def _id(document: bytes) -> str:
    return document.partition(b'"id":"')[2].partition(b'"')[0].decode()
