"""The file of calibrations: whom a scale is for, what names it, and what is refused."""

import json

import pytest

from selfref.deciding import Scale, Unmatched, UnusableCalibration, load_calibrations
from selfref.messages import Preset
from tests.selfref.deciding.calibrations import calibration, calibrations, judge


def test_the_judge_that_was_measured_gets_its_scale(tmp_path):
    file = tmp_path / "calibration.json"
    file.write_text(calibrations(calibration(temperature=2.5)).model_dump_json())
    found = load_calibrations(file).scale_for(judge(), tie_width=0.3)
    assert found == Scale(tie_width=0.3, temperature=2.5, calibration=calibration(temperature=2.5).digest)


def test_a_fitted_tie_width_replaces_the_workers_own():
    found = calibrations(calibration(tie_width=0.8)).scale_for(judge(), tie_width=0.3)
    assert isinstance(found, Scale)
    assert found.tie_width == 0.8


@pytest.mark.parametrize("what", ["engine", "model", "revision", "template", "chat_template"])
def test_another_judge_has_no_scale_and_is_told_what_differs(what):
    found = calibrations().scale_for(judge(**{what: "another"}), tie_width=0.1)
    assert isinstance(found, Unmatched)
    assert f"{what.replace('_', ' ')} another instead of" in found.reason
    assert found.preset_known


def test_an_engine_that_no_longer_tells_its_revision_is_not_taken_for_the_one_that_did():
    assert isinstance(calibrations().scale_for(judge(revision=None), tie_width=0.1), Unmatched)


def test_what_the_engine_did_not_say_when_it_was_measured_is_not_asked_for():
    file = calibrations(calibration(judge(revision=None, chat_template=None)))
    assert isinstance(file.scale_for(judge(), tie_width=0.1), Scale)


def test_a_preset_that_was_not_measured_has_no_scale():
    found = calibrations().scale_for(judge(preset=Preset.PAPER), tie_width=0.1)
    assert isinstance(found, Unmatched)
    assert found.reason == "there is none for preset paper"
    assert not found.preset_known


def test_a_file_holds_several_judges():
    direct = calibration(judge(preset=Preset.DIRECT), temperature=4)
    other = calibration(judge(model="other"), temperature=3)
    file = calibrations(other, calibration(), direct)
    temperatures = []
    for each in (judge(), judge(preset=Preset.DIRECT), judge(model="other")):
        found = file.scale_for(each, tie_width=0.1)
        assert isinstance(found, Scale)
        temperatures.append(found.temperature)
    assert temperatures == [2.5, 4, 3]


def test_the_digest_names_judge_scale_and_pairs_and_not_when_or_how_they_were_written():
    same = {calibration().digest, calibration(seed=1).digest}
    different = {
        calibration(temperature=2.6).digest,
        calibration(tie_width=0.1).digest,
        calibration(judge(preset=Preset.DIRECT)).digest,
    }
    assert len(same) == 1
    assert len(same | different) == 4


def broken(**changes):
    file = json.loads(calibrations().model_dump_json())
    file["calibrations"][0] |= changes
    return json.dumps(file)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "Invalid JSON"),
        ('{"agreement":1,"run":"x"}', "Field required"),
        (calibrations().model_dump_json().replace('"version":1', '"version":2'), "version"),
        (broken(temperature=3.0), "was changed after it was fitted"),
        (broken(temperature=0), "greater than 0"),
        (broken(tie_width=-1), "greater than or equal to 0"),
        (broken(temprature=1), "Extra inputs"),
    ],
)
def test_what_is_no_file_of_calibrations_is_refused_with_what_to_do(tmp_path, content, told):
    file = tmp_path / "calibration.json"
    file.write_text(content)
    with pytest.raises(UnusableCalibration, match=r"selfref calibrate") as refused:
        load_calibrations(file)
    assert told in str(refused.value)


def test_two_calibrations_of_one_judge_are_refused():
    with pytest.raises(ValueError, match="two calibrations for one judge"):
        calibrations(calibration(), calibration(temperature=3))


def test_a_file_that_is_not_there_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(UnusableCalibration, match=r"cannot be read .* `selfref calibrate"):
        load_calibrations(tmp_path / "none.json")
