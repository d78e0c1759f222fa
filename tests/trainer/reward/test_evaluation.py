"""The report's figures against pairs whose figures can be worked out by hand."""

import math

import numpy as np
import pytest

from selfref.messages import Verdict
from tests.trainer.labels import label
from tests.trainer.models import tokens
from trainer.reward.evaluation import Evaluation, evaluate, spearman
from trainer.reward.pairs import pairs_of
from trainer.reward.settings import RewardSettings

TOKENS = tokens()
LOG_3 = math.log(3.0)  # σ(log 3) is 0.75


def evaluated(labels: list, differences: list[float]) -> Evaluation:
    pairs = pairs_of(labels, TOKENS, RewardSettings()).kept
    return evaluate(pairs, np.array(differences), np.zeros(len(pairs)))


def test_figures_of_a_model_that_is_right_in_three_of_four() -> None:
    found = evaluated([label(number, probability_a=0.9) for number in range(4)], [LOG_3, LOG_3, LOG_3, -LOG_3])
    assert (found.pairs, found.decided, found.accuracy) == (4, 4, 0.75)
    assert found.brier == pytest.approx((3 * 0.25**2 + 0.75**2) / 4)
    assert found.nll == pytest.approx(-(3 * math.log(0.75) + math.log(0.25)) / 4)
    assert found.ece == pytest.approx(0.0, abs=1e-12), "as sure as it is right"
    assert found.self_agreement == pytest.approx(0.82)
    assert found.spearman is None, "all labels are equally strong"


def test_a_model_that_is_too_sure() -> None:
    found = evaluated([label(0), label(1)], [9.0, -9.0])
    assert found.ece == pytest.approx(0.5, abs=1e-3)


def test_ties_are_no_part_of_accuracy_and_no_difference_is_half_right() -> None:
    found = evaluated([label(0), label(1, verdict=Verdict.TIE, probability_a=0.5)], [0.0, 5.0])
    assert (found.pairs, found.decided, found.accuracy) == (2, 1, 0.5)


def test_accuracy_by_strength() -> None:
    labels = [label(0, probability_a=0.55), label(1, probability_a=0.55), label(2, probability_a=1.0)]
    weak, strong = evaluated(labels, [1.0, -1.0, 1.0]).by_strength
    assert (weak.low, weak.high, weak.pairs, weak.accuracy) == (0.0, 0.2, 2, 0.5)
    assert (strong.high, strong.pairs, strong.accuracy) == (1.0, 1, 1.0)


def test_strong_preferences_that_are_scored_further_apart() -> None:
    labels = [label(number, probability_a=p) for number, p in enumerate((0.6, 0.7, 0.8, 0.9))]
    assert evaluated(labels, [0.1, 0.2, 0.3, 0.4]).spearman == pytest.approx(1.0)
    assert evaluated(labels, [0.4, 0.3, 0.2, 0.1]).spearman == pytest.approx(-1.0)


def test_a_model_that_likes_length() -> None:
    long = "It is Friday, and I could go on about this all day."
    labels = [label(0, answer_a=long), label(1, answer_b=long), label(2, answer_a="Friday.")]
    assert evaluated(labels, [2.0, -2.0, -1.0]).length == pytest.approx(1.0)


def test_equal_values_share_their_rank() -> None:
    left, right = np.array([1.0, 2.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0, 4.0])
    ranks = np.array([1.0, 2.5, 2.5, 4.0])
    assert spearman(left, right) == pytest.approx(np.corrcoef(ranks, right)[0, 1])


def test_nothing_held_out_is_nothing_measured() -> None:
    found = evaluate([], np.zeros(0), np.zeros(0))
    assert (found.accuracy, found.ece, found.brier, found.length, found.reliability) == (None, None, None, None, [])
