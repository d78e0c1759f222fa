"""What a trainer reads: one judged pair."""

from typing import Literal

from selfref.messages.comparison import Comparison, Prompt
from selfref.messages.judgment import Judgment, Verdict
from selfref.messages.message import Message


class Label(Message):
    """One judged pair as a trainer reads it; `chosen` and `rejected` are null unless the verdict is decided."""

    version: Literal[1] = 1
    id: str
    prompt: Prompt
    answer_a: str
    answer_b: str
    verdict: Verdict
    probability_a: float | None
    strength: float | None
    chosen: str | None
    rejected: str | None
    margin: float
    principle: str
    provenance: str
    job_id: str | None = None
    custom_id: str | None = None

    @classmethod
    def of(cls, comparison: Comparison, judgment: Judgment, *, margin_max: float = 1.0) -> "Label":
        """The label of what was compared; `margin` is `margin_max` times strength, 0 unless decided."""
        verdict = judgment.verdict
        answers = {Verdict.A: comparison.answer_a, Verdict.B: comparison.answer_b}
        return cls(
            id=judgment.id,
            prompt=comparison.prompt,
            answer_a=comparison.answer_a,
            answer_b=comparison.answer_b,
            verdict=verdict,
            probability_a=judgment.probability_a,
            strength=judgment.strength,
            chosen=answers.get(verdict),
            rejected=answers.get(verdict.swapped) if verdict.decided else None,
            margin=margin_max * (judgment.strength or 0.0) if verdict.decided else 0.0,
            principle=comparison.principle,
            provenance=judgment.provenance.digest(),
            job_id=judgment.job_id,
            custom_id=judgment.custom_id,
        )
