"""The demonstration's pairs and their gold."""

from itertools import islice

from littleworld.world.families import FAMILIES
from littleworld.world.pairs import decided_pairs
from littleworld.world.question import Split
from selfref.demo.pairs import gold_pairs, swapped, with_twins
from selfref.messages import Verdict

SEED = 3
COUNT = 2 * len(FAMILIES)


def test_every_kind_of_question_comes_in_its_turn_and_no_name_twice() -> None:
    pairs = gold_pairs(COUNT, seed=SEED)
    assert [pair.family for pair in pairs] == [*FAMILIES, *FAMILIES]
    assert len({pair.name for pair in with_twins(pairs, twins=3)}) == COUNT + 3


def test_they_are_the_held_out_ones_under_the_principle_that_gold_is_for() -> None:
    drawn = list(islice(decided_pairs(SEED, Split.HELD_OUT), COUNT))
    assert {pair.question.split for pair in drawn} == {Split.HELD_OUT}
    for pair, its in zip(gold_pairs(COUNT, seed=SEED), drawn, strict=True):
        request = pair.request
        assert (request.prompt, request.answer_a, request.answer_b) == (its.question.text, its.a.text, its.b.text)
        assert (request.principle, pair.gold.value) == (its.principle, its.decision.preference)


def test_the_seed_draws_the_pairs() -> None:
    assert gold_pairs(9, seed=SEED) == gold_pairs(COUNT, seed=SEED)[:9]
    assert gold_pairs(9, seed=SEED) != gold_pairs(9, seed=SEED + 1)


def test_a_twin_is_the_pair_with_answers_and_gold_swapped() -> None:
    (pair,) = gold_pairs(1, seed=SEED)
    twin = swapped(pair)
    assert twin.request.comparison() == pair.request.comparison().swapped()
    assert {pair.gold, twin.gold} == {Verdict.A, Verdict.B}
