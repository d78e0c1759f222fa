"""What a keeper promises: a bounded window, no pair fed twice, an archive that readers do not notice, and order."""

import asyncio
import contextlib
import shutil
from pathlib import Path

import pytest

from selfref.messages import JobOptions, JobStatus, now
from selfref.store import Position, Store
from selfref.store.jobs import HEAD_START
from service.clock import milliseconds
from service.keeper.feeding import Feeding
from service.keeper.keeper import FEED_EVERY
from service.keeper.tidying import Tidying
from service.keeper.validation import Validation
from service.spool.folder import Manifest, Spool
from service.spool.receiving import receive
from tests.outcomes import failure_of, judgment_of
from tests.service.jobs.uploading import file_of, line
from tests.service.judges import judge_next, judging
from tests.service.keeper.keeping import keeping

JOB = "job-" + "0" * 24
START = Position()
PATIENCE = 20.0  # seconds


async def spooled(store: Store, folder: Path, content: bytes, *, job_id: str = JOB, tenant: str = "acme") -> Spool:
    """An accepted upload, as a gateway leaves it."""
    spool = Spool(folder / "spool")

    async def chunks():
        yield content

    received = await receive(
        chunks(), content_type="text/plain", content_encoding="", spool=spool, most_bytes=10_000_000
    )
    manifest = Manifest(
        job_id=job_id,
        tenant=tenant,
        created_at=now(),
        options=JobOptions(max_refused=1),
        bytes=received.bytes,
        newlines=received.newlines,
        sha256=received.sha256,
    )
    kept = spool.keep(received.folder, manifest)
    await registered(store, manifest)
    kept.mark_accepted()
    return spool


async def registered(store: Store, manifest: Manifest) -> None:
    await store.jobs.register(
        manifest.job_id,
        tenant=manifest.tenant,
        manifest=manifest.model_dump_json().encode(),
        fingerprint=manifest.fingerprint,
        created=milliseconds(manifest.created_at),
    )


async def until(condition) -> None:
    """Look again and again until it holds."""
    async with asyncio.timeout(PATIENCE):
        while not await condition():
            pass


async def until_status(store: Store, status: JobStatus, *, job_id: str = JOB) -> None:
    async def is_there() -> bool:
        job = await store.jobs.get(job_id)
        return job is not None and job.status is status

    await until(is_there)


async def judged(store: Store) -> list[str]:
    entries = await store.jobs.results(JOB, after=START, limit=10_000)
    return [entry[1].decode() for entry in entries]


async def test_redis_never_holds_more_than_the_window_however_long_the_job(store, redis_url, tmp_path):
    await spooled(store, tmp_path, file_of(*map(line, range(300))))
    longest = 0
    async with keeping(redis_url, tmp_path, window_pairs=20) as kept:
        await until_status(kept, JobStatus.RUNNING)
        for _ in range(300):
            await until(lambda: has_work(kept))
            (waiting,) = await kept.jobs.ready([JOB])
            longest = max(longest, waiting)
            await judge_next(kept, count=1)
        await until_status(kept, JobStatus.COMPLETED)
    assert 0 < longest <= 20
    assert len(set(await judged(store))) == 300


async def test_a_full_window_takes_no_more(store, tmp_path):
    spool = await spooled(store, tmp_path, file_of(*map(line, range(100))))
    validation = Validation(store, spool, line_bytes=10_000)
    await validation.advance(await store.jobs.open())
    feeding = Feeding(store, spool, window_pairs=20, window_bytes=1_000_000)
    for _ in range(5):
        await feeding.feed(await store.jobs.open())
        assert (await store.jobs.ready([JOB]))[0] <= 20
    assert (await store.jobs.get(JOB)).fed <= 20 + HEAD_START
    feeding.close()
    validation.close()


async def has_work(store: Store) -> bool:
    (waiting,) = await store.jobs.ready([JOB])
    return waiting > 0 or any((await store.judgments.queue_lengths()).values())


async def test_the_window_is_bounded_in_bytes_too(store, redis_url, tmp_path):
    await spooled(store, tmp_path, file_of(*(line(n, answer_a="x" * 10_000) for n in range(100))))
    async with keeping(redis_url, tmp_path, window_bytes=50_000) as kept:
        await until(lambda: has_work(kept))
        await judge_next(kept, count=30)
        (waiting,) = await kept.jobs.ready([JOB])
        assert waiting <= 5


async def test_many_keepers_one_after_the_other_feed_every_pair_once(store, redis_url, tmp_path):
    await spooled(store, tmp_path, file_of(*map(line, range(100))))
    for _ in range(4):
        async with keeping(redis_url, tmp_path, window_pairs=10) as kept:
            await until(lambda kept=kept: has_work(kept))
            await judge_next(kept, count=20)
    async with keeping(redis_url, tmp_path) as kept:
        await judge_next(kept, count=20)
        await until_status(kept, JobStatus.COMPLETED)
    assert len(set(await judged(store))) == len(await judged(store)) == 100


async def test_only_one_of_several_keepers_is_active(store, redis_url, tmp_path, capsys):
    async with keeping(redis_url, tmp_path) as first, keeping(redis_url, tmp_path, lease=1.0):
        assert not await store.lease.hold(seconds=1)
        await spooled(store, tmp_path, file_of(line(1)))
        await judge_next(first)
        await until_status(first, JobStatus.COMPLETED)
    assert capsys.readouterr().out.count("active") == 1
    assert await store.lease.hold(seconds=1), "a keeper that stops lets go"


async def test_what_is_archived_reads_as_before_and_leaves_redis(store, redis_url, tmp_path):
    await spooled(store, tmp_path, file_of(*map(line, range(20))))
    async with keeping(redis_url, tmp_path, archive_after=600) as kept:
        async with judging(kept, lambda work: failure_of(work) if work.custom_id == "c3" else judgment_of(work)):
            await until_status(kept, JobStatus.COMPLETED)
        before = await everything(kept)
    async with keeping(redis_url, tmp_path, archive_after=0) as kept:
        await until(lambda: is_archived(kept))
        assert await everything(kept) == before
        assert [len(part) for part in before] == [19, 1, 19]
    files = sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "archive").glob("**/*.jsonl"))
    assert [file.rpartition("/")[0] for file in files] == [
        f"archive/jobs/{JOB}/failures",
        f"archive/jobs/{JOB}/results",
        "archive/labels/acme",
    ]


async def everything(store: Store):
    results = await store.jobs.results(JOB, after=START, limit=100)
    failures = await store.jobs.failures(JOB, after=START, limit=100)
    return results, failures, (await store.labels.read("acme", after=None, limit=100, wait=0)).lines


async def is_archived(store: Store) -> bool:
    backlogs = [each for keys in store.shards for each in await store.sequences.backlogs(keys)]
    return all(each.length == 0 for each in backlogs)


async def test_failures_that_were_archived_can_be_retried(store, redis_url, tmp_path):
    await spooled(store, tmp_path, file_of(*map(line, range(10))))
    async with keeping(redis_url, tmp_path, archive_after=0) as kept:
        async with judging(kept, failure_of):
            await until_status(kept, JobStatus.COMPLETED)
        await until(lambda: is_archived(kept))
        assert await kept.jobs.retry(JOB, tenant="acme") == 10
        await judge_next(kept, count=10)
        await until_status(kept, JobStatus.COMPLETED)
        job = await kept.jobs.get(JOB)
    assert (job.counts.decided, job.counts.failed) == (10, 0)


async def test_an_upload_that_redis_has_lost_is_taken_up_again(store, redis_url, tmp_path):
    await spooled(store, tmp_path, file_of(*map(line, range(5))))
    await wiped(store)
    async with keeping(redis_url, tmp_path) as kept:
        await judge_next(kept, count=5)
        await until_status(kept, JobStatus.COMPLETED)


async def test_a_job_that_had_ended_does_not_begin_again_where_redis_has_lost_it(store, redis_url, tmp_path):
    spool = await spooled(store, tmp_path, file_of(line(1)))
    async with keeping(redis_url, tmp_path) as kept:
        await judge_next(kept)
        await until_status(kept, JobStatus.COMPLETED)
    async with keeping(redis_url, tmp_path):

        async def noted() -> bool:
            return await asyncio.to_thread(lambda: spool.job(JOB).ended)

        await until(noted)
    await wiped(store)
    other = "job-" + "1" * 24
    async with keeping(redis_url, tmp_path) as kept:
        await spooled(kept, tmp_path, file_of(line(2)), job_id=other)
        await judge_next(kept)
        await until_status(kept, JobStatus.COMPLETED, job_id=other)
        assert await kept.jobs.get(JOB) is None


async def wiped(store: Store) -> None:
    """Everything that Redis knows of the job is gone."""
    (keys,) = store.shards
    pipeline = store._pipeline
    await pipeline.calls([("DEL", key) for key in (keys.job(JOB), keys.open_jobs, keys.jobs("acme"), keys.ready(JOB))])
    await pipeline.calls([("DEL", keys.ended_jobs), ("DEL", keys.turns), ("DEL", keys.turns_of("acme"))])


async def test_a_job_is_removed_with_its_files_when_its_time_is_over(store, redis_url, tmp_path):
    spool = await spooled(store, tmp_path, file_of(*map(line, range(3))))
    async with keeping(redis_url, tmp_path, archive_after=0, job_retention=0.01) as kept:
        async with judging(kept):

            async def gone() -> bool:
                return await kept.jobs.get(JOB) is None and not spool.job(JOB).path.exists()

            await until(gone)
        await until(lambda: has_no_files(tmp_path / "archive" / "jobs"))
        page = await kept.labels.read("acme", after=None, limit=10, wait=0)
        assert len(page.lines) == 3, "labels stay"


async def has_no_files(folder: Path) -> bool:
    return not await asyncio.to_thread(lambda: list(folder.glob("**/*.jsonl")))


async def test_a_damaged_upload_fails_its_job_and_says_so(store, redis_url, tmp_path):
    spool = await spooled(store, tmp_path, file_of(line(1), line(2)))
    spool.job(JOB).upload.write_bytes(b"{}\n")
    async with keeping(redis_url, tmp_path) as kept:
        await until_status(kept, JobStatus.FAILED)
        job = await kept.jobs.get(JOB)
    assert "damaged" in (job.reason or "")


async def test_an_upload_that_is_nowhere_harms_no_other_job(store, redis_url, tmp_path):
    await spooled(store, tmp_path, file_of(line(1)))
    shutil.rmtree(tmp_path / "spool" / JOB)
    other = "job-" + "1" * 24
    await spooled(store, tmp_path, file_of(line(2)), job_id=other)
    async with keeping(redis_url, tmp_path) as kept:
        await judge_next(kept)
        await until_status(kept, JobStatus.COMPLETED, job_id=other)


async def test_a_disk_that_fails_for_a_while_delays_and_loses_nothing(store, redis_url, tmp_path):
    await spooled(store, tmp_path, file_of(*map(line, range(10))))
    (tmp_path / "archive").write_text("a file stands where the folder should be")
    async with keeping(redis_url, tmp_path, archive_after=0) as kept:
        async with judging(kept):
            await until_status(kept, JobStatus.COMPLETED)
        assert len(await judged(kept)) == 10
        (tmp_path / "archive").unlink()
        await until(lambda: is_archived(kept))
        assert len((await everything(kept))[0]) == 10


async def test_the_speed_of_a_job_is_noted(store, tmp_path):
    await spooled(store, tmp_path, file_of(line(1)))
    job = await store.jobs.get(JOB)
    await store.jobs.start(job, lines=b"{}", pairs=1, checks=0, at=0)
    tidying = Tidying(store, Spool(tmp_path / "spool"), retention=1)
    await tidying.note_pace(await store.jobs.open())
    noted = await store.jobs.pace(JOB)
    assert noted is not None
    await tidying.note_pace(await store.jobs.open())
    assert await store.jobs.pace(JOB) == noted, "not more often than it says anything"


@pytest.mark.parametrize("attempt", range(3))
async def test_a_keeper_can_be_stopped_at_any_moment(store, redis_url, tmp_path, attempt):
    await spooled(store, tmp_path, file_of(*map(line, range(200))))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FEED_EVERY * attempt), keeping(redis_url, tmp_path, window_pairs=50):
            await asyncio.Event().wait()
    async with keeping(redis_url, tmp_path) as kept, judging(kept):
        await until_status(kept, JobStatus.COMPLETED)
    assert len(set(await judged(store))) == len(await judged(store)) == 200
