"""A calibration of judges that allow one, and the reason of those that do not."""

from dataclasses import replace

import numpy as np
import pytest

from selfref.bench.agreement.scoring import columns, figures
from selfref.calibrating.fitting import FEWEST_PAIRS, _measured, ece_of_honest, fit
from selfref.calibrating.refused import Refused
from selfref.calibrating.samples import samples_of
from selfref.calibrating.temperature import fitted_temperature, log_losses, probabilities
from tests.selfref.calibrating.judging import drawn, judgment


def fitted(samples, **more):
    return fit(samples, name="mine.jsonl", sha256="ab", seed=0, count=200, **more)


def test_a_judge_that_is_too_sure_is_calibrated_on_pairs_that_were_left_out():
    found = fitted(drawn(2000, temperature=3.0)).calibration
    assert found.temperature == pytest.approx(3.0, rel=0.1)
    assert found.held_out_before.ece.value > 0.1
    assert found.held_out_after.ece.value < 0.03
    for figure in ("ece", "brier", "log_loss"):
        after, before = getattr(found.held_out_after, figure), getattr(found.held_out_before, figure)
        assert after.value < before.value, figure
        assert before.low <= before.value <= before.high, figure
    assert (found.fitted_on.pairs, found.fitted_on.ties, found.folds) == (2000, 0, 10)


def test_the_same_pairs_give_the_same_calibration_whoever_deals_the_folds():
    samples = drawn(300, temperature=2.0)
    one = fit(samples, name="x", sha256="y", seed=0, count=100).calibration
    two = fit(samples, name="x", sha256="y", seed=1, count=100).calibration
    assert one.digest == two.digest
    assert one.held_out_after.log_loss.value != two.held_out_after.log_loss.value


def test_what_is_said_of_a_pair_was_fitted_without_it():
    """No temperature is more likely on all pairs than the one fitted on them; those of folds are less so."""
    samples = drawn(300, temperature=2.0)
    found = fitted(samples).calibration
    fitted_on_all = log_losses(samples.odds, samples.labels, temperature=found.temperature).mean()
    assert fitted_on_all + 1e-6 < found.held_out_after.log_loss.value < fitted_on_all + 0.02


def test_held_out_means_that_a_prompts_other_pairs_do_not_tell_its_label():
    """Every prompt has one label for all its pairs: fitted on some of them, the others would be known."""
    samples = drawn(400, temperature=2.0)
    twins = replace(
        samples,
        judgments=samples.judgments * 2,
        prompts=samples.prompts * 2,
        odds=np.tile(samples.odds, 2),
        labels=np.tile(samples.labels, 2),
    )
    assert fitted(twins).calibration.held_out_after.log_loss.value == pytest.approx(
        fitted(samples).calibration.held_out_after.log_loss.value
    )


def test_figures_are_those_of_the_benchmark():
    samples = drawn(200, temperature=2.0)
    numbers = _measured(samples, np.full(200, 2.0))
    likely = probabilities(samples.odds, temperature=2.0)
    brier = float(np.mean((likely - samples.labels) ** 2))
    assert figures(numbers, np.ones((1, 200)))["brier"][0] == pytest.approx(brier)
    assert columns([]).right.size == 0


def test_ties_by_people_are_labels_of_a_half():
    found = fitted(drawn(2000, temperature=1.0, ties=0.1)).calibration
    assert found.temperature > 1.2
    assert found.fitted_on.ties > 150


def test_too_few_pairs_are_refused():
    with pytest.raises(Refused, match=f"{FEWEST_PAIRS - 1} pairs have odds"):
        fitted(drawn(FEWEST_PAIRS - 1, temperature=2.0))
    fitted(drawn(FEWEST_PAIRS, temperature=2.0))


def test_the_fewest_pairs_tell_a_temperature_to_a_factor_of_one_and_a_half():
    random = np.random.default_rng(0)
    found = []
    for _ in range(200):
        odds = random.normal(0, 4, FEWEST_PAIRS)
        is_a = random.random(FEWEST_PAIRS) < probabilities(odds, temperature=2.5)
        found.append(fitted_temperature(odds, is_a.astype(float)) / 2.5)
    assert np.mean([1 / 1.5 < each < 1.5 for each in found]) >= 0.93


def test_few_prompts_are_refused_for_none_can_be_left_out():
    samples = drawn(200, temperature=2.0)
    with pytest.raises(Refused, match="have 9 prompts"):
        fitted(replace(samples, prompts=tuple(place % 9 for place in range(200))))


def test_a_judge_at_chance_is_refused():
    samples = drawn(500, temperature=1.0)
    coins = np.random.default_rng(7).integers(0, 2, 500).astype(float)
    with pytest.raises(Refused, match=r"do not tell better from worse .* ROC curve is 0\.\d+"):
        fitted(replace(samples, labels=coins))


def test_a_judge_that_prefers_the_worse_answers_is_refused():
    samples = drawn(500, temperature=1.0)
    with pytest.raises(Refused, match="prefers the worse answers"):
        fitted(replace(samples, labels=1 - samples.labels))


def test_labels_that_are_all_ties_are_refused():
    samples = drawn(200, temperature=1.0)
    with pytest.raises(Refused, match="nothing but ties"):
        fitted(replace(samples, labels=np.full(200, 0.5)))


def test_a_judge_that_is_never_wrong_here_is_refused():
    samples = drawn(200, temperature=1.0)
    with pytest.raises(Refused, match="agrees with every label"):
        fitted(replace(samples, labels=(samples.odds > 0).astype(float)))


def test_a_judge_that_one_temperature_does_not_fit_is_refused():
    """Right in 60 of 100 pairs where it is surest, in all where it is not."""
    random = np.random.default_rng(3)
    sure = random.random(2000) < 0.5
    right = np.where(sure, random.random(2000) < 0.6, random.random(2000) < 0.97)
    odds = np.where(sure, 6.0, 1.0)
    pairs = [
        (place, "A" if good else "B", judgment(float(each)))
        for place, (each, good) in enumerate(zip(odds, right, strict=True))
    ]
    with pytest.raises(Refused, match="no one temperature fits: the held-out ECE is 0"):
        fitted(samples_of(pairs))


def test_an_honest_judge_of_few_pairs_is_not_refused_for_what_chance_does_to_its_ece():
    """With a hundred pairs ECE is mostly chance: nine of ten honest judges, and more, must pass."""
    passed = 0
    for seed in range(20):
        try:
            fit(drawn(120, temperature=2.5, seed=seed), name="x", sha256="y", seed=0, count=100)
        except Refused:
            continue
        passed += 1
    assert passed >= 17


def test_the_ece_of_an_honest_judge_is_what_chance_makes_of_it():
    few, many = (_measured(drawn(pairs, temperature=1.0), np.ones(pairs)) for pairs in (400, 9000))
    found = ece_of_honest(few, count=200, seed=0)
    assert 0 < np.quantile(found, 0.05) < np.quantile(found, 0.95) < 0.12
    assert ece_of_honest(many, count=50, seed=0).mean() < found.mean() / 3


def test_equal_odds_share_a_bin_whatever_their_folds_say_of_them():
    """Nine of ten are right, at an edge: a fold's temperature lies on the side of it that its own pairs belie."""
    right = np.random.default_rng(0).permutation(np.arange(120) % 10 != 0)
    for sides in ((3.0,), (3.0, -3.0)):
        odds = [sides[place % len(sides)] for place in range(120)]
        pairs = [
            (place, "A" if good == (each > 0) else "B", judgment(each))
            for place, (good, each) in enumerate(zip(right, odds, strict=True))
        ]
        assert fitted(samples_of(pairs)).calibration.held_out_after.ece.value < 0.01
