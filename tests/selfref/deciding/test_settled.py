"""When asking once more could still change the outcome: the rule of votes `auto`, row by row."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfref.deciding import Scale, decide, settled
from selfref.messages import OrderReading, Preset, Verdict

SCALE = Scale()
LEFT = 5


def with_odds(a_first: list[float], b_first: list[float]) -> list[OrderReading]:
    return [_reading("A", value) for value in a_first] + [_reading("B", value) for value in b_first]


def with_votes(a_first: str, b_first: str) -> list[OrderReading]:
    return [_voted("A", vote) for vote in a_first] + [_voted("B", vote) for vote in b_first]


def _reading(first: str, odds: float) -> OrderReading:
    return OrderReading.model_validate(
        {
            "first": first,
            "verdict": "A" if odds >= 0 else "B",
            "log_odds_a": odds,
            "semantic_perplexity": None,
            "critique": "",
        }
    )


def _voted(first: str, vote: str) -> OrderReading:
    return OrderReading.model_validate(
        {"first": first, "verdict": vote, "log_odds_a": None, "semantic_perplexity": None, "critique": ""}
    )


@pytest.mark.parametrize(
    ("a_first", "b_first", "expected"),
    [
        ([4.0], [3.0], True),  # both orders lean clearly to the same answer
        ([-4.0], [-3.0], True),
        ([4.0], [-3.0], False),  # they contradict each other: is that so, or was it one critique?
        ([4.0] * 2, [-3.0] * 2, False),
        ([4.0] * 3, [-3.0] * 3, True),  # both insist
        ([4.0], [0.5], False),  # one of them is near zero
        ([0.0], [0.0], False),
        ([0.5] * 2, [0.5] * 2, False),  # the mean is told more closely by more readings that agree
        ([0.7] * 4, [0.7] * 4, True),
        ([3.0, -2.0, 2.0], [3.0, 3.0, 3.0], False),  # and less closely by those that differ
        ([3.0, 1.0, 2.0], [3.0, 3.0, 3.0], True),
    ],
)
def test_a_pair_with_odds(a_first: list[float], b_first: list[float], expected: bool) -> None:
    assert settled(with_odds(a_first, b_first), scale=SCALE, left=LEFT) is expected


@pytest.mark.parametrize(
    ("a_first", "b_first", "left", "expected"),
    [
        ("A", "A", 7, True),
        ("B", "B", 7, True),
        ("A", "B", 7, False),
        ("AB", "AA", 6, False),  # one order is split
        ("ABA", "AAA", 5, True),
        ("AA", "BB", 6, False),
        ("AAA", "BBB", 5, True),  # both insist
        ("AAAB", "BBBB", 4, False),
        ("AA", "BB", 1, True),  # too few are left to change either
        ("AA", "BB", 2, False),  # a split order would leave the decision to the other
        ("A", "B", 0, True),
    ],
)
def test_a_pair_with_votes_alone(a_first: str, b_first: str, left: int, expected: bool) -> None:
    assert settled(with_votes(a_first, b_first), scale=SCALE, left=left) is expected


def test_an_order_that_has_no_odds_leaves_the_pair_to_the_votes() -> None:
    readings = [_reading("A", 0.3), _voted("B", "A")]
    assert settled(readings, scale=SCALE, left=LEFT), "with odds, 0.3 nats would not be clear"
    assert not settled([_reading("A", 0.05), _voted("B", "A")], scale=SCALE, left=LEFT), "a tie is no vote"


def test_a_wider_tie_takes_more_to_be_beyond() -> None:
    readings = with_odds([2.0], [2.0])
    assert settled(readings, scale=SCALE, left=LEFT)
    assert not settled(readings, scale=Scale(tie_width=1.5), left=LEFT)


def test_an_order_in_which_nothing_could_be_read_settles_nothing() -> None:
    assert not settled([_voted("A", "A")] * 3, scale=SCALE, left=LEFT)
    assert not settled([], scale=SCALE, left=LEFT)


odds = st.floats(-9, 9) | st.sampled_from([0.0, 0.1, -0.1, 1.1, -1.1])
scales = st.builds(Scale, tie_width=st.floats(0, 3))


@st.composite
def pairs(draw: st.DrawFn) -> list[OrderReading]:
    asked = draw(st.integers(1, 8))
    if draw(st.booleans()):
        return with_odds(*draw(st.tuples(*[st.lists(odds, min_size=asked, max_size=asked)] * 2)))
    return with_votes(*draw(st.tuples(*[st.text("AB", min_size=asked, max_size=asked)] * 2)))


def exchanged(readings: list[OrderReading]) -> list[OrderReading]:
    """What the same judge would have said of the pair with its answers in each other's place."""
    other = {"A": "B", "B": "A", "tie": "tie"}
    return [
        OrderReading.model_validate(
            one.model_dump()
            | {
                "first": other[one.first],
                "verdict": other[one.verdict],
                "log_odds_a": None if one.log_odds_a is None else -one.log_odds_a,
            }
        )
        for one in readings
    ]


@given(pairs(), scales, st.integers(0, 16))
def test_exchanging_the_answers_changes_nothing(readings: list[OrderReading], scale: Scale, left: int) -> None:
    assert settled(readings, scale=scale, left=left) == settled(exchanged(readings), scale=scale, left=left)


@given(pairs(), scales)
def test_nothing_is_asked_beyond_the_budget(readings: list[OrderReading], scale: Scale) -> None:
    assert settled(readings, scale=scale, left=0)


@given(pairs(), scales, st.integers(1, 16))
def test_what_is_settled_early_is_no_tie(readings: list[OrderReading], scale: Scale, left: int) -> None:
    if settled(readings, scale=scale, left=left):
        verdict = decide(Preset.DIRECT, readings, scale=scale).verdict
        assert verdict is not Verdict.TIE
        assert verdict.decided or len(readings) >= 4, "one critique in each order contradicts nothing for good"


@given(pairs(), scales, st.integers(1, 16))
def test_fewer_votes_left_never_open_a_pair_again(readings: list[OrderReading], scale: Scale, left: int) -> None:
    if settled(readings, scale=scale, left=left):
        assert settled(readings, scale=scale, left=left - 1)


@dataclass
class Stream:
    """A judge whose readings are written down beforehand, asked by the rule of votes `auto`."""

    a_first: list[float]
    b_first: list[float]
    budget: int

    def asked(self) -> int:
        asked = 1
        while not settled(with_odds(self.a_first[:asked], self.b_first[:asked]), scale=SCALE, left=self.budget - asked):
            asked += 1
        return asked


streams = st.lists(odds, min_size=16, max_size=16)


@given(streams, streams, st.integers(1, 16))
def test_every_pair_is_asked_between_once_and_the_budget(
    a_first: list[float], b_first: list[float], budget: int
) -> None:
    asked = Stream(a_first, b_first, budget).asked()
    assert 1 <= asked <= budget
    assert asked <= Stream(a_first, b_first, 16).asked(), "a smaller budget asks no more"
