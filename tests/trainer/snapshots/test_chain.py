"""What is read back is what was taken, or an error that names the file."""

import io
import shutil
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet as pq

from selfref.exports.parquet import ParquetExport
from selfref.messages import ChatMessage, Label
from tests.selfref.exports.labels import label, labels
from tests.trainer.snapshots.feeds import ListedFeed, rows, taken
from trainer.errors import SnapshotDamaged
from trainer.snapshots.chain import FOLDER, Snapshot, read_labels, snapshots
from trainer.snapshots.contents import Rules
from trainer.snapshots.taking import Order

CHAT = (
    ChatMessage(role="system", content="Be brief."),
    ChatMessage(role="user", content="Which?"),
    ChatMessage(role="assistant", content="Of what?"),
    ChatMessage(role="user", content="Of these."),
)


@pytest.fixture
def chain(tmp_path: Path) -> list[Snapshot]:
    """Three snapshots of four labels each."""
    feed = ListedFeed([label(str(number), prompt=f"question {number}") for number in range(12)])
    return taken(tmp_path, feed, 4, Rules(heldout_share=0.5))


@settings(max_examples=50, deadline=None)
@given(st.lists(labels(), max_size=8))
def test_labels_come_back_as_they_were(expected: list[Label]) -> None:
    export = ParquetExport(group_labels=3)
    table = pq.read_table(io.BytesIO(export.write(expected) + export.close()))
    assert list(read_labels(table)) == expected


def test_conversations_and_plain_prompts_come_back_from_a_snapshot(tmp_path: Path) -> None:
    one_turn = (ChatMessage(role="user", content="Which is it?"),)
    expected = [label("text"), label("turn", prompt=one_turn), label("chat", prompt=CHAT, probability_a=None)]
    (snapshot,) = taken(tmp_path, ListedFeed(expected), 3, Rules(heldout_share=0.0))
    assert rows(snapshot) == expected
    assert [row.prompt for row in rows(snapshot)] == ["Which is it?", one_turn, CHAT]


def test_what_was_taken_is_what_is_read(tmp_path: Path, chain: list[Snapshot]) -> None:
    assert snapshots(tmp_path) == chain
    assert len({each.digest for each in chain}) == 3


def test_a_folder_without_snapshots_has_none(tmp_path: Path) -> None:
    assert snapshots(tmp_path / "missing") == []


def test_what_is_not_named_like_a_snapshot_is_left_alone(tmp_path: Path, chain: list[Snapshot]) -> None:
    for name in (".taking-00004", "4", "0004", "00004.old", "notes", "٠٠٠٠٤"):
        shutil.copytree(chain[0].folder, tmp_path / FOLDER / name)
    assert snapshots(tmp_path) == chain


def test_a_name_of_more_digits_is_a_snapshots_too(tmp_path: Path, chain: list[Snapshot]) -> None:
    chain[2].folder.rename(tmp_path / FOLDER / "100000")
    with pytest.raises(SnapshotDamaged, match="holds 100000 where 00003 should be"):
        snapshots(tmp_path)


def test_a_missing_snapshot_is_noticed(tmp_path: Path, chain: list[Snapshot]) -> None:
    shutil.rmtree(chain[1].folder)
    with pytest.raises(SnapshotDamaged, match="holds 00003 where 00002 should be"):
        snapshots(tmp_path)


@pytest.mark.parametrize(
    ("field", "value"), [("cursor", "9"), ("consumed", 5), ("size", 5), ("heldout_share", 0.25), ("version", 2)]
)
def test_a_manifest_that_was_changed_is_noticed(
    tmp_path: Path, chain: list[Snapshot], field: str, value: object
) -> None:
    _change(chain[0].folder / "manifest.json", field, value)
    with pytest.raises(SnapshotDamaged, match=r"manifest\.json"):
        snapshots(tmp_path)


@pytest.mark.parametrize(("field", "value"), [("consumed", 5), ("version", 2), ("heldout_share", 1.5), ("more", 1)])
def test_a_last_manifest_that_cannot_be_right_is_noticed(
    tmp_path: Path, chain: list[Snapshot], field: str, value: object
) -> None:
    _change(chain[2].folder / "manifest.json", field, value)
    with pytest.raises(SnapshotDamaged, match=r"00003/manifest\.json is no manifest"):
        snapshots(tmp_path)


def _change(path: Path, field: str, value: object) -> None:
    manifest = orjson.loads(path.read_bytes()) | {field: value}
    path.write_bytes(
        orjson.dumps(manifest, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    )


@pytest.mark.parametrize("content", [b"", b"{", b"{}"])
def test_a_manifest_that_is_none_is_noticed(tmp_path: Path, chain: list[Snapshot], content: bytes) -> None:
    (chain[2].folder / "manifest.json").write_bytes(content)
    with pytest.raises(SnapshotDamaged, match=r"00003/manifest\.json is no manifest"):
        snapshots(tmp_path)


def test_a_last_manifest_in_another_form_is_noticed(tmp_path: Path, chain: list[Snapshot]) -> None:
    path = chain[2].folder / "manifest.json"
    path.write_bytes(orjson.dumps(orjson.loads(path.read_bytes())))
    with pytest.raises(SnapshotDamaged, match="written by something else"):
        snapshots(tmp_path)


def test_a_last_snapshot_of_another_folder_is_noticed(tmp_path: Path, chain: list[Snapshot]) -> None:
    other = taken(tmp_path / "other", ListedFeed([label(f"other {number}") for number in range(12)]), 4)
    shutil.rmtree(chain[2].folder)
    shutil.copytree(other[2].folder, chain[2].folder)
    with pytest.raises(SnapshotDamaged, match="does not follow the manifest before it"):
        snapshots(tmp_path)


def test_a_snapshot_under_anothers_number_is_noticed(tmp_path: Path, chain: list[Snapshot]) -> None:
    shutil.rmtree(chain[2].folder)
    shutil.copytree(chain[0].folder, chain[2].folder)
    with pytest.raises(SnapshotDamaged, match="is that of snapshot 00001"):
        snapshots(tmp_path)


@pytest.mark.parametrize("name", ["train.parquet", "heldout.parquet"])
def test_a_table_with_one_bit_changed_is_noticed(tmp_path: Path, chain: list[Snapshot], name: str) -> None:
    path = chain[1].folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(SnapshotDamaged, match=f"00002/{name}"):
        rows(snapshots(tmp_path)[1])
    with pytest.raises(SnapshotDamaged, match=f"00002/{name}"):
        taken(tmp_path, ListedFeed([label(str(number)) for number in range(16)]), 4, Rules(heldout_share=0.5))


def test_a_table_that_is_gone_is_noticed(chain: list[Snapshot]) -> None:
    (chain[0].folder / "train.parquet").unlink()
    with pytest.raises(SnapshotDamaged, match=r"00001/train\.parquet cannot be read"):
        chain[0].train()


def test_the_digests_of_contents_are_those_of_lines_of_sorted_json(chain: list[Snapshot]) -> None:
    import hashlib
    import json

    for snapshot in chain:
        for table, digests in (
            (snapshot.train(), snapshot.manifest.train),
            (snapshot.heldout(), snapshot.manifest.heldout),
        ):
            lines = [
                json.dumps(each.model_dump(mode="json"), sort_keys=True, separators=(",", ":")) + "\n"
                for each in read_labels(table)
            ]
            assert digests.rows == len(lines)
            assert digests.content_sha256 == hashlib.sha256("".join(lines).encode()).hexdigest()


def test_tables_are_read_whole_where_they_have_several_row_groups(tmp_path: Path) -> None:
    expected = [label(str(number), answers=("x" * 4_500_000, "y")) for number in range(3)]
    (snapshot,) = taken(tmp_path, ListedFeed(expected), Order(3), Rules(heldout_share=0.0))
    assert rows(snapshot) == expected
