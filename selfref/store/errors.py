"""What a caller of the store has to deal with.

    StoreError
    ├── StoreUnavailable    Redis is away or slow: trying again later can help
    │   ├── StoreRefuses    Redis answers, and does not do it: a replica, still loading, a full disk
    │   │   └── StoreFull   Redis is at its maxmemory and refuses every write
    │   ├── ArchiveUnavailable  the archived part of a sequence cannot be read
    │   ├── DocumentUnreadable  what is stored was not stored by this version: mixed versions, or a damaged file
    │   ├── GroupsGone      Redis came back empty: the next claim makes the consumer groups again
    │   └── ShardsDiffer    this process and this Redis disagree on the number of shards: only configuration helps
    ├── CursorInvalid       the label cursor was made by another feed, or by nobody: start again without one
    └── CursorExpired       labels after the cursor have been trimmed from Redis: read the archive, or start again

Any other error that Redis answers is a bug of ours, and escapes as it is.
"""

from typing import ClassVar


class StoreError(Exception):
    """The parent of everything that the store raises on purpose; `detail` says what happened and what to do."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class StoreUnavailable(StoreError):
    """Redis could not do it now: unreachable, timed out, out of memory, or refusing writes. Retryable.

    `cause` may be told to any caller: unlike `detail` it names no address and quotes nothing.
    """

    cause: ClassVar[str] = "Redis does not answer"


class StoreRefuses(StoreUnavailable):
    """Redis answers, and refuses what it was asked."""

    cause = "Redis answers but does not take requests now"


class StoreFull(StoreRefuses):
    """Redis has reached its maxmemory: nothing can be accepted or ended until there is room."""

    cause = "Redis is out of memory and refuses every write"


class ArchiveUnavailable(StoreUnavailable):
    """What is asked for is no longer in Redis, and where it is archived cannot be read now."""

    cause = "The archive cannot be read"


class DocumentUnreadable(StoreUnavailable):
    """What Redis holds in a document's place is none that this version can read."""

    cause = "A stored document cannot be read"


class GroupsGone(StoreUnavailable):
    """The consumer groups have vanished with their streams; a claim makes them again."""


class ShardsDiffer(StoreUnavailable):
    """This Redis was set up with another number of shards; retrying cannot help, the setting must change."""


class CursorInvalid(StoreError):
    """A label cursor that this feed never gave out."""


class CursorExpired(StoreError):
    """A label cursor whose next labels are no longer in Redis."""
