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
from trainer.runs import Run


@dataclass(frozen=True, slots=True)
class Agreement:
    """Shares of pairs that a reward model orders as others do; None where nobody orders any.

    The first two are of prompts that it has not learnt from, in other words or with other answers than those it has;
    the others of questions whose contents occur in no training question. The last is of right answers against wrong
    ones: how far a policy can become more right, and not only better mannered.
    """

    labels: float | None
    gold: float | None
    gold_of_new_contents: float | None
    right_from_wrong: float | None


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


class Examination:
    """What reward models are held against, the same for all of them."""

    def __init__(
        self, labels: Iterable[Label], asked: Mapping[str, Question], policy: Policy, unknown: Sequence[Question]
    ) -> None:
        """`labels` are held out, of questions that were `asked`; `unknown` ones have contents that none of them has."""
        self._known = judged_contests(labels, asked)
        self._new = new_contests(policy, unknown)
        self._substance = contests_of_substance(unknown)

    def agreement(self, run: Run) -> Agreement:
        """Of a finished run's reward model."""
        model = RewardModel.load(run.model)
        return Agreement(
            labels=run.report()["heldout"]["accuracy"],
            gold=gold_agreement(model, self._known),
            gold_of_new_contents=gold_agreement(model, self._new),
            right_from_wrong=gold_agreement(model, self._substance),
        )


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
