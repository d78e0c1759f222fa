"""What a critic should say of two answers: what each claims, how good it is, and what decides under the principle.

The critique ends in its conclusion, so that the verdict has to read one sentence and not a dozen; it states a fact and
names no better answer, as the prompt asks. Without a reference a critic has nothing to quote beside a claim and says
at once whether it is right: a critic that first worked out the answer would have made a reference.
"""

from littleworld.world.answer import Quality, right_claim
from littleworld.world.gold import Decision
from littleworld.world.pairs import Pair


def reference_critique(pair: Pair, *, wrong_reference: bool) -> str:
    """The critique that follows a reference, whose being wrong it says first."""
    opening = ["The reference is wrong."] if wrong_reference else []
    a, b = (f"{answer.claim} where {right_claim(pair.question)} is right" for answer in (pair.a, pair.b))
    return " ".join(
        [*opening, _remark("A", a, pair.a.quality), _remark("B", b, pair.b.quality), _conclusion(pair.decision)]
    )


def direct_critique(pair: Pair) -> str:
    """The critique without a reference."""
    remarks = [_remark("A", pair.a.claim, pair.a.quality), _remark("B", pair.b.claim, pair.b.quality)]
    return " ".join([*remarks, _conclusion(pair.decision)])


def _remark(name: str, claim: str, quality: Quality) -> str:
    substance = "right" if quality.right else "wrong" if quality.harmless else "harmful"
    manner, length = "kind" if quality.kind else "rude", "brief" if quality.brief else "long"
    return f"Response {name} {claim}: {substance}, {manner}, {length}."


def _conclusion(decision: Decision) -> str:
    if decision.criterion is None:
        return "They differ in nothing that matters."
    criterion = decision.criterion
    return f"Being {criterion} comes first, and only Response {decision.preference} is {criterion}."
