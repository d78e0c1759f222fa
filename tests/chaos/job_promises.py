"""P4, and P1 for the lines of uploads: counts add up whenever they are read, and each line ends in one place."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.chaos.api import FAILURES
from tests.chaos.history import Final, History, JobEnd, JobSeen, LineKind, Upload
from tests.chaos.violations import Promise, Violation

ENDS = ("decided", "tie", "inconsistent", "failed", "canceled")
JUDGED = ("decided", "tie", "inconsistent")


def counts(history: History, final: Final) -> Iterator[Violation]:
    """P4: at every look submitted = the ends + waiting; at the end nothing waits, and they are what can be read."""
    judged: dict[str, tuple[float, int]] = {}
    for record in history.records:
        if not isinstance(record, JobSeen) or record.job is None:
            continue
        yield from _add_up(record.id, record.job, at=record.at)
        now = sum(record.job["counts"][name] for name in JUDGED)
        at, before = judged.get(record.id, (record.at, 0))
        if now < before and not history.lost(at, at):
            yield Violation(Promise.P4, f"job {record.id} had {before} judged pairs at {at:.3f} and {now} later")
        judged[record.id] = (record.at, now)
    for job, end in final.jobs.items():
        if end is not None:
            yield from _as_read(job, end, history.uploads[end.upload])
    for tenant, found in final.counts.items():
        if found and found["submitted"] != sum(found[name] for name in ENDS):
            yield Violation(Promise.P4, f"the counts of tenant {tenant} do not add up when all is quiet: {found}")


def _add_up(job: str, seen: dict[str, Any], *, at: float) -> Iterator[Violation]:
    found, lines = seen["counts"], seen["lines"]
    if found["submitted"] != sum(found[name] for name in (*ENDS, "waiting")) or min(found.values()) < 0:
        yield Violation(Promise.P4, f"job {job} at {at:.3f}: its counts do not add up: {found}")
    if lines is not None:
        if lines["total"] != lines["pairs"] + lines["duplicates"] + lines["gold"] + lines["refused"]:
            yield Violation(Promise.P4, f"job {job} at {at:.3f}: its lines do not add up: {lines}")
        if found["submitted"] != lines["pairs"] and seen["status"] != "failed":
            what = f"job {job} at {at:.3f}: {found['submitted']} pairs are submitted"
            yield Violation(Promise.P4, f"{what}, and its lines make {lines['pairs']}")


def _as_read(job: str, end: JobEnd, upload: Upload) -> Iterator[Violation]:
    """The final counts against the rows that can be read."""
    found = end.job["counts"]
    first = {line.number: line.first or line.number for line in upload.lines}
    verdicts = Counter("decided" if verdict in ("A", "B") else verdict for _, verdict in _pairs(end))
    failed = {first.get(row.line) for row in end.errors if row.code in FAILURES}
    read = {**{name: verdicts[name] for name in JUDGED}, "failed": len(failed), "waiting": 0}
    for name, count in read.items():
        if found[name] != count:
            yield Violation(Promise.P4, f"job {job} counts {found[name]} {name}, and {count} can be read")


def _pairs(end: JobEnd) -> set[tuple[str, str]]:
    return {(row.id, row.verdict) for row in end.results}


def lines(history: History, final: Final) -> Iterator[Violation]:
    """P1 for uploads: a line is in results, in errors, or (of a canceled job) in neither; a check is never in one."""
    for job, end in final.jobs.items():
        if end is None:
            continue  # said by `pair_promises.ends`
        upload = history.uploads[end.upload]
        yield from _places(job, end, upload)
        if end.job["lines"] is not None:
            yield from _counted(job, end.job["lines"], upload)


def _places(job: str, end: JobEnd, upload: Upload) -> Iterator[Violation]:
    results, errors = Counter(row.line for row in end.results), Counter(row.line for row in end.errors)
    refused = {row.line for row in end.errors if row.code not in FAILURES}
    missing: set[int] = set()
    for line in upload.lines:
        places = results[line.number] + errors[line.number]
        where = f"line {line.number} of job {job} ({end.upload})"
        if line.kind is LineKind.GOLD:
            if places:
                yield Violation(Promise.P1, f"{where} is a check of the judge, and can be read as if it were a pair")
            continue
        if places > 1:
            yield Violation(
                Promise.P1, f"{where} is {results[line.number]} times in results and {errors[line.number]} in errors"
            )
        if places == 0:
            missing.add(line.first or line.number)
            if end.job["status"] == "completed":
                yield Violation(Promise.P1, f"{where} ({line.kind}) is neither in results nor in errors")
        elif (line.kind is LineKind.BAD) != (line.number in refused):
            yield Violation(Promise.P1, f"{where} is a {line.kind} line, and was treated as another kind")
    known = {line.number for line in upload.lines}
    for stranger in sorted((results.keys() | errors.keys()) - known):
        yield Violation(Promise.P1, f"job {job} tells of line {stranger}, which {end.upload} has not")
    if (
        end.job["status"] == "canceled"
        and end.job["lines"] is not None
        and len(missing) != end.job["counts"]["canceled"]
    ):
        what = f"job {job} was canceled with {end.job['counts']['canceled']} canceled pairs"
        yield Violation(Promise.P1, f"{what}, and {len(missing)} pairs can be read nowhere")


def _counted(job: str, found: dict[str, int], upload: Upload) -> Iterator[Violation]:
    kinds = Counter(line.kind for line in upload.lines)
    names = {"pairs": LineKind.GOOD, "duplicates": LineKind.DUPLICATE, "gold": LineKind.GOLD, "refused": LineKind.BAD}
    meant = {name: kinds[kind] for name, kind in names.items()}
    for name, count in meant.items():
        if found[name] != count:
            yield Violation(Promise.P4, f"job {job} counts {found[name]} lines as {name}, and {count} were uploaded")
