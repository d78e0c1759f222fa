"""Lines of results: what `GET /jobs/{id}/results` gives, and what `GET /judgments/{id}` gives, one JSON object a line.

A pair that failed, was canceled or waits has no judgment; its line is kept as it is. Anything else is refused with the
number of its line: half a file of judgments decided again would be taken for a whole one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from selfref.messages import JobResult, Judgment

_OTHERWISE = ("failed", "canceled", "waiting")


class UnusableResults(Exception):
    """A line that is no result, with its number and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Result:
    """One line."""

    number: int  # of the line in the file, from 1
    content: dict[str, Any]
    judgment: Judgment | None  # None: the pair ended otherwise, or has not ended

    @property
    def line(self) -> int | None:
        """The line of the upload that it is told for; None for a single judgment."""
        return self.judgment.line if isinstance(self.judgment, JobResult) else None

    @property
    def duplicate_of(self) -> int | None:
        """The earlier line of the upload whose judgment it shares."""
        return self.judgment.duplicate_of if isinstance(self.judgment, JobResult) else None

    def told(self, judgment: Judgment) -> bytes:
        """The same line with another judgment in it."""
        return orjson.dumps(self.content | judgment.model_dump(mode="json"), option=orjson.OPT_APPEND_NEWLINE)


def read_results(lines: Iterable[bytes]) -> Iterator[Result]:
    """Every line that is not blank. Raises UnusableResults."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _result(number, line)


def _result(number: int, line: bytes) -> Result:
    try:
        content = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise UnusableResults(f"line {number} is no JSON: {error}") from None
    status = content.get("status") if isinstance(content, dict) else None
    if status in _OTHERWISE:
        return Result(number, content, None)
    if status != "judged":
        raise UnusableResults(f"line {number} is no judgment: it has no status of one")
    kind = JobResult if "line" in content else Judgment
    try:
        return Result(number, content, kind.model_validate_json(line))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:3])
        raise UnusableResults(f"line {number} is no judgment: {faults}") from None
