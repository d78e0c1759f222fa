"""The label feed as snapshots are made of it: pages up to an exact number of labels, and what to do when it says no."""

import math
import time
from collections.abc import Iterator
from typing import Protocol

from selfref.cli.judge import what_to_do
from selfref.client import LabelPage, RequestRefused, SelfrefError
from selfref.client.conversations import LONGEST_WAIT
from trainer.errors import LabelsGone, TrainingError

MOST_LABELS = 1000  # of one page; the service gives no more


class Feed(Protocol):
    """Where labels come from: `selfref.Client`, or a list in a test."""

    def label_page(self, after: str | None = None, *, limit: int, wait: float) -> LabelPage:
        """Up to `limit` labels after a cursor, none only where there are none after `wait` seconds."""
        ...


def pages(feed: Feed, *, after: str | None, most: int, deadline: float) -> Iterator[LabelPage]:
    """Pages of together `most` labels, or fewer where the feed has no more at `deadline` (by `time.monotonic`).

    No label beyond `most` is asked for, so the cursor of the last page continues exactly behind its last label. Raises
    the client's errors.
    """
    missing = most
    while missing > 0:
        wait = min(max(0.0, deadline - time.monotonic()), LONGEST_WAIT)
        page = feed.label_page(after, limit=min(MOST_LABELS, missing), wait=math.ceil(wait))
        after = page.cursor
        missing -= len(page.labels)
        if page.labels:
            yield page
        elif time.monotonic() >= deadline:
            return


def training_error(error: SelfrefError, *, behind: str | None) -> TrainingError:
    """An error of the client as one that says what to do; `behind` is the name of the last snapshot, None without."""
    match error:
        case RequestRefused(code="cursor_expired" | "invalid_cursor") if behind is None:
            return LabelsGone(
                "the feed was trimmed or replaced while the first snapshot was being taken. Take it again: it begins "
                "with the oldest label that is left."
            )
        case RequestRefused(code="cursor_expired"):
            return LabelsGone(
                f"labels after snapshot {behind} were trimmed from the feed before they were taken up (trim only "
                "through a cursor that the last manifest holds). To train on what is left, start a new data folder "
                "with --data."
            )
        case RequestRefused(code="invalid_cursor"):
            return TrainingError(
                f"the feed does not know the cursor of snapshot {behind}: it is another service's, or its Redis was "
                "replaced. Name the service that the snapshots are from with --url, or start a new data folder with "
                "--data."
            )
    _, advice = what_to_do(error, url="")
    return TrainingError(f"{str(error).rstrip('.')}. {advice}")
