"""P1 and P2 for pairs of POST /judge: one final state, one label, and neither ever changes.

What was told in the last second before a power failure (a cut of Redis's log) may be untrue afterwards: the callers
are told to repeat such a request with its key, so it is demanded that repeating works, and nothing more.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.chaos.history import Final, History, JobAccepted, LabelSeen, PairAccepted, PairSeen, PairSent
from tests.chaos.violations import Promise, Violation

END = float("inf")  # the time of what is read when all is quiet
FINAL = frozenset({"judged", "failed", "canceled"})


def ends(history: History, final: Final) -> Iterator[Violation]:
    """P1: everything accepted has ended, in one state that every answer agreed on."""
    for sentence in final.unfinished:
        yield Violation(Promise.P1, sentence)
    seen: dict[tuple[str, str], list[PairSeen]] = defaultdict(list)
    sent: dict[tuple[str, str], list[float]] = defaultdict(list)
    accepted: dict[tuple[str, str], list[PairAccepted]] = defaultdict(list)
    for record in history.records:
        if isinstance(record, PairSeen):
            seen[record.tenant, record.id].append(record)
        elif isinstance(record, PairSent):
            sent[record.tenant, record.key].append(record.at)
        elif isinstance(record, PairAccepted):
            accepted[record.tenant, record.id].append(record)
        elif isinstance(record, JobAccepted) and final.jobs.get(record.id) is None:
            yield Violation(Promise.P1, f"job {record.id} ({record.upload}) was accepted with 202 and is unknown now")
    for pair, answers in accepted.items():
        end = final.pairs[pair]
        yield from _known(history, pair, answers, repeated=end.repeated, state=end.state)
        last = PairSeen(at=END, asked=END, tenant=pair[0], id=pair[1], state=end.state, digest=end.digest)
        yield from _one_state(history, [*seen[pair], last], sent=sent[pair[0], answers[0].key])


def _known(
    history: History,
    pair: tuple[str, str],
    answers: list[PairAccepted],
    *,
    repeated: int | None,
    state: str | None,
) -> Iterator[Violation]:
    firm = [answer for answer in answers if not history.lost(answer.asked, answer.at)]
    if repeated is not None and firm:
        yield Violation(Promise.P1, f"pair {pair[1]} of {pair[0]} (key {firm[0].key}) was accepted and is unknown now")
    if repeated is not None and state is None:
        said = f"repeating the lost pair {pair[1]} of {pair[0]} (key {answers[0].key}) was answered {repeated}"
        yield Violation(Promise.P1, f"{said}, and it is unknown still")


def _one_state(history: History, seen: list[PairSeen], *, sent: list[float]) -> Iterator[Violation]:
    """A final state is the last one; only a failed pair that was sent again may go on."""
    known: PairSeen | None = None
    for look in seen:
        if known is not None and not _agree(known, look) and not _excused(history, known, look, sent=sent):
            was, became = known.state, look.state or "unknown"
            what = f"pair {look.id} of {look.tenant} was {was} at {known.at:.3f}"
            yield Violation(Promise.P1, f"{what} and {became} at {look.at:.3f}, with other contents or another state")
        known = look if look.state in FINAL else None


def _agree(known: PairSeen, look: PairSeen) -> bool:
    if known.state != look.state:
        return False
    return known.digest is None or look.digest is None or known.digest == look.digest


def _excused(history: History, known: PairSeen, look: PairSeen, *, sent: list[float]) -> bool:
    again = known.state == "failed" and any(at <= look.at for at in sent[1:])
    return again or history.lost(known.asked, known.at)


def labels(history: History, final: Final) -> Iterator[Violation]:
    """P2: a pair's label is in the feed once, and was the same each time it was read."""
    for tenant, feed in final.feeds.items():
        for pair, times in Counter(row.id for row in feed).items():
            if times > 1:
                yield Violation(Promise.P2, f"pair {pair} of {tenant} has {times} labels in the feed")
        now = {row.id: row.digest for row in feed}
        told: set[str] = set()
        for record in history.records:
            if not isinstance(record, LabelSeen) or record.tenant != tenant or history.lost(record.at, record.at):
                continue
            if now.get(record.id, record.digest) != record.digest and record.id not in told:
                told.add(record.id)
                what = f"the label of pair {record.id} of {tenant} was read at {record.at:.3f}"
                yield Violation(Promise.P2, f"{what} with other contents than it has now")
