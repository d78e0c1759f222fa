"""Labels for the trainer's tests: made, not judged."""

from selfref.messages import Label, Prompt, Verdict


def label(
    number: int,
    *,
    verdict: Verdict = Verdict.A,
    probability_a: float | None = 0.9,
    prompt: Prompt | None = None,
    answer_a: str = "It is Friday.",
    answer_b: str = "Soup is best with salt.",
) -> Label:
    """A label whose strength and margin follow from its probability, as a judge's do."""
    strength = None if probability_a is None else abs(2 * probability_a - 1)
    better = {Verdict.A: (answer_a, answer_b), Verdict.B: (answer_b, answer_a)}.get(verdict, (None, None))
    return Label(
        id=f"pair-{number}",
        prompt=f"What day follows day {number}?" if prompt is None else prompt,
        answer_a=answer_a,
        answer_b=answer_b,
        verdict=verdict,
        probability_a=probability_a,
        strength=strength,
        chosen=better[0],
        rejected=better[1],
        margin=(strength or 0.0) if verdict.decided else 0.0,
        principle="best for humanity",
        provenance="0123456789abcdef",
    )
