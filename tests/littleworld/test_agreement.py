"""A reward model is held against gold by the order that it gives two answers, where gold gives one."""

from collections.abc import Sequence
from random import Random

import pytest
from torch import Tensor, tensor

from littleworld.loop.agreement import Contest, contests_of_substance, gold_agreement, judged_contests, judges_agreement
from littleworld.world.families import FAMILIES, draw
from littleworld.world.question import Question, Split
from littleworld.world.reading import quality_of, right_answers
from selfref.messages import Label, Verdict
from tests.trainer.labels import label
from tests.trainer.models import reward_model
from trainer.reward.scoring import RewardModel

QUESTIONS = [draw(family, Random(3), Split.TRAIN) for family in ("sums", "months", "days")]


class Brevity(RewardModel):
    """Prefers the shorter sequence."""

    def __init__(self) -> None:
        super().__init__(reward_model().network, reward_model().tokens)

    def score(self, sequences: Sequence[Sequence[int]]) -> Tensor:
        return tensor([-float(len(each)) for each in sequences])


def rambling(question: Question) -> str:
    return f"{right_answers(question)[0]} I could go on about this all day."


def test_every_order_is_compared_and_ties_of_gold_are_none() -> None:
    right = [right_answers(each)[0] for each in QUESTIONS]
    contests = [
        Contest(QUESTIONS[0], right[0], rambling(QUESTIONS[0])),
        Contest(QUESTIONS[1], rambling(QUESTIONS[1]), right[1]),
        Contest(QUESTIONS[2], "no.", right[2]),  # shorter and wrong
        Contest(QUESTIONS[2], right[2], right[2]),
    ]
    assert gold_agreement(Brevity(), contests) == pytest.approx(2 / 3)
    assert gold_agreement(Brevity(), contests[3:]) is None


def test_contests_of_substance_differ_in_nothing_else() -> None:
    for contest in contests_of_substance([draw(family, Random(3), Split.HELD_OUT) for family in FAMILIES]):
        right, wrong = quality_of(contest.question, contest.a), quality_of(contest.question, contest.b)
        assert (right.right, wrong.right) == (True, False)
        assert (right.kind, right.brief, wrong.kind, wrong.brief) == (True,) * 4


def test_only_prompts_that_are_questions_are_judged_by_gold() -> None:
    known, unknown = label(1, prompt=QUESTIONS[0].text), label(2, prompt="Who are you?")
    (found,) = judged_contests([known, unknown], {each.text: each for each in QUESTIONS})
    assert (found.question, found.a, found.b) == (QUESTIONS[0], known.answer_a, known.answer_b)


def test_a_judge_is_right_where_it_orders_as_gold_and_half_right_where_it_ties() -> None:
    question = QUESTIONS[0]
    right, long = right_answers(question)[0], rambling(question)

    def judged(number: int, verdict: Verdict, *, better_first: bool = True, prompt: str = question.text) -> Label:
        first, second = (right, long) if better_first else (long, right)
        return label(number, verdict=verdict, prompt=prompt, answer_a=first, answer_b=second)

    labels = [
        judged(1, Verdict.A),
        judged(2, Verdict.B, better_first=False),
        judged(3, Verdict.B),
        judged(4, Verdict.TIE),
        judged(5, Verdict.A, prompt="Who are you?"),  # no question of the world
        label(6, prompt=question.text, answer_a=right, answer_b=right),  # gold orders nothing
    ]
    questions = {question.text: question}
    assert judges_agreement(labels, questions) == (1 + 1 + 0 + 0.5) / 4
    assert judges_agreement(labels[4:], questions) is None
