"""Exercises on random tokens, without which training sits on a plateau for most of its time.

A critic has to quote what an answer and the reference say, and to see whether the two are the same. Both are skills of
attention that the world's own turns teach very slowly, one value at a time. Copying tokens that mean nothing is learnt
in 400 steps, comparing them in 200 more, and from then on quoting and comparing work for every value alike.
"""

from random import Random

from tokenizers import Tokenizer

from littleworld.tokenizer import EOS_ID
from littleworld.turns import Example

REPEATED, LONGEST_GAP = 40, 10  # tokens
COMPARED = 8  # comparisons in an example
LENGTHS = (1, 1, 1, 2, 2, 3, 4)  # tokens of what is compared, as the world's values have


class Drills:
    """Makes examples with one tokenizer."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._ordinary = range(EOS_ID + 1, tokenizer.get_vocab_size())
        self._says, self._where, self._is = (
            tokenizer.encode(text, add_special_tokens=False).ids for text in (" says", " where", " is right:")
        )
        (self._right,), (self._wrong,) = (
            tokenizer.encode(text, add_special_tokens=False).ids for text in (" right", " wrong")
        )

    def repeating(self, random: Random) -> Example:
        """Tokens, a gap, and the same tokens once more: to be copied."""
        said, gap = self._tokens(random, REPEATED), self._tokens(random, random.randint(1, LONGEST_GAP))
        example = Example()
        example.hear([*said, *gap, *said])
        again = len(said) + len(gap)
        example.targets[again : again + REPEATED - 1] = said[1:]
        return example

    def comparing(self, random: Random) -> Example:
        """A critique's own words around two values that are the same, or differ in one token: right or wrong."""
        example = Example()
        for _ in range(COMPARED):
            one = self._tokens(random, random.choice(LENGTHS))
            other = list(one)
            if random.random() < 0.5:  # which may, rarely, put the same token back
                other[random.randrange(len(other))] = random.choice(self._ordinary)
            verdict = self._right if one == other else self._wrong
            example.hear([*self._says, *one, *self._where, *other, *self._is])
            example.targets[-1] = verdict
            example.hear([verdict])
        return example

    def _tokens(self, random: Random, number: int) -> list[int]:
        return random.choices(self._ordinary, k=number)
