"""Whether odds know anything, against the definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfref.calibrating.ranking import ranking


def by_definition(towards):
    """Over all pairs of pairs."""
    sums = [one + other for i, one in enumerate(towards) for j, other in enumerate(towards) if i != j]
    return np.mean([1.0 if each > 0 else 0.5 if each == 0 else 0.0 for each in sums])


@given(st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=30))
def test_the_area_is_that_of_the_definition(towards):
    found = ranking(np.array(towards), np.ones(len(towards)))
    assert found.value == pytest.approx(by_definition(towards))
    assert 0 <= found.low <= found.high <= 1


@given(st.lists(st.tuples(st.floats(-9, 9), st.sampled_from((0.0, 1.0))), min_size=2, max_size=30))
def test_exchanging_the_answers_changes_nothing(pairs):
    odds, labels = (np.array(each) for each in zip(*pairs, strict=True))
    assert ranking(-odds, 1 - labels) == ranking(odds, labels)


def test_the_interval_of_a_judge_at_chance_holds_a_half_as_often_as_it_says():
    random = np.random.default_rng(1)
    found = [ranking(random.normal(0, 4, 150), random.integers(0, 2, 150).astype(float)) for _ in range(400)]
    assert 0.92 <= np.mean([each.low <= 0.5 <= each.high for each in found]) <= 0.98
