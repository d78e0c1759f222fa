"""The sums that are made of outcomes."""

from selfref.demo.outcome import Outcome, Score, by_principle, counts, one_of_each_family, score, twins, without_twins
from selfref.demo.pairs import GoldPair
from selfref.messages import JudgeRequest, Verdict
from tests.selfref.client.test_conversations import JUDGED


def pair(name: str, *, gold: Verdict = Verdict.A, principle: str = "be brief", family: str = "sums") -> GoldPair:
    request = JudgeRequest(custom_id=name, prompt="p", answer_a="a", answer_b="b", principle=principle)
    return GoldPair(family=family, request=request, gold=gold)


def outcome(name: str, verdict: Verdict, *, gold: Verdict = Verdict.A) -> Outcome:
    return Outcome(pair(name, gold=gold), JUDGED.model_copy(update={"verdict": verdict}))


def failed(name: str, code: str = "too_long") -> Outcome:
    return Outcome(pair(name), None, failure=code)


def test_every_ending_is_counted_once() -> None:
    ended = [outcome(verdict, verdict) for verdict in Verdict]
    ended += [failed("f"), failed("c", "canceled")]
    assert counts(ended) == {"decided": 2, "tie": 1, "inconsistent": 1, "failed": 1, "canceled": 1}


def test_only_the_gold_verdict_is_right_and_a_pair_without_judgment_is_no_inconsistency() -> None:
    ended = [outcome(verdict, verdict) for verdict in Verdict]
    assert score(ended) == Score(pairs=4, judged=4, right=1, consistent=3)
    scored = score([*ended, failed("f")])
    assert (scored.accuracy, scored.consistency) == (1 / 5, 3 / 4)
    assert score([failed("f")]).consistency is None


def test_the_principles_parts_sum_to_the_whole_and_the_biggest_comes_first() -> None:
    ended = [Outcome(pair(str(n), principle=each), None) for n, each in enumerate(["x", "y", "y"])]
    assert {principle: len(its) for principle, its in by_principle(ended).items()} == {"y": 2, "x": 1}
    assert next(iter(by_principle(ended))) == "y"


def test_one_of_each_kind_is_the_first_of_it() -> None:
    ended = [Outcome(pair(name, family=name[0]), None) for name in ("s1", "d1", "s2")]
    assert [each.pair.name for each in one_of_each_family(ended)] == ["s1", "d1"]


def test_twins_are_found_compared_and_not_scored() -> None:
    both = [outcome("x", Verdict.A), outcome("x-swapped", Verdict.B)]
    (same,) = twins([*both, outcome("y", Verdict.A)])
    assert same.consistent
    (different,) = twins([outcome("x", Verdict.A), outcome("x-swapped", Verdict.A)])
    assert not different.consistent
    assert twins([failed("x"), outcome("x-swapped", Verdict.B)]) == []
    assert without_twins(both) == both[:1]
