"""What arms take in calls, and what share of another's that is."""

from dataclasses import replace

import pytest

from selfref.bench.agreement.rows import Row
from selfref.bench.agreement.spending import calls
from selfref.messages import Usage
from tests.selfref.bench.agreement.rows import row


def spent(number: int, *, found: int = 0, verdict: str | None = "A") -> Row:
    return replace(row(verdict), spent=Usage(calls=number), references_found=found)


def of(arms: dict[str, list[Row]], baseline: str | None = "fixed") -> dict[str, dict[str, float]]:
    return calls(arms, baseline=baseline, count=300, seed=0)


def test_an_arm_is_held_against_the_baseline_on_the_same_pairs() -> None:
    found = of({"fixed": [spent(16)] * 4, "auto": [spent(4), spent(4), spent(12), spent(4)]})
    assert (found["fixed"]["per_pair"], found["fixed"]["of_baseline"]) == (16, 1)
    assert (found["auto"]["per_pair"], found["auto"]["of_baseline"]) == (6, pytest.approx(24 / 64))
    low, high = found["auto"]["of_baseline_interval"]
    assert 0.25 <= low < 24 / 64 < high <= 0.75


def test_a_reference_that_was_found_counts_as_if_it_had_been_paid_for() -> None:
    found = of({"fixed": [spent(5), spent(4, found=1)], "auto": [spent(4, found=1)] * 2})
    assert (found["fixed"]["per_pair"], found["auto"]["of_baseline"]) == (5, 1)


def test_pairs_that_were_not_judged_in_both_are_left_out() -> None:
    found = of(
        {"fixed": [spent(8), spent(0, verdict=None), spent(8)], "auto": [spent(4), spent(4), spent(0, verdict=None)]}
    )
    assert (found["fixed"]["per_pair"], found["auto"]["per_pair"]) == (8, 4)
    assert found["auto"]["of_baseline"] == 0.5


def test_there_may_be_nothing_to_divide_by() -> None:
    found = of({"auto": [spent(0, verdict=None)]}, baseline=None)["auto"]
    assert found == {"per_pair": None, "per_pair_interval": None, "of_baseline": None, "of_baseline_interval": None}
