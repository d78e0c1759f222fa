"""The formats by name, and how labels become a file of one."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Protocol

import orjson

from selfref.exports.preferences import preference_row
from selfref.messages import Label


class Format(StrEnum):
    """What a file of labels can be; `docs/exports.md` shows each."""

    JSONL = "jsonl"  # every label as the feed has it
    TRL = "trl"  # decided pairs, as lines of JSON
    OPENRLHF = "openrlhf"  # the same rows, since OpenRLHF reads the same columns
    PARQUET = "parquet"  # every label, every field, in columns of fixed types

    def holds(self, label: Label) -> bool:
        """False for a label that has no row in this format."""
        return self in (Format.JSONL, Format.PARQUET) or preference_row(label) is not None


class Export(Protocol):
    """A file in the making: what `write` and at last `close` return, one after the other, are its bytes."""

    def write(self, labels: Iterable[Label]) -> bytes:
        """Take up some labels; the bytes that are ready, which may be none yet."""
        ...

    def close(self) -> bytes:
        """The rest of the file."""
        ...


def export_as(format_: Format) -> Export:
    """A new file of this format. Raises ImportError, saying what to install, for Parquet where pyarrow is missing."""
    match format_:
        case Format.JSONL:
            return _Lines(_label_line)
        case Format.TRL | Format.OPENRLHF:
            return _Lines(_preference_line)
        case Format.PARQUET:
            from selfref.exports.parquet import ParquetExport  # pyarrow only for those who ask for it

            return ParquetExport()


class _Lines:
    """A file of lines, each made of one label alone."""

    def __init__(self, line_of: Callable[[Label], bytes]) -> None:
        self._line_of = line_of

    def write(self, labels: Iterable[Label]) -> bytes:
        return b"".join(map(self._line_of, labels))

    def close(self) -> bytes:
        return b""


def _label_line(label: Label) -> bytes:
    return label.model_dump_json().encode() + b"\n"


def _preference_line(label: Label) -> bytes:
    row = preference_row(label)
    return b"" if row is None else orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
