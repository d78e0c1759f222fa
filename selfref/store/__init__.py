"""Everything that lasts, on Redis Streams: what a process needs to know of it is importable from here."""

from selfref.store.claims import Claim, Standing
from selfref.store.dead_letters import DeadLetter
from selfref.store.errors import (
    CursorExpired,
    CursorInvalid,
    ShardsDiffer,
    StoreError,
    StoreFull,
    StoreRefuses,
    StoreUnavailable,
)
from selfref.store.health import StoreHealth
from selfref.store.judgments import Accepted, AlreadyThere, Counts, QueueFull, Stored
from selfref.store.labels import LabelPage
from selfref.store.store import Store

__all__ = [
    "Accepted",
    "AlreadyThere",
    "Claim",
    "Counts",
    "CursorExpired",
    "CursorInvalid",
    "DeadLetter",
    "LabelPage",
    "QueueFull",
    "ShardsDiffer",
    "Standing",
    "Store",
    "StoreError",
    "StoreFull",
    "StoreHealth",
    "StoreRefuses",
    "StoreUnavailable",
    "Stored",
]
