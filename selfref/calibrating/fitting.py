"""From samples to a calibration, or to the reason why there is none; no I/O.

Every pair is judged once by a temperature that was fitted without its fold, so without its prompt: what is said of
these probabilities is what new pairs of the same kind will see. The temperature that is kept is fitted on all pairs. It
also says which pairs share a bin of the reliability diagram: by the folds' own temperatures, pairs of equal odds could
fall on both sides of an edge, a fold with more mistakes always on the surer one, since its temperature lacks them.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from selfref.bench.agreement.bootstrap import RESAMPLES, interval, resamples
from selfref.bench.agreement.rows import Known, Row
from selfref.bench.agreement.scoring import Array, Columns, bins_of, columns, figures
from selfref.calibrating.folds import FOLDS, folds_of
from selfref.calibrating.ranking import ranking
from selfref.calibrating.refused import Refused
from selfref.calibrating.samples import LABELS, Samples
from selfref.calibrating.temperature import fitted_temperature, log_losses, probabilities
from selfref.calibrating.tie_width import TieWidth, fitted_tie_width
from selfref.deciding.calibration import Calibration, Figure, Fit, FittedOn

FEWEST_PAIRS = 100  # with odds; their temperature is right to a factor of 1.5, nineteen times of twenty
WORST_ECE = 0.05  # held out; beyond this, and beyond what chance explains, one temperature does not fit
_BY_CHANCE = 0.95  # the share of honest judges whose ECE on as many pairs is lower
_COIN = float(np.log(2))  # nats


@dataclass(frozen=True, slots=True)
class Fitted:
    """A calibration, and what it was before and after on pairs that were left out of the fit."""

    calibration: Calibration
    tie_width: TieWidth
    left_out: int
    before: Columns
    after: Columns


def fit(samples: Samples, *, name: str, sha256: str, seed: int, count: int = RESAMPLES) -> Fitted:
    """The calibration of these samples; `count` is the number of resamples. Raises Refused."""
    odds, labels = samples.odds, samples.labels
    _require_enough(samples)
    _require_ranking(samples)
    temperature = fitted_temperature(odds, labels)
    folds = folds_of(samples.prompts, count=FOLDS, seed=seed)
    held_out = np.ones(len(odds))
    for fold in range(FOLDS):
        held_out[folds == fold] = fitted_temperature(odds[folds != fold], labels[folds != fold])
    before = _measured(samples, np.ones(len(odds)))
    sizes = np.abs(odds)  # so that a float's last digit never parts A from B
    after = replace(_measured(samples, held_out), bins=bins_of(probabilities(sizes, temperature=temperature)))
    fits = [
        _fit_of(numbers, log_losses(odds, labels, temperature=each), count=count, seed=seed)
        for numbers, each in ((before, np.ones(len(odds))), (after, held_out))
    ]
    _require_true(fits[1], after, count=count, seed=seed)
    width = fitted_tie_width(samples, folds, count=count, seed=seed)
    calibration = Calibration.made(
        samples.judge,
        temperature=temperature,
        tie_width=width.nats,
        fitted_on=FittedOn(name=name, sha256=sha256, pairs=len(odds), ties=samples.ties),
        folds=FOLDS,
        seed=seed,
        held_out_before=fits[0],
        held_out_after=fits[1],
    )
    return Fitted(calibration, width, samples.left_out, before, after)


def _require_enough(samples: Samples) -> None:
    pairs, prompts = len(samples.odds), len(set(samples.prompts))
    if pairs < FEWEST_PAIRS:
        raise Refused(f"{pairs} pairs have odds, and a temperature needs {FEWEST_PAIRS}; label more")
    if prompts < FOLDS:
        raise Refused(f"the pairs have {prompts} prompts, and {FOLDS} are needed to leave some out; label more")


def _require_ranking(samples: Samples) -> None:
    decided = samples.labels != LABELS["tie"]
    if decided.sum() < 2:
        raise Refused("people found nothing but ties; a temperature needs pairs of which one answer is better")
    area = ranking(samples.odds[decided], samples.labels[decided])
    told = f"the area under its ROC curve is {area.value:.3f} ({area.low:.3f} to {area.high:.3f})"
    if area.high < 0.5:
        raise Refused(f"the judge prefers the worse answers: {told}; look at the labels and the principle")
    if area.low <= 0.5:
        raise Refused(f"the judge's odds do not tell better from worse here: {told}; no temperature can help it")


def _require_true(held_out: Fit, numbers: Columns, *, count: int, seed: int) -> None:
    if held_out.log_loss.value >= _COIN:
        raise Refused(
            f"held out, the log loss is {held_out.log_loss.value:.3f}, and a coin has {_COIN:.3f}; label more pairs"
        )
    honest = float(np.quantile(ece_of_honest(numbers, count=count, seed=seed), _BY_CHANCE))
    if held_out.ece.value > max(WORST_ECE, honest):
        raise Refused(
            f"no one temperature fits: the held-out ECE is {held_out.ece.value:.3f}, where an honest judge of these "
            f"pairs would have at most {honest:.3f} nineteen times of twenty; this judge is surer than it should be "
            "on one kind of pairs and less on another, so calibrate kinds apart, or take another preset"
        )


def ece_of_honest(numbers: Columns, *, count: int, seed: int) -> Array:
    """ECE, (count,), of judges of whom these probabilities are true: whether they are right is drawn from them."""
    confidence = numbers.confidence
    random = np.random.default_rng(seed)
    return np.array(
        [
            np.abs((confidence - (random.random(len(confidence)) < confidence)) @ numbers.bins).sum() / len(confidence)
            for _ in range(count)
        ]
    )


def _measured(samples: Samples, temperatures: Array) -> Columns:
    """The numbers that the benchmark has of a judge, at these temperatures, (pairs,)."""
    names: dict[float, Any] = {value: label for label, value in LABELS.items()}
    return columns(
        [
            Row(known=Known(gold=names[float(label)]), verdict=judgment.verdict.value, probability_a=float(likely))
            for judgment, label, likely in zip(
                samples.judgments, samples.labels, probabilities(samples.odds, temperature=temperatures), strict=True
            )
        ]
    )


def _fit_of(numbers: Columns, losses: Array, *, count: int, seed: int) -> Fit:
    pairs = len(losses)
    plain = _three(numbers, losses, np.ones((1, pairs)))
    blocks = [_three(numbers, losses, weights) for weights in resamples(pairs, count=count, seed=seed)]
    return Fit(**{name: _figure(plain[name], np.concatenate([each[name] for each in blocks])) for name in plain})


def _three(numbers: Columns, losses: Array, weights: Array) -> dict[str, Array]:
    found = figures(numbers, weights)
    return {"ece": found["ece"], "brier": found["brier"], "log_loss": weights @ losses / weights.sum(axis=1)}


def _figure(plain: Array, drawn: Array) -> Figure:
    low, high = interval(drawn) or (float(plain[0]), float(plain[0]))
    return Figure(value=float(plain[0]), low=low, high=high)
