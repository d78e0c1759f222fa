"""The loop, stage by stage; every stage leaves a file or folder, and is not made again where that is there.

weak/                 the policy to be made better
trainer/              snapshots of the label feed, and the runs of reward models
ppo/, loose/, again/  three runs of PPO: held to the first policy; let loose; let loose on the second reward model
service/              the data of the service that judges
report.json           what came of it
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
from rich.progress import Progress

import littleworld
from littleworld.loop.policies import Measured, Policy, measured, questions_of
from littleworld.loop.settings import ANSWER_TOKENS, LoopSettings
from littleworld.loop.watching import Watch
from littleworld.loop.weak_policy import teach_weak_policy
from littleworld.world.question import Question, Split
from littleworld.world.reading import gold_score, quality_of
from selfref.client import Client
from selfref.exports.preferences import turns_of
from selfref.messages import Job
from trainer.gold import JudgeAsGold, judged
from trainer.ppo.ppo import PPOOutcome, train_policy
from trainer.ppo.settings import PPOSettings
from trainer.reward.run import reward_model
from trainer.reward.scoring import RewardModel
from trainer.runs import Run
from trainer.snapshots.chain import read_labels, snapshots
from trainer.snapshots.contents import Rules
from trainer.snapshots.taking import Order, take

JUDGE = Path(littleworld.__file__).parent / "judge"
EVERYTHING = 10_000_000  # labels; a snapshot takes what there is


@dataclass(frozen=True, slots=True)
class Stage:
    """One run of PPO and what it was worth."""

    name: str
    outcome: PPOOutcome
    gold: Measured


class Loop:
    """Everything that the stages share."""

    def __init__(self, folder: Path, settings: LoopSettings, client: Client, progress: Progress) -> None:
        self.folder = folder
        self.settings = settings
        self._client = client
        self._progress = progress
        self._heldout = questions_of(Split.HELD_OUT, settings.measured, seed=settings.seed)
        self._asked = questions_of(Split.TRAIN, settings.questions, seed=settings.seed)
        self._checked = questions_of(Split.TRAIN, settings.checked, seed=settings.seed + 1)

    def weak(self) -> Policy:
        """The policy that the loop begins with."""
        folder = self.folder / "weak"
        if not folder.exists():
            steps = self.settings.weak.steps
            bar = self._progress.add_task("a weak policy", total=steps, note="")
            aside = self.folder / ".weak"
            teach_weak_policy(
                JUDGE, aside, self.settings.weak, done=lambda step: self._progress.update(bar, completed=step)
            )
            aside.rename(folder)
        return Policy.load(folder)

    def gold_of(self, policy: Policy) -> Measured:
        """On held-out questions."""
        return measured(self._heldout, policy.answers(self._heldout, seed=self.settings.seed))

    def first_labels(self, policy: Policy) -> None:
        """The weak policy answers every question twice, and the service says which answer is better."""
        answers = [self._answers(policy, self._asked, seed=seed, what="answers") for seed in (1, 2)]
        self._label(1, self._asked, *answers)

    def second_labels(self, loose: Policy, weak: Policy) -> None:
        """Answers of the policy that was let loose, against those of the first one."""
        questions = questions_of(Split.TRAIN, self.settings.second_questions, seed=self.settings.seed + 2)
        self._label(
            2,
            questions,
            self._answers(loose, questions, seed=3, what="answers of the loose policy"),
            self._answers(weak, questions, seed=4, what="answers of the weak policy"),
        )

    def reward_model(self, rounds: int) -> Run:
        """Of the first so many snapshots, from the weak policy's weights."""
        chain = snapshots(self.folder / "trainer")[:rounds]
        bar = self._progress.add_task(f"reward model {rounds}", total=None, note="")
        run = reward_model(
            (label for each in chain for label in read_labels(each.train())),
            (label for each in chain for label in read_labels(each.heldout())),
            base=self.folder / "weak",
            settings=self.settings.reward,
            data=self.folder / "trainer",
            snapshots=[each.digest for each in chain],
        )
        self._progress.update(bar, total=1, completed=1)
        return run

    def agreement_with_gold(self, run: Run, policy: Policy) -> float | None:
        """Share of held-out pairs that the reward model orders as gold does, of those that gold orders, if any."""
        model = RewardModel.load(run.model)
        first, second = (policy.answers(self._heldout, seed=seed) for seed in (5, 6))
        golds = [
            gold_score(quality_of(question, a)) - gold_score(quality_of(question, b))
            for question, a, b in zip(self._heldout, first, second, strict=True)
        ]
        scores = [
            model.score([_sequence(model, *each) for each in zip(self._heldout, answers, strict=True)])
            for answers in (first, second)
        ]
        ordered = [(gold, score) for gold, score in zip(golds, (scores[0] - scores[1]).tolist(), strict=True) if gold]
        agreeing = sum(1 for gold, score in ordered if (gold > 0) == (score > 0))
        return agreeing / len(ordered) if ordered else None

    def ppo(self, name: str, run: Run, settings: PPOSettings, *, loose: bool) -> Stage:
        """Train the weak policy against a reward model, watched."""
        out = self.folder / name
        out.mkdir(exist_ok=True)
        judge = JudgeAsGold(
            self._client,
            [turns_of(each.text) for each in self._checked],
            out / "judged.jsonl",
            answer_tokens=ANSWER_TOKENS,
        )
        outcome = train_policy(
            self.folder / "weak",
            RewardModel.load(run.model),
            [turns_of(each.text) for each in self._asked],
            replace(settings, seed=self.settings.seed),
            out,
            observe=Watch(judge, self._heldout[:200], out / "gold.jsonl", loose=loose),
            progress=self._progress,
        )
        return Stage(name, outcome, self.gold_of(Policy.load(outcome.policy)))

    def policy_of(self, stage: Stage) -> Policy:
        """What a run of PPO has made."""
        return Policy.load(stage.outcome.policy)

    def _answers(self, policy: Policy, questions: Sequence[Question], *, seed: int, what: str) -> list[str]:
        bar = self._progress.add_task(what, total=None, note="")
        found = policy.answers(questions, seed=seed)
        self._progress.update(bar, total=1, completed=1)
        return found

    def _label(self, number: int, questions: Sequence[Question], first: Sequence[str], second: Sequence[str]) -> None:
        """Judge pairs of different answers, and take the labels into snapshot `number`."""
        data = self.folder / "trainer"
        if len(snapshots(data)) >= number:
            return
        lines = [
            orjson.dumps({"prompt": question.text, "answer_a": a, "answer_b": b}) + b"\n"
            for question, a, b in zip(questions, first, second, strict=True)
            if a != b and a and b
        ]
        bar = self._progress.add_task("judging", total=len(lines), note="")
        judged(self._client, b"".join(lines), seen=lambda job: self._progress.update(bar, completed=ended_of(job)))
        self._progress.update(bar, completed=len(lines))
        for _ in take(data, self._client, Order(size=EVERYTHING, rest=True), Rules(heldout_share=0.1, keep_ties=True)):
            pass


def ended_of(job: Job) -> int:
    """Pairs of a job that wait no more."""
    return job.counts.submitted - job.counts.waiting


def _sequence(model: RewardModel, question: Question, answer: str) -> list[int]:
    turns = turns_of(question.text)
    return [*model.tokens.prompt(turns), *model.tokens.answer(turns, answer)]
