"""Small facts that have to be known by heart. The content is a fact in one wording, so held-out wordings are new."""

from collections.abc import Mapping, Sequence
from random import Random

from littleworld.world.question import SHORT_ANSWERS, Question

_PAIRS = (
    "hot cold", "big small", "up down", "day night", "open closed", "fast slow", "old young", "happy sad", "wet dry",
    "full empty", "hard soft", "high low", "left right", "light dark", "long short", "loud quiet", "near far",
    "rich poor", "strong weak", "thick thin", "true false", "warm cool", "clean dirty", "early late", "easy difficult",
)  # fmt: skip
OPPOSITES = {one: other for pair in _PAIRS for one, other in (pair.split(), pair.split()[::-1])}
SOUNDS = {
    "bee": "buzz", "cat": "meow", "chick": "cheep", "cow": "moo", "dog": "woof", "donkey": "bray", "dove": "coo",
    "duck": "quack", "frog": "croak", "horse": "neigh", "lion": "roar", "mouse": "squeak", "owl": "hoot",
    "pig": "oink", "rooster": "crow", "sheep": "baa", "snake": "hiss", "turkey": "gobble", "wolf": "howl",
}  # fmt: skip
COLOURS = {
    "a banana": "yellow", "a carrot": "orange", "a strawberry": "red", "coal": "black", "grass": "green",
    "milk": "white", "snow": "white", "the clear sky": "blue", "chocolate": "brown", "an elephant": "grey",
    "a lemon": "yellow", "a frog": "green",
}  # fmt: skip
LEGS = {"a bird": "2", "a cat": "4", "a spider": "8", "a bee": "6", "a horse": "4", "an ant": "6", "a snake": "0"}
CAPITALS = {
    "France": "Paris", "Spain": "Madrid", "Italy": "Rome", "Greece": "Athens", "Egypt": "Cairo", "Japan": "Tokyo",
    "Austria": "Vienna", "Norway": "Oslo", "Poland": "Warsaw", "Portugal": "Lisbon", "Peru": "Lima", "Kenya": "Nairobi",
}  # fmt: skip

_OPPOSITES = (
    "What is the opposite of {}?",
    "Give me the opposite of {}.",
    "Which word means the opposite of {}?",
    "What is not {}, but the opposite?",
    "Tell me the opposite of the word {}.",
    "If it is not {}, what is it?",
)
_SOUNDS = (
    "What sound does a {} make?",
    "What does a {} say?",
    "Which sound comes from a {}?",
    "Tell me the sound of a {}.",
    "How does a {} sound?",
    "I hear a {}. What do I hear?",
)
_COLOURS = ("What colour is {}?", "Which colour has {}?", "Tell me the colour of {}.", "What is the colour of {}?")
_LEGS = (
    "How many legs has {}?",
    "How many legs does {} have?",
    "Tell me how many legs {} has.",
    "Count the legs of {}.",
)
_CAPITALS = (
    "What is the capital of {}?",
    "Which city is the capital of {}?",
    "Tell me the capital of {}.",
    "Name the capital city of {}.",
)


def opposites(random: Random) -> Question:
    """The opposite of a word."""
    return _known("opposites", OPPOSITES, _OPPOSITES, sentence="It is {}.", random=random)


def animals(random: Random) -> Question:
    """The sound of an animal."""
    return _known("animals", SOUNDS, _SOUNDS, sentence="It is {}.", random=random)


def facts(random: Random) -> Question:
    """A colour, a number of legs, or a capital."""
    subject, wordings, sentence = random.choice(
        ((COLOURS, _COLOURS, "It is {}."), (LEGS, _LEGS, "It has {}."), (CAPITALS, _CAPITALS, "It is {}."))
    )
    return _known("facts", subject, wordings, sentence=sentence, random=random)


def _known(
    family: str, answers: Mapping[str, str], wordings: Sequence[str], *, sentence: str, random: Random
) -> Question:
    asked, wording = random.choice(tuple(answers)), random.choice(wordings)
    wrong = sorted({value for value in answers.values() if value != answers[asked]} - {asked})
    return Question(
        family=family,
        content=wording.format(asked),
        text=wording.format(asked),
        value=answers[asked],
        sentences=(sentence, *SHORT_ANSWERS),
        near_misses=tuple(random.sample(wrong, 3)),
    )
