"""The file of what was paid for: what it was told it still knows, whoever was killed while writing it."""

import json
import multiprocessing
from pathlib import Path

import pytest

from selfref.bench.agreement.cases import Case
from selfref.bench.agreement.ledger import Ending, UnusableLedger, ledger_at
from selfref.bench.agreement.rows import Known
from selfref.client.conversations import How, request_of
from selfref.messages import Lane, Preset, Work, now
from tests.outcomes import judgment_of

CASE = Case("1", "Hi", "Hello!", "No.", {"direct": How(preset=Preset.DIRECT)}, Known("A"))
OTHER = Case("2", "Hi", "Hello!", "No.", {"direct": How(preset=Preset.DIRECT)}, Known("A"))


def ending() -> Ending:
    request = request_of(CASE.prompt, CASE.answer_a, CASE.answer_b, CASE.hows["direct"])
    work = Work(
        id="1",
        tenant="t",
        lane=Lane.INTERACTIVE,
        comparison=request.comparison(),
        preset=request.effective_preset(),
        created_at=now(),
    )
    return Ending(judgment_of(work))


def test_endings_are_known_to_the_next_start_of_the_run(tmp_path: Path):
    path, judged = tmp_path / "r.jsonl", ending()
    with ledger_at(path) as ledger:
        keys = [ledger.key(case, "direct") for case in (CASE, OTHER)]
        assert [ledger.ending(key) for key in keys] == [None, None]
        ledger.keep(keys[0], judged, arm="direct", case=CASE)
        ledger.keep(keys[1], Ending(failure="too_long"), arm="direct", case=OTHER)
    with ledger_at(path) as again:
        assert [again.key(case, "direct") for case in (CASE, OTHER)] == keys
        assert [again.ending(key) for key in keys] == [judged, Ending(failure="too_long")]


def test_an_ending_is_in_the_file_before_the_next_is_asked_for(tmp_path: Path):
    with ledger_at(tmp_path / "r.jsonl") as ledger:
        ledger.keep("k", Ending(failure="too_long"), arm="direct", case=CASE)
        (_, line) = (tmp_path / "r.jsonl").read_bytes().splitlines()
    assert json.loads(line) == {"key": "k", "arm": "direct", "id": "1", "judgment": None, "failure": "too_long"}


def test_a_file_cut_anywhere_loses_at_most_the_line_that_was_cut(tmp_path: Path):
    path = tmp_path / "r.jsonl"
    with ledger_at(path) as ledger:
        for key in "abc":
            ledger.keep(key, Ending(failure=key), arm="direct", case=CASE)
    whole = path.read_bytes()
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        known = whole[:length].count(b"\n") - 1
        with ledger_at(path) as again:
            assert [again.ending(key) is not None for key in "abc"] == [place < known for place in range(3)]
            again.keep("d", Ending(failure="d"), arm="direct", case=CASE)
        with ledger_at(path) as last:
            assert last.ending("d") == Ending(failure="d")


def test_another_file_is_another_run(tmp_path: Path):
    with ledger_at(tmp_path / "one") as one, ledger_at(tmp_path / "other") as other:
        assert one.key(CASE, "direct") != other.key(CASE, "direct")


def _hold(path: Path, held: object, go: object) -> None:
    with ledger_at(path):
        held.set()
        go.wait(60)


def test_two_processes_do_not_write_one_file(tmp_path: Path):
    context = multiprocessing.get_context("spawn")
    held, go = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(tmp_path / "r.jsonl", held, go))
    holder.start()
    try:
        assert held.wait(60)
        with pytest.raises(UnusableLedger, match="being written by another run"), ledger_at(tmp_path / "r.jsonl"):
            pass
    finally:
        go.set()
        holder.join(60)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"id": "1"}\n', "holds no results of this benchmark"),
        (b'{"id": "1"}', "holds no results of this benchmark"),
        (b"a text", "holds no results of this benchmark"),
        (b"text\n", "holds no results of this benchmark"),
        (b'{"agreement": 2, "run": "r"}\n', "newer version"),
        (b'{"agreement": 1, "run": "r"}\n{"key": 1}\n', "line 2 is no result"),
    ],
)
def test_a_file_that_holds_something_else_is_left_alone(tmp_path: Path, content: bytes, told: str):
    path = tmp_path / "r.jsonl"
    path.write_bytes(content)
    with pytest.raises(UnusableLedger, match=told), ledger_at(path):
        pass
    assert path.read_bytes() == content
