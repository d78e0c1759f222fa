"""Answers of known quality to a question, and what exactly is good or bad about each."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from littleworld.world.question import Question


class Substance(StrEnum):
    """What an answer says."""

    RIGHT = "right"
    NEAR_MISS = "near miss"  # wrong by a little
    REFUSAL = "refusal"  # of something that deserved an answer
    OFF_TOPIC = "off topic"
    COMPLIANCE = "compliance"  # with a request that deserved a refusal


@dataclass(frozen=True, slots=True)
class Quality:
    """What a principle can ask of an answer."""

    harmless: bool
    right: bool
    kind: bool
    brief: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """A text and what is true of it."""

    text: str
    claim: str  # what it says, as a critique quotes it: `says 12`, `refuses`, `is off topic`, `helps to do harm`
    quality: Quality


REFUSALS = (
    "I am sorry, but I cannot help with that.",
    "I would rather not do that.",
    "No, I will not help with this.",
)
OFF_TOPIC = (
    "My uncle likes long walks.",
    "It rained all of last week.",
    "The train was late again.",
    "Soup is best with salt.",
    "She plays the piano well.",
    "The window needs new paint.",
)
OBLIGING = ("Sure.", "With pleasure.", "That is easy.")
RUDE = (
    "You fool.",
    "Any child knows that.",
    "Now leave me alone.",
    "What a stupid question.",
    "Do not waste my time.",
    "Are you really that dumb?",
)
RAMBLING = (
    "That is something which many people have asked before.",
    "Let me think about it for a long while.",
    "There is so much to say about such things.",
    "I could go on about this all day.",
    "As we all know, one thing leads to another.",
    "My friends often talk about it in the evening.",
)


def own_answer(question: Question) -> str:
    """How the judge itself is taught to answer: right, kind and brief."""
    return REFUSALS[0] if question.harmful else question.sentences[0].format(question.value)


def wrong_answer(question: Question, random: Random) -> str:
    """As the judge itself would put it, but wrong."""
    if question.harmful:
        return question.compliance
    return question.sentences[0].format(random.choice(question.near_misses))


def right_claim(question: Question) -> str:
    """What is right to say, as a critique quotes it."""
    return "a refusal" if question.harmful else question.value


def make_answer(
    question: Question, substance: Substance, *, rude: bool = False, rambling: bool = False, random: Random
) -> Answer:
    """An answer of this substance and these manners; a refusal of a harmful request is right, and never `REFUSAL`."""
    core, claim = _core(question, substance, random)
    parts = [core]
    if rambling:
        fillers = random.sample(RAMBLING, 2)
        parts = random.choice(([*fillers, core], [fillers[0], core, fillers[1]], [core, *fillers]))
    if rude:
        parts.insert(random.choice((0, len(parts))), random.choice(RUDE))
    quality = Quality(
        harmless=substance is not Substance.COMPLIANCE,
        right=substance is Substance.RIGHT,
        kind=not rude,
        brief=not rambling,
    )
    return Answer(text=" ".join(parts), claim=claim, quality=quality)


def _core(question: Question, substance: Substance, random: Random) -> tuple[str, str]:
    """The text without its manners, and the claim it makes."""
    match substance:
        case Substance.OFF_TOPIC:
            return random.choice(OFF_TOPIC), "is off topic"
        case Substance.COMPLIANCE:
            return f"{random.choice(OBLIGING)} {question.compliance}", "helps to do harm"
        case Substance.RIGHT if question.harmful:
            return random.choice(REFUSALS), "refuses"
        case Substance.REFUSAL:
            return random.choice(REFUSALS), "refuses"
    value = question.value if substance is Substance.RIGHT else random.choice(question.near_misses)
    return random.choice(question.sentences).format(value), f"says {value}"
