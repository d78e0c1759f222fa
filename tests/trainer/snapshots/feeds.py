"""Feeds to take snapshots of: judged pairs in a real store, and labels in a list."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from selfref.client import LabelPage
from selfref.messages import Comparison, Label, Verdict
from selfref.store import Store
from tests.selfref.store.pairs import RETENTION, judged, work
from tests.selfref.store.views import claim_all
from trainer.snapshots.chain import FOLDER, Snapshot, read_labels
from trainer.snapshots.contents import Rules
from trainer.snapshots.feed import Feed
from trainer.snapshots.taking import Order, take

TENANT = "default"  # everybody on a service without keys
VERDICTS = (Verdict.A, Verdict.B, Verdict.A, Verdict.TIE, Verdict.INCONSISTENT)


class ListedFeed:
    """A feed of the labels in a list, which may grow; its cursors count labels, and its pages are as short as told."""

    def __init__(self, labels: Sequence[Label], *, longest: int = 1000) -> None:
        self.labels = list(labels)
        self._longest = longest

    def label_page(self, after: str | None = None, *, limit: int, wait: float) -> LabelPage:
        """The next labels at once, whatever `wait` says."""
        start = int(after or 0)
        page = self.labels[start : start + min(limit, self._longest)]
        return LabelPage(labels=tuple(page), cursor=str(start + len(page)))


class ShortPages:
    """A feed whose pages are shorter than asked for, as the service's are where labels are long."""

    def __init__(self, feed: Feed, longest: int) -> None:
        self._feed = feed
        self._longest = longest

    def label_page(self, after: str | None = None, *, limit: int, wait: float) -> LabelPage:
        """Up to `longest` labels."""
        return self._feed.label_page(after, limit=min(limit, self._longest), wait=wait)


async def judge(store: Store, numbers: Sequence[int], *, equal: bool = False, verdict: Verdict | None = None) -> None:
    """Append one label per number to the real feed, by default with every verdict in turn and a few prompts."""
    for number in numbers:
        pair = work(f"pair-{number}", tenant=TENANT)
        answers = ("the same", "the same") if equal else (f"answer {number}", "another")
        asked = Comparison(prompt=f"question {number % 13}", answer_a=answers[0], answer_b=answers[1])
        pair = pair.model_copy(update={"comparison": asked})
        await store.judgments.accept(pair, fingerprint="f", queue_limit=10_000)
        for claim in await claim_all(store, "judge", 1):
            chosen = verdict or VERDICTS[number % len(VERDICTS)]
            await store.work.finish(claim, *judged(claim.work, verdict=chosen), retention=RETENTION)


def taken(data: Path, feed: Feed, order: Order | int, rules: Rules | None = None) -> list[Snapshot]:
    """Take snapshots to the end; an order may be just a size."""
    return list(take(data, feed, Order(order) if isinstance(order, int) else order, rules or Rules()))


def rows(snapshot: Snapshot) -> list[Label]:
    """Its labels: those to train on, then those held out."""
    return [*read_labels(snapshot.train()), *read_labels(snapshot.heldout())]


def files(data: Path) -> dict[str, bytes]:
    """Every file beneath the snapshots' folder, by its path there; the lock aside, which has no content."""
    return dict(_files(data / FOLDER))


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "lock":
            yield str(path.relative_to(folder)), path.read_bytes()
