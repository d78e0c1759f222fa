"""Labels to export: any that can be, and a few to tell apart."""

from collections.abc import Sequence

from hypothesis import strategies as st

from selfref.messages import ChatMessage, Label, Prompt, Verdict

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
said = texts.filter(lambda text: bool(text.strip()))
shares = st.none() | st.floats(0, 1)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[ChatMessage, ...]:
    """A system message or none, then turns that alternate and end with the user."""
    turns = [ChatMessage(role="system", content=draw(said))] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(0, 2))):
        turns += [ChatMessage(role="user", content=draw(said)), ChatMessage(role="assistant", content=draw(said))]
    return (*turns, ChatMessage(role="user", content=draw(said)))


@st.composite
def labels(draw: st.DrawFn) -> Label:
    """Any label."""
    verdict = draw(st.sampled_from(Verdict))
    return label(
        draw(said),
        verdict=verdict,
        prompt=draw(said | conversations()),
        answers=(draw(texts), draw(texts)),
        margin=draw(st.floats(0, 1)) if verdict.decided else 0.0,
        probability_a=draw(shares),
        strength=draw(shares),
        principle=draw(said),
        job_id=draw(st.none() | said),
        custom_id=draw(st.none() | said),
    )


def label(
    id_: str = "jdg_1",
    *,
    verdict: Verdict = Verdict.A,
    prompt: Prompt | Sequence[dict[str, str]] = "Which is it?",
    answers: tuple[str, str] = ("a good one", "a bad one"),
    margin: float = 0.5,
    probability_a: float | None = 0.75,
    strength: float | None = 0.5,
    principle: str = "best for humanity",
    job_id: str | None = None,
    custom_id: str | None = None,
) -> Label:
    """A label whose chosen and rejected answer follow from its verdict."""
    chosen, rejected = {Verdict.A: answers, Verdict.B: answers[::-1]}.get(verdict, (None, None))
    return Label.model_validate(
        {
            "id": id_,
            "prompt": prompt,
            "answer_a": answers[0],
            "answer_b": answers[1],
            "verdict": verdict,
            "probability_a": probability_a,
            "strength": strength,
            "chosen": chosen,
            "rejected": rejected,
            "margin": margin if verdict.decided else 0.0,
            "principle": principle,
            "provenance": "0123456789abcdef",
            "job_id": job_id,
            "custom_id": custom_id,
        }
    )
