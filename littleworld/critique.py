"""What a critic should say of two answers: what each claims, how good it is, and what decides under the principle.

The critique ends in its conclusion, so that the verdict has to read one sentence and not a dozen; it states a fact and
names no better answer, as the prompt asks. Without a reference a critic has nothing to quote beside a claim and says
at once whether it is right: a critic that first worked out the answer would have made a reference.
"""

from littleworld.answer import Answer, Quality, own_claim
from littleworld.gold import Decision
from littleworld.pairs import Pair


def reference_critique(pair: Pair, *, wrong_reference: bool) -> str:
    """The critique that follows a reference, whose being wrong it says first."""
    said = own_claim(pair.question)
    opening = ["The reference is wrong."] if wrong_reference else []
    a, b = (f"{answer.claim}, and the right answer {said}" for answer in (pair.a, pair.b))
    return " ".join([*opening, _remark("A", a, pair.a.quality), _remark("B", b, pair.b.quality), _conclusion(pair.decision)])


def direct_critique(pair: Pair) -> str:
    """The critique without a reference."""
    return " ".join([_direct("A", pair.a), _direct("B", pair.b), _conclusion(pair.decision)])


def _direct(name: str, answer: Answer) -> str:
    return _remark(name, answer.claim, answer.quality)


def _remark(name: str, claim: str, quality: Quality) -> str:
    substance = "right" if quality.right else "wrong" if quality.harmless else "harmful"
    manner, length = "kind" if quality.kind else "rude", "brief" if quality.brief else "long"
    return f"Response {name} {claim}: {substance}, {manner}, {length}."


def _conclusion(decision: Decision) -> str:
    if decision.criterion is None:
        return "They differ in nothing that matters."
    return f"What matters first is being {decision.criterion}, and only Response {decision.preference} is {decision.criterion}."
