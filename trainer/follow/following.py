"""Doing what is next, for ever or up to a number of snapshots."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from selfref.exports.preferences import Turn
from trainer.errors import Diverged, NothingToTrainOn
from trainer.follow.policy import improved_policy
from trainer.follow.step import Stage, Standing, Step, next_step
from trainer.locks import only_one
from trainer.ppo.command import told as policy_told
from trainer.ppo.settings import PPOSettings
from trainer.reward.command import told as reward_told
from trainer.reward.run import reward_model
from trainer.reward.settings import RewardSettings
from trainer.runs import Run
from trainer.snapshots.chain import Snapshot, heldout_labels, name_of, newest, snapshots, train_labels
from trainer.snapshots.command import told as snapshot_told
from trainer.snapshots.contents import Rules
from trainer.snapshots.feed import Feed
from trainer.snapshots.taking import Order, take
from trainer.tokens import Tokens

LOCK = "following"
Say = Callable[[str], None]  # one line


@dataclass(frozen=True, slots=True)
class Improvement:
    """The policy to train against each reward model."""

    policy: Path
    prompts: Sequence[list[Turn]]
    settings: PPOSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is made of the feed. With other settings the newest snapshot gets other runs; older ones keep theirs."""

    size: int  # labels of a snapshot
    rules: Rules
    base: Path  # which every reward model starts from
    settings: RewardSettings
    last: int | None = None  # snapshots that a reward model learns from; None: all
    improvement: Improvement | None = None
    rounds: int | None = None  # snapshots, those that are there included, after which it ends; None: never


def follow(data: Path, feed: Feed, plan: Plan, *, tell: Say, warn: Say) -> None:
    """Take snapshots and train on each before the next is taken; `tell` of what is made, and `warn` of all else.

    Returns once there are `plan.rounds` snapshots with their runs. A snapshot that has nothing to train on, or whose
    training diverges, is told of and left behind: the next one may do better.

    Raises TrainingError where a person has to do something: the feed, a snapshot, a model or the prompts cannot be
    used, or another process follows into this folder; and OSError.
    """
    data.mkdir(parents=True, exist_ok=True)
    busy = f"another process follows into {data}; let it end, or name another folder with --data."
    with only_one(data / LOCK, otherwise=busy):
        for folder in (plan.base, *([plan.improvement.policy] if plan.improvement else [])):
            Tokens.load(folder)  # now, and not after the first labels have come
        _Follower(data, feed, plan, tell=tell, warn=warn).run()


class _Follower:
    """Does one step after the other; each takes how things stand and returns how they stand then."""

    def __init__(self, data: Path, feed: Feed, plan: Plan, *, tell: Say, warn: Say) -> None:
        self._data = data
        self._feed = feed
        self._plan = plan
        self._tell = tell
        self._warn = warn
        self._rewarding: Run | None = None  # that of the newest snapshot

    def run(self) -> None:
        standing = Standing(len(snapshots(self._data)))
        self._warn(f"following into {self._data}, which holds {standing.snapshots} snapshots")
        steps = {Step.TAKE: self._take, Step.REWARD: self._reward, Step.POLICY: self._policy}
        with_policy = self._plan.improvement is not None
        while (step := next_step(standing, rounds=self._plan.rounds, with_policy=with_policy)) is not Step.END:
            standing = steps[step](standing)

    def _take(self, standing: Standing) -> Standing:
        behind = f" behind snapshot {name_of(standing.snapshots)}" if standing.snapshots else ""
        self._warn(f"waiting for {self._plan.size} labels{behind}")
        order = Order(self._plan.size, count=1, wait=math.inf)
        for each in take(self._data, self._feed, order, self._plan.rules):
            self._tell(snapshot_told(each.manifest))
        return Standing(standing.snapshots + 1)

    def _reward(self, standing: Standing) -> Standing:
        chain = newest(self._data, self._plan.last)
        try:
            self._rewarding = self._reward_model(chain)
        except (NothingToTrainOn, Diverged) as error:
            self._warn(f"no reward model of snapshot {name_of(standing.snapshots)}: {error}")
            return replace(standing, reward=Stage.IMPOSSIBLE)
        self._tell(reward_told(self._rewarding))
        return replace(standing, reward=Stage.DONE)

    def _reward_model(self, chain: Sequence[Snapshot]) -> Run:
        return reward_model(
            train_labels(chain),
            heldout_labels(chain),
            base=self._plan.base,
            settings=self._plan.settings,
            data=self._data,
            snapshots=[each.digest for each in chain],
        )

    def _policy(self, standing: Standing) -> Standing:
        asked, rewarding = self._plan.improvement, self._rewarding
        if asked is None or rewarding is None:
            raise AssertionError("a policy is trained where one is asked for, and after the reward model")
        try:
            run = improved_policy(asked.policy, rewarding.model, asked.prompts, asked.settings, data=self._data)
        except Diverged as error:
            self._warn(f"no policy of snapshot {name_of(standing.snapshots)}: {error}")
            return replace(standing, policy=Stage.IMPOSSIBLE)
        report = run.report()
        self._tell(policy_told(run.folder, report["ending"], report["update"]))
        return replace(standing, policy=Stage.DONE)
