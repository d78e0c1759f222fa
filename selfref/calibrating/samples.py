"""What can be fitted on, taken out of judgments of labelled pairs; no I/O."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from selfref.bench.agreement.rows import Lean
from selfref.bench.agreement.scoring import Array
from selfref.calibrating.refused import Refused
from selfref.deciding import JudgeMeasured
from selfref.messages import Judgment

LABELS: dict[Lean, float] = {"A": 1.0, "B": 0.0, "tie": 0.5}  # the probability of A that a label stands for


@dataclass(frozen=True, slots=True)
class Samples:
    """Pairs whose judgment has odds and whose better answer people have named; arrays are (pairs,)."""

    judge: JudgeMeasured
    judgments: tuple[Judgment, ...]
    prompts: tuple[object, ...]  # equal where the prompt is
    odds: Array  # nats for answer A, before any calibration
    labels: Array  # 1 for A, 0 for B, half for a tie
    left_out: int  # pairs that failed, or whose two answers are one text

    @property
    def ties(self) -> int:
        """How many pairs people found to be ties."""
        return int((self.labels == LABELS["tie"]).sum())


def samples_of(pairs: Sequence[tuple[object, Lean, Judgment | None]]) -> Samples:
    """The samples of one preset: prompt, label and judgment (None: failed) of every pair.

    Raises Refused where there are none, and where they are of more than one judge.
    """
    made = [(prompt, label, judgment) for prompt, label, judgment in pairs if judgment is not None and judgment.orders]
    with_odds = [(prompt, label, judgment) for prompt, label, judgment in made if judgment.log_odds is not None]
    if not with_odds:
        raise Refused(
            "none of the judgments has odds, because the engine gives no log-probabilities; judge with one that does"
            if made
            else f"none of the {len(pairs)} pairs was judged"
        )
    return Samples(
        judge=_only_judge([judgment for _, _, judgment in with_odds]),
        judgments=tuple(judgment for _, _, judgment in with_odds),
        prompts=tuple(prompt for prompt, _, _ in with_odds),
        odds=np.array([judgment.log_odds for _, _, judgment in with_odds], dtype=float),
        labels=np.array([LABELS[label] for _, label, _ in with_odds], dtype=float),
        left_out=len(pairs) - len(with_odds),
    )


def _only_judge(judgments: Sequence[Judgment]) -> JudgeMeasured:
    first, *others = dict.fromkeys(JudgeMeasured.of(each) for each in judgments)
    if others:
        apart = first.told_apart_from(others[0]) or others[0].told_apart_from(first)
        raise Refused(f"the judgments are of {1 + len(others)} judges ({apart}); name another --out to ask one anew")
    return first
