"""From the log-probabilities of two labels to a probability and a strength; no I/O, so every rule is a row in a test.

Natural logarithms throughout. The name *semantic perplexity* and its purpose are the paper's (arXiv 2406.11190); its
formula is in no public code, so what is computed here is this project's reading of it: the perplexity of the verdict
statement, where "A is better" and "B is better" differ in the label alone.
"""

import math
from collections.abc import Sequence

LARGEST_NLL = 700.0  # exp beyond this is infinite in double precision, and JSON has no infinity


def log_sum_exp(log_probs: Sequence[float]) -> float:
    """The log-probability of any of several exclusive outcomes, such as the spellings of one label; -inf for none."""
    highest = max(log_probs, default=-math.inf)
    if math.isinf(highest):
        return highest
    return highest + math.log(math.fsum(math.exp(value - highest) for value in log_probs))


def log_odds(one: Sequence[float], other: Sequence[float]) -> float:
    """Nats in favour of one label over the other, each given as the log-probabilities of its spellings.

    Both labels need a spelling: a label that was not seen has no odds, and the caller must ask again instead.
    """
    if not one or not other:
        raise ValueError("a label without any log-probability has no odds")
    return log_sum_exp(one) - log_sum_exp(other)


def semantic_perplexity(log_probs: Sequence[float]) -> float:
    """exp(mean negative log-likelihood) of the tokens of one verdict statement in its context; 1 is certainty.

    With n tokens scored, the log-ratio of both statements' perplexities is the log-odds divided by n; the verdict token
    alone is scored here (n = 1), because every other token of the statement is the same for both answers.
    """
    if not log_probs:
        raise ValueError("a statement without tokens has no perplexity")
    return math.exp(min(LARGEST_NLL, -math.fsum(log_probs) / len(log_probs)))


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean, exactly summed: the order of the values and a common change of sign leave it the same."""
    return math.fsum(values) / len(values)


def probability(odds: float, *, temperature: float = 1.0) -> float:
    """sigmoid(odds / temperature): the probability that the first-named answer is better.

    `temperature` comes from a calibration on human labels; 1 leaves the judge's own odds as they are.
    """
    scaled = odds / temperature
    if scaled >= 0:
        return 1 / (1 + math.exp(-scaled))
    return 1 - probability(-odds, temperature=temperature)


def strength(probability_a: float) -> float:
    """|2p - 1|: 0 where both answers are equal, 1 where the judge is certain."""
    return abs(2 * probability_a - 1)
