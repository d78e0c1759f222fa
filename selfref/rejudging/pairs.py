"""The file that was uploaded: judgments name its lines, and hold none of its texts.

That a file is the one that was judged shows in what a judgment repeats of its line: the custom_id, the principle, the
caller's reference, and whether both answers are one text. Lines without a custom_id are held to the rest alone.
"""

import gzip
import shutil
import tempfile
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson
from pydantic import ValidationError

from selfref.client.uploads import GZIP_MAGIC
from selfref.markers import escape_markers
from selfref.messages import ESCAPED_MARKERS, Comparison
from selfref.rejudging.results import Result


class NotThePairs(Exception):
    """The file does not hold what a judgment is about: which, and why."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that was judged."""

    number: int
    content: dict[str, Any]
    comparison: Comparison  # as a label tells it


class Pairs:
    """The lines of an upload by number; holds a place for each, and no text."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._starts = array("Q")
        self._by_custom_id: dict[str, int] | None = None
        self._job_ids: set[str | None] = set()
        self.unnamed: set[int] = set()  # lines asked for that had no custom_id to be known by
        place = 0
        for line in file:
            self._starts.append(place)
            place += len(line)

    def line(self, result: Result) -> Line:
        """The line that was judged. Raises NotThePairs."""
        number, content = self._found(result)
        judgment = result.judgment
        assert judgment is not None  # noqa: S101 - `_found` has seen to it
        asked = _asked(number, content, principle=judgment.principle)
        compared = asked.with_texts(escape_markers) if ESCAPED_MARKERS in judgment.flags else asked
        said = judgment.reference
        if said is not None and said.source == "caller" and compared.reference != said.text:
            raise NotThePairs(f"line {number} has another reference than it was judged with")
        if (not judgment.orders) != (compared.answer_a == compared.answer_b):
            raise NotThePairs(f"line {number} has other answers: one text twice is a tie, and nobody is asked")
        first = result.duplicate_of
        if first is not None and _asked(first, self._content(first), principle=judgment.principle) != asked:
            raise NotThePairs(f"line {number} was judged as the same comparison as line {first}, and is not")
        return Line(number, content, compared)

    def _found(self, result: Result) -> tuple[int, dict[str, Any]]:
        """Number and content, held against what the judgment says of its line."""
        judgment = result.judgment
        if judgment is None:
            raise ValueError("what was not judged has no line")
        self._job_ids.add(judgment.job_id)
        if len(self._job_ids) > 1:
            raise NotThePairs("the results are of several jobs, and so of several files; give those of one")
        number = result.line or self._line_of(judgment.custom_id, judgment.id)
        content = self._content(number)
        custom_id = content.get("custom_id")
        if custom_id is None:
            self.unnamed.add(number)
        if custom_id != judgment.custom_id:
            raise NotThePairs(f"line {number} is {_named(custom_id)}, and was judged as {_named(judgment.custom_id)}")
        for name, judged in (("principle", judgment.principle), ("preset", judgment.preset.value)):
            said = content.get(name)
            if said not in (None, judged) and escape_markers(str(said)) != judged:
                raise NotThePairs(f"line {number} has another {name} than it was judged by")
        return number, content

    def _line_of(self, custom_id: str | None, judgment_id: str) -> int:
        if custom_id is None:
            raise NotThePairs(f"judgment {judgment_id} names neither a line nor a custom_id to find its texts by")
        if self._by_custom_id is None:
            self._by_custom_id = {}
            for number in range(1, len(self._starts) + 1):
                named = _loaded(self._read(number)).get("custom_id")
                if named is not None:
                    self._by_custom_id.setdefault(named, number)
        if custom_id not in self._by_custom_id:
            raise NotThePairs(f"no line has the custom_id {custom_id!r}, which was judged")
        return self._by_custom_id[custom_id]

    def _content(self, number: int) -> dict[str, Any]:
        if number > len(self._starts):
            raise NotThePairs(f"line {number} was judged, and there are only {len(self._starts)}")
        content = _loaded(self._read(number))
        if not content:
            raise NotThePairs(f"line {number} was judged, and is no JSON object")
        return content

    def _read(self, number: int) -> bytes:
        self._file.seek(self._starts[number - 1])
        return self._file.readline()


@contextmanager
def pairs_at(path: Path) -> Iterator[Pairs]:
    """The upload at a path, plain or gzip. Raises OSError."""
    with path.open("rb") as file:
        zipped = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        file.seek(0)
        if not zipped:
            yield Pairs(file)
            return
        with tempfile.TemporaryFile(prefix="selfref-pairs-") as plain:
            with gzip.open(file) as packed:
                shutil.copyfileobj(packed, plain)
            plain.seek(0)
            yield Pairs(cast("BinaryIO", plain))


def _asked(number: int, content: dict[str, Any], *, principle: str) -> Comparison:
    fields = {name: content[name] for name in Comparison.model_fields if content.get(name) is not None}
    try:
        return Comparison.model_validate(fields | {"principle": principle})
    except ValidationError as error:
        raise NotThePairs(f"line {number} was judged, and is no comparison: {error.errors()[0]['msg']}") from None


def _loaded(line: bytes) -> dict[str, Any]:
    """A line's object; an empty one for a line that is none."""
    try:
        content = orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return {}
    return content if isinstance(content, dict) else {}


def _named(custom_id: object) -> str:
    return "without a custom_id" if custom_id is None else repr(custom_id)
