"""What is trained is what is asked: the training tokens are the worker's turns as the engine renders them."""

from functools import cache
from itertools import islice
from random import Random

import pytest
from tokenizers import Tokenizer

from littleworld import mixture
from littleworld.critique import direct_critique, reference_critique
from littleworld.drills import COMPARED, REPEATED, Drills
from littleworld.recipe import Recipe
from littleworld.tokenizer import EOS_ID, fixed_passages, train_tokenizer, wrap
from littleworld.turns import NOTHING, VERDICT, Example, Turns, comparison
from littleworld.world.families import draw
from littleworld.world.pairs import Pair, decided_pairs
from littleworld.world.question import Split
from selfref.messages import ChatMessage
from worker.engines.tgi import opened, without_bos
from worker.prompts import load_prompts

PROMPTS = load_prompts()


@cache
def tokenizer() -> Tokenizer:
    return train_tokenizer(mixture.texts(1, 2000), PROMPTS)


@cache
def turns() -> Turns:
    return Turns(tokenizer(), PROMPTS)


@cache
def drills() -> Drills:
    return Drills(tokenizer())


def some_pairs(number: int = 45) -> list[Pair]:
    return list(islice(decided_pairs(3, Split.TRAIN), number))


def served(messages: list[tuple[str, str]], *, then: str) -> list[int]:
    """The tokens that an engine sees: BOS, and the chat in its template, continued."""
    chat = [ChatMessage(role=role, content=content).model_dump() for role, content in messages]  # type: ignore[arg-type]
    text = wrap(tokenizer()).apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    head = [{"id": 1, "start": 0, "stop": len("<s>")}]
    prompt = without_bos(text, head, bos=frozenset({1}))
    ids: list[int] = tokenizer().encode(prompt + then).ids
    return ids


def said(example: Example) -> list[str]:
    """What is to be learnt, turn by turn."""
    texts, turn = [], []
    for target in example.targets:
        if target >= 0 and target != EOS_ID:
            turn.append(target)
        elif turn:
            texts.append(tokenizer().decode(turn))
            turn = []
    return texts


@pytest.mark.parametrize("pair", some_pairs(), ids=lambda pair: pair.question.family)
def test_a_judgment_is_the_chat_that_the_worker_builds(pair: Pair) -> None:
    critique = f" {reference_critique(pair, wrong_reference=False)}"
    chat = [
        ("user", pair.question.text),
        ("assistant", pair.right_reference),
        ("user", PROMPTS.critique_turn(comparison(pair))),
    ]
    example = turns().judging(pair, reference=pair.right_reference)
    assert example.tokens == served(chat, then=opened("", critique, opening=PROMPTS.verdict.opening))
    assert said(example) == [f" {pair.right_reference}", critique]


@pytest.mark.parametrize("pair", some_pairs(), ids=lambda pair: pair.question.family)
def test_a_direct_judgment_is_the_chat_that_the_worker_builds(pair: Pair) -> None:
    critique = f" {direct_critique(pair)}"
    example = turns().judging_directly(pair)
    chat = [("user", PROMPTS.direct_turn(comparison(pair)))]
    assert example.tokens == served(chat, then=opened("", critique, opening=PROMPTS.verdict.opening))
    assert said(example) == [critique]


def test_every_place_tells_the_next_token_or_the_end_of_the_turn() -> None:
    for pair in some_pairs():
        example = turns().judging(pair, reference=pair.right_reference)
        assert len(example.tokens) == len(example.targets)
        for place, target in enumerate(example.targets[:-1]):
            assert target in (NOTHING, EOS_ID, example.tokens[place + 1])
        assert example.targets.count(EOS_ID) == 2
        assert example.targets[-1] == VERDICT


def test_the_verdict_is_a_probability_that_swaps_with_the_preference() -> None:
    for pair in some_pairs():
        probability = turns().judging_directly(pair).probability_a
        assert (probability > 0.5) == (pair.decision.preference == "A")
        assert 0 < probability < 1


def test_a_wrong_reference_is_heard_and_not_learnt() -> None:
    for pair in some_pairs():
        if pair.wrong_reference != pair.right_reference:
            example = turns().judging(pair, reference=pair.wrong_reference)
            assert said(example) == [f" {reference_critique(pair, wrong_reference=True)}"]


def test_plain_answering_is_one_chat_of_many_questions() -> None:
    questions = [draw("sums", Random(seed), Split.TRAIN) for seed in range(3)]
    example = turns().answering(questions)
    answers = [question.sentences[0].format(question.value) for question in questions]
    assert said(example) == [f" {answer}" for answer in answers]
    chat = [
        turn
        for question, answer in zip(questions, answers, strict=True)
        for turn in (("user", question.text), ("assistant", answer))
    ]
    assert example.tokens == served(chat[:-1], then=f" {answers[-1]}")


def test_the_prompts_fixed_passages_are_one_token_each_and_digits_are_single() -> None:
    for passage in fixed_passages(PROMPTS):
        assert len(tokenizer().encode(passage, add_special_tokens=False).ids) == 1
    assert [tokenizer().decode([token]) for token in tokenizer().encode("1984", add_special_tokens=False).ids] == list(
        "1984"
    )


def test_any_text_survives_the_tokenizer() -> None:
    text = "Zażółć gęślą jaźń! 日本\t{principle} <b>\r\n  three   spaces"
    assert tokenizer().decode(tokenizer().encode(text, add_special_tokens=False).ids) == text


def test_no_arm_is_starved() -> None:
    recipe = Recipe(steps=mixture.POOL * 4, batch=32, repeating_steps=0, comparing_steps=0)
    opening = tokenizer().encode(PROMPTS.direct.split("{principle}")[0].rstrip(), add_special_tokens=False).ids[0]
    judged = [
        example
        for batch in mixture.batches(turns(), drills(), recipe, skip=0)
        for example in batch
        if example.targets[-1] == VERDICT
    ]
    direct = sum(opening in example.tokens for example in judged)
    assert 0.45 < direct / len(judged) < 0.55


def test_a_run_that_goes_on_sees_the_batches_that_it_had_left() -> None:
    recipe = Recipe(steps=40, batch=4, repeating_steps=10, comparing_steps=10)
    everything = list(mixture.batches(turns(), drills(), recipe, skip=0))
    assert len(everything) >= recipe.steps
    for skip in (1, mixture.POOL, mixture.POOL + 3):
        assert list(mixture.batches(turns(), drills(), recipe, skip=skip)) == everything[skip:]


def test_the_copying_drill_is_copying() -> None:
    example = drills().repeating(Random(4))
    learnt = [(place, target) for place, target in enumerate(example.targets) if target != NOTHING]
    assert len(learnt) == REPEATED - 1
    assert all(example.tokens[place + 1] == target for place, target in learnt)
    assert [target for _, target in learnt] == example.tokens[1:REPEATED]


def test_the_comparing_drill_is_right_where_both_values_are_the_same() -> None:
    random = Random(4)
    says, where, is_right = (
        tokenizer().encode(text, add_special_tokens=False).ids for text in (" says", " where", " is right:")
    )
    right, wrong = (tokenizer().encode(text, add_special_tokens=False).ids[0] for text in (" right", " wrong"))
    decided = []
    for example in (drills().comparing(random) for _ in range(40)):
        start = 0
        for place, target in enumerate(example.targets):
            if target != NOTHING:
                between = example.tokens[start + len(says) : place + 1 - len(is_right)]
                length = (len(between) - len(where)) // 2
                assert target == (right if between[:length] == between[-length:] else wrong)
                assert example.tokens[place + 1] == target
                decided.append(target)
                start = place + 2
    assert len(decided) == 40 * COMPARED
    assert 0.35 < decided.count(right) / len(decided) < 0.65
