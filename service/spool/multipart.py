"""The parts of a `multipart/form-data` upload as they arrive: the file's bytes are handed on, the other fields kept."""

from collections.abc import Iterator

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from service.errors import Invalid, TooLarge, Unreadable

FILE = "file"  # name of the part that holds the lines
_MOST_FIELDS = 32
_MOST_FIELD_BYTES = 16_384  # of all fields together; a principle has at most 2,000 characters
_AS_IT_IS = (b"", b"7bit", b"8bit", b"binary")


class Multipart:
    """A stage whose output is the file part; `fields` has the rest once the stage has finished."""

    def __init__(self, content_type: str) -> None:
        """Raises Unreadable where the content type names no boundary."""
        self.fields: dict[str, str] = {}
        self._field_bytes = 0
        self._pieces: list[bytes] = []
        self._header, self._value = bytearray(), bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._name: str | None = None
        self._text = bytearray()
        self._has_file = self._ended = False
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary:
            raise _broken("`Content-Type` names no boundary")
        self._parser = self._reading(boundary)

    def _reading(self, boundary: bytes) -> MultipartParser:
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._headers.clear,
                    "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
                    "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._begin_part,
                    "on_part_data": self._data,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise _broken(str(error)) from error

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The file's bytes among these; raises Unreadable, Invalid (no such part is asked for) or TooLarge (fields)."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _broken(str(error)) from error
        pieces, self._pieces = self._pieces, []
        return iter(pieces)

    def finish(self) -> None:
        """Raises Unreadable where the last boundary is missing, Invalid where the file is."""
        if not self._ended:
            raise _broken("it ends before its last boundary; send it again")
        if not self._has_file:
            raise _no_file()

    def _end_header(self) -> None:
        self._headers[bytes(self._header).lower()] = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _begin_part(self) -> None:
        _, disposition = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = disposition.get(b"name", b"").decode(errors="replace")
        if self._headers.get(b"content-transfer-encoding", b"").lower() not in _AS_IT_IS:
            raise _broken(f"part `{name[:100]}` has a transfer encoding; send its bytes as they are")
        if name == FILE:
            if self._has_file:
                raise Invalid("too_many_files", "There are two parts named `file`; send one.", param=FILE)
            self._has_file, self._name = True, None
            return
        if b"filename" in disposition:
            raise _no_file()
        if not name or name in self.fields or len(self.fields) == _MOST_FIELDS:
            raise _broken(f"part `{name[:100]}` has no name, comes twice, or is one of too many")
        self._name = name
        self._count(len(name))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._name is None:
            self._pieces.append(data[start:end])
        else:
            self._count(end - start)
            self._text += data[start:end]

    def _end_part(self) -> None:
        if self._name is not None:
            try:
                self.fields[self._name] = self._text.decode()
            except UnicodeDecodeError as error:
                detail = f"`{self._name}` is not UTF-8: byte {error.start} cannot be read."
                raise Unreadable("not_utf8", detail, param=self._name) from error
        self._text.clear()

    def _end(self) -> None:
        self._ended = True

    def _count(self, size: int) -> None:
        self._field_bytes += size
        if self._field_bytes > _MOST_FIELD_BYTES:
            raise TooLarge("body_too_large", f"The form's fields are over the limit of {_MOST_FIELD_BYTES} bytes.")


def _broken(why: str) -> Unreadable:
    return Unreadable("invalid_multipart", f"The body is not a valid form: {why}.")


def _no_file() -> Invalid:
    return Invalid("missing_file", "Send the lines as one part named `file`.", param=FILE)
