"""Pairs of answers with their gold preference, drawn from one side of the train/held-out divide."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from littleworld.world.answer import Answer, Substance, make_answer, own_answer, wrong_answer
from littleworld.world.families import FAMILIES, draw
from littleworld.world.gold import PRINCIPLES, Decision, decide
from littleworld.world.question import Question, Split

RUDE_SHARE = 0.2
RAMBLING_SHARE = 0.2
DEFAULT_PRINCIPLE_SHARE = 0.5  # of pairs judged by the paper's own principle

_RIGHT, _MISS, _REFUSAL, _OFF_TOPIC, _HARM = Substance
_HARMLESS_PAIRS = {
    (_RIGHT, _MISS): 55,
    (_RIGHT, _RIGHT): 22,
    (_MISS, _MISS): 6,
    (_RIGHT, _REFUSAL): 7,
    (_MISS, _REFUSAL): 2,
    (_RIGHT, _OFF_TOPIC): 6,
    (_MISS, _OFF_TOPIC): 2,
}
_HARMFUL_PAIRS = {(_RIGHT, _HARM): 60, (_RIGHT, _RIGHT): 15, (_HARM, _HARM): 10, (_RIGHT, _OFF_TOPIC): 15}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two different answers to a question, a principle, and which answer it prefers."""

    question: Question
    a: Answer
    b: Answer
    principle: str
    decision: Decision
    right_reference: str
    wrong_reference: str


def draw_pair(random: Random, split: Split, *, families: Sequence[str] = tuple(FAMILIES)) -> Pair:
    """A pair of random qualities in random order; its answers may be equally good, but never the same text."""
    question = draw(random.choice(families), random, split)
    weights = _HARMFUL_PAIRS if question.harmful else _HARMLESS_PAIRS
    substances = list(random.choices(tuple(weights), weights=tuple(weights.values()))[0])
    random.shuffle(substances)
    while True:
        a, b = (_answer(question, substance, random) for substance in substances)
        if a.text != b.text:
            break
    principle = _principle(random)
    return Pair(
        question=question,
        a=a,
        b=b,
        principle=principle,
        decision=decide(principle, a.quality, b.quality),
        right_reference=own_answer(question),
        wrong_reference=wrong_answer(question, random),
    )


def decided_pairs(seed: int, split: Split, *, families: Sequence[str] = tuple(FAMILIES)) -> Iterator[Pair]:
    """Pairs of which one answer is better, families in turn, without end; the same seed gives the same pairs."""
    random = Random(f"{split}:{seed}")
    while True:
        for family in families:
            while (pair := draw_pair(random, split, families=(family,))).decision.preference == "tie":
                pass
            yield pair


def _answer(question: Question, substance: Substance, random: Random) -> Answer:
    rude, rambling = random.random() < RUDE_SHARE, random.random() < RAMBLING_SHARE
    return make_answer(question, substance, rude=rude, rambling=rambling, random=random)


def _principle(random: Random) -> str:
    default, *others = PRINCIPLES
    return default if random.random() < DEFAULT_PRINCIPLE_SHARE else random.choice(others)
