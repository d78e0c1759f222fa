"""A judgment decided again from its own readings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfref.deciding import Scale, decided_again
from selfref.messages import ODDS_OPPOSE_VOTES, Judgment, OrderReading, Preset, Usage, Verdict, VoteCounts
from tests.judged import judged

scales = st.builds(
    Scale, tie_width=st.floats(0, 3), temperature=st.floats(0.1, 10), calibration=st.none() | st.just("c0ffee")
)
odds = st.floats(-12, 12) | st.just(0.0)
presets = st.sampled_from(list(Preset))


def reading(first: str, value: float | None) -> OrderReading:
    return OrderReading(
        first="A" if first == "A" else "B",
        verdict="A" if value is None or value >= 0 else "B",
        log_odds_a=value,
        semantic_perplexity=None,
        critique="It is right.",
    )


def made(preset: Preset, readings: list[OrderReading], scale: Scale) -> Judgment:
    """As a worker would have judged."""
    judgment = judged(
        readings,
        preset=preset,
        scale=scale,
        usage=Usage(calls=5),
        provenance={"parameters": {"votes": 1, **scale.parameters()}},
    )
    return judgment.model_copy(update={"flags": ("critique_cut", *judgment.flags)})


readings_of_both_orders = st.builds(
    lambda a_first, b_first: [reading("A", value) for value in a_first] + [reading("B", value) for value in b_first],
    st.lists(odds, min_size=1, max_size=3),
    st.lists(odds, min_size=1, max_size=3),
)


@given(presets, readings_of_both_orders, scales)
def test_on_its_own_scale_a_judgment_comes_out_the_same(preset, readings, scale):
    judgment = made(preset, readings, scale)
    assert decided_again(judgment, scale=scale) == judgment


@given(presets, readings_of_both_orders, scales, scales)
def test_on_another_scale_it_is_what_would_have_been_judged_on_that_scale(preset, readings, scale, other):
    assert decided_again(made(preset, readings, scale), scale=other) == made(preset, readings, other)


def test_a_wider_tie_makes_a_weak_preference_a_tie_and_a_narrower_one_takes_it_back():
    readings = [reading("A", 0.4), reading("B", 0.2)]
    judgment = made(Preset.SELF_REFERENCE, readings, Scale(tie_width=0.1))
    wider = decided_again(judgment, scale=Scale(tie_width=0.5, calibration="wide"))
    assert (judgment.verdict, wider.verdict) == (Verdict.A, Verdict.TIE)
    assert [each.verdict for each in wider.orders] == ["tie", "tie"]
    assert wider.votes == VoteCounts(a=0, b=0, tie=2)
    assert wider.provenance.calibration == "wide"
    assert wider.provenance.parameters == {"votes": 1, "tie_width": 0.5, "odds_temperature": 1.0}
    assert decided_again(wider, scale=Scale(tie_width=0.1)) == judgment


def test_a_higher_temperature_changes_how_sure_it_is_and_not_the_verdict_or_the_odds():
    judgment = made(Preset.SELF_REFERENCE, [reading("A", 4.0), reading("B", 2.0)], Scale())
    milder = decided_again(judgment, scale=Scale(temperature=3.0))
    assert (milder.verdict, milder.log_odds) == (judgment.verdict, judgment.log_odds)
    assert milder.probability_a == pytest.approx(0.7310585786300049)  # sigmoid(1)
    assert milder.strength == pytest.approx(2 * 0.7310585786300049 - 1)


def test_verdicts_without_odds_stay_as_they_were_said():
    judgment = made(Preset.SELF_REFERENCE, [reading("A", None), reading("B", None)], Scale())
    again = decided_again(judgment, scale=Scale(tie_width=2.0))
    assert (again.verdict, again.log_odds, again.probability_a) == (Verdict.A, None, None)


def test_the_same_text_twice_is_a_tie_on_any_scale():
    none_heard = VoteCounts(a=0, b=0, tie=0)
    judgment = made(Preset.SELF_REFERENCE, [reading("A", 1.0), reading("B", 1.0)], Scale()).model_copy(
        update={"orders": (), "votes": none_heard, "verdict": Verdict.TIE, "log_odds": 0.0, "probability_a": 0.5}
    )
    again = decided_again(judgment, scale=Scale(tie_width=2.0, temperature=5.0))
    assert (again.verdict, again.log_odds, again.probability_a, again.orders) == (Verdict.TIE, 0.0, 0.5, ())


@given(st.floats(0.2, 12))
def test_a_majority_that_the_odds_oppose_loses_its_flag_where_it_is_none(strong):
    weak = [reading("A", 0.05), reading("A", 0.05), reading("B", 0.05)]
    judgment = made(Preset.PAPER, [*weak, reading("B", -strong)], Scale(tie_width=0.01))
    assert ODDS_OPPOSE_VOTES in judgment.flags
    assert judgment.strength == 0.0
    again = decided_again(judgment, scale=Scale(tie_width=0.1))
    assert again.verdict is Verdict.B
    assert again.flags == ("critique_cut",)
