"""Resamples are draws with replacement, and intervals hold the truth as often as they say."""

import numpy as np
import pytest

from selfref.bench.agreement.bootstrap import interval, resamples


def test_a_resample_draws_as_many_pairs_as_there_are():
    (weights,) = resamples(7, count=500, seed=1)
    assert weights.shape == (500, 7)
    assert (weights.sum(axis=1) == 7).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(7), abs=0.15)
    assert weights.var() == pytest.approx(6 / 7, abs=0.1)  # of a binomial with 7 draws of probability 1/7


def test_the_seed_decides_the_resamples():
    first, again, other = (next(iter(resamples(20, count=5, seed=seed))) for seed in (3, 3, 4))
    assert (first == again).all()
    assert not (first == other).all()


def test_many_pairs_come_in_blocks_that_together_are_all_resamples():
    blocks = [block.shape for block in resamples(1_500_000, count=3, seed=0)]
    assert blocks == [(2, 1_500_000), (1, 1_500_000)]


def test_an_interval_is_the_middle_of_the_values():
    values = np.arange(1001, dtype=float)
    assert interval(values) == pytest.approx((25, 975))
    assert interval(values, level=0.5) == pytest.approx((250, 750))


def test_resamples_without_a_value_are_left_out():
    assert interval(np.array([np.nan, 1.0, 1.0, np.nan])) == (1.0, 1.0)
    assert interval(np.array([np.nan, np.nan])) is None


def test_an_interval_holds_the_truth_in_about_95_of_100_draws():
    random = np.random.default_rng(7)
    (weights,) = resamples(150, count=400, seed=2)
    held = []
    for _ in range(600):
        right = (random.random(150) < 0.7).astype(float)
        low, high = interval(weights @ right / 150)
        held.append(low <= 0.7 <= high)
    assert 0.92 <= np.mean(held) <= 0.97
