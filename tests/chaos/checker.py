"""The one checker: what the users were told, against what is stored when all is quiet. Pure, so that it is testable."""

from itertools import chain

from tests.chaos import engine_promises, feed_promises, job_promises, pair_promises
from tests.chaos.history import Fault, Final, History
from tests.chaos.violations import Promise, Violation


def check(history: History, final: Final) -> list[Violation]:
    """Every violation found."""
    return [
        *chain(
            pair_promises.ends(history, final),
            job_promises.lines(history, final),
            pair_promises.labels(history, final),
            feed_promises.feed(final),
            job_promises.counts(history, final),
            feed_promises.trainers(history, final),
            engine_promises.shares(history, final),
            engine_promises.cancels(history),
        ),
        *(Violation(Promise.OTHER, record.what) for record in history.records if isinstance(record, Fault)),
    ]
