"""P3 and P5: the feed is the judged pairs, no more and no less, and a trainer that dies at any point ends with it."""

from collections import Counter
from collections.abc import Iterator

from tests.chaos.history import Final, History, LabelSeen
from tests.chaos.violations import Promise, Violation


def feed(final: Final) -> Iterator[Violation]:
    """P3: replayed from zero, it holds every judged pair of its tenant, with the verdict that the judgment has."""
    for tenant, rows in final.feeds.items():
        judged = _judged(final, tenant)
        found = {row.id: row.verdict for row in rows}
        for pair in judged.keys() - found.keys():
            yield Violation(Promise.P3, f"pair {pair} of {tenant} is judged, and its label is not in the feed")
        for pair in found.keys() - judged.keys():
            yield Violation(Promise.P3, f"the feed of {tenant} has a label of {pair}, which is no judged pair of it")
        for pair in found.keys() & judged.keys():
            if found[pair] != judged[pair]:
                what = f"pair {pair} of {tenant} was judged {judged[pair]}"
                yield Violation(Promise.P3, f"{what}, and its label says {found[pair]}")


def _judged(final: Final, tenant: str) -> dict[str, str | None]:
    """Every judged pair's verdict, whichever way it came."""
    judged = {
        pair: end.verdict for (whose, pair), end in final.pairs.items() if (whose, end.state) == (tenant, "judged")
    }
    for job in final.jobs.values():
        if job is not None and job.tenant == tenant:
            judged |= {row.id: row.verdict for row in job.results}
    return judged


def trainers(history: History, final: Final) -> Iterator[Violation]:
    """P5: the file has every label of the feed once. One read just before a power failure may be judged otherwise."""
    lost = {
        (record.tenant, record.id)
        for record in history.records
        if isinstance(record, LabelSeen) and history.lost(record.at, record.at)
    }
    for tenant, applied in final.trainers.items():
        rows = final.feeds[tenant]
        for pair, times in Counter(row.id for row in applied).items():
            if times > 1:
                yield Violation(Promise.P5, f"the trainer of {tenant} applied the label of {pair} {times} times")
        has, feed_has = {row.id: row.digest for row in applied}, {row.id: row.digest for row in rows}
        for pair in feed_has.keys() - has.keys():
            yield Violation(Promise.P5, f"the trainer of {tenant} never got the label of {pair}")
        for pair in has.keys() - feed_has.keys():
            if (tenant, pair) not in lost:
                yield Violation(Promise.P5, f"the trainer of {tenant} has a label of {pair}, which the feed has not")
        for pair in has.keys() & feed_has.keys():
            if has[pair] != feed_has[pair] and (tenant, pair) not in lost:
                yield Violation(Promise.P5, f"the trainer of {tenant} has another label of {pair} than the feed")
