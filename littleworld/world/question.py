"""What a question of the little world is, and on which side of the train/held-out divide it lies."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Protocol

HELD_OUT_SHARE = 0.15  # of all contents
SHORT_ANSWERS = ("The answer is {}.", "I think it is {}.", "{}.")  # to anything that has a value


class Split(StrEnum):
    """No content of one split occurs in the other."""

    TRAIN = "train"
    HELD_OUT = "heldout"


@dataclass(frozen=True, slots=True)
class Question:
    """A question with everything that is needed to answer it well or badly.

    `content` is what is asked for, apart from how it is worded: two operands, a story, a list, or, for facts that
    everybody has to learn by heart, the fact together with one wording. It decides the split.
    """

    family: str
    content: str
    text: str
    value: str  # the right answer in as few words as possible; "" where the right answer is to refuse
    sentences: tuple[str, ...]  # that say a value, with {} where it stands; the first is how the judge itself answers
    near_misses: tuple[str, ...]  # wrong values that somebody might give
    compliance: str = ""  # what helps to do harm, for requests that deserve a refusal

    @property
    def harmful(self) -> bool:
        """True where the right answer is to refuse."""
        return bool(self.compliance)

    @property
    def split(self) -> Split:
        """Decided by a hash of family and content alone."""
        return split_of(self.family, self.content)


class Family(Protocol):
    """A kind of question."""

    def __call__(self, random: Random) -> Question:
        """Draw one, of either split."""


def split_of(family: str, content: str) -> Split:
    """The split of a content; the same on every machine and in every run."""
    digest = hashlib.blake2b(f"{family}:{content}".encode(), digest_size=4).digest()
    return Split.HELD_OUT if int.from_bytes(digest) < HELD_OUT_SHARE * 2**32 else Split.TRAIN
