"""A job's folder is whole or absent, and a job that is there is never replaced."""

import os
import time
from pathlib import Path

import pytest

from selfref.messages import JobOptions, now
from service.spool.folder import JobFolder, Manifest, Spool

JOB = "job-" + "0" * 24


def manifest(job_id: str = JOB) -> Manifest:
    return Manifest(
        job_id=job_id,
        tenant="default",
        created_at=now(),
        options=JobOptions(name="n"),
        bytes=3,
        newlines=1,
        sha256="0" * 64,
    )


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def received(spool: Spool, content: bytes = b"{}\n") -> JobFolder:
    folder = spool.begin()
    folder.upload.write_bytes(content)
    return folder


def test_what_is_kept_is_found_under_its_job_with_its_manifest(spool: Spool) -> None:
    said = manifest()
    kept = spool.keep(received(spool), said)
    assert kept == spool.job(JOB)
    assert (kept.manifest(), kept.upload.read_bytes()) == (said, b"{}\n")
    assert list(spool.jobs()) == [kept]


def test_an_upload_from_before_there_were_budgets_keeps_its_fingerprint() -> None:
    old = manifest().model_copy(update={"options": JobOptions(votes=2), "sha256": "0" * 64})
    assert old.fingerprint == "4672c3fb36ab6295a487d75626a3b64dddda75c0a1a237554c68c9f4dd4ce50d"
    auto = [old.model_copy(update={"options": JobOptions(votes="auto", max_votes=most)}) for most in (None, 4, 5)]
    assert len({each.fingerprint for each in auto}) == 3


def test_an_upload_that_is_being_received_is_no_job_yet(spool: Spool) -> None:
    assert list(spool.jobs()) == []
    received(spool)
    assert list(spool.jobs()) == []


def test_a_job_that_is_there_is_never_replaced(spool: Spool) -> None:
    spool.keep(received(spool), manifest())
    other = received(spool, b"[]\n")
    with pytest.raises(FileExistsError):
        spool.keep(other, manifest())
    assert spool.job(JOB).upload.read_bytes() == b"{}\n"
    assert other.upload.exists()
    spool.drop(other)
    assert not other.path.exists()


@pytest.mark.parametrize("job_id", ["", "..", ".receiving", "job-1/../..", "job-" + "0" * 23, JOB + "\n"])
def test_no_path_leads_out_of_the_spool(spool: Spool, job_id: str) -> None:
    with pytest.raises(ValueError, match="not a job id"):
        spool.job(job_id)


def test_accepted_is_marked_once_and_for_all(spool: Spool) -> None:
    kept = spool.keep(received(spool), manifest())
    assert not kept.accepted
    kept.mark_accepted()
    kept.mark_accepted()
    assert kept.accepted
    assert sorted(path.name for path in kept.path.iterdir()) == ["accepted", "job.json", "upload.jsonl"]


def test_deleting_a_job_removes_all_of_it_and_only_it(spool: Spool) -> None:
    other = spool.keep(received(spool), manifest("job-" + "1" * 24))
    spool.keep(received(spool), manifest())
    spool.delete(JOB)
    spool.delete(JOB)
    assert list(spool.jobs()) == [other]
    assert list((spool.root / ".deleted").iterdir()) == []


def test_a_sweep_removes_what_nobody_writes_any_more_and_spares_what_is_being_received(spool: Spool) -> None:
    alive, dead, kept = received(spool), received(spool), spool.keep(received(spool), manifest())
    long_ago = time.time() - 3600
    for path in (dead.upload, kept.upload, alive.path):
        os.utime(path, (long_ago, long_ago))
    assert spool.sweep(idle=1800) == 1
    assert (alive.path.exists(), dead.path.exists(), kept.path.exists()) == (True, False, True)
