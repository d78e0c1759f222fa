"""Why the local stack does not stand.

StackError           each says what happened and what to do
├── DataDirInUse     another stack works in the same folder
├── PortTaken        something else listens where the gateway should
└── PartFailed       a part did not start, or ended while it should run; `.tail` is the end of its log
"""

from pathlib import Path


class StackError(Exception):
    """The parent of everything that keeps the stack from standing; `advice` says what to do."""

    def __init__(self, message: str, *, advice: str) -> None:
        super().__init__(message)
        self.advice = advice


class DataDirInUse(StackError):
    """Two stacks in one folder would write the same Redis files."""


class PortTaken(StackError):
    """The address is in use."""


class PartFailed(StackError):
    """One part of the stack failed, named."""

    def __init__(self, part: str, what: str, *, log: Path | None, tail: str, advice: str) -> None:
        super().__init__(f"{part} {what}", advice=advice)
        self.part = part
        self.log = log
        self.tail = tail
