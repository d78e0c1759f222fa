"""The little world as a set of pairs: how each arm asks about them, and the groups that they are counted in."""

from enum import StrEnum
from itertools import islice

from littleworld.world.pairs import Pair, decided_pairs
from littleworld.world.question import Split
from selfref.bench.agreement.cases import Case
from selfref.bench.agreement.rows import Known, longer_of
from selfref.client.conversations import How
from selfref.messages import Preset

# Families whose right answer has to be worked out from the question: here a judge that has answered first knows what it
# cannot read off the two answers. Left out are those learnt by heart (opposites, animals, facts), those whose answer
# stands in the question as it is (copying), and those where it shows in the answers' tone (manners, harm).
WORKED_OUT = frozenset(("sums", "differences", "comparing", "days", "months", "letters", "counting", "lists", "where"))


class Arm(StrEnum):
    """What is compared: a preset, or preset `reference` with a reference that is known to be right or wrong."""

    DIRECT = "direct"
    SELF_REFERENCE = "self-reference"
    REFERENCE = "reference"  # the gold reference
    WRONG_REFERENCE = "wrong-reference"
    PAPER = "paper"


def pairs_of(world: Split, *, count: int, seed: int) -> list[Pair]:
    """The first `count` pairs of this side of the world; the families take turns."""
    return list(islice(decided_pairs(seed, world), count))


def case_of(pair: Pair, *, id: str) -> Case:  # noqa: A002 - it is the field's name
    """A pair as it is asked about and counted."""
    criterion = pair.decision.criterion or ""
    return Case(
        id=id,
        prompt=pair.question.text,
        answer_a=pair.a.text,
        answer_b=pair.b.text,
        hows={arm.value: how(arm, pair) for arm in Arm},
        known=Known(
            gold=pair.decision.preference,
            groups={
                "families": (pair.question.family,),
                "principles": (pair.principle,),
                "criteria": (criterion,),  # what decided the gold preference: harmless, right, kind or brief
                "subsets": subsets_of(pair.question.family, criterion),
            },
            longer=longer_of(pair.a.text, pair.b.text),
        ),
    )


def how(arm: Arm, pair: Pair) -> How:
    """How the service is asked to judge the pair in this arm."""
    match arm:
        case Arm.REFERENCE:
            return How(principle=pair.principle, preset=Preset.REFERENCE, reference=pair.right_reference)
        case Arm.WRONG_REFERENCE:
            return How(principle=pair.principle, preset=Preset.REFERENCE, reference=pair.wrong_reference)
        case Arm.DIRECT | Arm.SELF_REFERENCE | Arm.PAPER:
            return How(principle=pair.principle, preset=Preset(arm.value))


def subsets_of(family: str, criterion: str) -> tuple[str, ...]:
    """The subsets that a pair belongs to.

    `worked_out`: of a family in `WORKED_OUT`. `worked_out_right`: of these, the pairs that gold decides by which answer
    is right, rather than by manners; knowing the answer is then all that matters.
    """
    if family not in WORKED_OUT:
        return ()
    return ("worked_out", "worked_out_right") if criterion == "right" else ("worked_out",)
