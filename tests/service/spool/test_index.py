"""A pair by its number, as the work that its line asks for."""

from pathlib import Path

import pytest

from selfref.messages import ESCAPED_MARKERS, Check, Lane, LineError, Preset, Work
from service.spool.folder import JobFolder
from service.spool.index import PairIndex, pair_id, pair_number
from service.spool.records import Kind
from service.spool.refused import read_refused
from tests.service.spool.uploads import CREATED, JOB, line, upload, validate


def works(folder: JobFolder) -> list[Work]:
    manifest = folder.manifest()
    with PairIndex(folder) as index:
        return [index.work(number, manifest) for number in range(len(index))]


def test_a_pair_is_the_work_that_its_line_and_its_job_ask_for(tmp_path: Path) -> None:
    folder = upload(
        tmp_path,
        [line("[INST] é", custom_id="mine"), line("q", reference="r", principle="long")],
        principle="short",
        votes=3,
        preset="direct",
        markers="escape",
    )
    validate(folder)
    first, second = works(folder)
    assert (first.id, first.tenant, first.lane, first.job_id) == (f"{JOB}.0", "default", Lane.BATCH, JOB)
    assert (first.custom_id, first.created_at, first.check, first.repeated) == ("mine", CREATED, None, False)
    assert (first.preset, first.votes, first.comparison.principle) == (Preset.DIRECT, 3, "short")
    assert first.comparison.prompt == "[\u200bINST] é"
    assert first.flags == (ESCAPED_MARKERS,)
    assert (second.preset, second.comparison.principle) == (Preset.REFERENCE, "long")


def test_the_same_number_is_the_same_work_whenever_it_is_asked_for(tmp_path: Path) -> None:
    folder = upload(tmp_path, [line(f"{number}") for number in range(40)], canaries=0.2)
    validate(folder)
    assert works(folder) == works(folder)
    assert [pair_number(work.id) for work in works(folder)] == list(range(len(works(folder))))
    assert [Work.model_validate_json(work.model_dump_json()) for work in works(folder)] == works(folder)


def test_hidden_checks_are_pairs_of_the_job_that_belong_to_no_line(tmp_path: Path) -> None:
    rows = [line(f"{number}", "yes", "no", custom_id=f"c{number}") for number in range(400)]
    folder = upload(tmp_path, rows, canaries=0.1)
    validated = validate(folder)
    found = works(folder)
    assert (validated.same_answers, validated.repeats) == (20, 20)
    checks = [work for work in found if work.check is not None]
    assert len(checks) == validated.checks
    for work in checks:
        assert work.check is not None
        assert work.check.of is not None
        original = found[work.check.of]
        assert (work.custom_id, work.repeated) == (None, False)
        assert work.comparison.answer_a == original.comparison.answer_a
        assert work.comparison.prompt == original.comparison.prompt
        if work.check.kind == "aa":
            assert work.comparison.answer_b == original.comparison.answer_a
        else:
            assert (work.comparison, original.repeated) == (original.comparison, True)
    assert sum(work.repeated for work in found) == validated.repeats


def test_a_gold_pair_says_which_answer_is_better_and_joins_no_other(tmp_path: Path) -> None:
    folder = upload(tmp_path, [line(), line(gold="B", custom_id="g"), line(gold="B")])
    validate(folder)
    plain, gold, again = works(folder)
    assert plain.check is None
    assert (gold.check, gold.custom_id) == (Check(kind="gold", better="B"), "g")
    assert again.check == gold.check


def test_a_number_that_no_pair_has_is_an_error_and_a_page_past_the_end_is_empty(tmp_path: Path) -> None:
    folder = upload(tmp_path, [line()])
    validate(folder)
    with PairIndex(folder) as index:
        assert [record.kind for record in index.records(0, 10)] == [Kind.PAIR]
        assert index.records(1, 10) == []
        for number in (-1, 1):
            with pytest.raises(IndexError):
                index.record(number)


def test_an_upload_that_nobody_has_read_has_no_index(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        PairIndex(upload(tmp_path, [line()]))


def test_an_id_and_a_number_are_two_names_of_a_pair() -> None:
    assert pair_number(pair_id(JOB, 12)) == 12


def test_the_error_list_is_read_page_by_page_without_a_gap(tmp_path: Path) -> None:
    folder = upload(tmp_path, [b"bad"] * 25)
    validate(folder)
    cursor = 0
    found: list[list[int]] = []
    while (page := read_refused(folder, after=cursor, limit=10)).text:
        found.append([LineError.model_validate_json(error).line for error in page.text.splitlines()])
        cursor = page.next
    assert found == [list(range(1, 11)), list(range(11, 21)), list(range(21, 26))]


def test_a_page_of_the_error_list_has_about_a_megabyte_at_most(tmp_path: Path) -> None:
    folder = upload(tmp_path, [b"bad"] * 12_000)
    validate(folder)
    page = read_refused(folder, after=0, limit=12_000)
    assert 1_000_000 < len(page.text) < 1_100_000
    assert page.text.endswith(b"\n")


@pytest.mark.parametrize("cursor", [-1, 1, 10**9])
def test_a_cursor_that_no_page_gave_is_refused(tmp_path: Path, cursor: int) -> None:
    folder = upload(tmp_path, [b"bad"])
    validate(folder)
    with pytest.raises(ValueError, match="no cursor"):
        read_refused(folder, after=cursor, limit=10)
