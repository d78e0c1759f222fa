"""The rules that make one verdict of two orders, each a row or a property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfref.deciding.verdict import count_votes, lean, majority, position_bias, reconcile, reconcile_votes
from selfref.messages import Verdict, VoteCounts

A, B, TIE, INCONSISTENT = Verdict.A, Verdict.B, Verdict.TIE, Verdict.INCONSISTENT
WIDTH = 0.1

odds = st.floats(-60, 60) | st.sampled_from([0.0, -0.0, WIDTH, -WIDTH, 5e-324])
votes = st.lists(st.sampled_from([A, B, TIE]), max_size=8)


@pytest.mark.parametrize(
    ("a_first", "b_first", "verdict"),
    [
        (2.0, 1.0, A),
        (-2.0, -1.0, B),
        (2.0, -2.0, INCONSISTENT),  # sees only position, and the mean is zero
        (5.0, -0.2, INCONSISTENT),
        (0.0, 0.0, TIE),
        (0.05, -0.05, TIE),
        (0.1, 0.1, TIE),  # the width itself is still a tie
        (0.11, 0.11, A),
        (0.0, 3.0, A),  # an order without an opinion contradicts nothing
        (-3.0, 0.0, B),
        (-0.05, 3.0, A),  # nor does one within the noise
        (0.15, 0.0, TIE),
    ],
)
def test_two_orders_make_one_verdict(a_first, b_first, verdict):
    assert reconcile(a_first, b_first, tie_width=WIDTH) is verdict


@given(odds, odds, st.sampled_from([0.0, WIDTH, 1.0]))
def test_swapping_the_answers_swaps_the_verdict_and_nothing_else(a_first, b_first, width):
    """Swapped, what was asked with A first is asked with B first, and every odd changes its sign."""
    verdict = reconcile(a_first, b_first, tie_width=width)
    assert reconcile(-b_first, -a_first, tie_width=width) is verdict.swapped
    assert position_bias(-b_first, -a_first) == position_bias(a_first, b_first)


@given(odds, odds)
def test_a_decision_is_never_against_the_mean(a_first, b_first):
    verdict, middle = reconcile(a_first, b_first, tie_width=WIDTH), (a_first + b_first) / 2
    assert (verdict is A) <= (middle > WIDTH)
    assert (verdict is B) <= (middle < -WIDTH)


def test_with_no_tie_width_only_equal_answers_tie():
    assert lean(0.0, tie_width=0.0) is TIE
    assert lean(5e-324, tie_width=0.0) is A


def test_position_bias_is_towards_the_first_shown():
    assert position_bias(3.0, -3.0) == 3.0
    assert position_bias(-1.0, 1.0) == -1.0
    assert position_bias(2.0, 2.0) == 0.0


@pytest.mark.parametrize(
    ("cast", "verdict"),
    [([A, A, A, B], A), ([A, B, A, B], TIE), ([B, TIE, TIE, TIE], B), ([TIE, TIE], TIE), ([], TIE), ([A, B, B], B)],
)
def test_a_majority_is_of_the_votes_that_decide(cast, verdict):
    assert majority(cast) is verdict


@pytest.mark.parametrize(
    ("a_first", "b_first", "verdict"),
    [
        ([A], [A], A),
        ([A], [B], INCONSISTENT),
        ([A, A, B], [A, B, B], INCONSISTENT),
        ([A, B], [B, B], B),
        ([A, B], [A, B], TIE),
    ],
)
def test_votes_of_both_orders_must_agree(a_first, b_first, verdict):
    assert reconcile_votes(a_first, b_first) is verdict


@given(votes, votes)
def test_swapping_the_answers_swaps_what_votes_say_and_nothing_else(a_first, b_first):
    turned = [[vote.swapped for vote in cast] for cast in (b_first, a_first)]
    assert reconcile_votes(*turned) is reconcile_votes(a_first, b_first).swapped
    assert majority(turned[0]) is majority(b_first).swapped


def test_votes_are_counted():
    assert count_votes(iter([A, B, A, TIE])) == VoteCounts(a=2, b=1, tie=1)
