"""A Parquet export loses nothing of a label, comes in pieces, and needs pyarrow only when it is asked for."""

import io
import subprocess
import sys
from collections.abc import Sequence
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfref.exports import Format, export_as
from selfref.exports.parquet import SCHEMA, ParquetExport
from selfref.messages import Label, Verdict
from tests.selfref.exports.labels import label, labels


def read(file: bytes) -> list[dict[str, Any]]:
    return list(pq.read_table(io.BytesIO(file)).to_pylist())


def label_of(row: dict[str, Any]) -> Label:
    """The label that a row was made of."""
    prompt = row["prompt"][0]["content"] if row.pop("prompt_is_text") else row["prompt"]
    answers = {name: row[name] and row[name][0]["content"] for name in ("chosen", "rejected")}
    return Label.model_validate(row | answers | {"prompt": prompt})


def test_every_field_of_a_label_has_a_column() -> None:
    assert set(SCHEMA.names) == {*Label.model_fields, "prompt_is_text"}


@given(st.lists(labels(), max_size=4), st.integers(1, 3))
def test_labels_survive_whatever_their_row_groups(found: list[Label], group_labels: int) -> None:
    export = ParquetExport(group_labels=group_labels)
    file = export.write(found[:2]) + export.write(found[2:]) + export.close()
    assert [label_of(row) for row in read(file)] == found


def test_every_verdict_has_a_row_and_only_decided_ones_an_answer_chosen() -> None:
    export = export_as(Format.PARQUET)
    rows = read(export.write([label(verdict=verdict) for verdict in Verdict]) + export.close())
    assert [row["verdict"] for row in rows] == ["A", "B", "tie", "inconsistent"]
    assert [row["chosen"] and row["chosen"][0]["content"] for row in rows] == ["a good one", "a bad one", None, None]


@pytest.mark.parametrize("bound", [{"group_labels": 10}, {"group_characters": 10 * 4_000}])
def test_the_file_comes_in_pieces_of_a_row_group_and_nothing_is_held_longer(bound: dict[str, int]) -> None:
    export, random = ParquetExport(**bound), Random(0)
    pieces = [export.write(found) for found in pages(random, pages=20, labels=5)]
    written = pieces[1::2]  # a page is half a group
    assert all(len(piece) > 10_000 for piece in written)
    assert not any(pieces[2::2])
    pieces.append(export.close())
    assert len(pieces[-1]) < 10 * 2_500  # the footer, which holds no texts
    file = pq.ParquetFile(io.BytesIO(b"".join(pieces)))
    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [10] * 10


def pages(random: Random, *, pages: int, labels: int) -> list[Sequence[Label]]:
    """Labels that do not compress well: 4000 characters each, as a row counts them."""
    digits = lambda length: random.randbytes(length // 2).hex()  # noqa: E731
    answers = [(digits(900), digits(900)) for _ in range(pages * labels)]
    found = [label(answers=pair, prompt=digits(384), principle=digits(16)) for pair in answers]
    return [found[start : start + labels] for start in range(0, len(found), labels)]


def test_a_file_without_labels_can_be_read() -> None:
    assert read(ParquetExport().close()) == []


def test_without_pyarrow_only_parquet_fails_and_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "selfref.exports.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert export_as(Format.TRL).write([label()])
    with pytest.raises(ImportError, match=r"pip install 'selfref\[export\]'"):
        export_as(Format.PARQUET)


def test_pyarrow_is_imported_only_for_parquet() -> None:
    program = "import sys, selfref.exports as e; e.export_as(e.Format.TRL); sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
