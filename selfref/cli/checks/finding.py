"""What a check found."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is; only `FAIL` keeps pairs from being judged or kept."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One row: which part, what was looked at, what was seen, and how to mend it where it is not well."""

    part: str
    check: str
    level: Level
    seen: str
    mend: str = ""


@dataclass(frozen=True)
class Part:
    """Makes the findings of one part, so that a row reads like a sentence."""

    name: str

    def ok(self, check: str, seen: str) -> Finding:
        """It is as it should be."""
        return Finding(self.name, check, Level.OK, seen)

    def warn(self, check: str, seen: str, *, mend: str) -> Finding:
        """It works, and will hurt some day."""
        return Finding(self.name, check, Level.WARN, seen, mend)

    def fail(self, check: str, seen: str, *, mend: str) -> Finding:
        """It does not work."""
        return Finding(self.name, check, Level.FAIL, seen, mend)
