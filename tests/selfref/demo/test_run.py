"""The built-in pairs and the sums made of them."""

from selfref.demo.run import Outcome, built_in_pairs, counts, twins
from selfref.messages import Verdict
from tests.selfref.client.test_conversations import JUDGED


def outcome(name: str, verdict: Verdict) -> Outcome:
    return Outcome(name, JUDGED.model_copy(update={"verdict": verdict}))


def test_the_pairs_show_what_is_worth_showing() -> None:
    pairs = {pair.custom_id: pair for pair in built_in_pairs()}
    assert len(pairs) >= 12
    assert pairs["capital-swapped"].comparison() == pairs["capital"].comparison().swapped()
    assert any(pair.answer_a == pair.answer_b for pair in pairs.values())
    assert any("" in (pair.answer_a, pair.answer_b) for pair in pairs.values())


def test_every_ending_is_counted_once() -> None:
    ended = [outcome(verdict, verdict) for verdict in Verdict]
    ended += [Outcome("f", None, failure="too_long"), Outcome("c", None, failure="canceled")]
    assert counts(ended) == {"decided": 2, "tie": 1, "inconsistent": 1, "failed": 1, "canceled": 1}


def test_twins_are_found_and_compared() -> None:
    (same,) = twins([outcome("x", Verdict.A), outcome("x-swapped", Verdict.B), outcome("y", Verdict.A)])
    assert same.consistent
    (different,) = twins([outcome("x", Verdict.A), outcome("x-swapped", Verdict.A)])
    assert not different.consistent
    assert twins([Outcome("x", None, failure="too_long"), outcome("x-swapped", Verdict.B)]) == []
