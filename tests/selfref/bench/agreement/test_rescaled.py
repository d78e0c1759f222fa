"""Answers read on another scale: the odds stay, and whoever has no calibration keeps what it said."""

from selfref.bench.agreement.rescaled import rescaled
from selfref.bench.agreement.rows import Known, failed, judged
from selfref.bench.agreement.run import Asked
from selfref.deciding import JudgeMeasured
from selfref.deciding.strength import probability
from tests.selfref.calibrating.judging import judgment
from tests.selfref.deciding.calibrations import calibration, calibrations

KNOWN = Known(gold="A")


def asked(made):
    return Asked(judged(KNOWN, made), made)


def test_odds_are_read_on_the_scale_of_their_judge_and_others_stay():
    known, other, lost = asked(judgment(3.0)), asked(judgment(3.0, model="other")), Asked(failed(KNOWN, "too_long"))
    scales = calibrations(calibration(JudgeMeasured.of(judgment(3.0)), temperature=2.0))
    found = rescaled([known, other, lost], scales)
    assert found[0].row.probability_a == probability(3.0, temperature=2.0)
    assert found[0].judgment is not None
    assert found[0].judgment.log_odds == 3.0
    assert found[0].judgment.provenance.calibration == scales.calibrations[0].digest
    assert found[1:] == [other, lost]


def test_a_fitted_tie_width_makes_ties_and_without_one_the_judges_own_stays():
    judge = JudgeMeasured.of(judgment(0.5))
    wide, none = (calibrations(calibration(judge, tie_width=width)) for width in (1.0, None))
    assert [rescaled([asked(judgment(0.5))], each)[0].row.verdict for each in (wide, none)] == ["tie", "A"]
