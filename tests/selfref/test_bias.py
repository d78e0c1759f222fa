"""What a judgment says of its judge, a row each; the rates made of it are those of the agreement benchmark."""

import math
from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfref.bench.agreement.rows import Row
from selfref.bench.agreement.scoring import columns, figures
from selfref.bias import FAILED, counts_of, principle_label
from selfref.messages import DEFAULT_PRINCIPLE, BiasCounts, BiasRates, Comparison, Judgment, OrderReading, Verdict
from tests.outcomes import judgment_of
from tests.selfref.bench.agreement.rows import failed, judged
from tests.selfref.store.pairs import work

SAME_LENGTH = Comparison(prompt="?", answer_a="yes", answer_b="now")
A_LONGER = Comparison(prompt="?", answer_a="yes, surely", answer_b="no")


def judgment(verdict: str, *readings: str, bias: float | None = 0.0) -> Judgment:
    """A judgment with these readings, each two letters: which answer was shown first, and which (or `-`) it chose."""
    orders = tuple(
        OrderReading(
            first=first,
            verdict="tie" if chosen == "-" else chosen,
            log_odds_a=None,
            semantic_perplexity=None,
            critique="",
        )
        for first, chosen in readings
    )
    made = judgment_of(work("p"), verdict=Verdict(verdict))
    return made.model_copy(update={"orders": orders, "position_bias": bias})


@pytest.mark.parametrize(
    ("one", "comparison", "expected"),
    [
        (
            judgment("A", "AA", "BA", bias=-0.25),
            A_LONGER,
            {"decided": 1, "chose_first": 1, "chose_second": 1, "longer_won": 1, "position_bias_micronats": 250_000},
        ),
        (judgment("B", "AB", "BB"), A_LONGER, {"decided": 1, "chose_first": 1, "chose_second": 1, "shorter_won": 1}),
        (judgment("A", "AA", "BA"), SAME_LENGTH, {"decided": 1, "chose_first": 1, "chose_second": 1}),
        (judgment("inconsistent", "AA", "BB"), A_LONGER, {"inconsistent": 1, "flips": 1, "chose_first": 2}),
        (judgment("inconsistent", "AB", "BA"), A_LONGER, {"inconsistent": 1, "flips": 1, "chose_second": 2}),
        (judgment("tie", "A-", "B-"), A_LONGER, {"tie": 1, "chose_neither": 2}),
        (judgment("A", "AA", "B-"), A_LONGER, {"decided": 1, "chose_first": 1, "chose_neither": 1, "longer_won": 1}),
        # A majority may decide although the two orders contradict each other: preset `paper`.
        (
            judgment("A", "AA", "AA", "AA", "BB"),
            A_LONGER,
            {"decided": 1, "flips": 1, "chose_first": 4, "longer_won": 1},
        ),
    ],
)
def test_a_judgment_adds_what_its_readings_say(one: Judgment, comparison: Comparison, expected: dict[str, int]) -> None:
    assert counts_of(one, comparison) == BiasCounts(measured=1, **expected)


def test_without_log_probabilities_there_is_no_position_bias_to_measure() -> None:
    assert counts_of(judgment("A", "AA", "BA", bias=None), SAME_LENGTH).measured == 0


@pytest.mark.parametrize(("bias", "measured", "micronats"), [(math.inf, 0, 0), (math.nan, 0, 0), (5e9, 1, 10**9)])
def test_no_position_bias_breaks_the_sum(bias: float, measured: int, micronats: int) -> None:
    counted = counts_of(judgment("A", "AA", "BA", bias=bias), SAME_LENGTH)
    assert (counted.measured, counted.position_bias_micronats) == (measured, micronats)


def test_identical_answers_change_no_rate() -> None:
    before = counts_of(judgment("A", "AA", "BA"), A_LONGER)
    identical = counts_of(judgment("tie"), SAME_LENGTH)
    assert identical == BiasCounts(identical=1)
    assert BiasRates.of(before + identical) == BiasRates.of(before)


def test_a_failure_is_no_tie() -> None:
    rates = BiasRates.of(FAILED + counts_of(judgment("A", "AA", "BA"), A_LONGER))
    assert (rates.tied, rates.unjudged, rates.decided) == (0.0, 0.5, 0.5)


def test_without_anything_to_divide_by_there_is_no_rate() -> None:
    assert set(BiasRates.of(BiasCounts()).model_dump().values()) == {None}


def test_rates_of_a_time_are_those_of_the_difference() -> None:
    before, since = counts_of(judgment("A", "AA", "BA"), A_LONGER), counts_of(judgment("tie", "A-", "B-"), A_LONGER)
    assert before + since - before == since
    assert BiasRates.of(before + since - before).tied == 1.0


def test_every_rate_divides_by_what_it_says() -> None:
    counts = BiasCounts(
        decided=6,
        tie=1,
        inconsistent=3,
        failed=10,
        identical=99,
        flips=4,
        chose_first=13,
        chose_second=5,
        chose_neither=2,
        longer_won=3,
        shorter_won=1,
        measured=8,
        position_bias_micronats=4_000_000,
    )
    assert BiasRates.of(counts) == BiasRates(
        consistency=0.6,
        first_slot_rate=0.7,
        longer_answer_rate=0.75,
        decided=0.3,
        tied=0.05,
        inconsistent=0.15,
        unjudged=0.5,
        mean_position_bias=0.5,
    )


def counted(row: Row) -> BiasCounts:
    """The same pair as the service counts it."""
    if row.verdict is None:
        return FAILED
    told = (each.first + ("-" if each.verdict == "tie" else each.verdict) for each in row.readings)
    return counts_of(judgment(row.verdict, *told), SAME_LENGTH)


@given(st.lists(judged | failed, min_size=1, max_size=12))
def test_the_rates_are_those_of_the_agreement_benchmark(rows: list[Row]) -> None:
    rates = BiasRates.of(reduce(add, map(counted, rows)))
    found = figures(columns(rows), np.ones((1, len(rows))))
    for name in ("consistency", "first_slot_rate", "decided", "tied", "inconsistent", "unjudged"):
        expected, rate = float(found[name][0]), getattr(rates, name)
        assert (rate is None) if np.isnan(expected) else rate == pytest.approx(expected), name


def test_a_principle_has_a_short_name_that_a_shell_can_make_too() -> None:
    assert principle_label(DEFAULT_PRINCIPLE) == "default"
    assert principle_label("be brief") == "b0d336336bae"  # printf %s 'be brief' | sha256sum | cut -c1-12
