"""A judgment is what its own readings amount to, and is found out where it is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfref.deciding import Scale
from selfref.messages import JobResult, OrderReading, Perplexity, Preset, Verdict, VoteCounts
from selfref.rejudging.rederiving import ODDS_TOLERANCE, differing, odds_gaps, rederived
from tests.selfref.rejudging.judgments import reading, result

log_probs = st.floats(-690, 0)
said = st.none() | st.tuples(log_probs, log_probs) | st.tuples(st.floats(-5, 0), st.floats(-5, 0))
orders = st.lists(said, min_size=1, max_size=3)
scales = st.builds(Scale, tie_width=st.floats(0, 3), temperature=st.floats(0.1, 10), calibration=st.just("c0ffee"))


@given(orders, orders, scales, st.sampled_from(Preset))
def test_what_a_worker_made_comes_out_as_stored_also_off_the_wire(a_first, b_first, scale, preset):
    made = result(a_first=a_first, b_first=b_first, scale=scale, preset=preset)
    stored = JobResult.model_validate_json(made.model_dump_json())
    assert differing(stored, rederived(stored)) == ()
    assert all(gap <= ODDS_TOLERANCE for gap in odds_gaps(stored.orders))


def test_judgments_of_before_scales_were_named_are_read_on_the_usual_one():
    made = result()
    plain = made.provenance.model_copy(update={"parameters": {"votes": 1}})
    assert differing(made, rederived(made.model_copy(update={"provenance": plain}))) == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("verdict", Verdict.B),
        ("probability_a", 0.5),
        ("strength", 0.1),
        ("log_odds", -1.0),
        ("position_bias", 3.0),
        ("votes", VoteCounts(a=0, b=2, tie=0)),
        ("flags", ("odds_oppose_votes",)),
    ],
)
def test_what_was_changed_is_named(name, value):
    changed = result().model_copy(update={name: value})
    assert name in differing(changed, rederived(changed))


def test_a_last_digit_of_another_machine_is_no_difference():
    made = result()
    assert differing(made, made.model_copy(update={"probability_a": made.probability_a * (1 + 3e-16)})) == ()


def test_odds_that_their_perplexities_contradict_are_seen():
    good = reading("A", (-0.1, -3.0))
    (gap,) = odds_gaps([good.model_copy(update={"log_odds_a": good.log_odds_a + 1e-6})])
    assert gap == pytest.approx(1e-6, rel=1e-3)
    assert gap > ODDS_TOLERANCE


def test_a_perplexity_at_its_upper_end_says_nothing():
    assert odds_gaps([reading("A", (0.0, -750.0))]) == []
    assert odds_gaps([reading("A", None)]) == []


def test_gaps_are_nats_of_a_over_b():
    told = OrderReading(
        first="B", verdict="A", log_odds_a=1.0, semantic_perplexity=Perplexity(a=1.0, b=1.0), critique=""
    )
    assert odds_gaps([told]) == [1.0]
