"""The feed of a service that may be away or overloaded for a while: it is asked again until it answers."""

import random
import time
from collections.abc import Callable, Iterator

from selfref.client import LabelPage, Unavailable, Unreachable
from trainer.snapshots.feed import Feed

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds


class PatientFeed:
    """Says in one line for each try why it waits; what trying again cannot mend is raised."""

    def __init__(
        self, feed: Feed, *, warn: Callable[[str], None], pause: Callable[[float], object] = time.sleep
    ) -> None:
        self._feed = feed
        self._warn = warn
        self._pause = pause

    def label_page(self, after: str | None = None, *, limit: int, wait: float) -> LabelPage:
        """The page, however long it takes until the service gives one."""
        for pause in _pauses():
            try:
                return self._feed.label_page(after, limit=limit, wait=wait)
            except (Unreachable, Unavailable) as error:
                self._warn(f"waiting for the service: {error}; again in {pause:.1f} s")
                self._pause(pause)
        raise AssertionError("pauses never end")


def _pauses() -> Iterator[float]:
    """Doubling, half of each jitter: many clients of a service that comes back do not come back at once."""
    longest = FIRST_PAUSE
    while True:
        yield longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret
        longest = min(2 * longest, LONGEST_PAUSE)
