"""Every figure on rows whose figures are worked out here by hand; judges whose figures follow from what they are."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfref.bench.agreement.rows import Row
from selfref.bench.agreement.scoring import FIGURES, columns, figures, orders_lean, reliability
from tests.selfref.bench.agreement.rows import any_rows, leans, letters, perfect, position_only, row, swapped

ROWS = [
    row("A", gold="A", first=("A",), second=("A",), p=0.9),  # right
    row("inconsistent", gold="B", first=("A",), second=("B",), p=0.6),  # chooses what is first
    row("B", gold="B", first=("tie",), second=("B",), p=0.2),  # right, one order undecided
    row("B", gold="A", first=("B",), second=("B",), p=0.3),  # wrong
    row(None, gold="A"),  # failed
    row("tie", gold="A", first=("tie",), second=("tie",), p=0.5),
]


def scored(rows: list[Row]) -> dict[str, float]:
    return {name: float(value[0]) for name, value in figures(columns(rows), np.ones((1, len(rows)))).items()}


def same(one: dict[str, float], other: dict[str, float]) -> bool:
    return one == pytest.approx(other, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        ("accuracy_mean", (1 + 0.5 + 0.75 + 0 + 0 + 0.5) / 6),
        ("accuracy_both", 1 / 6),
        ("accuracy_net", (1 + 0.5 + 1 + 0 + 0 + 0.5) / 6),
        ("accuracy_exact", 2 / 6),
        ("accuracy_decided", 2 / 3),
        ("consistency", 4 / 5),
        ("order_agreement", 3 / 6),
        ("first_slot_rate", (1 + 2 + 1.5 + 1 + 1) / 10),
        ("decided", 3 / 6),
        ("tied", 1 / 6),
        ("inconsistent", 1 / 6),
        ("unjudged", 1 / 6),
        ("brier", (0.1**2 + 0.6**2 + 0.2**2 + 0.7**2 + 0.5**2) / 5),
        ("ece", (0.1 + 0.6 + 0.2 + 0.7 + 0) / 5),  # each in a bin of its own; the tie is half right
    ],
)
def test_a_figure_is_what_its_definition_says(figure, expected):
    assert scored(ROWS)[figure] == pytest.approx(expected)


WHERE_GOLD_IS_A_TIE = [
    row("tie", gold="tie", first=("tie",), second=("tie",), p=0.5),  # right
    row("inconsistent", gold="tie", first=("A",), second=("B",), p=0.6),  # its votes cancel out
    row("A", gold="tie", first=("A",), second=("tie",), p=0.7),  # a preference where people have none
    row("A", gold="A", first=("A",), second=("tie",), p=0.7),
]


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        ("accuracy_mean", (1 + 0.5 + 0.75 + 0.75) / 4),
        ("accuracy_both", 1 / 4),
        ("accuracy_net", (1 + 1 + 0.5 + 1) / 4),
        ("accuracy_exact", (1 + 1 + 0 + 1) / 4),
        ("accuracy_decided", 1 / 2),
        ("brier", (0 + 0.1**2 + 0.2**2 + 0.3**2) / 4),
        (
            "ece",
            (0 + 0.1 + abs(0.2 - 0.3 + 0)) / 4,
        ),  # the last two are in one bin: 0.7 and 0.7 sure, half and wholly right
    ],
)
def test_a_tie_is_a_third_answer_of_gold_too(figure, expected):
    assert scored(WHERE_GOLD_IS_A_TIE)[figure] == pytest.approx(expected)


def test_a_failed_pair_is_wrong_even_where_gold_is_a_tie():
    found = scored([row(None, gold="tie")])
    for figure in ("accuracy_mean", "accuracy_both", "accuracy_net", "accuracy_exact", "tied", "order_agreement"):
        assert found[figure] == 0
    assert found["unjudged"] == 1


def test_what_one_order_says_of_a_failed_pair_is_a_reading_and_nothing_more():
    found = scored(
        [row(None, gold="A", first=("A",), second=(None,)), row(None, gold="B", first=("A",), second=(None,))]
    )
    assert (found["accuracy_mean"], found["accuracy_net"], found["accuracy_both"]) == (0.25, 0, 0)
    assert (found["first_slot_rate"], found["order_agreement"], found["unjudged"]) == (1, 0, 1)
    assert math.isnan(found["consistency"])


def test_the_calibration_error_compares_means_within_a_bin():
    rows = [perfect("A", sure=0.96), perfect("B", sure=0.97), perfect("A", sure=0.99), row("B", gold="A", p=0.02)]
    assert scored(rows)["ece"] == pytest.approx((0.96 + 0.97 + 0.98 + 0.99) / 4 - 3 / 4)
    low = [perfect("A", sure=0.52), perfect("A", sure=0.54)]
    assert scored(rows + low)["ece"] == pytest.approx((4 * 0.225 + 2 * 0.47) / 6)


def test_the_reliability_diagram_has_means_and_counts_of_each_bin():
    found = reliability(columns([*ROWS, perfect("B", sure=0.94)]))
    assert [(each.low, each.high) for each in found] == [(n / 20, (n + 1) / 20) for n in range(10, 20)]
    assert [each.pairs for each in found] == [1, 0, 1, 0, 1, 0, 1, 0, 2, 0]
    assert (found[8].confidence, found[8].accuracy) == pytest.approx((0.92, 1.0))
    assert (found[2].confidence, found[2].accuracy) == pytest.approx((0.6, 0.0))
    assert (found[0].confidence, found[0].accuracy) == (0.5, 0.5)
    assert (found[1].confidence, found[1].accuracy) == (None, None)


def test_certainty_lies_in_the_last_bin():
    assert reliability(columns([perfect("A", sure=1.0)]))[-1].pairs == 1


@given(st.lists(st.tuples(letters, st.integers(33, 64)), min_size=1, max_size=20))
def test_a_perfect_judge_is_wrong_about_nothing_but_how_sure_it_is(drawn):
    sure = [n / 64 for _, n in drawn]
    found = scored([perfect(gold, sure=p) for (gold, _), p in zip(drawn, sure, strict=True)])
    for figure in (
        "accuracy_mean",
        "accuracy_both",
        "accuracy_net",
        "accuracy_exact",
        "accuracy_decided",
        "consistency",
    ):
        assert found[figure] == 1
    assert (found["order_agreement"], found["decided"]) == (1, 1)
    assert found["first_slot_rate"] == 0.5
    assert found["ece"] == pytest.approx(1 - sum(sure) / len(sure))
    assert found["brier"] == pytest.approx(sum((1 - p) ** 2 for p in sure) / len(sure))


@given(st.lists(leans, min_size=1, max_size=20))
def test_a_judge_that_sees_only_position_contradicts_itself_and_knows_nothing(golds):
    found = scored([position_only(gold) for gold in golds])
    assert (found["consistency"], found["order_agreement"], found["first_slot_rate"]) == (0, 0, 1)
    assert (found["accuracy_mean"], found["accuracy_both"]) == (0.5, 0)
    assert (found["decided"], found["tied"], found["inconsistent"]) == (0, 0, 1)
    assert found["accuracy_exact"] == pytest.approx(golds.count("tie") / len(golds))
    assert found["accuracy_net"] == pytest.approx((1 + found["accuracy_exact"]) / 2)
    assert found["ece"] == 0
    assert math.isnan(found["accuracy_decided"])


def test_a_judge_that_throws_a_coin_is_half_right_and_half_consistent():
    random = np.random.default_rng(11)
    thrown = [("AB"[a], "AB"[b], "AB"[gold]) for a, b, gold in random.integers(0, 2, (4000, 3))]
    found = scored([row(a if a == b else "inconsistent", gold=gold, first=(a,), second=(b,)) for a, b, gold in thrown])
    for figure in ("accuracy_mean", "accuracy_net", "accuracy_decided", "consistency", "first_slot_rate", "decided"):
        assert found[figure] == pytest.approx(0.5, abs=0.03)
    assert found["accuracy_both"] == pytest.approx(0.25, abs=0.03)


def test_a_judge_that_only_fails_has_accuracies_of_nothing_and_no_other_figure():
    found = scored([row(None), row(None, gold="B")])
    for figure in ("accuracy_mean", "accuracy_both", "accuracy_net", "decided"):
        assert found[figure] == 0
    for figure in ("accuracy_decided", "consistency", "first_slot_rate", "brier", "ece"):
        assert math.isnan(found[figure])


@given(any_rows, st.data())
def test_swapping_the_answers_of_any_pairs_changes_no_figure(rows, data):
    some = [swapped(each) if data.draw(st.booleans()) else each for each in rows]
    assert same(scored(some), scored(rows))


@given(any_rows)
def test_every_figure_is_a_share(rows):
    for value in scored(rows).values():
        assert math.isnan(value) or -1e-12 <= value <= 1 + 1e-12


@given(any_rows, st.data())
def test_a_weight_counts_a_pair_as_often_as_it_says(rows, data):
    weights = data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows)).filter(any))
    repeated = [each for each, times in zip(rows, weights, strict=True) for _ in range(times)]
    found = figures(columns(rows), np.array([weights, [1] * len(rows)], dtype=float))
    assert same({name: float(value[0]) for name, value in found.items()}, scored(repeated))
    assert same({name: float(value[1]) for name, value in found.items()}, scored(rows))


@given(any_rows, st.data())
def test_chosen_columns_are_those_of_the_chosen_rows(rows, data):
    places = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=5))
    chosen = columns(rows).of(np.array(places))
    found = {name: float(value[0]) for name, value in figures(chosen, np.ones((1, len(places)))).items()}
    assert same(found, scored([rows[place] for place in places]))


def test_the_figures_come_in_the_order_they_are_named():
    assert tuple(scored(ROWS)) == FIGURES


@pytest.mark.parametrize(
    ("first", "second", "lean", "both", "consistent"),
    [
        (("A", "B"), ("A", "A"), ("tie", "A"), 0, 1),  # an order that is split leans nowhere
        (("A", "A", "B"), ("A", "tie"), ("A", "A"), 1, 1),
        (("A", "A"), ("B", "B"), ("A", "B"), 0, 0),
        (("B", "tie"), ("A", "A"), ("B", "A"), 0, 0),
    ],
)
def test_several_readings_in_an_order_lean_as_most_of_them_do(first, second, lean, both, consistent):
    one = row("A", first=first, second=second)
    assert orders_lean(one) == lean
    found = scored([one])
    assert (found["accuracy_both"], found["consistency"]) == (both, consistent)
    assert found["accuracy_mean"] == pytest.approx(
        sum({"A": 1, "B": 0, "tie": 0.5}[each] for each in (*first, *second)) / len((*first, *second))
    )


def test_a_tie_without_a_reading_is_half_right_and_consistent():
    found = scored([row("tie", p=0.5)])
    assert (found["accuracy_mean"], found["accuracy_net"], found["consistency"]) == (0.5, 0.5, 1)
    assert math.isnan(found["first_slot_rate"])


@given(any_rows)
def test_decided_tied_inconsistent_and_unjudged_are_all_pairs(rows):
    found = scored(rows)
    assert sum(found[figure] for figure in ("decided", "tied", "inconsistent", "unjudged")) == pytest.approx(1)
