"""Redis did it to a job, and its answer was lost: each step counts once, and its caller learns what came of it."""

from collections.abc import AsyncIterator

import pytest

from selfref.messages import Check, JobCounts, JobStatus
from selfref.store import Store
from selfref.store.keys import result_sequence
from service.archive import SegmentArchive
from tests.redis_server import RedisServer
from tests.selfref.store.jobs import (
    START,
    fail,
    fed,
    item,
    judge,
    outcomes,
    pair_of,
    running,
    started,
    stored,
)
from tests.selfref.store.lossy_proxy import LossyProxy
from tests.selfref.store.views import claim_all, feed, look

J = "job-a"


@pytest.fixture
async def proxy(redis_url: str, redis_server: RedisServer) -> AsyncIterator[LossyProxy]:
    async with LossyProxy(redis_server.port).running() as running:
        yield running


@pytest.fixture
def archive() -> SegmentArchive:
    return SegmentArchive("memory://lost-replies")


@pytest.fixture
async def unlucky(proxy: LossyProxy, archive: SegmentArchive) -> AsyncIterator[Store]:
    opened = await Store.open(proxy.url, archive=archive)
    yield opened
    assert proxy.lost, "this test has lost no reply"
    proxy.losing = 0
    await opened.aclose()


async def test_a_job_is_registered_and_started_once(proxy: LossyProxy, unlucky: Store) -> None:
    proxy.losing = 2
    assert await unlucky.jobs.register(J, tenant="acme", manifest=b"{}", fingerprint="f", created=1) is None
    job = await stored(unlucky, J)
    proxy.losing = 1
    await unlucky.jobs.start(job, lines=b"{}", pairs=3, checks=1, at=2)
    job = await stored(unlucky, J)
    assert (job.counts.submitted, job.planned, await unlucky.jobs.open()) == (3, 4, [job])


async def test_pairs_are_fed_once(proxy: LossyProxy, unlucky: Store) -> None:
    job = await started(unlucky, J, 20)
    items = [item(pair_of(J, number)) for number in range(20)]
    proxy.losing = 2
    assert await unlucky.jobs.enqueue(job, items, after=0, through=20) == 20
    claims = await claim_all(unlucky, "w", 20)
    assert sorted(claim.work.id for claim in claims) == sorted(f"{J}.{number}" for number in range(20))
    assert await unlucky.work.claim("w", count=1, wait=0) == []


async def test_a_pair_ends_once(proxy: LossyProxy, unlucky: Store) -> None:
    await started(unlucky, J, 2, checks=1)
    works = [pair_of(J, 0), pair_of(J, 1), pair_of(J, 2, check=Check(kind="gold", better="A"))]
    await unlucky.jobs.enqueue(await stored(unlucky, J), [item(each) for each in works], after=0, through=3)
    judged, failed, check = await claim_all(unlucky, "w", 3)
    for end, claim in ((judge, judged), (fail, failed), (judge, check)):
        proxy.losing = 2
        await end(unlucky, claim)
    job = await stored(unlucky, J)
    assert (job.counts, job.checks_ended) == (JobCounts(submitted=2, decided=1, failed=1), 1)
    assert await outcomes(unlucky, J) == ([f"{J}.0"], [f"{J}.1"])
    assert await feed(unlucky) == [f"{J}.0"]


async def test_a_pair_that_is_put_off_or_handed_back_is_there_once(proxy: LossyProxy, unlucky: Store) -> None:
    await running(unlucky, J, 2)
    off, back = await claim_all(unlucky, "w", 2)
    proxy.losing = 2
    await unlucky.work.retry_later(off, delay=0, reason="503")
    proxy.losing = 2
    await unlucky.work.hand_back([back])
    proxy.losing = 1
    await unlucky.work.promote()
    assert (await look(unlucky)).waiting_ids() == {f"{J}.0": 1, f"{J}.1": 1}
    claims = await claim_all(unlucky, "w", 2)
    assert sorted((claim.work.id, claim.attempts) for claim in claims) == [(f"{J}.0", 1), (f"{J}.1", 0)]


async def test_a_retry_is_told_how_many_pairs_wait_again(proxy: LossyProxy, unlucky: Store) -> None:
    await running(unlucky, J, 3)
    for claim in await claim_all(unlucky, "w", 3):
        await fail(unlucky, claim)
    await unlucky.jobs.complete(J, at=4)
    proxy.losing = 2
    assert await unlucky.jobs.retry(J, tenant="acme") == 3
    job = await stored(unlucky, J)
    assert (job.status, job.planned, job.counts.waiting) == (JobStatus.RUNNING, 6, 3)
    assert [retry.pairs for retry in await unlucky.jobs.retries(J)] == [3]


async def test_a_job_is_canceled_completed_and_deleted_once(proxy: LossyProxy, unlucky: Store) -> None:
    await running(unlucky, J, 3)
    await running(unlucky, "job-b", 1)
    (claim,) = [each for each in await claim_all(unlucky, "w", 4) if each.work.job_id == "job-b"]
    await judge(unlucky, claim)
    proxy.losing = 2
    await unlucky.jobs.cancel(J, tenant="acme", at=5)
    assert (await stored(unlucky, J)).counts == JobCounts(submitted=3, canceled=3)
    proxy.losing = 2
    assert await unlucky.jobs.complete("job-b", at=6)
    for job_id in (J, "job-b"):
        proxy.losing = 2
        assert await unlucky.jobs.delete(job_id, tenant="acme")
        assert await unlucky.jobs.get(job_id) is None


async def test_a_segment_is_registered_once_and_trimmed_once(
    proxy: LossyProxy, unlucky: Store, archive: SegmentArchive
) -> None:
    await started(unlucky, J, 6)
    await fed(unlucky, J, range(6))
    for claim in await claim_all(unlucky, "w", 6):
        await judge(unlucky, claim)
    (keys,), name = unlucky.shards, result_sequence(J)
    segment = await archive.write(name, await unlucky.sequences.oldest(keys, name, limit=4))
    proxy.losing = 2
    assert await unlucky.sequences.archived(keys, name, segment)
    assert len(await unlucky.jobs.results(J, after=START, limit=100)) == 6
    page = await unlucky.labels.read("acme", after=None, limit=4, wait=0)
    proxy.losing = 2
    await unlucky.labels.trim("acme", through=page.cursor)
    assert await feed(unlucky) == [f"{J}.4", f"{J}.5"]
