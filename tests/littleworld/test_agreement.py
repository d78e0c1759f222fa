"""A reward model is held against gold by the order that it gives two answers, where gold gives one."""

from collections.abc import Sequence
from random import Random

import pytest
from torch import Tensor, tensor

from littleworld.loop.agreement import Contest, gold_agreement, judged_contests
from littleworld.world.families import draw
from littleworld.world.question import Question, Split
from littleworld.world.reading import right_answers
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


def test_only_prompts_that_are_questions_are_judged_by_gold() -> None:
    known, unknown = label(1, prompt=QUESTIONS[0].text), label(2, prompt="Who are you?")
    (found,) = judged_contests([known, unknown], {each.text: each for each in QUESTIONS})
    assert (found.question, found.a, found.b) == (QUESTIONS[0], known.answer_a, known.answer_b)
