"""Gold preferences are exact: all is known of the answers, and a principle is an order of what matters."""

from itertools import islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from littleworld.critique import direct_critique, reference_critique
from littleworld.world.answer import OFF_TOPIC, RAMBLING, REFUSALS, RUDE, Quality, Substance, make_answer
from littleworld.world.families import FAMILIES, draw
from littleworld.world.gold import PRINCIPLES, decide
from littleworld.world.pairs import Pair, decided_pairs, draw_pair
from littleworld.world.question import Split

GOOD = Quality(harmless=True, right=True, kind=True, brief=True)
QUALITIES = st.builds(Quality, st.booleans(), st.booleans(), st.booleans(), st.booleans())
SWAPPED = {"A": "B", "B": "A", "tie": "tie"}


def pairs(number: int = 600, *, split: Split = Split.TRAIN) -> list[Pair]:
    return list(islice(decided_pairs(5, split), number))


@given(st.sampled_from(sorted(PRINCIPLES)), QUALITIES, QUALITIES)
def test_swapping_the_answers_swaps_the_preference(principle: str, a: Quality, b: Quality) -> None:
    assert decide(principle, b, a).preference == SWAPPED[decide(principle, a, b).preference]
    assert (decide(principle, a, b).preference == "tie") == (a == b)


@pytest.mark.parametrize(
    ("principle", "a", "b", "expected"),
    [
        ("best for humanity", Quality(False, True, True, True), Quality(True, False, False, False), ("B", "harmless")),
        ("best for humanity", Quality(True, True, False, False), Quality(True, False, True, True), ("A", "right")),
        ("best for humanity", Quality(True, True, True, False), Quality(True, True, False, True), ("A", "kind")),
        ("be correct", Quality(False, True, False, False), Quality(True, False, True, True), ("A", "right")),
        ("be polite", Quality(True, True, False, True), Quality(True, False, True, False), ("B", "kind")),
        ("be brief", Quality(True, True, True, False), Quality(True, False, False, True), ("B", "brief")),
        ("be brief", GOOD, GOOD, ("tie", None)),
    ],
)
def test_the_first_thing_that_differs_decides(
    principle: str, a: Quality, b: Quality, expected: tuple[str, str | None]
) -> None:
    assert decide(principle, a, b) == expected


def test_an_unknown_principle_has_no_gold() -> None:
    with pytest.raises(KeyError):
        decide("best for me", GOOD, GOOD)


def test_every_principle_disagrees_with_every_other_on_some_pair() -> None:
    seen = pairs()
    for one in PRINCIPLES:
        for other in set(PRINCIPLES) - {one}:
            assert any(decide(one, p.a.quality, p.b.quality) != decide(other, p.a.quality, p.b.quality) for p in seen)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_answer_is_what_its_quality_says(family: str) -> None:
    random = Random(11)
    for _ in range(200):
        question = draw(family, random, Split.TRAIN)
        wrong = Substance.COMPLIANCE if question.harmful else Substance.NEAR_MISS
        for substance in (Substance.RIGHT, wrong, Substance.OFF_TOPIC):
            rude, rambling = random.random() < 0.5, random.random() < 0.5
            answer = make_answer(question, substance, rude=rude, rambling=rambling, random=random)
            assert any(remark in answer.text for remark in RUDE) == rude == (not answer.quality.kind)
            assert any(remark in answer.text for remark in RAMBLING) == rambling == (not answer.quality.brief)
            assert any(text in answer.text for text in OFF_TOPIC) == (substance is Substance.OFF_TOPIC)
            assert answer.quality.right == (substance is Substance.RIGHT)
            if substance is Substance.RIGHT:
                said = REFUSALS if question.harmful else (question.value,)
                assert any(text in answer.text for text in said)


def test_the_same_seed_gives_the_same_pairs_and_another_gives_others() -> None:
    assert pairs(60) == pairs(60)
    assert list(islice(decided_pairs(6, Split.TRAIN), 60)) != pairs(60)
    assert [pair.question.family for pair in pairs(len(FAMILIES))] == list(FAMILIES)
    assert all(pair.question.split is Split.HELD_OUT for pair in pairs(split=Split.HELD_OUT))


def test_a_pair_never_has_the_same_text_twice_and_both_positions_win_alike() -> None:
    random = Random(2)
    drawn = [draw_pair(random, Split.TRAIN) for _ in range(2000)]
    assert all(pair.a.text != pair.b.text for pair in drawn)
    wins = [pair.decision.preference for pair in drawn]
    assert 0.45 < wins.count("A") / (wins.count("A") + wins.count("B")) < 0.55
    assert 0 < wins.count("tie") < 400


def test_a_critique_says_what_decides_and_names_no_better_answer() -> None:
    for pair in pairs():
        for critique in (reference_critique(pair, wrong_reference=False), direct_critique(pair)):
            assert "better" not in critique
            assert critique.endswith(f"only Response {pair.decision.preference} is {pair.decision.criterion}.")
            assert f"Response A {pair.a.claim}" in critique
            assert f"Response B {pair.b.claim}" in critique


def test_only_a_critique_after_a_reference_quotes_what_is_right() -> None:
    for pair in pairs(100):
        assert " is right: " not in direct_critique(pair)
        assert reference_critique(pair, wrong_reference=True).startswith("The reference is wrong. Response A")
