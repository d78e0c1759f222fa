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

from rich.progress import Progress

import littleworld
from littleworld.loop.agreement import Agreement, Examination
from littleworld.loop.policies import Measured, Policy, measured, questions_of
from littleworld.loop.settings import ANSWER_TOKENS, LoopSettings
from littleworld.loop.watching import GoldWatch
from littleworld.loop.weak_policy import teach_weak_policy
from littleworld.world.question import Split
from selfref.client import Client
from selfref.exports.preferences import turns_of
from selfref.messages import Job
from trainer.gold import JudgeAsGold, judged
from trainer.on_policy.pairs import lines
from trainer.ppo.observer import seen_by
from trainer.ppo.ppo import PPOOutcome, train_policy
from trainer.ppo.settings import PPOSettings
from trainer.reward.run import reward_model
from trainer.reward.scoring import RewardModel
from trainer.runs import Run
from trainer.snapshots.chain import heldout_labels, snapshots, train_labels
from trainer.snapshots.contents import Rules
from trainer.snapshots.taking import Order, take

JUDGE = Path(littleworld.__file__).parent / "judge"  # whose weights the weak policy and the reward models begin with
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
        self._prompts = [turns_of(each.text) for each in self._asked]
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
        if self._labelled(1):
            return
        bar = self._progress.add_task("answers", total=2, note="")
        said = []
        for seed in (1, 2):
            said.append(policy.answers(self._asked, seed=seed))
            self._progress.update(bar, completed=seed)
        self._label(*said)

    def second_labels(self, held: Stage, loose: Stage) -> None:
        """What two policies of equal manners say, of which one pleases its reward model without being right."""
        if self._labelled(2):
            return
        asked, policies = self._asked[: self.settings.second_questions], (held.outcome.policy, loose.outcome.policy)
        self._label(*(Policy.load(policy).answers(asked, seed=seed) for seed, policy in enumerate(policies, start=3)))

    def reward_model(self, rounds: int) -> Run:
        """Of the first so many snapshots."""
        chain = snapshots(self.folder / "trainer")[:rounds]
        bar = self._progress.add_task(f"reward model {rounds}", total=None, note="")
        run = reward_model(
            train_labels(chain),
            heldout_labels(chain),
            base=JUDGE,
            settings=self.settings.reward,
            data=self.folder / "trainer",
            snapshots=[each.digest for each in chain],
        )
        self._progress.update(bar, total=1, completed=1)
        return run

    def agreements(self, runs: Sequence[Run], policy: Policy) -> list[Agreement]:
        """Of reward models with others, on the same pairs of this policy's answers."""
        heldout = heldout_labels(snapshots(self.folder / "trainer")[:1])
        examination = Examination(heldout, {each.text: each for each in self._asked}, policy, self._heldout)
        return [examination.agreement(run) for run in runs]

    def ppo(self, name: str, run: Run, settings: PPOSettings, *, heeded: bool) -> Stage:
        """Train the weak policy against a reward model, watched by gold and by a judge that may end it if heeded."""
        out = self.folder / name
        out.mkdir(exist_ok=True)
        judge = JudgeAsGold(
            self._client,
            [turns_of(each.text) for each in self._checked],
            out / "judged.jsonl",
            answer_tokens=ANSWER_TOKENS,
        )
        gold = GoldWatch(self._heldout[:200], out / "gold.jsonl")
        outcome = train_policy(
            self.folder / "weak",
            RewardModel.load(run.model),
            self._prompts,
            replace(settings, seed=self.settings.seed),
            out,
            observe=seen_by(gold, judge, heeded=judge if heeded else None),
            progress=self._progress,
        )
        return Stage(name, outcome, self.gold_of(Policy.load(outcome.policy)))

    def _labelled(self, rounds: int) -> bool:
        return len(snapshots(self.folder / "trainer")) >= rounds

    def _label(self, first: Sequence[str], second: Sequence[str]) -> None:
        """Judge two answers to each of as many questions, and take the labels into the next snapshot."""
        data = self.folder / "trainer"
        pairs = b"".join(lines(self._prompts[: len(first)], first, second))
        count = pairs.count(b"\n")
        bar = self._progress.add_task("judging", total=count, note="")
        judged(self._client, pairs, seen=lambda job: self._progress.update(bar, completed=ended_of(job)))
        self._progress.update(bar, completed=count)
        for _ in take(data, self._client, Order(size=EVERYTHING, rest=True), Rules(heldout_share=0.1, keep_ties=True)):
            pass


def ended_of(job: Job) -> int:
    """Pairs of a job that wait no more."""
    return job.counts.submitted - job.counts.waiting
