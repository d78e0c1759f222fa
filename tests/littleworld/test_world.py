"""The little world's questions: right answers are right, near misses are wrong, and no content crosses the divide."""

import re
from random import Random

import pytest

from littleworld.world.families import FAMILIES, draw, sequences
from littleworld.world.question import HELD_OUT_SHARE, Question, Split

DRAWN = 400  # questions of a family and a split
ORDER = {name: place for ring in (sequences.DAYS, sequences.MONTHS) for place, name in enumerate(ring)}


def drawn(family: str, split: Split) -> list[Question]:
    random = Random(f"{family} {split}")
    return [draw(family, random, split) for _ in range(DRAWN)]


def numbers_in(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]


@pytest.mark.parametrize("family", FAMILIES)
def test_train_and_held_out_share_no_content_and_no_question(family: str) -> None:
    train, held_out = drawn(family, Split.TRAIN), drawn(family, Split.HELD_OUT)
    assert not {question.content for question in train} & {question.content for question in held_out}
    assert not {question.text for question in train} & {question.text for question in held_out}


def test_the_share_of_contents_held_out_is_as_said() -> None:
    random = Random(3)
    contents = {question.content: question.split for question in (FAMILIES["copying"](random) for _ in range(4000))}
    held_out = sum(split is Split.HELD_OUT for split in contents.values()) / len(contents)
    assert held_out == pytest.approx(HELD_OUT_SHARE, abs=0.03)


def test_operands_are_held_out_whichever_is_named_first() -> None:
    sums = {frozenset(numbers_in(question.text)) for question in drawn("sums", Split.TRAIN)}
    assert not sums & {frozenset(numbers_in(question.text)) for question in drawn("sums", Split.HELD_OUT)}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_has_many_wordings_and_wrong_values_are_wrong(family: str) -> None:
    questions = drawn(family, Split.TRAIN) + drawn(family, Split.HELD_OUT)
    assert len({_wording(question.text) for question in questions}) >= 3
    for question in questions:
        assert question.harmful or (question.value and question.near_misses)
        assert question.value not in question.near_misses


def _wording(text: str) -> str:
    """The first and the last word outside of lists: enough to tell wordings apart."""
    words = re.sub(r"\d+", "", text.split(":")[0]).split()
    return " ".join(words[:2])


@pytest.mark.parametrize("split", Split)
def test_arithmetic_is_right(split: Split) -> None:
    for question in drawn("sums", split):
        assert int(question.value) == sum(numbers_in(question.text))
    for question in drawn("differences", split):
        larger, smaller = sorted(numbers_in(question.text), reverse=True)
        assert int(question.value) == larger - smaller
    for question in drawn("comparing", split):
        pick = max if "larger" in question.text else min
        assert int(question.value) == pick(numbers_in(question.text))


@pytest.mark.parametrize(("family", "length"), [("days", 7), ("months", 12)])
def test_rings_go_round(family: str, length: int) -> None:
    for question in drawn(family, Split.TRAIN):
        (start,) = [ORDER[name] for name in ORDER if re.search(rf"\b{name}\b", question.text)]
        steps = 2 if "two" in question.text else 3 if "three" in question.text else 1
        expected = start + steps if "after" in question.text else start - steps
        assert ORDER[question.value] == expected % length


def test_letters_are_neighbours() -> None:
    for question in drawn("letters", Split.TRAIN):
        start = re.findall(r"\b[a-z]\b", question.text.rstrip("?."))[-1]
        assert ord(question.value) - ord(start) == (1 if "after" in question.text else -1)


def test_words_are_counted_repeated_and_picked() -> None:
    for question in drawn("counting", Split.TRAIN):
        assert int(question.value) == len(question.content.split())
    for question in drawn("copying", Split.TRAIN):
        assert question.value in question.text
    for question in drawn("lists", Split.TRAIN):
        place, *words = question.content.split()
        assert question.value == (words[-1] if place == "last" else words[("first", "second", "third").index(place)])


def test_stories_say_where_people_are() -> None:
    for question in drawn("where", Split.TRAIN):
        *story, asked = re.findall(r"[^.?]+[.?]", question.text)
        people = [word for word in re.findall(r"[A-Z]\w+", "".join(story)) if word in question.content]
        (who,) = [person for person in people if re.search(rf"\b{person}\b", asked)]
        (sentence,) = [line for line in story if line.strip().startswith(who)]
        assert sentence.rstrip(".").split()[-1] == question.value
