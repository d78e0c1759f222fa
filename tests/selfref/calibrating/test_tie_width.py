"""A tie width is fitted where people's ties tell it, and never by calling everything a tie."""

import numpy as np
import pytest

from selfref.calibrating.folds import folds_of
from selfref.calibrating.samples import samples_of
from selfref.calibrating.tie_width import FEWEST_TIES, fitted_tie_width
from selfref.deciding import Scale, decided_again
from selfref.messages import Verdict
from tests.selfref.calibrating.judging import judgment


def width_of(samples, seed=0):
    return fitted_tie_width(samples, folds_of(samples.prompts, count=10, seed=seed), count=300, seed=seed)


def pairs_of(odds, labels):
    return samples_of(
        [(place, label, judgment(float(each))) for place, (each, label) in enumerate(zip(odds, labels, strict=True))]
    )


def near_ties(pairs=300):
    """People find a tie exactly where the judge's odds are within a nat."""
    odds = np.random.default_rng(0).uniform(-4, 4, pairs)
    return pairs_of(odds, np.where(np.abs(odds) <= 1, "tie", np.where(odds > 0, "A", "B")))


def test_the_width_within_which_people_find_ties_is_found():
    assert width_of(near_ties()).nats == pytest.approx(1.0, abs=0.15)


def test_few_ties_fit_no_width_and_that_is_told():
    odds = np.random.default_rng(0).uniform(-4, 4, 300)
    labels = np.where(np.arange(300) < FEWEST_TIES - 1, "tie", "A")
    found = width_of(pairs_of(odds, labels))
    assert found.nats is None
    assert f"{FEWEST_TIES - 1} ties" in found.why


@pytest.mark.parametrize("share", [0.6, 0.9])
def test_a_judge_that_knows_no_ties_is_not_fitted_to_call_everything_one(share):
    """Where most labels are ties, that would agree best; the width may find no more ties than people did."""
    random = np.random.default_rng(1)
    odds = random.normal(0, 3, 500)
    labels = np.where(random.random(500) < share, "tie", np.where(random.random(500) < 0.5, "A", "B"))
    samples = pairs_of(odds, labels)
    found = width_of(samples)
    if found.nats is not None:
        again = [decided_again(each, scale=Scale(tie_width=found.nats)).verdict for each in samples.judgments]
        assert again.count(Verdict.TIE) <= samples.ties < len(again)


def test_a_width_that_is_better_by_chance_is_not_taken():
    """Of judges that know nothing, some width always looks best."""
    taken = []
    for seed in range(12):
        random = np.random.default_rng(seed)
        labels = np.where(random.random(300) < 0.3, "tie", np.where(random.random(300) < 0.5, "A", "B"))
        taken.append(width_of(pairs_of(random.normal(0, 3, 300), labels)).nats)
    assert sum(each is not None for each in taken) <= 1
