"""What a follower does next; no I/O, so every rule is a row in a test.

A snapshot is taken only when the one before it has its runs. So no snapshot goes without a run of its own, however many
labels came while it was trained on, and after a restart only the newest one can have something left to do.
"""

from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """One thing to do. Each may be killed anywhere and done again: what is there then is found, not made twice."""

    TAKE = "take"  # the next snapshot, once the feed has its labels
    REWARD = "reward"  # a reward model of the snapshots up to the newest
    POLICY = "policy"  # a policy that learns from this reward model
    END = "end"


class Stage(StrEnum):
    """How far a model of the newest snapshot is, as this process knows it."""

    OPEN = "open"  # not asked for since the process was started; it may be there
    DONE = "done"
    IMPOSSIBLE = "impossible"  # nothing to train on, or training diverged: trying again would end the same way


@dataclass(frozen=True, slots=True)
class Standing:
    """How many snapshots there are, and how far the models of the newest are."""

    snapshots: int
    reward: Stage = Stage.OPEN
    policy: Stage = Stage.OPEN


def next_step(standing: Standing, *, rounds: int | None, with_policy: bool) -> Step:
    """What is missing of the newest snapshot, else the next one, up to `rounds` snapshots (None: for ever)."""
    if standing.snapshots:
        if standing.reward is Stage.OPEN:
            return Step.REWARD
        if with_policy and standing.reward is Stage.DONE and standing.policy is Stage.OPEN:
            return Step.POLICY
    if rounds is not None and standing.snapshots >= rounds:
        return Step.END
    return Step.TAKE
