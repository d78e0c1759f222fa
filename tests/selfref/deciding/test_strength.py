"""From label log-probs to a probability, against published numbers and by property."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfref.deciding.strength import log_odds, log_sum_exp, mean, probability, semantic_perplexity, strength
from worker.engines.labels import spellings

PUBLISHED = Path(__file__).parents[3] / "../shared/data/judge_logprobs_500.jsonl"

odds = st.floats(-50, 50)
log_prob = st.floats(-60, 0)


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published log-probs (alpaca_eval data) are not on this machine")
def test_the_500_published_soft_preferences_come_out():
    rows = [json.loads(line) for line in PUBLISHED.read_text().splitlines()]
    assert len(rows) == 500
    for row in rows:
        top = [tuple(pair) for pair in row["top_logprobs"]]
        second, first = ("m", "M") if row["mapping"].startswith("m->2") else ("M", "m")
        of_second = log_odds([value for text, value in top if text == second], [v for t, v in top if t == first])
        assert 1 + probability(of_second) == pytest.approx(row["preference"], abs=1e-4), row["id"]


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published log-probs (alpaca_eval data) are not on this machine")
def test_the_published_rows_come_out_when_read_as_labels_by_their_spelling():
    for row in (json.loads(line) for line in PUBLISHED.read_text().splitlines()):
        second = "m" if row["mapping"].startswith("m->2") else "M"
        labels = {second: "B", "M" if second == "m" else "m": "A"}
        first, other = spellings([(labels.get(text, text), value) for text, value in row["top_logprobs"]])
        assert first is not None
        assert other is not None
        assert 1 + probability(log_odds([other], [first])) == pytest.approx(row["preference"], abs=1e-4), row["id"]


@given(odds)
def test_exchanging_the_answers_turns_the_probability_round_and_keeps_the_strength(value):
    assert probability(-value) == 1 - probability(value)
    assert strength(probability(-value)) == strength(probability(value))


@given(odds, st.floats(0.1, 10))
def test_a_probability_is_one_and_a_higher_temperature_moves_it_to_the_middle(value, temperature):
    assert 0 <= probability(value, temperature=temperature) <= 1
    assert strength(probability(value, temperature=temperature + 1)) <= strength(
        probability(value, temperature=temperature)
    )


@pytest.mark.parametrize("value", [-1e300, -1000.0, 1000.0, 1e300])
def test_odds_beyond_floating_point_are_certain_and_not_an_error(value):
    assert probability(value) == (1.0 if value > 0 else 0.0)
    assert strength(probability(value)) == 1.0


@given(st.lists(log_prob, min_size=1, max_size=6))
def test_spellings_add_up_as_probabilities(values):
    assert math.exp(log_sum_exp(values)) == pytest.approx(math.fsum(math.exp(value) for value in values))


def test_nothing_has_no_probability_and_no_odds():
    assert log_sum_exp([]) == -math.inf
    with pytest.raises(ValueError, match="no odds"):
        log_odds([-1.0], [])


@given(log_prob, log_prob)
def test_the_log_ratio_of_both_perplexities_is_the_log_odds(first, second):
    ratio = math.log(semantic_perplexity([second])) - math.log(semantic_perplexity([first]))
    assert ratio == pytest.approx(log_odds([first], [second]), abs=1e-9)


@given(st.lists(log_prob, min_size=1, max_size=6))
def test_a_perplexity_is_at_least_one_and_finite(values):
    assert 1 <= semantic_perplexity(values) < math.inf


def test_an_impossible_statement_has_a_perplexity_that_json_can_carry():
    assert math.isfinite(semantic_perplexity([-9999.0]))
    assert semantic_perplexity([0.0]) == 1.0
    assert semantic_perplexity([-1.0, -3.0]) == pytest.approx(math.exp(2))


@given(st.lists(odds, min_size=1, max_size=8))
def test_a_mean_changes_sign_exactly_with_its_values(values):
    assert mean([-value for value in reversed(values)]) == -mean(values)
