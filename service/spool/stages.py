"""What the bytes of an upload are wrapped in, taken off piece by piece: gzip, and the parts of a form.

A stage turns what arrives into what it stands for, in pieces of bounded size, and holds no more than one piece. Nothing
here touches a disk or a network. Raises Unreadable where the wrapping is broken.
"""

import zlib
from collections.abc import Iterator, Sequence
from typing import Protocol

from service.errors import Unreadable

_GZIP = 16 + zlib.MAX_WBITS  # what zlib calls gzip's header and trailer
_GZIP_FIRST = b"\x1f"  # no line of JSON begins with it
PIECE = 256 * 1024  # bytes that come out of gzip in one step, however small the step's input


class Stage(Protocol):
    """One wrapping."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What these next bytes stand for."""
        ...

    def finish(self) -> None:
        """Raises Unreadable where the bytes end too early."""
        ...


def through(stages: Sequence[Stage], data: bytes) -> Iterator[bytes]:
    """What the next bytes stand for once every stage has been through them, the first stage first."""
    if not stages:
        yield data
        return
    for piece in stages[0].feed(data):
        yield from through(stages[1:], piece)


class Gunzip:
    """gzip of one or more members."""

    def __init__(self) -> None:
        self._members = 0
        self._member: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Raises Unreadable for what is no gzip, anywhere in the stream."""
        more = bool(data)
        while more:
            if self._member is None:
                self._member = zlib.decompressobj(_GZIP)
                self._members += 1
            try:
                piece = self._member.decompress(data, PIECE)
            except zlib.error as error:
                raise self._broken() from error
            if self._member.eof:
                data, self._member = self._member.unused_data, None
                more = bool(data)
            else:
                data = self._member.unconsumed_tail
                more = bool(data) or len(piece) == PIECE  # zlib may hold on to output that did not fit
            yield piece  # even an empty one, so that the caller can pause between members

    def finish(self) -> None:
        """Raises Unreadable where a member has not ended."""
        if self._member is not None:
            detail = "The gzip data ends before it is complete; compress the file again, or send it again."
            raise Unreadable("gzip_truncated", detail)

    def _broken(self) -> Unreadable:
        detail = "The upload is declared as gzip or begins like it, and is none or damaged; compress it again."
        if self._members > 1:
            detail = "After the gzip data something follows that is none or damaged; send the gzip data alone."
        return Unreadable("not_gzip", detail)


class Sniffed:
    """gzip where the first byte says so, else the bytes themselves."""

    def __init__(self) -> None:
        self._begun = False
        self._gunzip: Gunzip | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Raises Unreadable for what begins as gzip and is none."""
        if not self._begun and data:
            self._begun = True
            self._gunzip = Gunzip() if data.startswith(_GZIP_FIRST) else None
        return iter((data,)) if self._gunzip is None else self._gunzip.feed(data)

    def finish(self) -> None:
        """Raises Unreadable where gzip has not ended."""
        if self._gunzip is not None:
            self._gunzip.finish()
