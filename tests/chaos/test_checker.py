"""The checker, on histories made by hand: it objects to each broken promise, and to nothing where none is broken."""

from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.checker import check
from tests.chaos.history import (
    INTERACTIVE,
    LOST,
    EngineCall,
    ErrorRow,
    Final,
    History,
    JobAccepted,
    JobCanceled,
    JobEnd,
    JobSeen,
    LabelRow,
    LabelSeen,
    Line,
    LineKind,
    PairAccepted,
    PairCanceled,
    PairEnd,
    PairSeen,
    ResultRow,
    Span,
    Upload,
    mark,
)
from tests.chaos.violations import Promise

JOB = "job-1"
LINES = (
    Line(1, "a", LineKind.GOOD),
    Line(2, "b", LineKind.GOOD),
    Line(3, "c", LineKind.DUPLICATE, first=1),
    Line(4, "d", LineKind.BAD),
    Line(5, "e", LineKind.GOOD),
    Line(6, "f", LineKind.GOLD),
)


def job_of(**counts: int) -> dict[str, Any]:
    names = ("decided", "tie", "inconsistent", "failed", "canceled", "waiting")
    found = {"submitted": 3, **dict.fromkeys(names, 0), **counts}
    lines = {"total": 6, "pairs": 3, "duplicates": 1, "gold": 1, "refused": 1}
    return {"status": "completed", "ended_at": "now", "counts": found, "lines": lines}


def history() -> History:
    """A pair of POST /judge that was judged, and a job with two judged pairs, a failed one and a refused line."""
    return History(
        records=[
            PairAccepted(at=1.0, asked=0.9, tenant="ann", key="k", id="p"),
            PairSeen(at=2.0, asked=1.9, tenant="ann", id="p", state="judged", digest="d"),
            JobAccepted(at=1.0, tenant="ann", upload="up", id=JOB),
            JobSeen(at=1.5, tenant="ann", id=JOB, job={**job_of(waiting=3), "status": "running"}),
            JobSeen(at=2.0, tenant="ann", id=JOB, job=job_of(decided=1, tie=1, failed=1)),
            LabelSeen(at=2.0, tenant="ann", id="p", digest="l0"),
        ],
        uploads={"up": Upload("ann", "up", LINES)},
        bodies={("ann", "k"): b"{}"},
    )


def final() -> Final:
    """How it all stands at the end."""
    feed = (
        LabelRow("p", "l0", "A"),
        LabelRow(f"{JOB}.0", "l1", "B", job_id=JOB),
        LabelRow(f"{JOB}.1", "l2", "tie", job_id=JOB),
    )
    results = (
        ResultRow(1, f"{JOB}.0", "r", "B"),
        ResultRow(3, f"{JOB}.0", "r", "B"),
        ResultRow(2, f"{JOB}.1", "s", "tie"),
    )
    errors = (ErrorRow(4, "invalid_json"), ErrorRow(5, "engine_failed"))
    end = JobEnd("ann", "up", job_of(decided=1, tie=1, failed=1), results, errors)
    return Final(
        pairs={("ann", "p"): PairEnd("judged", digest="d", verdict="A")},
        jobs={JOB: end},
        feeds={"ann": feed},
        trainers={"ann": feed},
    )


def found(told: History, ended: Final) -> set[Promise]:
    return {violation.promise for violation in check(told, ended)}


def changed(ended: Final, **changes: Any) -> Final:
    """The end with something else about its job."""
    job = ended.jobs[JOB]
    assert job is not None
    ended.jobs[JOB] = replace(job, **changes)
    return ended


def test_a_service_that_kept_its_promises_is_left_alone() -> None:
    assert check(history(), final()) == []


def test_p1_a_pair_that_is_unknown_or_another_than_before() -> None:
    for end in (PairEnd(None, repeated=404), PairEnd("failed", digest="x"), PairEnd("waiting")):
        ended = final()
        ended.pairs["ann", "p"] = end
        assert Promise.P1 in found(history(), ended)


def test_p1_a_line_in_no_place_or_in_two_and_a_job_that_is_gone() -> None:
    results, errors = final().jobs[JOB].results, final().jobs[JOB].errors  # type: ignore[union-attr]
    assert Promise.P1 in found(history(), changed(final(), results=results[1:]))
    assert Promise.P1 in found(history(), changed(final(), results=(*results, results[0])))
    assert Promise.P1 in found(history(), changed(final(), errors=(*errors, ErrorRow(1, "engine_failed"))))
    gone = final()
    gone.jobs[JOB] = None
    assert Promise.P1 in found(history(), gone)


def test_p1_a_check_of_the_judge_that_can_be_read_as_a_pair() -> None:
    results = final().jobs[JOB].results  # type: ignore[union-attr]
    leaked = changed(final(), results=(*results, ResultRow(6, f"{JOB}.2", "t", "A")))
    assert {Promise.P1, Promise.P3} <= found(history(), leaked)


def test_p2_a_second_label_or_another_one_than_before() -> None:
    twice = final()
    twice.feeds["ann"] = (*twice.feeds["ann"], twice.feeds["ann"][0])
    assert Promise.P2 in found(history(), twice)
    other = history()
    other.records.append(LabelSeen(at=1.0, tenant="ann", id="p", digest="another"))
    assert found(other, final()) == {Promise.P2}


def test_p3_a_label_too_few_or_too_many_or_wrong() -> None:
    for feed in (
        final().feeds["ann"][1:],
        (*final().feeds["ann"], LabelRow("stranger", "x", "A")),
        (replace(final().feeds["ann"][0], verdict="B"), *final().feeds["ann"][1:]),
    ):
        ended = final()
        ended.feeds["ann"] = feed
        assert Promise.P3 in found(history(), ended)


@pytest.mark.parametrize("counts", [{"decided": 2}, {"decided": 1}, {"decided": 5, "waiting": -2}])
def test_p4_counts_that_do_not_add_up_at_some_moment(counts: dict[str, int]) -> None:
    told = history()
    told.records.append(JobSeen(at=1.7, tenant="ann", id=JOB, job=job_of(**counts)))
    assert Promise.P4 in found(told, final())


def test_p4_counts_that_are_not_what_can_be_read() -> None:
    assert found(history(), changed(final(), job=job_of(decided=2, failed=1))) == {Promise.P4}


def test_p5_a_trainer_with_a_label_too_few_twice_or_another() -> None:
    feed = final().feeds["ann"]
    for applied in (feed[1:], (*feed, feed[0]), (replace(feed[0], digest="other"), *feed[1:])):
        ended = final()
        ended.trainers["ann"] = applied
        assert found(history(), ended) == {Promise.P5}


def race(*, small_starts: int) -> tuple[History, Final]:
    """Two tenants with work waiting for ten seconds in which sixty pairs were started."""
    told, ended = history(), final()
    for tenant, upload in (("ann", "race-a"), ("bob", "race-b")):
        count = 60 - small_starts if tenant == "ann" else small_starts
        told.uploads[upload] = Upload(tenant, upload, ())
        seen = {**job_of(waiting=3), "status": "running", "lines": None}
        told.records.append(JobSeen(at=100.0, tenant=tenant, id=upload, job=seen))
        starts = [100.0 + 9.0 * number / count for number in range(1, count)] + [110.0]
        told.calls += [EngineCall(at, "worker-1", mark(tenant, upload, f"c{n}")) for n, at in enumerate(starts)]
        job = {**job_of(), "counts": {**job_of()["counts"], "submitted": 0}, "lines": None}
        ended.jobs[upload] = JobEnd(tenant, upload, job, (), ())
    return told, ended


def test_p6_a_tenant_that_waits_while_another_is_served() -> None:
    assert Promise.P6 in found(*race(small_starts=6))
    assert Promise.P6 not in found(*race(small_starts=28))


def test_p6_compares_over_the_whole_time_in_which_the_same_tenants_wait() -> None:
    told, ended = race(small_starts=6)
    for number in range(8):  # smaller jobs of the large tenant come and go meanwhile
        upload = f"small-{number}"
        told.uploads[upload] = Upload("ann", upload, ())
        seen = {**job_of(waiting=3), "status": "running", "lines": None}
        told.records.append(JobSeen(at=101.0 + number, tenant="ann", id=upload, job=seen))
        told.calls.append(EngineCall(101.5 + number, "worker-1", mark("ann", upload, "c")))
        job = {**job_of(), "counts": {**job_of()["counts"], "submitted": 0}, "lines": None}
        ended.jobs[upload] = JobEnd("ann", upload, job, (), ())
    assert Promise.P6 in found(told, ended)


def test_p6_is_not_asked_for_while_something_is_wrong() -> None:
    told, ended = race(small_starts=6)
    told.spans.append(Span(since=99.0, until=109.0, what="kill", target="redis"))
    assert Promise.P6 not in found(told, ended)


@pytest.mark.parametrize("upload", [INTERACTIVE, "up"])
def test_p7_a_call_long_after_its_cancel(upload: str) -> None:
    def told(late: float) -> History:
        told = history()
        canceled = (
            PairCanceled(at=10.0, asked=9.9, tenant="ann", key="k", id="p")
            if upload == INTERACTIVE
            else JobCanceled(at=10.0, tenant="ann", id=JOB)
        )
        told.records.append(canceled)
        told.calls.append(EngineCall(10.0 + late, "worker-1", mark("ann", upload, "k")))
        return told

    assert Promise.P7 in found(told(2.5), final())
    assert Promise.P7 not in found(told(1.5), final())
    frozen = told(4.0)
    frozen.spans.append(Span(since=10.5, until=13.0, what="freeze", target="worker-1"))
    assert Promise.P7 not in found(frozen, final())


def test_what_a_power_failure_took_back_is_no_broken_promise() -> None:
    told, ended = history(), final()
    told.spans.append(Span(since=0.5, until=3.0, what=LOST, target="redis"))
    ended.pairs["ann", "p"] = PairEnd("judged", digest="another", repeated=202, verdict="A")
    assert found(told, ended) <= {Promise.P2, Promise.P5}
    assert Promise.P1 not in found(told, ended)
