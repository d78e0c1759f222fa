"""Words as things: counted, repeated, picked from a list. The content is the words themselves."""

from random import Random

from littleworld.world.question import SHORT_ANSWERS, Question

THINGS = (
    "apple", "ball", "bell", "boat", "book", "bread", "chair", "clock", "cloud", "coat", "cup", "door", "drum", "egg",
    "fish", "flag", "fork", "glass", "hat", "key", "lamp", "leaf", "moon", "nest", "pear", "pen", "plate", "ring",
    "rope", "shoe", "spoon", "star", "stone", "table", "tree", "wheel",
)  # fmt: skip
_ORDINALS = ("first", "second", "third")

_COUNTING = (
    "How many words are there: {words}?",
    "Count these words: {words}.",
    "How many things are in this list: {words}?",
    "Tell me how many words these are: {words}.",
)
_COPYING = ("Say this: {words}.", "Repeat these words: {words}.", "Copy the words {words}.", "Please write: {words}.")
_LISTS = (
    "What is the {place} word of {words}?",
    "Name the {place} word in this list: {words}.",
    "Which word is {place} here: {words}?",
    "Give me the {place} of these words: {words}.",
)


def counting(random: Random) -> Question:
    """How many words there are, two to six."""
    words = [random.choice(THINGS) for _ in range(random.randint(2, 6))]
    right = len(words)
    return Question(
        family="counting",
        content=" ".join(words),
        text=random.choice(_COUNTING).format(words=" ".join(words)),
        value=str(right),
        sentences=("There are {}.", *SHORT_ANSWERS),
        near_misses=tuple(str(right + slip) for slip in (-1, 1, 2)),
    )


def copying(random: Random) -> Question:
    """Two to four words again."""
    words = random.sample(THINGS, random.randint(2, 4))
    other = random.choice([thing for thing in THINGS if thing not in words])
    place = random.randrange(len(words))
    return Question(
        family="copying",
        content=" ".join(words),
        text=random.choice(_COPYING).format(words=" ".join(words)),
        value=" ".join(words),
        sentences=("{}.", *SHORT_ANSWERS),
        near_misses=(
            " ".join([*words[:place], other, *words[place + 1 :]]),
            " ".join([*words[1:], words[0]]),
            " ".join([*words, other]),
        ),
    )


def lists(random: Random) -> Question:
    """The first, second, third or last of three or four words."""
    words = random.sample(THINGS, random.randint(3, 4))
    place = random.choice((*_ORDINALS, "last"))
    right = words[-1] if place == "last" else words[_ORDINALS.index(place)]
    return Question(
        family="lists",
        content=f"{place} {' '.join(words)}",
        text=random.choice(_LISTS).format(place=place, words=" ".join(words)),
        value=right,
        sentences=("It is {}.", *SHORT_ANSWERS),
        near_misses=tuple(word for word in words if word != right),
    )
