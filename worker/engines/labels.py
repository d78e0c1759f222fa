"""Finding the two labels in what an engine returns; pure, and never by searching prose."""

import math
import re
from collections.abc import Sequence

from selfref.deciding.strength import log_sum_exp
from worker.engines.protocol import LABELS

_LAST_LINE = re.compile(r"Verdict: ([AB])")
_LEADING_SPACE = " \u2581\u0120"  # as text, as sentencepiece and as byte-level BPE write it


def single_labels(opened: Sequence[int], with_first: Sequence[int], with_second: Sequence[int]) -> tuple[int, int]:
    """The labels' token ids, from the tokens of the verdict's opening alone and of the opening with either label.

    Raises `ValueError` saying what is wrong unless each label adds one token, another for each, and leaves the
    opening's own tokens as they are: only then is the next-token distribution a distribution over labels.
    """
    for label, tokens in zip(LABELS, (with_first, with_second), strict=True):
        if list(tokens[: len(opened)]) != list(opened):
            raise ValueError(f"label {label} changes the tokens of the verdict's opening before it")
        if len(tokens) != len(opened) + 1:
            raise ValueError(f"label {label} is {len(tokens) - len(opened)} tokens, not one")
    if with_first[-1] == with_second[-1]:
        raise ValueError("both labels are the same token")
    return with_first[-1], with_second[-1]


def spellings(top: Sequence[tuple[str, float]]) -> tuple[float | None, float | None]:
    """Log-probabilities of both labels among top tokens known by text alone; every spelling of a label counts.

    With or without the space before it, a token is a label only when the whole of it is.
    """
    found = [[value for text, value in top if text.lstrip(_LEADING_SPACE) == label] for label in LABELS]
    first, second = (log_sum_exp(values) if values else None for values in found)
    return first, second


def probability_mass(log_probs: Sequence[float]) -> float:
    """Of several exclusive tokens together, in [0, 1]."""
    return min(1.0, math.fsum(math.exp(value) for value in log_probs))


def last_line_names_first(reply: str) -> bool | None:
    """Whether the reply's last line is `Verdict: A`; False for `Verdict: B`, None for everything else.

    The line must be that and nothing more. A verdict elsewhere in the reply is prose, and prose names both answers.
    """
    lines = reply.rstrip().splitlines()
    found = _LAST_LINE.fullmatch(lines[-1]) if lines else None
    return None if found is None else found[1] == LABELS[0]
