"""Every line of an upload ends in exactly one place, and the same one whoever reads it and however often."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selfref.messages import LineError
from service.spool.folder import JobFolder, UploadDamaged
from service.spool.index import PairIndex
from service.spool.records import Kind
from service.spool.refused import read_refused
from service.spool.validating import Validator
from tests.service.spool.uploads import JOB, line, upload, validate

DATA = Path(__file__).parents[4] / "shared" / "data"
MB = 1_000_000
PUBLISHED = ("pairs.bin", "twins.bin", "refused.jsonl", "validation.json")


def places(folder: JobFolder) -> dict[str, list[int]]:
    """Line numbers by where they ended; hidden checks are nobody's line."""
    found: dict[str, list[int]] = {"pairs": [], "duplicates": [], "gold": []}
    with PairIndex(folder) as index:
        for record in index.records(0, len(index)):
            if record.kind in (Kind.PAIR, Kind.GOLD):
                found["gold" if record.kind is Kind.GOLD else "pairs"].append(record.line)
            found["duplicates"].extend(twin.line for twin in index.twins(record))
    found["refused"] = [error.line for error in refusals(folder)]
    return found


def refusals(folder: JobFolder) -> list[LineError]:
    page = read_refused(folder, after=0, limit=100_000)
    return [LineError.model_validate_json(error) for error in page.text.splitlines()]


def published(folder: JobFolder) -> dict[str, bytes]:
    return {name: (folder.path / name).read_bytes() for name in PUBLISHED}


def test_a_file_with_every_kind_of_line_ends_with_each_in_one_place_and_words_that_help(tmp_path: Path) -> None:
    content = b"".join(
        [
            b"\xef\xbb\xbf" + line("first", custom_id="one") + b"\n",  # 1: a mark at the beginning is fine
            line("second", custom_id="two") + b"\r\n",  # 2: as is this ending
            b"\r\n \n",  # 3, 4: blank
            b'{"prompt":"p"\n',  # 5
            b'{"prompt":"a\x00b","answer_a":"a","answer_b":"b"}\n',  # 6
            line("x" * 5 * MB, custom_id="long") + b"\n",  # 7
            line("third", custom_id="one") + b"\n",  # 8
            line("first", custom_id="three") + b"\r\n",  # 9: as line 1
            b'{"answer_a":"a"}\n',  # 10
            line(answer_a=True, custom_id="four") + b"\n",  # 11
            line(" ") + b"\n",  # 12
            b'{"prompt":"caf\xe9","answer_a":"a","answer_b":"b"}\n',  # 13
            b"\xef\xbb\xbf" + line("fourth") + b"\n",  # 14
            line("first", gold="A") + b"\n",  # 15
            line("fourth", custom_id="four"),  # 16: the name of a refused line is free; no line ending
        ]
    )
    folder = upload(tmp_path, content)
    validated = validate(folder)
    assert places(folder) == {
        "pairs": [1, 2, 16],
        "duplicates": [9],
        "gold": [15],
        "refused": [5, 6, 7, 8, 10, 11, 12, 13, 14],
    }
    assert validated.lines.model_dump() == {"total": 14, "pairs": 3, "duplicates": 1, "gold": 1, "refused": 9}
    assert [(error.line, error.code, error.param, error.custom_id) for error in refusals(folder)] == [
        (5, "invalid_json", None, None),
        (6, "nul_byte", None, None),
        (7, "line_too_long", None, None),
        (8, "duplicate_custom_id", "custom_id", "one"),
        (10, "invalid_request", "prompt", None),
        (11, "invalid_request", "answer_a", "four"),
        (12, "invalid_request", "prompt", None),
        (13, "not_utf8", None, None),
        (14, "byte_order_mark", None, None),
    ]
    messages = {error.line: error.message for error in refusals(folder)}
    assert "5000069 bytes, over the limit of 1000000" in messages[7]
    assert "line 1 already; give each line its own" in messages[8]
    assert all(message.endswith(".") for message in messages.values())


kinds = st.sampled_from(["pair", "gold", "bad", "blank", "long"])
written = st.tuples(kinds, st.integers(0, 6), st.none() | st.integers(0, 4), st.sampled_from([b"\n", b"\r\n"]))


def said(kind: str, prompt: int, custom_id: int | None) -> bytes:
    more: dict[str, Any] = {} if custom_id is None else {"custom_id": f"id-{custom_id}"}
    return {
        "pair": line(f"prompt {prompt}", **more),
        "gold": line(f"prompt {prompt}", gold="B", **more),
        "bad": line(f"prompt {prompt}", winner="A", **more),
        "blank": b" " * prompt,
        "long": line("x" * 300, **more),
    }[kind]


def expected(rows: Sequence[tuple[str, int, int | None, bytes]]) -> dict[str, list[int]]:
    """The rules once more, in memory."""
    found: dict[str, list[int]] = {"pairs": [], "duplicates": [], "gold": [], "refused": []}
    names: set[int] = set()
    seen: set[int] = set()
    for number, (kind, prompt, custom_id, _) in enumerate(rows, 1):
        if kind == "blank":
            continue
        if kind in ("bad", "long") or custom_id in names:
            found["refused"].append(number)
            continue
        if custom_id is not None:
            names.add(custom_id)
        if kind == "gold":
            found["gold"].append(number)
        else:
            found["duplicates" if prompt in seen else "pairs"].append(number)
            seen.add(prompt)
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(written, max_size=25), slice_of=st.integers(1, 30), canaries=st.sampled_from([0.0, 0.2]))
def test_any_mix_of_lines_is_counted_and_placed_as_the_rules_say(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, int, int | None, bytes]],
    slice_of: int,
    canaries: float,
) -> None:
    content = b"".join(said(*row[:3]) + row[3] for row in rows)
    folder = upload(tmp_path_factory.mktemp("spool"), content, canaries=canaries)
    validated = validate(folder, slice_of=slice_of, most_line_bytes=300)
    found = places(folder)
    assert {name: sorted(numbers) for name, numbers in found.items()} == expected(rows)
    counts = validated.lines.model_dump()
    assert counts.pop("total") == sum(counts.values())
    assert counts == {name: len(numbers) for name, numbers in found.items()}
    assert validated.records == counts["pairs"] + counts["gold"] + validated.same_answers + validated.repeats


def test_lines_are_the_same_only_where_they_are_whatever_their_hashes(tmp_path: Path) -> None:
    rows = [line(f"{number % 30}", custom_id=f"{number % 40}") for number in range(60)]
    folder, colliding = upload(tmp_path / "one", rows), upload(tmp_path / "other", rows)
    assert validate(colliding, hashed=lambda _: 1) == validate(folder)
    assert published(colliding) == published(folder)


def test_twins_follow_their_pair_in_order_of_their_lines(tmp_path: Path) -> None:
    prompts = ["a", "b", "a", "b", "b", "c", "a"]
    folder = upload(tmp_path, [line(prompt, custom_id=f"{number}") for number, prompt in enumerate(prompts)])
    validate(folder)
    with PairIndex(folder) as index:
        twins = [[twin.line for twin in index.twins(record)] for record in index.records(0, 9)]
        texts = [json.loads(index.line_of(twin))["custom_id"] for twin in index.twins(index.record(1))]
    assert twins == [[3, 7], [4, 5], []]
    assert texts == ["3", "4"]


def test_nothing_is_published_before_the_last_line_has_been_read(tmp_path: Path) -> None:
    folder = upload(tmp_path, [line("a"), line("b")])
    with Validator(folder) as validator:
        assert validator.step(2) is None
        assert folder.validated() is None
        assert not folder.pairs.exists()
        assert validator.step(1) == folder.validated()
    assert sorted(path.name for path in folder.path.iterdir()) == sorted(["job.json", "upload.jsonl", *PUBLISHED])


def test_a_reading_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    folder = upload(tmp_path, [line("a"), line("b")])
    with Validator(folder) as validator:
        validator.step(1)
    assert sorted(path.name for path in folder.path.iterdir()) == ["job.json", "upload.jsonl"]


def test_two_readings_at_once_and_one_after_the_other_end_in_the_same_files(tmp_path: Path) -> None:
    rows = [line(f"{number % 70}", custom_id=f"{number % 90}") for number in range(100)]
    folder = upload(tmp_path, rows, canaries=0.2)
    with Validator(folder) as slow, Validator(folder) as fast:
        slow.step(50)
        first = fast.step(1000)
        files = published(folder)
        assert slow.step(1000) == first
    assert published(folder) == files
    assert validate(folder) == first
    assert published(folder) == files


def test_an_upload_that_is_not_what_was_received_is_never_read(tmp_path: Path) -> None:
    folder = upload(tmp_path, [line()])
    folder.upload.write_bytes(folder.upload.read_bytes()[:-1])
    with pytest.raises(UploadDamaged):
        Validator(folder)


def test_a_job_that_is_deleted_while_its_lines_are_read_is_missed(tmp_path: Path) -> None:
    folder = upload(tmp_path, [line()])
    with Validator(folder) as validator:
        folder.path.rename(tmp_path / "elsewhere")
        with pytest.raises(FileNotFoundError):
            validator.step(10)


def test_pair_numbers_do_not_depend_on_who_reads(tmp_path: Path) -> None:
    rows = [line(f"{number}") for number in range(200)]
    one, other = upload(tmp_path / "one", rows, canaries=0.1), upload(tmp_path / "other", rows, canaries=0.1)
    assert validate(one, slice_of=1) == validate(other, slice_of=7)
    assert published(one) == published(other)
    assert one.manifest().job_id == JOB


def test_a_crash_at_any_step_of_the_disk_and_another_reading_end_in_the_same_files(tmp_path: Path) -> None:
    rows = [line(f"{number % 50}", custom_id=f"{number % 70}") for number in range(80)] + [b"bad"]
    folder = upload(tmp_path, rows, canaries=0.2)
    command = [sys.executable, "-m", "tests.service.spool.dying", str(folder.path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    assert int(ended.stdout) > 10


def test_memory_does_not_grow_with_the_number_of_lines(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        name = f"{rows}"
        folder = upload(tmp_path / name, b"".join(line(f"{n}", custom_id=f"{n}") + b"\n" for n in range(rows)))
        script = f"from tests.service.spool.memory import main; main({str(folder.path)!r})"
        ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        return int(ended.stdout)

    assert peak(120_000) - peak(1_000) < 4 * MB


@pytest.mark.parametrize(
    ("name", "pairs", "duplicates"), [("pandalm.jsonl", 900, 99), ("load_arenahard500_unlabelled.jsonl", 500, 0)]
)
def test_rows_that_nobody_on_this_project_wrote_go_through(
    tmp_path: Path, name: str, pairs: int, duplicates: int
) -> None:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not beside this checkout ({DATA})")
    rows = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
    folder = upload(tmp_path, [line(row["prompt"], row["answer_a"], row["answer_b"]) for row in rows])
    lines = validate(folder).lines
    assert refusals(folder) == []
    assert (lines.total, lines.pairs, lines.duplicates) == (len(rows), pairs, duplicates)
    manifest = folder.manifest()
    with PairIndex(folder) as index:
        for number in range(len(index)):
            record = index.record(number)
            assert index.work(number, manifest).comparison.prompt == rows[record.line - 1]["prompt"]
