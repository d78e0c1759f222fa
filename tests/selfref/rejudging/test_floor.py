"""How far a judge is from himself, and that another judge is not taken for him."""

import pytest

from selfref.deciding import Scale
from selfref.messages import Preset
from selfref.rejudging.floor import Floor, Heard, SameJudgment, share
from tests.selfref.rejudging.judgments import result

A, B, EVEN = (-0.1, -3.1), (-3.1, -0.1), (-0.7, -0.7)


def judged(said: tuple[float, float], *, again: bool = False, **different):
    return result(a_first=[said], b_first=[said], job_id="job-2" if again else "job-1", **different)


def test_differences_are_counted_over_pairs_and_by_preset():
    floor = Floor()
    for first, second in ((A, A), (A, B), (A, EVEN), (EVEN, EVEN)):
        floor.add(Heard.of(judged(first)), judged(second, again=True))
    floor.add(Heard.of(judged(B, preset=Preset.DIRECT)), judged(A, again=True, preset=Preset.DIRECT, critique="No."))
    told = floor.report()
    assert told["same_judge"]
    every = told["all"]
    assert (every["verdicts_differ"]["count"], every["verdicts_differ"]["of"]) == (3, 5)
    assert (every["flipped"]["count"], every["flipped"]["of"]) == (2, 3)
    assert every["label_in_one_only"]["count"] == 1
    assert every["log_odds"]["largest_difference"] == pytest.approx(6.0)
    assert every["log_odds"]["mean_difference"] == pytest.approx((0 + 6 + 3 + 0 + 6) / 5)
    assert every["same_critiques"]["count"] == 4
    assert every["same_references"]["count"] == 5
    assert {name: each["pairs"] for name, each in told["presets"].items()} == {"self-reference": 4, "direct": 1}
    assert told["presets"]["direct"]["flipped"]["share"] == 1.0


def test_orders_that_say_the_same_are_counted_on_both_sides():
    floor = Floor()
    split = result(a_first=[A], b_first=[B])
    floor.add(Heard.of(split), judged(A, again=True))
    assert floor.report()["all"]["order_agreement"] == {"first": 0.0, "again": 1.0}


@pytest.mark.parametrize("different", [{"model": "another"}, {"preset": Preset.DIRECT}])
def test_another_judge_is_no_noise_floor(different):
    floor = Floor()
    again = judged(A, again=True, **({"model": "another"} if "model" in different else {}))
    if "preset" in different:
        again = again.model_copy(
            update={
                "provenance": again.provenance.model_copy(update={"parameters": {"votes": 3, "chat_template": "c"}})
            }
        )
    floor.add(Heard.of(judged(A)), again)
    told = floor.report()
    assert not told["same_judge"]
    assert told["differs_in"] == ({"model": [["m", "another"]]} if "model" in different else {"votes": [[1, 3]]})


def test_a_scale_is_no_judge_and_both_are_read_on_the_first_ones():
    floor = Floor()
    weak = (-0.5, -0.9)
    floor.add(Heard.of(judged(weak, scale=Scale(1.0, 2.0, "c0ffee"))), judged(weak, again=True))
    told = floor.report()
    assert told["same_judge"]
    assert told["all"]["verdicts"]["tie"]["tie"] == 1


def test_a_judgment_of_before_scales_were_named_is_of_the_same_judge():
    first = judged(A)
    plain = first.provenance.model_copy(update={"parameters": {"votes": 1, "chat_template": "c"}})
    floor = Floor()
    floor.add(Heard.of(first.model_copy(update={"provenance": plain})), judged(A, again=True))
    assert floor.report()["differs_in"] == {}


def test_one_judgment_given_twice_is_no_second_judgment():
    with pytest.raises(SameJudgment):
        Floor().add(Heard.of(judged(A)), judged(A))


def test_pairs_that_nobody_was_asked_about_have_no_part():
    floor = Floor()
    floor.add(Heard.of(result(a_first=[], b_first=[])), result(a_first=[], b_first=[], job_id="job-2"))
    assert (floor.report()["identical"], floor.report()["all"]["pairs"]) == (1, 0)


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(0, 300, 0.0, 0.01264), (300, 300, 0.98736, 1.0), (5, 100, 0.02154, 0.11175), (1, 2, 0.09453, 0.90547)],
)
def test_shares_have_wilsons_interval(count, of, low, high):
    assert share(count, of)["interval"] == pytest.approx([low, high], abs=1e-5)
    assert share(0, 0)["share"] is None
