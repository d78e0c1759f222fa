"""Jobs as Redis holds them: each step once, whoever repeats it, and counts that add up after every one."""

import asyncio

import orjson
import pytest

from selfref.messages import Check, JobStatus, Usage
from selfref.store import Standing, Store, Taken
from selfref.store.documents import pack
from selfref.store.keys import failure_sequence, result_sequence
from service.archive import SegmentArchive
from tests.selfref.store.jobs import (
    START,
    archive_oldest,
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
from tests.selfref.store.views import claim_all, eventually, feed, look

J = "job-a"


async def test_an_id_stands_for_one_upload(store: Store):
    await started(store, J, 1)
    again = await store.jobs.register(J, tenant="evil", manifest=b"x", fingerprint="other", created=9)
    assert again == Taken(fingerprint=J, tenant="acme")
    assert (await stored(store, J)).manifest == b"{}"


async def test_a_job_starts_once(store: Store):
    job = await started(store, J, 3)
    await store.jobs.start(job, lines=b"other", pairs=9, checks=9, at=9)
    await store.jobs.refuse(job, lines=b"other", at=9, reason="late")
    job = await stored(store, J)
    assert (job.status, job.counts.submitted, job.planned, job.reason) == (JobStatus.RUNNING, 3, 3, None)


async def test_pairs_are_judged_once_and_the_job_completes_when_all_have_ended(store: Store):
    await running(store, J, 3)
    claims = await claim_all(store, "w", 3)
    assert [claim.work.custom_id for claim in claims] == ["c0", "c1", "c2"]
    assert [await judge(store, claim) for claim in claims[:2]] == [True, True]
    assert not await store.jobs.complete(J, at=5)
    assert await fail(store, claims[2])
    assert [await judge(store, claim) for claim in claims] == [False] * 3, "the first writer wins"
    assert await store.jobs.complete(J, at=5)
    job = await stored(store, J)
    assert (job.status, job.counts.decided, job.counts.failed, job.ended) == (JobStatus.COMPLETED, 2, 1, 5)
    assert job.usage == Usage(calls=10, prompt_tokens=2420, completion_tokens=804)
    assert await outcomes(store, J) == ([f"{J}.0", f"{J}.1"], [f"{J}.2"])
    assert await feed(store) == [f"{J}.0", f"{J}.1"]
    assert (await look(store)).waiting_ids().total() == 0


async def test_whoever_feeds_a_place_that_was_fed_changes_nothing(store: Store):
    job = await started(store, J, 4)
    items = [item(pair_of(J, number)) for number in range(2)]
    assert await store.jobs.enqueue(job, items, after=0, through=2) == 2
    assert await store.jobs.enqueue(job, items, after=0, through=2) == 2
    assert (await stored(store, J)).fed == 2
    assert len(await claim_all(store, "w", 2)) == 2
    assert await store.work.claim("w", count=5, wait=0) == []


async def test_a_job_that_has_ended_is_not_fed(store: Store):
    job = await started(store, J, 2)
    await store.jobs.cancel(J, tenant="acme", at=3)
    assert await store.jobs.enqueue(job, [item(pair_of(J, 0))], after=0, through=1) is None
    assert await store.work.claim("w", count=5, wait=0) == []


async def test_a_job_can_be_canceled_while_its_lines_are_read(store: Store):
    await store.jobs.register(J, tenant="acme", manifest=b"{}", fingerprint=J, created=1)
    reading = await stored(store, J)
    await store.jobs.cancel(J, tenant="acme", at=3)
    await store.jobs.start(reading, lines=b"{}", pairs=3, checks=1, at=4)
    await store.jobs.refuse(reading, lines=b"{}", at=4, reason="late")
    job = await stored(store, J)
    assert (job.status, job.ended, job.planned, job.reason) == (JobStatus.CANCELED, 3, 0, None)
    assert await store.jobs.retry(J, tenant="acme") == 0
    assert not await store.jobs.complete(J, at=5)
    assert await store.jobs.open() == []


async def test_a_late_result_of_a_lost_pair_counts_if_nobody_was_faster(store: Store):
    await running(store, J, 1)
    (slow,) = await claim_all(store, "slow", 1)
    (other,) = await store.work.reclaim("fast", lease=0, count=5)
    assert other.deliveries == 2
    assert await judge(store, slow)
    assert not await judge(store, other)
    assert await feed(store) == [f"{J}.0"]


@pytest.mark.parametrize("way", ["put off", "handed back"])
async def test_a_pair_that_comes_again_is_another_entry_so_the_old_one_ends_nothing(store: Store, way: str):
    await running(store, J, 1)
    (first,) = await claim_all(store, "w", 1)
    if way == "put off":
        await store.work.retry_later(first, delay=0.0, reason="engine_failed")
        assert await store.work.promote() == 1
    else:
        await store.work.hand_back([first])
    assert not await judge(store, first)
    (second,) = await claim_all(store, "w", 1)
    assert second.work == first.work
    assert (second.attempts, second.deliveries) == ((1, 1) if way == "put off" else (0, 1))
    assert await judge(store, second)


async def test_who_has_lost_a_pair_can_neither_hand_it_back_nor_put_it_off(store: Store):
    await running(store, J, 1)
    (slow,) = await claim_all(store, "slow", 1)
    (other,) = await store.work.reclaim("fast", lease=0, count=1)
    await store.work.hand_back([slow])
    await store.work.retry_later(slow, delay=0.0, reason="x")
    assert await store.work.renew([slow, other]) == [Standing.LOST, Standing.HELD]
    assert await judge(store, other)
    assert (await look(store)).waiting_ids().total() == 0


async def test_nothing_is_left_aside_of_a_pair_that_is_back(store: Store):
    await running(store, J, 1)
    (claim,) = await claim_all(store, "w", 1)
    await store.work.retry_later(claim, delay=0.0, reason="x")
    assert await store.work.promote() == 1
    (keys,) = store.shards
    assert await store._pipeline.call("EXISTS", f"{keys.aside}{claim.work.id}") == 0


async def test_attempts_and_crashes_stay_with_a_pair_through_every_hand(store: Store):
    await running(store, J, 1)
    (claim,) = await claim_all(store, "w1", 1)
    await store.work.retry_later(claim, delay=0.0, reason="x")
    await store.work.promote()
    await claim_all(store, "w2", 1)
    (claim,) = await store.work.reclaim("w3", lease=0, count=1)
    assert (claim.attempts, claim.deliveries) == (1, 2)
    await store.work.hand_back([claim])
    (claim,) = await claim_all(store, "w4", 1)
    assert (claim.attempts, claim.deliveries) == (1, 2), "handing back counts nothing, and forgets nothing"
    await store.work.retry_later(claim, delay=0.0, reason="x")
    await store.work.promote()
    (claim,) = await claim_all(store, "w5", 1)
    assert (claim.attempts, claim.deliveries) == (2, 2)


async def test_a_cancel_ends_what_waits_anywhere_and_keeps_what_is_judged(store: Store):
    await started(store, J, 60)
    await fed(store, J, range(40))
    claims = await claim_all(store, "w", 4)
    assert await judge(store, claims[0])
    await store.work.retry_later(claims[1], delay=60.0, reason="x")
    await store.jobs.cancel(J, tenant="acme", at=7)
    job = await stored(store, J)
    assert (job.status, job.counts.decided, job.counts.canceled, job.ended) == (JobStatus.CANCELED, 1, 59, 7)
    assert await store.work.renew([claims[2]]) == [Standing.CANCELED]
    assert not await judge(store, claims[3])
    await store.jobs.cancel(J, tenant="acme", at=9)
    assert (await stored(store, J)) == job
    assert await store.work.claim("w", count=100, wait=0) == []
    assert await feed(store) == [f"{J}.0"]


async def test_what_was_put_off_and_canceled_is_dropped_when_its_time_comes(store: Store):
    await running(store, J, 1)
    (claim,) = await claim_all(store, "w", 1)
    await store.work.retry_later(claim, delay=0.0, reason="x")
    await store.jobs.cancel(J, tenant="acme", at=7)
    assert await store.work.promote() == 1
    assert await store.work.claim("w", count=5, wait=0) == []
    assert (await look(store)).waiting_ids().total() == 0


async def test_a_retry_takes_up_each_failure_once(store: Store):
    await running(store, J, 4)
    for claim in await claim_all(store, "w", 4):
        await fail(store, claim)
    assert await store.jobs.complete(J, at=5)
    assert await store.jobs.retry(J, tenant="acme") == 4
    assert await store.jobs.retry(J, tenant="acme") == 0
    job = await stored(store, J)
    assert (job.status, job.ended, job.counts.waiting, job.planned) == (JobStatus.RUNNING, None, 4, 8)
    await fed(store, J, range(4))
    claims = await claim_all(store, "w", 4)
    await fail(store, claims[0])
    assert await store.jobs.retry(J, tenant="acme") == 1, "while the job runs, too"
    first, second = await store.jobs.retries(J)
    assert (first.after, first.pairs, second.after, second.pairs) == (START, 4, first.through, 1)
    entries = await store.jobs.failures(J, after=second.after, limit=10)
    assert [position for position, _ in entries if position <= second.through] == [entries[0][0]]


async def test_a_check_makes_neither_result_nor_label_and_the_job_waits_for_it(store: Store):
    await started(store, J, 1, checks=2)
    gold = pair_of(J, 1, check=Check(kind="gold", better="A"))
    again = pair_of(J, 2, check=Check(kind="repeat", of=0))
    first = pair_of(J, 0).model_copy(update={"repeated": True})
    await store.jobs.enqueue(await stored(store, J), [item(each) for each in (first, gold, again)], after=0, through=3)
    claims = await claim_all(store, "w", 3)
    await judge(store, claims[0])
    await judge(store, claims[1])
    assert not await store.jobs.complete(J, at=5)
    await fail(store, claims[2])
    assert await store.jobs.complete(J, at=5)
    readings = await store.jobs.checks(J)
    assert set(readings) == {"first:0", "gold:1", "repeat:2"}
    job = await stored(store, J)
    assert (job.counts.submitted, job.counts.decided, job.counts.failed, job.checks_ended) == (1, 1, 0, 2)
    assert job.usage == Usage(calls=10, prompt_tokens=2420, completion_tokens=804), "a check costs as much as a pair"
    assert await outcomes(store, J) == ([f"{J}.0"], [])
    assert await feed(store) == [f"{J}.0"]


@pytest.mark.parametrize("check", [None, {"kind": "aa", "of": 0}])
async def test_work_that_cannot_be_read_fails_and_the_job_still_completes(store: Store, check: dict | None):
    await started(store, J, 0 if check else 1, checks=1 if check else 0)
    unreadable = pair_of(J, 0).model_dump(mode="json") | {"version": 99, "check": check}
    ready = b"1:0:" + pack(orjson.dumps(unreadable).decode())
    await store.jobs.enqueue(await stored(store, J), [ready], after=0, through=1)
    assert await store.work.claim("w", count=1, wait=0) == []
    assert await store.jobs.complete(J, at=5)
    job = await stored(store, J)
    assert (job.counts.failed, job.checks_ended) == ((0, 1) if check else (1, 0))


async def test_only_an_ended_job_is_deleted_and_its_labels_stay(store: Store):
    await running(store, J, 1)
    assert not await store.jobs.delete(J, tenant="acme")
    (claim,) = await claim_all(store, "w", 1)
    await judge(store, claim)
    await store.jobs.complete(J, at=5)
    assert await store.jobs.ended_before(6, limit=5) == [J]
    assert await store.jobs.delete(J, tenant="acme")
    assert await store.jobs.delete(J, tenant="acme")
    assert await store.jobs.get(J) is None
    assert await store.jobs.of_tenant("acme", before=None, limit=5) == []
    assert await store.jobs.deleted() == [J]
    await store.jobs.files_removed(J)
    assert await store.jobs.deleted() == []
    assert await feed(store) == [f"{J}.0"]
    left = {key.decode() for key in await store._pipeline.call("KEYS", f"*{J}*")}
    assert left == {store.shards[0].tombstone(J)}


async def test_the_id_of_a_deleted_job_is_not_used_again_while_pairs_of_it_lie_about(store: Store):
    await running(store, J, 3)
    claims = await claim_all(store, "w", 2)
    await store.work.retry_later(claims[0], delay=0.0, reason="x")
    await store.jobs.cancel(J, tenant="acme", at=3)
    assert await store.jobs.delete(J, tenant="acme")
    again = await store.jobs.register(J, tenant="acme", manifest=b"{}", fingerprint=J, created=1)
    assert again == Taken(fingerprint=None, tenant=None)
    await store.jobs.files_removed(J)
    assert await store.jobs.register(J, tenant="acme", manifest=b"{}", fingerprint=J, created=1) == again
    await store.work.promote()
    assert not await judge(store, claims[1])
    assert await store.work.claim("w", count=5, wait=0) == []
    assert await store.jobs.get(J) is None


async def test_a_job_is_deleted_with_its_archive_or_retried_with_it(redis_url: str):
    archive = SegmentArchive("memory://deleted-and-retried")
    store = await Store.open(redis_url, archive=archive)
    try:
        await running(store, J, 6)
        for number, claim in enumerate(await claim_all(store, "w", 6)):
            await (fail if number % 2 else judge)(store, claim)
        await store.jobs.complete(J, at=5)
        names = (result_sequence(J), failure_sequence(J))
        files = {await archive_oldest(store, archive, name, 2) for name in names}
        before = await outcomes(store, J)
        gone, retried = await asyncio.gather(store.jobs.delete(J, tenant="acme"), store.jobs.retry(J, tenant="acme"))
        assert (gone, retried) in ((True, 0), (False, 3))
        (keys,) = store.shards
        assert set(await store.sequences.garbage(keys, limit=9)) == (files if gone else set())
        assert await outcomes(store, J) == (([], []) if gone else before)
    finally:
        await store.aclose()


async def test_jobs_of_one_moment_are_listed_page_by_page(store: Store):
    ids = [f"job-{number:03}" for number in range(150)]
    for job_id in ids:
        await store.jobs.register(job_id, tenant="acme", manifest=b"", fingerprint="", created=5)
    for job_id, created in (("job-old", 4), ("job-new", 6)):
        await store.jobs.register(job_id, tenant="acme", manifest=b"", fingerprint="", created=created)
    found = await store.jobs.of_tenant("acme", before=None, limit=7)
    while page := await store.jobs.of_tenant("acme", before=(4 if found[-1] == "job-old" else 5, found[-1]), limit=7):
        found += page
    assert found == ["job-new", *ids[::-1], "job-old"]


async def test_a_job_lives_in_one_shard(redis_url: str):
    store = await Store.open(redis_url, shards=3)
    try:
        for name in ("job-a", "job-b", "job-c", "job-d"):
            await running(store, name, 5)
            claims = await claim_all(store, "w", 5)
            assert {claim.shard for claim in claims} == {store.shards.of(name).shard}
            assert all([await judge(store, claim) for claim in claims])
            assert await store.jobs.complete(name, at=1)
        assert len(await feed(store)) == 20
        assert await store.jobs.open() == []
    finally:
        await store.aclose()


async def test_the_lease_is_one_keepers_until_it_runs_out(store: Store, redis_url: str):
    other = await Store.open(redis_url)
    try:
        assert await store.lease.hold(seconds=0.2)
        assert await store.lease.hold(seconds=0.2)
        assert not await other.lease.hold(seconds=0.2)
        await other.lease.release()
        assert not await other.lease.hold(seconds=0.2), "nobody lets go of another's"
        await eventually(lambda: other.lease.hold(seconds=5))
        assert not await store.lease.hold(seconds=0.2)
    finally:
        await other.aclose()


async def test_a_job_that_runs_again_is_archived_again(store: Store):
    await running(store, J, 1)
    (claim,) = await claim_all(store, "w", 1)
    await fail(store, claim)
    (keys,) = store.shards
    name = f"failures:{J}"

    async def is_looked_at() -> bool:
        return name in [each.name for each in await store.sequences.backlogs(keys)]

    await store.sequences.forget(keys, name, job_id=J)
    assert await is_looked_at(), "it runs"
    await store.jobs.complete(J, at=5)
    await store.sequences.forget(keys, name, job_id=J)
    assert not await is_looked_at()
    await store.jobs.retry(J, tenant="acme")
    assert await is_looked_at()
