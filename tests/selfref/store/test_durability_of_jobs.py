"""Redis is killed, or loses the end of its log, while jobs run: every pair is in one place, and everything agrees."""

import random
import re
from collections import Counter
from pathlib import Path

import pytest

from selfref.embedded_redis import EmbeddedRedis
from selfref.messages import Check, JobStatus
from selfref.store import Store, StoredJob
from selfref.store.keys import label_sequence, result_sequence
from service.archive import SegmentArchive
from tests.redis_server import RedisServer
from tests.selfref.store.jobs import fail, item, judge, outcomes, pair_of, started, stored
from tests.selfref.store.views import claim_all, crash, feed, look

CUTS = 15  # of each kind
PAIRS, CHECKS = 20, 3
JOBS = {"job-a": "ann", "job-b": "bob", "job-c": "bob"}


async def plan_of(store: Store, job: StoredJob) -> list[int]:
    """The numbers that the job is fed with, in order, as a keeper finds them."""
    plan = list(range(PAIRS + CHECKS))
    for retry in await store.jobs.retries(job.id):
        found = await store.jobs.failures(job.id, after=retry.after, limit=1000)
        upto = [document for position, document in found if position <= retry.through]
        assert len(upto) == retry.pairs, "a retry counts the failures that it has taken up"
        plan += [int(number) for number in re.findall(rb'"id":"job-\w\.(\d+)"', b"".join(upto))]
    assert len(plan) == job.planned or job.status is JobStatus.VALIDATING
    return plan


async def feed_next(store: Store, job_id: str, count: int) -> None:
    job = await stored(store, job_id)
    numbers = (await plan_of(store, job))[job.fed : job.fed + count]
    checks = {number: Check(kind="gold", better="A") for number in range(PAIRS, PAIRS + CHECKS)}
    works = [pair_of(job_id, number, tenant=JOBS[job_id], check=checks.get(number)) for number in numbers]
    items = [item(work) for work in works]
    await store.jobs.enqueue(job, items, after=job.fed, through=job.fed + len(items))


async def labour(store: Store, archive: SegmentArchive) -> None:
    """Every kind of thing that can happen to a job and its pairs."""
    for job_id, tenant in JOBS.items():
        await started(store, job_id, PAIRS, tenant=tenant, checks=CHECKS)
    for turn in range(4):
        for job_id in JOBS:
            await feed_next(store, job_id, 6)
        for number, claim in enumerate(await claim_all(store, "w", 9)):
            match (number + turn) % 5:
                case 0 | 1:
                    await judge(store, claim)
                case 2:
                    await fail(store, claim)
                case 3:
                    await store.work.retry_later(claim, delay=0 if turn else 1000, reason="503")
                case _:
                    await store.work.hand_back([claim])
        await store.work.promote()
        await store.jobs.retry("job-a", tenant="ann")
        for name in (result_sequence("job-a"), label_sequence("bob")):
            (keys,) = store.shards
            if entries := await store.sequences.oldest(keys, name, limit=2):
                await store.sequences.archived(keys, name, await archive.write(name, entries))
    await store.jobs.cancel("job-c", tenant="bob", at=9)


async def assert_every_pair_is_in_one_place(store: Store, job_id: str) -> None:
    job = await stored(store, job_id)
    results, failures = await outcomes(store, job_id)
    retried = sum(retry.pairs for retry in await store.jobs.retries(job_id))
    checked = [f"{job_id}.{field.removeprefix('gold:')}" for field in await store.jobs.checks(job_id)]
    ended = Counter(results) + Counter(failures[retried:]) + Counter(checked)
    assert all(count == 1 for count in ended.values())
    assert (job.counts.decided, job.counts.failed) == (len(results), len(failures) - retried)
    assert job.checks_ended == len(checked)
    if job.status is not JobStatus.RUNNING:
        return
    places = (await look(store)).waiting_ids()
    for each in await store._pipeline.call("LRANGE", store.shards.of(job_id).ready(job_id), 0, -1):
        places[f"{job_id}.{each.split(b':')[1].decode()}"] += 1
    places += Counter(f"{job_id}.{number}" for number in (await plan_of(store, job))[job.fed :])
    everything = {f"{job_id}.{number}" for number in range(PAIRS + CHECKS)}
    assert ended + Counter({pair: count for pair, count in places.items() if pair in everything}) == Counter(everything)


async def finish_everything(store: Store) -> None:
    (keys,) = store.shards
    for member in await store._pipeline.call("ZRANGE", keys.delayed, 0, -1):
        await store._pipeline.call("ZADD", keys.delayed, 0, member)
    await store.work.promote()
    for job in await store.jobs.open():
        if job.status is JobStatus.RUNNING:
            await feed_next(store, job.id, 1000)
    while claims := [
        *await store.work.reclaim("heir", lease=0, count=100),
        *await store.work.claim("heir", count=100, wait=0),
    ]:
        for claim in claims:
            assert await judge(store, claim)
    for job in await store.jobs.open():
        if job.status is JobStatus.RUNNING:
            assert await store.jobs.complete(job.id, at=10)


async def assert_it_can_be_finished(url: str, archive: SegmentArchive) -> None:
    """What survived is consistent, can be brought to its end, and is consistent then."""
    store = await Store.open(url, archive=archive)
    try:
        known = [job.id for job in await store.jobs.get_all(list(JOBS)) if job is not None]
        assert known == list(JOBS)[: len(known)]
        for job_id in known:
            await assert_every_pair_is_in_one_place(store, job_id)
        await finish_everything(store)
        judged: Counter[str] = Counter()
        for job_id in known:
            await assert_every_pair_is_in_one_place(store, job_id)
            judged.update((await outcomes(store, job_id))[0])
        labels = [label for tenant in set(JOBS.values()) for label in await feed(store, tenant)]
        assert Counter(labels) == judged
    finally:
        await store.aclose()


@pytest.fixture
def archive(tmp_path: Path) -> SegmentArchive:
    return SegmentArchive(str(tmp_path / "archive"))


async def test_jobs_outlive_redis(tmp_path: Path, archive: SegmentArchive) -> None:
    server = RedisServer(tmp_path / "mortal")
    try:
        store = await Store.open(server.url, archive=archive)
        await labour(store, archive)
        before, queue = await store.jobs.get_all(list(JOBS)), await look(store)
        sequences = [await outcomes(store, job_id) for job_id in JOBS]
        server.kill()
        server.restart()
        assert await store.jobs.get_all(list(JOBS)) == before
        assert await look(store) == queue
        assert [await outcomes(store, job_id) for job_id in JOBS] == sequences
        await store.aclose()
        await assert_it_can_be_finished(server.url, archive)
    finally:
        server.kill()


async def test_a_log_cut_anywhere_leaves_every_pair_in_one_place(tmp_path: Path, archive: SegmentArchive) -> None:
    server = RedisServer(tmp_path / "mortal")
    store = await Store.open(server.url, archive=archive)
    await labour(store, archive)
    await crash(store)
    server.kill()
    log = server.append_only_file.read_bytes()
    start, chance = log.index(b"registered_by"), random.Random(11)
    anywhere = chance.sample(range(start, len(log)), CUTS)
    between_transactions = chance.sample(
        [found.end() for found in re.finditer(rb"\r\nEXEC\r\n", log) if found.end() > start], CUTS
    )
    for offset in anywhere + between_transactions:
        folder = tmp_path / f"cut-{offset}"
        folder.mkdir()
        (folder / "appendonly.aof").write_bytes(log[:offset])
        mutilated = EmbeddedRedis.start(folder)
        try:
            await assert_it_can_be_finished(mutilated.url, archive)
        finally:
            mutilated.kill()
