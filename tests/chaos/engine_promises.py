"""P6 and P7, from the engine's own log: whose pairs get their turn, and that nobody works for what was canceled."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise

from tests.chaos.history import (
    INTERACTIVE,
    EngineCall,
    Final,
    History,
    JobAccepted,
    JobCanceled,
    JobRetried,
    JobSeen,
    PairCanceled,
    PairSent,
    Span,
)
from tests.chaos.schedule import Kind
from tests.chaos.violations import Promise, Violation

CANCEL_WITHIN = 2.0  # seconds
RECOVERY = 2.5  # seconds after a fault until shares are compared again: a lease, its janitor, and the engine's pause
ENOUGH = 40  # started pairs in a window, below which shares say nothing
LEAST = 0.5  # of an equal share, that every waiting tenant gets of a window; what was claimed before it disturbs
_MARK = re.compile(r"\[\[(?P<tenant>[^|]*)\|(?P<upload>[^|]*)\|(?P<pair>[^|]*)\]\]")
_REDIS_AWAY = (Kind.KILL, Kind.FREEZE, Kind.CUT_TAIL, Kind.DISK_FULL, Kind.OUT_OF_MEMORY, Kind.RESTART)


def cancels(history: History) -> Iterator[Violation]:
    """P7: no call for a canceled pair starts later than 2 s after the cancel was answered.

    Time in which the calling worker could not know does not count: while it is frozen, or cut off from Redis.
    """
    canceled = _canceled(history)
    for call in history.calls:
        tenant, upload, pair = _whose(call.mark)
        moments = canceled.get((tenant, upload, pair)) or canceled.get((tenant, upload, ""))
        if moments is None or history.lost(*moments):
            continue
        at = moments[1]
        late = call.at - at - _covered(at, call.at, _blind(history.spans, call.worker))
        if late > CANCEL_WITHIN:
            what = f"a call for pair {pair} of {tenant}'s {'/judge' if upload == INTERACTIVE else upload}"
            yield Violation(Promise.P7, f"{what} by {call.worker} started {late:.2f} s after its cancel was answered")


def _canceled(history: History) -> dict[tuple[str, str, str], tuple[float, float]]:
    """When the cancel of what was asked for and answered; the empty pair stands for a whole upload."""
    names = {record.id: record.upload for record in history.records if isinstance(record, JobAccepted)}
    found: dict[tuple[str, str, str], tuple[float, float]] = {}
    for record in history.records:
        match record:
            case PairCanceled():
                found.setdefault((record.tenant, INTERACTIVE, record.key), (record.asked, record.at))
            case JobCanceled():
                found.setdefault((record.tenant, names[record.id], ""), (record.at, record.at))
            case PairSent():
                pass  # a canceled pair stays canceled, however often it is sent
            case JobRetried() if record.id in names:
                found.pop((record.tenant, names[record.id], ""), None)
    return found


def _blind(spans: list[Span], worker: str) -> list[tuple[float, float]]:
    """When this worker could not hear of a cancel."""
    return [
        (span.since, span.until)
        for span in spans
        if (span.target == worker and span.what in (Kind.FREEZE, Kind.NETWORK))
        or (span.target == "all" and span.what == Kind.NETWORK)
        or (span.target == "redis" and span.what in _REDIS_AWAY)
    ]


def _covered(since: float, until: float, spans: list[tuple[float, float]]) -> float:
    """Seconds of a time that any of the spans covers."""
    covered, reached = 0.0, since
    for begin, end in sorted(spans):
        begin, end = max(begin, reached), min(end, until)
        if end > begin:
            covered += end - begin
            reached = end
    return covered


def shares(history: History, final: Final) -> Iterator[Violation]:
    """P6: of the pairs started while nothing was wrong, each tenant with work waiting got at least half its share."""
    for since, until, tenants, started in windows(history, final):
        total = sum(started[tenant] for tenant in tenants)
        if total < ENOUGH:
            continue
        for tenant in sorted(tenants):
            if started[tenant] < LEAST * total / len(tenants):
                what = f"from {since:.2f} to {until:.2f} {total} pairs of {len(tenants)} waiting tenants were started"
                yield Violation(Promise.P6, f"{what}, and {started[tenant]} of them were {tenant}'s")


def windows(history: History, final: Final) -> Iterator[tuple[float, float, frozenset[str], Counter[str]]]:
    """Times in which nothing was wrong and the same tenants had work waiting: since, until, tenants, pairs started."""
    starts = _first_calls(history.calls)
    waiting = list(_waiting(history, final, starts))
    edges = sorted({edge for _, since, until in waiting for edge in (since, until)} | _fault_edges(history.spans))
    found: list[tuple[float, float, frozenset[str]]] = []
    for since, until in pairwise(edges):
        if any(span.since < until and since < span.until + RECOVERY for span in history.spans):
            continue
        tenants = frozenset(tenant for tenant, begin, end in waiting if begin <= since and until <= end)
        joins = found and found[-1][1:] == (since, tenants)
        found.append((found.pop()[0] if joins else since, until, tenants))
    for since, until, tenants in found:
        if len(tenants) > 1:
            inside = Counter(tenant for (tenant, _, _), at in starts.items() if since <= at < until)
            yield since, until, tenants, inside


def _waiting(
    history: History, final: Final, starts: dict[tuple[str, str, str], float]
) -> Iterator[tuple[str, float, float]]:
    """Whose uploads had pairs waiting from when until when: from being seen running to the last pair's start."""
    running: dict[str, float] = {}
    for record in history.records:
        if isinstance(record, JobSeen) and record.job is not None and record.job["counts"]["waiting"]:
            running.setdefault(record.id, record.at)
    last: dict[tuple[str, str], float] = defaultdict(float)
    for (tenant, upload, _), at in starts.items():
        last[tenant, upload] = max(last[tenant, upload], at)
    for job, since in running.items():
        end = final.jobs.get(job)
        if end is not None and end.job["status"] == "completed" and last[end.tenant, end.upload] > since:
            yield end.tenant, since, last[end.tenant, end.upload]


def _first_calls(calls: list[EngineCall]) -> dict[tuple[str, str, str], float]:
    """When each pair of a job was first worked on."""
    starts: dict[tuple[str, str, str], float] = {}
    for call in calls:
        whose = _whose(call.mark)
        if whose[1] not in ("", INTERACTIVE):
            starts.setdefault(whose, call.at)
    return starts


def _fault_edges(spans: list[Span]) -> set[float]:
    return {edge for span in spans for edge in (span.since, span.until + RECOVERY)}


def _whose(mark: str | None) -> tuple[str, str, str]:
    found = _MARK.fullmatch(mark or "")
    return (found["tenant"], found["upload"], found["pair"]) if found else ("", "", "")
