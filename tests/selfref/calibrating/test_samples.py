"""What of the judgments can be fitted on."""

import pytest

from selfref.calibrating.refused import Refused
from selfref.calibrating.samples import samples_of
from selfref.deciding import Scale
from tests.selfref.calibrating.judging import judgment


def test_raw_odds_are_taken_whatever_scale_the_judge_was_on():
    calibrated = judgment(2.0, scale=Scale(temperature=5, calibration="c0ffee"))
    samples = samples_of([("p", "A", judgment(2.0)), ("q", "tie", calibrated), ("r", "B", None)])
    assert list(samples.odds) == [2.0, 2.0]
    assert list(samples.labels) == [1.0, 0.5]
    assert (samples.ties, samples.left_out) == (1, 1)


def test_identical_answers_are_left_out_for_nobody_judged_them():
    same = judgment(0.0).model_copy(update={"orders": ()})
    assert samples_of([("p", "A", judgment(1.0)), ("q", "tie", same)]).left_out == 1


@pytest.mark.parametrize("what", ["engine", "model", "revision", "template"])
def test_judgments_of_two_judges_are_refused_and_what_differs_is_told(what):
    with pytest.raises(Refused, match=f"of 2 judges .*{what} .* instead of"):
        samples_of([("p", "A", judgment(1.0)), ("q", "B", judgment(1.0, **{what: "another"}))])


def test_a_judge_without_log_probabilities_is_refused():
    with pytest.raises(Refused, match="no log-probabilities"):
        samples_of([("p", "A", judgment(None)), ("q", "B", judgment(None))])


def test_a_file_of_which_nothing_was_judged_is_refused():
    with pytest.raises(Refused, match="none of the 2 pairs was judged"):
        samples_of([("p", "A", None), ("q", "B", None)])
