"""Nothing lost, nothing invented: the check itself, on feeds that lack or exceed what was judged."""

import pytest

from selfref.bench.load import Answers, lost_and_invented
from selfref.bench.pairs import pairs

ANSWERS = Answers(judged={"1": "A", "2": "tie"})


@pytest.mark.parametrize(
    ("feed", "found"),
    [
        ([("1", "A"), ("2", "tie")], (0, 0)),
        ([("1", "A")], (1, 0)),
        ([], (2, 0)),
        ([("1", "B"), ("2", "tie")], (1, 0)),
        ([("1", "A"), ("2", "tie"), ("3", "A")], (0, 1)),
        ([("1", "A"), ("1", "A"), ("2", "tie")], (0, 1)),
    ],
)
def test_the_feed_is_held_against_the_answers(feed, found):
    assert lost_and_invented(ANSWERS, [{"id": name, "verdict": verdict} for name, verdict in feed]) == found


def test_the_better_answer_of_a_pair_is_the_one_that_says_so():
    drawn = list(pairs(50, seed=3))
    assert drawn == list(pairs(50, seed=3))
    assert len({pair.prompt for pair in drawn}) == 50
    assert {pair.better for pair in drawn} == {"A", "B"}
    for pair in drawn:
        good = {"A": pair.answer_a, "B": pair.answer_b}
        assert "GOOD" in good.pop(pair.better)
        assert "GOOD" not in good.popitem()[1]
