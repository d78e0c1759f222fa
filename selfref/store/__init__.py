"""Everything that lasts, on Redis Streams: what a process needs to know of it is importable from here."""

from selfref.store.claims import Claim, Standing
from selfref.store.cursor import Cursor, Position
from selfref.store.dead_letters import DeadLetter
from selfref.store.errors import (
    ArchiveUnavailable,
    CursorExpired,
    CursorInvalid,
    DocumentUnreadable,
    ShardsDiffer,
    StoreError,
    StoreFull,
    StoreRefuses,
    StoreUnavailable,
)
from selfref.store.health import StoreHealth
from selfref.store.jobs import Retry, StoredJob, Taken, ready_item
from selfref.store.judgments import Accepted, AlreadyThere, Counts, QueueFull, Stored
from selfref.store.labels import LabelPage
from selfref.store.sequences import Archive, Backlog, Entry, Segment
from selfref.store.store import Store

__all__ = [
    "Accepted",
    "AlreadyThere",
    "Archive",
    "ArchiveUnavailable",
    "Backlog",
    "Claim",
    "Counts",
    "Cursor",
    "CursorExpired",
    "CursorInvalid",
    "DeadLetter",
    "DocumentUnreadable",
    "Entry",
    "LabelPage",
    "Position",
    "QueueFull",
    "Retry",
    "Segment",
    "ShardsDiffer",
    "Standing",
    "Store",
    "StoreError",
    "StoreFull",
    "StoreHealth",
    "StoreRefuses",
    "StoreUnavailable",
    "Stored",
    "StoredJob",
    "Taken",
    "ready_item",
]
