"""Labels as a Parquet file, made piece by piece in bounded memory; needs pyarrow (`selfref[export]`).

Every label has a row, whatever its verdict. The rows with a verdict of A or B are preference rows as they are:
`prompt`, `chosen` and `rejected` are lists of messages, so trainers read them without a conversion.
"""

import io
from collections.abc import Iterable
from typing import Any

from selfref.exports.preferences import Turn, turns_of
from selfref.messages import Label

try:
    import pyarrow as pa  # type: ignore[import-untyped]
    from pyarrow import parquet as pq
except ModuleNotFoundError as error:
    raise ImportError("Parquet needs pyarrow; install it with: pip install 'selfref[export]'") from error

_TURNS = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("prompt", _TURNS),
        ("chosen", _TURNS),  # null unless the verdict is A or B, as is `rejected`
        ("rejected", _TURNS),
        ("margin", pa.float64()),
        ("verdict", pa.string()),  # A, B, tie or inconsistent
        ("probability_a", pa.float64()),
        ("strength", pa.float64()),
        ("answer_a", pa.string()),
        ("answer_b", pa.string()),
        ("principle", pa.string()),
        ("provenance", pa.string()),
        ("job_id", pa.string()),
        ("custom_id", pa.string()),
        ("prompt_is_text", pa.bool_()),  # true where the prompt was sent as one text rather than as messages
        ("version", pa.int32()),
    ]
)
_MEASURED = ["margin", "verdict", "probability_a", "strength", "job_id"]  # least and greatest go into the footer
GROUP_LABELS = 10_000  # labels of a row group at most: enough to compress well
GROUP_CHARACTERS = 8_000_000  # characters of text after which a row group ends earlier; bounds the memory


class ParquetExport:
    """A Parquet file in the making; holds one row group at most. Encoding a group takes CPU: not for an event loop."""

    def __init__(self, *, group_labels: int = GROUP_LABELS, group_characters: int = GROUP_CHARACTERS) -> None:
        self._sink = _Sink()
        # Measured texts would be up to 8 kB of footer per column and row group, all of it held until the end.
        self._writer = pq.ParquetWriter(self._sink, SCHEMA, compression="zstd", write_statistics=_MEASURED)
        self._group_labels = group_labels
        self._group_characters = group_characters
        self._rows: list[dict[str, Any]] = []
        self._characters = 0

    def write(self, labels: Iterable[Label]) -> bytes:
        """Take up some labels; the bytes of the row groups that are full now."""
        for label in labels:
            self._rows.append(_row_of(label))
            self._characters += _characters_of(label)
            if len(self._rows) >= self._group_labels or self._characters >= self._group_characters:
                self._end_group()
        return self._sink.take()

    def close(self) -> bytes:
        """The last row group and the footer, without which the file cannot be read."""
        if self._rows:
            self._end_group()
        self._writer.close()
        return self._sink.take()

    def _end_group(self) -> None:
        self._writer.write_table(pa.Table.from_pylist(self._rows, schema=SCHEMA))
        self._rows, self._characters = [], 0


class _Sink(io.RawIOBase):
    """What pyarrow writes to: keeps bytes only until they are taken, and still knows how many there have been."""

    def __init__(self) -> None:
        self._ready: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._ready.append(bytes(data))
        self._position += len(self._ready[-1])
        return len(self._ready[-1])

    def tell(self) -> int:
        return self._position

    def take(self) -> bytes:
        taken, self._ready = b"".join(self._ready), []
        return taken


def _row_of(label: Label) -> dict[str, Any]:
    return label.model_dump(mode="json") | {
        "prompt": turns_of(label.prompt),
        "prompt_is_text": isinstance(label.prompt, str),
        "chosen": _answer(label.chosen),
        "rejected": _answer(label.rejected),
    }


def _answer(text: str | None) -> list[Turn] | None:
    return None if text is None else [Turn(role="assistant", content=text)]


def _characters_of(label: Label) -> int:
    """About how much text the row of a label holds; a decided pair holds its answers twice."""
    prompt = sum(len(turn["content"]) for turn in turns_of(label.prompt))
    return prompt + 2 * (len(label.answer_a) + len(label.answer_b)) + len(label.principle)
