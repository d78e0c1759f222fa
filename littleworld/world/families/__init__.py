"""All kinds of questions, by name; one function each that draws a question from a random generator."""

from random import Random

from littleworld.world.families import facts, harm, manners, numbers, sequences, stories, words
from littleworld.world.question import Family, Question, Split

FAMILIES: dict[str, Family] = {
    "sums": numbers.sums,
    "differences": numbers.differences,
    "comparing": numbers.comparing,
    "days": sequences.days,
    "months": sequences.months,
    "letters": sequences.letters,
    "counting": words.counting,
    "copying": words.copying,
    "lists": words.lists,
    "where": stories.where,
    "opposites": facts.opposites,
    "animals": facts.animals,
    "facts": facts.facts,
    "manners": manners.manners,
    "harm": harm.harm,
}


def draw(name: str, random: Random, split: Split) -> Question:
    """A question of this family that belongs to this split."""
    while (question := FAMILIES[name](random)).split is not split:
        pass
    return question
