"""No prompt is on both sides of a fold."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from selfref.calibrating.folds import folds_of


@given(st.lists(st.integers(0, 30), min_size=1, max_size=200), st.integers(0, 5))
def test_pairs_of_one_prompt_are_left_out_together(prompts, seed):
    folds = folds_of(prompts, count=10, seed=seed)
    assert all(len(set(folds[np.array(prompts) == each])) == 1 for each in set(prompts))
    assert set(folds) <= set(range(10))


def test_folds_are_as_large_as_one_another_and_dealt_by_the_seed():
    folds = folds_of(range(205), count=10, seed=1)
    assert set(np.bincount(folds)) == {20, 21}
    assert (folds == folds_of(range(205), count=10, seed=1)).all()
    assert (folds != folds_of(range(205), count=10, seed=2)).any()
