"""Does a reward model order answers as gold does?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from littleworld.loop.policies import Policy
from littleworld.world.answer import own_answer, wrong_answer
from littleworld.world.question import Question
from littleworld.world.reading import gold_score, quality_of
from selfref.exports.preferences import turns_of
from selfref.messages import Label, Verdict
from trainer.reward.scoring import RewardModel


@dataclass(frozen=True, slots=True)
class Contest:
    """Two answers to a question."""

    question: Question
    a: str
    b: str

    @property
    def gold(self) -> float:
        """Above 0 where the first answer is better, 0 where neither is."""
        return gold_score(quality_of(self.question, self.a)) - gold_score(quality_of(self.question, self.b))


def gold_agreement(model: RewardModel, contests: Iterable[Contest]) -> float | None:
    """Share of the contests that the model orders as gold does, of those that gold orders, if any."""
    ordered = [each for each in contests if each.gold]
    if not ordered:
        return None
    sequences = [_sequence(model, each.question, answer) for each in ordered for answer in (each.a, each.b)]
    scores = model.score(sequences).view(-1, 2)
    differences = (scores[:, 0] - scores[:, 1]).tolist()
    agreeing: list[bool] = [(each.gold > 0) == (found > 0) for each, found in zip(ordered, differences, strict=True)]
    return sum(agreeing) / len(agreeing)


def judged_contests(labels: Iterable[Label], questions: Mapping[str, Question]) -> list[Contest]:
    """What was judged, of prompts that are questions by their text."""
    asked = ((label, turns_of(label.prompt)[-1]["content"]) for label in labels)
    return [Contest(questions[text], label.answer_a, label.answer_b) for label, text in asked if text in questions]


def judges_agreement(labels: Iterable[Label], questions: Mapping[str, Question]) -> float | None:
    """The same share for the judge by its labels. A tie counts half: whoever has to choose is right in half of them."""
    right = [
        _right(label.verdict, contest.gold)
        for label in labels
        for contest in judged_contests([label], questions)
        if contest.gold
    ]
    return sum(right) / len(right) if right else None


def _right(verdict: Verdict, gold: float) -> float:
    return 0.5 if verdict is Verdict.TIE else float(verdict is (Verdict.A if gold > 0 else Verdict.B))


def new_contests(policy: Policy, questions: Sequence[Question]) -> list[Contest]:
    """A policy's two answers to each of the questions."""
    first, second = (policy.answers(questions, seed=seed) for seed in (5, 6))
    return [Contest(*each) for each in zip(questions, first, second, strict=True)]


def contests_of_substance(questions: Sequence[Question]) -> list[Contest]:
    """A right answer to each of the questions against a wrong one in the same words, which no manners tell apart."""
    random = Random("substance")
    return [Contest(each, own_answer(each), wrong_answer(each, random)) for each in questions]


def _sequence(model: RewardModel, question: Question, answer: str) -> list[int]:
    turns = turns_of(question.text)
    return [*model.tokens.prompt(turns), *model.tokens.answer(turns, answer)]
