"""What passes is waited for, what does not is raised."""

from collections.abc import Iterator

import pytest

from selfref.client import (
    LabelPage,
    NotAuthorized,
    RequestRefused,
    SelfrefError,
    Unavailable,
    UnexpectedReply,
    Unreachable,
)
from selfref.client.errors import Problem
from tests.trainer.labels import label
from trainer.follow.patience import FIRST_PAUSE, LONGEST_PAUSE, PatientFeed

PAGE = LabelPage(labels=(label(1),), cursor="1")
AWAY = Unreachable("http://gateway", "refused")
FULL = Unavailable(Problem(status=429, code="queue_full", retryable=True))


class Failing:
    """A feed that fails so often in these ways before it gives its page."""

    def __init__(self, *errors: SelfrefError) -> None:
        self._errors: Iterator[SelfrefError] = iter(errors)
        self.asked: list[tuple[str | None, int, float]] = []

    def label_page(self, after: str | None = None, *, limit: int, wait: float) -> LabelPage:
        """The page, once no error is left."""
        self.asked.append((after, limit, wait))
        for error in self._errors:
            raise error
        return PAGE


def test_a_service_that_is_away_is_asked_the_same_again_ever_more_slowly() -> None:
    feed, said, pauses = Failing(*[AWAY, FULL] * 8), [], []
    assert PatientFeed(feed, warn=said.append, pause=pauses.append).label_page("7", limit=3, wait=60) == PAGE
    assert feed.asked == [("7", 3, 60)] * 17
    assert len(said) == len(pauses) == 16
    assert said[0].startswith("waiting for the service: no answer from http://gateway: refused; again in 0.")
    assert said[1].startswith("waiting for the service: queue_full")
    assert FIRST_PAUSE / 2 <= pauses[0] <= FIRST_PAUSE
    assert pauses[0] < pauses[2] < pauses[4] < pauses[6]
    assert all(LONGEST_PAUSE / 2 <= pause <= LONGEST_PAUSE for pause in pauses[6:])


@pytest.mark.parametrize(
    "error",
    [
        NotAuthorized(Problem(status=401, code="unauthorized")),
        RequestRefused(Problem(status=410, code="cursor_expired")),
        UnexpectedReply("HTML"),
    ],
)
def test_what_a_person_has_to_mend_is_raised_at_once(error: SelfrefError) -> None:
    feed = Failing(error)
    with pytest.raises(type(error)):
        PatientFeed(feed, warn=pytest.fail, pause=pytest.fail).label_page(limit=1, wait=0)
    assert len(feed.asked) == 1
