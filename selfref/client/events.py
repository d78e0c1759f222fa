"""Server-sent events out of the bytes of a stream (WHATWG HTML, section 9.2.6); no I/O."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LINE_END = re.compile(rb"\r\n|\n|\r(?=.)", re.DOTALL)  # a last \r waits for what follows it


@dataclass(frozen=True)
class Event:
    """One event; `id` is what a client that comes back says it has seen."""

    name: str
    id: str
    data: str


class Events:
    """The events of one stream; `retry` is how many seconds it asks to wait before coming back."""

    def __init__(self) -> None:
        self.retry = 0.0
        self._id = ""
        self._rest = b""
        self._name = ""
        self._data: list[str] = []

    def take(self, received: bytes) -> Iterator[Event]:
        """The events that end within these bytes."""
        *lines, self._rest = _LINE_END.split(self._rest + received)
        for line in lines:
            if line:
                self._take_field(line.decode(errors="replace"))
                continue
            if self._data:
                yield Event(self._name or "message", self._id, "\n".join(self._data))
            self._name, self._data = "", []

    def _take_field(self, line: str) -> None:
        name, _, value = line.partition(":")  # a comment has no name
        value = value.removeprefix(" ")
        match name:
            case "event":
                self._name = value
            case "data":
                self._data.append(value)
            case "id":
                self._id = value
            case "retry" if value.isdecimal():
                self.retry = int(value) / 1000
