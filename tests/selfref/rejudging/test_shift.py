"""What another scale changes is counted."""

from selfref.deciding import Scale, decided_again
from selfref.messages import Verdict
from selfref.rejudging.reparse import Reparse, Rescale
from selfref.rejudging.shift import Shift, flips
from tests.selfref.deciding.calibrations import calibration, calibrations, judge
from tests.selfref.rejudging.judgments import result


def test_labels_appear_disappear_and_flip():
    shift = Shift()
    weak, even, clear = (result(a_first=[said], b_first=[said]) for said in ((-0.5, -0.9), (-0.7, -0.75), (-0.1, -3.0)))
    for each in (weak, clear):
        shift.add(each, decided_again(each, scale=Scale(tie_width=1.0)))
    shift.add(even, decided_again(even, scale=Scale(tie_width=0.0)))
    shift.add(clear, clear.model_copy(update={"verdict": Verdict.B}))
    told = shift.report()
    assert (told["disappeared"], told["appeared"], told["flipped"]) == (1, 1, 1)
    assert (told["labels_before"], told["labels_after"]) == (3, 3)
    assert told["verdicts"]["A"] == {"A": 1, "B": 1, "tie": 1, "inconsistent": 0}
    assert told["mean_probability_change"] == told["largest_probability_change"] == 0.0


def test_a_temperature_moves_probabilities_and_no_verdict():
    made = result(a_first=[(-0.1, -2.1)], b_first=[(-0.1, -2.1)])
    again = decided_again(made, scale=Rescale(temperature=2.0).scale(made))
    shift = Shift()
    shift.add(made, again)
    assert again.probability_a == 1 / (1 + 2.718281828459045**-1.0)
    assert shift.report()["largest_probability_change"] > 0.1
    assert again.verdict is made.verdict


def test_only_opposite_labels_flip():
    assert flips(Verdict.A, Verdict.B)
    assert not any(flips(one, other) for one in Verdict for other in Verdict if {one, other} != {Verdict.A, Verdict.B})


def test_half_of_a_calibration_is_no_calibration():
    calibrated = result(scale=Scale(tie_width=0.3, temperature=2.0, calibration="c0ffee"))
    assert Rescale().scale(calibrated) is None
    assert Rescale(tie_width=0.5).scale(calibrated) == Scale(tie_width=0.5, temperature=2.0, calibration=None)


def test_a_calibration_is_for_its_own_judge_alone():
    made = result()
    own = judge(revision=None, template="t", chat_template="c")
    fitted = calibration(own, temperature=2.5)
    assert Rescale(calibrations=calibrations(fitted)).scale(made) == Scale(0.1, 2.5, fitted.digest)
    other = Rescale(calibrations=calibrations(calibration(judge(model="another")))).scale(made)
    assert "another" in other.reason


def test_a_judgment_that_is_not_what_its_readings_say_makes_the_whole_unsound():
    found = Reparse()
    found.add(result(), result())
    assert found.sound
    found.add(changed := result().model_copy(update={"verdict": Verdict.TIE}), changed)
    assert not found.sound
    assert found.report()["differing"] == {
        "count": 1,
        "first": [{"id": "job-1.1", "custom_id": "c1", "fields": ["verdict"]}],
    }
