"""What the users of a chaos run were told, and what was done to the service: the checker's only input.

Times are seconds of the machine's monotonic clock, which all processes share: `at` when an answer came, `asked` when
its request was sent. What an answer tells was true at some moment between the two. A digest stands for the whole of
what was read, so that "the same every time" can be checked without keeping it.
"""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson


def digest(message: Any) -> str:
    """A short digest that is equal exactly when the message is."""
    return hashlib.sha256(orjson.dumps(message, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def mark(tenant: str, upload: str, custom_id: str) -> str:
    """What is written into a pair's texts, so that the engine's log tells whose call it was."""
    return f"[[{tenant}|{upload}|{custom_id}]]"


INTERACTIVE = "-"  # stands for the upload in the mark of a pair that came by POST /judge


@dataclass(frozen=True, slots=True)
class PairAccepted:
    """An answer to POST /judge that means: this pair is ours."""

    at: float
    asked: float
    tenant: str
    key: str
    id: str


@dataclass(frozen=True, slots=True)
class PairSeen:
    """A pair's state as some answer showed it; `state` is None where the pair is unknown."""

    at: float
    asked: float
    tenant: str
    id: str
    state: str | None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class PairSent:
    """POST /judge was sent (again) with this key: a failed pair may run again from here on."""

    at: float
    tenant: str
    key: str


@dataclass(frozen=True, slots=True)
class PairCanceled:
    """DELETE was answered with the canceled pair."""

    at: float
    asked: float
    tenant: str
    key: str
    id: str


@dataclass(frozen=True, slots=True)
class JobAccepted:
    """POST /jobs was answered 202."""

    at: float
    tenant: str
    upload: str
    id: str


@dataclass(frozen=True, slots=True)
class JobSeen:
    """A job as some answer showed it; None where it is unknown."""

    at: float
    tenant: str
    id: str
    job: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class JobCanceled:
    """POST /jobs/{id}/cancel was answered with the canceled job."""

    at: float
    tenant: str
    id: str


@dataclass(frozen=True, slots=True)
class JobRetried:
    """POST /jobs/{id}/retry was sent: failed pairs may run again from here on."""

    at: float
    tenant: str
    id: str


@dataclass(frozen=True, slots=True)
class LabelSeen:
    """A label that some reader of the feed was given."""

    at: float
    tenant: str
    id: str
    digest: str


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer that no fault explains: a 500, or one that is not of this API."""

    at: float
    what: str


Record = (
    PairAccepted
    | PairSeen
    | PairSent
    | PairCanceled
    | JobAccepted
    | JobSeen
    | JobCanceled
    | JobRetried
    | LabelSeen
    | Fault
)


@dataclass(frozen=True, slots=True)
class EngineCall:
    """One call of /generate as the engine logged it."""

    at: float
    worker: str
    mark: str | None  # None: a call for no single pair (a shared reference, a self-test)


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which something was done to a target."""

    since: float
    until: float
    what: str
    target: str


class LineKind(StrEnum):
    """What a line of an upload is meant to become."""

    GOOD = "good"
    DUPLICATE = "duplicate"  # the comparison of an earlier line
    GOLD = "gold"  # a check of the judge: reported as reliability, and read nowhere else
    BAD = "bad"  # refused


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an upload, numbered from 1 as its errors will be."""

    number: int
    custom_id: str
    kind: LineKind
    first: int | None = None  # of a duplicate: the earlier line with the same comparison


@dataclass(frozen=True, slots=True)
class Upload:
    """What was uploaded, under which Idempotency-Key."""

    tenant: str
    key: str
    lines: tuple[Line, ...]


@dataclass(slots=True)
class History:
    """All that is known of one schedule."""

    records: list[Record] = field(default_factory=list)
    uploads: dict[str, Upload] = field(default_factory=dict)  # by key
    bodies: dict[tuple[str, str], bytes] = field(default_factory=dict)  # of POST /judge, by tenant and key
    calls: list[EngineCall] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)  # what was done; a cut of Redis's log is a span `lost`

    def lost(self, asked: float, at: float) -> bool:
        """Whether what was true between the two moments may have been cut off the end of Redis's log later."""
        return any(span.what == LOST and span.since <= at and asked <= span.until for span in self.spans)


LOST = "lost"


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A label as it stands in a feed or in a trainer's file."""

    id: str
    digest: str
    verdict: str
    job_id: str | None = None
    custom_id: str | None = None


@dataclass(frozen=True, slots=True)
class PairEnd:
    """A pair of POST /judge when all is quiet; `repeated` is the status of repeating an unknown one with its key."""

    state: str | None
    digest: str | None = None
    repeated: int | None = None
    verdict: str | None = None


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A line of a job's results."""

    line: int
    id: str
    digest: str
    verdict: str


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """A line of a job's errors."""

    line: int
    code: str


@dataclass(frozen=True, slots=True)
class JobEnd:
    """A job when all is quiet."""

    tenant: str
    upload: str
    job: dict[str, Any]
    results: tuple[ResultRow, ...]
    errors: tuple[ErrorRow, ...]


@dataclass(slots=True)
class Final:
    """What is stored when all is quiet."""

    pairs: dict[tuple[str, str], PairEnd] = field(default_factory=dict)  # by tenant and id
    jobs: dict[str, JobEnd | None] = field(default_factory=dict)  # by id; None: unknown
    feeds: dict[str, tuple[LabelRow, ...]] = field(default_factory=dict)  # by tenant, replayed from zero
    trainers: dict[str, tuple[LabelRow, ...]] = field(default_factory=dict)  # by tenant, as applied
    counts: dict[str, dict[str, int]] = field(default_factory=dict)  # by tenant, as Redis counts them
    unfinished: tuple[str, ...] = ()  # what had not ended when waiting was given up, a sentence each
