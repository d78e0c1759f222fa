"""The lines of an upload, one after the other, each with its place in the file; memory for one line, however long."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from service.spool.lines import BOM

_SKIPPED = 1024 * 1024  # bytes of an over-long line that are passed over in one go


class Line(NamedTuple):
    """One line without its ending; `text` is None where it is over the limit."""

    number: int  # from 1
    offset: int
    size: int
    text: bytes | None


def lines(file: BinaryIO, *, most_bytes: int) -> Iterator[Line | None]:
    """Every line, blank ones too; None now and then while a line of more than `most_bytes` is passed over."""
    number = offset = 0
    while text := file.readline(most_bytes + 2):
        number += 1
        start = offset
        offset += len(text)
        if text.endswith(b"\n") or len(text) < most_bytes + 2:
            line = _without_ending(text)
            if number == 1 and line.startswith(BOM):
                line, start = line[len(BOM) :], start + len(BOM)
            fits = len(line) <= most_bytes
            yield Line(number, start, len(line), line if fits else None)
            continue
        ending = b""
        while not ending.endswith(b"\n") and (more := file.readline(_SKIPPED)):
            offset += len(more)
            ending = more
            yield None
        size = offset - start - (len(ending) - len(ending.rstrip(b"\r\n")))
        yield Line(number, start, size, None)


def _without_ending(text: bytes) -> bytes:
    return text[: -2 if text.endswith(b"\r\n") else -1] if text.endswith(b"\n") else text
