"""Trains in children that kill themselves, `kill -9`, at a chosen step; run as a program of its own.

A step is an update's scoring, before and after, and everything that touches the disk's names beneath the run's folder:
each file opened, folder made, and file or folder renamed or removed. Python itself tells of those (`sys.addaudithook`),
so the code under test knows nothing of it.

    python -m tests.trainer.ppo.dying POLICY FOLDER every 1    dies at the first step, at the second, ...; with 3 at
                                                               the first, at the fourth, ...
    python -m tests.trainer.ppo.dying POLICY FOLDER seed 7     dies again and again, at steps that are drawn

Every folder beneath FOLDER is then one that was trained to the end in spite of that. Prints how many children died.
"""

import itertools
import os
import random
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from transformers.utils import logging

from tests.trainer.models import PROMPTS, ShareOfLiked
from trainer.ppo.learner import load_policy
from trainer.ppo.ppo import train_policy
from trainer.ppo.settings import PPOSettings
from trainer.reward.scoring import RewardModel

NAMES = frozenset({"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir"})
MOST_STEPS = 30  # until a child dies: more than half of a run, so that none comes to its end at once
SETTINGS = PPOSettings(
    updates=5,
    batch=4,
    answer_tokens=4,
    minibatches=2,
    epochs=1,
    saved_every=2,
    checked_every=3,
    kl_target=0.1,
    learning_rate=1e-2,
)


class ToldScores(ShareOfLiked):
    """Tells of each scoring as a step."""

    def score(self, sequences: Sequence[Sequence[int]]) -> Tensor:
        """The same scores."""
        sys.audit("score")
        scores = super().score(sequences)
        sys.audit("score")
        return scores


def at_every_step(policy: Path, judge: RewardModel, folder: Path, *, stride: int) -> int:
    """Die once at each step in turn, each time in a new folder that is then trained to the end."""
    for died, step in enumerate(itertools.count(1, stride)):
        out = folder / f"died at {step}"
        if not _dies(policy, judge, out, step=step):
            return died
        _dies(policy, judge, out, step=0)
    raise AssertionError("there are not so many steps")


def again_and_again(policy: Path, judge: RewardModel, folder: Path, *, seed: int) -> int:
    """Die at steps that are drawn, each child going on where the one before it died, until one comes to the end."""
    draw = random.Random(seed)
    died = 0
    while _dies(policy, judge, folder / f"seed {seed}", step=draw.randint(1, MOST_STEPS)):
        died += 1
    return died


def _dies(policy: Path, judge: RewardModel, out: Path, *, step: int) -> bool:
    """Whether a child that trains comes as far as this step and dies there; at step 0 none does."""
    child = os.fork()
    if child == 0:
        _die_at(step, out)
        train_policy(policy, judge, PROMPTS, SETTINGS, out)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status) == signal.SIGKILL
    if os.WEXITSTATUS(status):
        raise SystemExit(f"a child ended badly that was to die at step {step}")
    return False


def _die_at(step: int, out: Path) -> None:
    left = step

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event == "score" or (event in NAMES and str(arguments[0]).startswith(str(out))):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def main() -> None:
    """The program."""
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    policy, folder, how, number = sys.argv[1:]
    judge = ToldScores()
    load_policy(Path(policy), judge)  # what transformers works out at a first model is then there for every child
    if how == "every":
        died = at_every_step(Path(policy), judge, Path(folder), stride=int(number))
    else:
        died = again_and_again(Path(policy), judge, Path(folder), seed=int(number))
    print(died)  # noqa: T201


if __name__ == "__main__":
    main()
