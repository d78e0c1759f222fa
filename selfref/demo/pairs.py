"""The pairs of the demonstration and their gold verdicts: contents that the bundled judge was never trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from littleworld.world.pairs import decided_pairs
from littleworld.world.question import Split
from selfref.messages import JudgeRequest, Verdict

SWAPPED = "-swapped"  # ends the custom_id of a pair whose answers are those of another, the other way round


@dataclass(frozen=True)
class GoldPair:
    """A request body of `POST /judge`, and which of its answers is better."""

    family: str  # the kind of question
    request: JudgeRequest
    gold: Verdict

    @property
    def name(self) -> str:
        """Unlike that of any other pair of the same demonstration."""
        return self.request.custom_id or ""


def gold_pairs(count: int, *, seed: int) -> list[GoldPair]:
    """`count` pairs, kinds of question in turn; the same seed gives the same pairs."""
    drawn = islice(decided_pairs(seed, Split.HELD_OUT), count)
    return [
        GoldPair(
            family=pair.question.family,
            request=JudgeRequest(
                custom_id=f"{pair.question.family}-{number}",
                prompt=pair.question.text,
                answer_a=pair.a.text,
                answer_b=pair.b.text,
                principle=pair.principle,
            ),
            gold=Verdict(pair.decision.preference),
        )
        for number, pair in enumerate(drawn, start=1)
    ]


def swapped(pair: GoldPair) -> GoldPair:
    """The same pair with its answers the other way round."""
    request = pair.request
    turned = {"custom_id": pair.name + SWAPPED, "answer_a": request.answer_b, "answer_b": request.answer_a}
    return GoldPair(family=pair.family, request=request.model_copy(update=turned), gold=pair.gold.swapped)


def with_twins(pairs: Sequence[GoldPair], *, twins: int) -> list[GoldPair]:
    """All pairs, and the first few of them once more with their answers swapped."""
    return [*pairs, *map(swapped, pairs[:twins])]
