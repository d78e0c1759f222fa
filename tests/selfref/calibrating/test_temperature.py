"""The most likely temperature, against judges of whom it is known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfref.calibrating.refused import Refused
from selfref.calibrating.temperature import COLDEST, HOTTEST, fitted_temperature, log_losses, probabilities
from selfref.deciding.strength import probability
from tests.selfref.calibrating.judging import drawn


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5, 8.0])
def test_the_temperature_that_labels_were_drawn_at_is_found(temperature):
    samples = drawn(20_000, temperature=temperature, spread=4 * temperature)
    assert fitted_temperature(samples.odds, samples.labels) == pytest.approx(temperature, rel=0.05)


def test_a_judge_of_one_confidence_that_is_right_nine_times_of_ten_says_nine_tenths():
    odds, labels = np.array([3.0] * 10), np.array([1.0] * 9 + [0.0])
    found = fitted_temperature(odds, labels)
    assert found == pytest.approx(3 / math.log(9), rel=1e-12)
    assert probabilities(odds, temperature=found)[0] == pytest.approx(0.9, rel=1e-12)


def test_a_tie_counts_as_half_of_either_label():
    odds = np.array([2.0, -1.0, 3.0, 0.5])
    tied = fitted_temperature(odds, np.array([1.0, 0.0, 1.0, 0.5]))
    both = fitted_temperature(np.repeat(odds, 2), np.array([1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0]))
    assert tied == pytest.approx(both, rel=1e-9)


labelled = st.lists(st.tuples(st.floats(-20, 20), st.sampled_from((0.0, 0.5, 1.0))), min_size=4, max_size=40)


@given(labelled)
def test_exchanging_the_answers_changes_nothing(pairs):
    odds, labels = (np.array(each) for each in zip(*pairs, strict=True))
    try:
        found = fitted_temperature(odds, labels)
    except Refused:
        with pytest.raises(Refused):
            fitted_temperature(-odds, 1 - labels)
    else:
        assert fitted_temperature(-odds, 1 - labels) == pytest.approx(found, rel=1e-6)


@given(labelled, st.floats(COLDEST, HOTTEST))
def test_no_other_temperature_is_more_likely(pairs, other):
    odds, labels = (np.array(each) for each in zip(*pairs, strict=True))
    try:
        found = fitted_temperature(odds, labels)
    except Refused:
        return
    losses = [log_losses(odds, labels, temperature=each).mean() for each in (found, other)]
    assert losses[0] <= losses[1] + 1e-9


@given(st.floats(-2000, 2000), st.floats(COLDEST, HOTTEST))
def test_probabilities_and_losses_are_those_of_a_judgment(odds, temperature):
    expected = probability(odds, temperature=temperature)
    assert probabilities(np.array([odds]), temperature=temperature)[0] == pytest.approx(expected, abs=1e-12)
    if 1e-9 < expected < 1 - 1e-9:
        loss = log_losses(np.array([odds]), np.array([1.0]), temperature=temperature)[0]
        assert loss == pytest.approx(-math.log(expected), rel=1e-6, abs=1e-12)


def test_a_judge_that_agrees_with_every_label_has_no_temperature():
    with pytest.raises(Refused, match="agrees with every label"):
        fitted_temperature(np.array([2.0, -1.0]), np.array([1.0, 0.0]))


def test_a_probability_next_to_one_is_not_taken_for_one():
    """1 - p of the first pair is below a float's grain at 1, and still what outweighs the second, which is wrong."""
    odds, labels = np.array([15.0, -1e-17]), np.array([1.0, 1.0])
    expected = 15 / math.log(15 / 0.5e-17)
    assert fitted_temperature(odds, labels) == pytest.approx(expected, rel=1e-6)
    assert fitted_temperature(-odds, 1 - labels) == pytest.approx(expected, rel=1e-6)


def test_a_judge_that_says_the_opposite_of_the_labels_has_no_temperature():
    with pytest.raises(Refused, match="the opposite"):
        fitted_temperature(np.array([2.0, -1.0]), np.array([0.0, 1.0]))
