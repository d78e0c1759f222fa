"""Recorded replies as votes: asked in an order that is drawn, until the worker's own rule is content."""

from collections import Counter

import pytest

from selfref.bench.agreement.arms import Arm, read_arm
from selfref.bench.agreement.cases import Case
from selfref.bench.agreement.files import cases_of
from selfref.bench.agreement.recorded import Said, recorded_replies
from selfref.bench.agreement.replay import judges_of, rows_of
from selfref.bench.agreement.rows import Known
from tests.selfref.bench.agreement.shared_data import shared

CASES = [Case(f"p{number}", "Hi", "Hello!", "No.", {}, Known("A")) for number in range(40)]


def says(a_first: str | None, b_first: str | None) -> Said:
    """The same of every pair."""
    return {(case.id, swapped): (b_first if swapped else a_first) for case in CASES for swapped in (False, True)}  # type: ignore[misc]


def found(replies: dict[str, Said], arm: str) -> tuple[Counter[str | None], Counter[int]]:
    rows = rows_of(replies, read_arm(arm), CASES)
    return Counter(row.verdict for row in rows), Counter(row.spent.calls for row in rows)


AGREE, POSITION = says("A", "A"), says("A", "B")


def test_fixed_votes_ask_every_strategy_and_automatic_ones_stop_when_both_orders_agree() -> None:
    replies = {f"j/{number}": AGREE for number in range(4)}
    assert found(replies, "j@4") == ({"A": 40}, {8: 40})
    assert found(replies, "j@3") == ({"A": 40}, {6: 40})
    assert found(replies, "j@auto") == ({"A": 40}, {2: 40})


def test_a_judge_that_sees_only_position_is_asked_until_it_has_insisted() -> None:
    replies = {f"j/{number}": POSITION for number in range(8)}
    assert found(replies, "j@8") == ({"inconsistent": 40}, {16: 40})
    assert found(replies, "j@auto") == ({"inconsistent": 40}, {6: 40})
    assert found(replies, "j@auto:2") == ({"inconsistent": 40}, {4: 40})


def test_which_strategy_is_asked_first_is_drawn_for_each_pair_and_stays() -> None:
    replies = {"j/s": AGREE, "j/t": says("B", "B")}
    verdicts, calls = found(replies, "j@auto")
    assert calls == {2: 40}
    assert min(verdicts["A"], verdicts["B"]) > 8
    assert found(replies, "j@auto") == (verdicts, calls)


def test_an_unread_reply_costs_a_call_and_is_no_vote() -> None:
    replies = {"j/s": says(None, None), "j/t": AGREE}
    assert found(replies, "j@2") == ({"A": 40}, {4: 40})
    verdicts, calls = found(replies, "j@auto")
    assert verdicts == {"A": 40}
    assert set(calls) == {2, 4}, "asked on where the unread one came first"
    assert found({"j/s": says(None, "A")}, "j@auto") == ({None: 40}, {2: 40})


def test_all_has_the_votes_of_every_judge() -> None:
    replies = {"j/s": AGREE, "j/t": AGREE, "k/s": POSITION}
    assert judges_of(replies) == ["j", "k", "all"]
    assert found(replies, "all@3") == ({"A": 40}, {6: 40})
    assert found(replies, "k@1") == ({"inconsistent": 40}, {2: 40})
    with pytest.raises(ValueError, match="k has 1 votes in each order, not 2"):
        rows_of(replies, Arm("k", votes=2), CASES)


def test_on_real_replies_the_rule_saves_calls_and_no_agreement_is_lost() -> None:
    """The figures of docs/quality.md."""
    cases = cases_of(shared("llmbar.jsonl"), by=[])
    replies = recorded_replies(shared("llmbar_judge_outputs.jsonl.gz"), cases)
    right, calls = {}, {}
    for arm in ("all@10", "all@auto", "GPT-4@2", "GPT-4@auto"):
        rows = rows_of(replies, read_arm(arm), cases)
        right[arm] = (
            sum(row.verdict == row.gold for row in rows) + sum(row.verdict not in ("A", "B") for row in rows) / 2
        )
        calls[arm] = sum(row.spent.calls for row in rows)
    assert calls["all@10"] == 20 * 419
    assert calls["all@auto"] < 0.3 * calls["all@10"]
    assert calls["GPT-4@auto"] < 0.6 * calls["GPT-4@2"]
    assert right["all@auto"] >= right["all@10"]
    assert right["GPT-4@auto"] >= right["GPT-4@2"]
