"""Judges that were recorded elsewhere: what they said counts as published, and what is no such record is refused."""

import gzip
import json
from pathlib import Path

import pytest

from selfref.bench.agreement.cases import Case
from selfref.bench.agreement.files import BadLines, cases_of
from selfref.bench.agreement.published import published_for
from selfref.bench.agreement.recorded import recorded_replies, recorded_rows
from selfref.bench.agreement.report import report
from selfref.bench.agreement.rows import Known, Reading, Row
from tests.selfref.bench.agreement.shared_data import shared

CASES = [Case(name, "Hi", "Hello!", "No.", {}, Known(gold)) for name, gold in (("p", "A"), ("q", "B"))]
NAMED = {"Llama-2-70B-chat": "LLaMA2/Vanilla_NoRules", "GPT-4": "GPT-4/Vanilla_NoRules"}


def reply(item: str, *, swapped: bool, winner: str | None, **more: object) -> dict[str, object]:
    gold = {"p": "A", "q": "B"}.get(item, "A")
    named = {"judge": "j", "strategy": "s", "completion": "Output (a)"}
    return {**named, "item": item, "swapped": swapped, "repo_parsed_winner": winner, "gold": gold, **more}


@pytest.fixture
def file(tmp_path: Path):
    def write(*replies) -> Path:
        path = tmp_path / "recorded.jsonl"
        path.write_text("".join(f"{json.dumps(each)}\n" for each in replies))
        return path

    return write


def rows_in(path: Path, cases: list[Case]) -> dict[str, list[Row]]:
    return {arm: recorded_rows(said, cases) for arm, said in recorded_replies(path, cases).items()}


def figures_of(arms: dict[str, list[Row]]) -> dict[str, dict[str, float]]:
    return report(arms, provenance={arm: [] for arm in arms}, settings={}, count=100, seed=0)["arms"]


def test_the_figures_of_recorded_judges_are_those_that_were_published():
    cases = cases_of(shared("llmbar.jsonl"), by=[])
    found = figures_of(rows_in(shared("llmbar_judge_outputs.jsonl.gz"), cases))
    compared = 0
    for published in published_for([case.id for case in cases]):
        if published["judge"] in NAMED:
            ours = found[NAMED[published["judge"]]]
            for name in published.keys() - {"judge", "source"}:
                assert round(100 * ours[name], 1) == pytest.approx(100 * published[name]), (published["judge"], name)
                compared += 1
    assert compared == 8
    llama = found["LLaMA2/Vanilla_NoRules"]
    assert (llama["asked"], llama["failed"]) == (419, {"unreadable_reply": 1})
    assert round(100 * llama["consistency"], 1) == 77.3, "one of 419 was not judged, and contradicts nothing"


def test_the_accuracies_of_pandalm_are_those_that_were_published():
    path = shared("pandalm.jsonl")
    cases = cases_of(path, by=[])
    judges = [json.loads(line)["meta"]["published_judges"] for line in path.read_text().splitlines()]
    arms = {
        name: [Row(known=case.known, verdict=each[name]) for case, each in zip(cases, judges, strict=True)]
        for name in ("gpt-3.5-turbo", "pandalm-7b")
    }
    found = figures_of(arms)
    published = published_for([case.id for case in cases])
    for name, each in zip(arms, published, strict=True):
        assert round(100 * found[name]["accuracy_exact"], 1) == pytest.approx(100 * each["accuracy_exact"])


@pytest.mark.parametrize(
    ("name", "rows"),
    [("llmbar.jsonl", 419), ("pandalm.jsonl", 999), ("hhh_alignment.jsonl", 221), ("evalbiasbench.jsonl", 80)],
)
def test_every_row_of_the_real_files_is_a_pair(name, rows):
    assert len(cases_of(shared(name), by=[])) == rows


def test_the_longer_answer_is_the_worse_one_in_most_of_llmbar():
    cases = cases_of(shared("llmbar.jsonl"), by=[])
    rows = [Row(known=case.known, verdict="A") for case in cases]
    found = report({"a": rows}, provenance={"a": []}, settings={}, count=100, seed=0)
    assert round(100 * found["baselines"]["longer_wins"]["accuracy_net"]) == 27


def test_both_orders_are_read_in_terms_of_the_pair(file):
    replies = [
        reply("p", swapped=False, winner="1"),
        reply("p", swapped=True, winner="1"),
        reply("q", swapped=True, winner="2"),
        reply("q", swapped=False, winner="1"),
    ]
    (rows,) = rows_in(file(*replies), CASES).values()
    assert [row.verdict for row in rows] == ["A", "inconsistent"]
    assert [row.spent.calls for row in rows] == [2, 2]
    assert rows[1].readings == (Reading("A", "A"), Reading("B", "B"))


@pytest.mark.parametrize("others", [[], [reply("p", swapped=True, winner=None)]])
def test_a_reply_that_is_missing_or_unread_fails_its_pair_and_is_no_tie(file, others):
    (rows,) = rows_in(file(reply("p", swapped=False, winner="1"), *others), CASES).values()
    assert [(row.verdict, row.failure) for row in rows] == [(None, "unreadable_reply")] * 2
    assert rows[0].readings == (Reading("A", "A"), Reading("B", None))
    (found,) = figures_of({"j": rows}).values()
    assert (found["accuracy_mean"], found["accuracy_net"], found["tied"], found["unjudged"]) == (0.25, 0, 0, 1)


def test_judges_and_strategies_are_arms(file):
    replies = [reply("p", swapped=False, winner="1"), reply("p", swapped=False, winner="2", strategy="t")]
    assert list(rows_in(file(*replies), CASES)) == ["j/s", "j/t"]


def test_a_record_may_be_packed(file, tmp_path):
    path = file(reply("p", swapped=False, winner="1"))
    packed = tmp_path / "recorded.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert rows_in(packed, CASES) == rows_in(path, CASES)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (reply("z", swapped=False, winner="1"), "line 2: there is no pair 'z'"),
        (reply("q", swapped=False, winner="1", gold="A"), "line 2: gold of 'q' is A here and B in"),
        (reply("p", swapped=False, winner="2"), "line 2: j/s has answered 'p' in this order before"),
        (reply("q", swapped=False, winner="a"), "line 2: repo_parsed_winner"),
    ],
)
def test_a_record_of_something_else_is_refused_by_line(file, wrong, told):
    with pytest.raises(BadLines) as raised:
        rows_in(file(reply("p", swapped=False, winner="1"), wrong), CASES)
    assert told in str(raised.value)
