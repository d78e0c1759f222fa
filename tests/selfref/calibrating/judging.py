"""Judges whose odds are known to be off by a known factor, and judgments of theirs."""

from typing import Any

import numpy as np

from selfref.calibrating.samples import Samples, samples_of
from selfref.calibrating.temperature import probabilities
from selfref.deciding import Scale
from selfref.messages import Judgment, OrderReading
from tests.judged import judged


def judgment(odds: float | None, *, apart: float = 0.0, scale: Scale | None = None, **provenance: Any) -> Judgment:
    """As a worker would have judged from these odds in both orders, `apart` nats from each other."""
    readings = [
        OrderReading(
            first=first,
            verdict="A" if odds is None or odds >= 0 else "B",
            log_odds_a=None if odds is None else odds + shift,
            semantic_perplexity=None,
            critique="",
        )
        for first, shift in (("A", apart / 2), ("B", -apart / 2))
    ]
    return judged(readings, scale=scale, provenance=provenance)


def drawn(pairs: int, *, temperature: float, seed: int = 0, spread: float = 4.0, ties: float = 0.0) -> Samples:
    """Pairs whose labels are drawn from sigmoid(odds / temperature): a judge that is calibrated exactly there.

    A share of `ties` of the labels is a tie whatever the odds.
    """
    random = np.random.default_rng(seed)
    odds = random.normal(0, spread, pairs)
    is_a = random.random(pairs) < probabilities(odds, temperature=temperature)
    labels = np.where(random.random(pairs) < ties, "tie", np.where(is_a, "A", "B"))
    return samples_of(
        [
            (f"prompt {place}", label, judgment(float(each)))
            for place, (each, label) in enumerate(zip(odds, labels, strict=True))
        ]
    )
