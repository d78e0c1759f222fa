"""Follows in children that kill themselves, `kill -9`, at a chosen step; run as a program of its own.

A step is a page of the feed, before and after it is had, and everything that touches the disk's names beneath the data
folder: each file opened, folder made, and file or folder renamed or removed. Python itself tells of those
(`sys.addaudithook`), so the code under test knows nothing of it.

    python -m tests.trainer.follow.dying URL POLICY FOLDER ROUNDS publishing    dies at each step of publishing in turn
    python -m tests.trainer.follow.dying URL POLICY FOLDER ROUNDS SEED KILLS    dies so often, at steps that are drawn

A follower is left alone in FOLDER/undisturbed. Then one is killed again and again in FOLDER/died, at chosen steps of
the first; each goes on where the one before it died, the last to the end. Prints each step that a child died at.
"""

import os
import random
import re
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd  # noqa: F401 - pyarrow would import it anew in every child
import torch
from transformers.utils import logging

from selfref.client import Client
from tests.trainer.follow.plans import plan
from tests.trainer.models import reward_model
from tests.trainer.snapshots.dying import ToldPages
from tests.trainer.snapshots.feeds import ShortPages
from trainer.follow.following import Plan, follow
from trainer.ppo.learner import load_policy

STEPS = frozenset({"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir"})  # of names beneath the data folder
DRAWN = re.compile(r"\.[0-9a-f]{8}(?=\.partial)")  # of a file aside, and another one each time
LONGEST = 3  # labels of a page, so that a snapshot takes several


def again_and_again(url: str, asked: Plan, folder: Path, choose: Callable[[list[str]], set[str]]) -> list[str]:
    """Die at the chosen steps of an undisturbed run, in its order: what one child does not come to is left to the next.

    The steps that children died at.
    """
    seen = folder / "steps"
    _child(lambda: _follow(url, asked, folder / "undisturbed", seen=seen))
    steps = list(dict.fromkeys(seen.read_text().splitlines()))
    chosen = choose(steps)
    died = [step for step in steps if step in chosen and _dies(url, asked, folder / "died", step=step)]
    _child(lambda: _follow(url, asked, folder / "died", seen=folder / "rest"))
    return died


def drawn(steps: list[str], *, seed: int, kills: int) -> set[str]:
    """So many steps, as many of each kind."""
    draw = random.Random(seed)
    taking, training = ([each for each in steps if part in each] for part in ("/snapshots/", "/work/"))
    kinds = (taking, training, [each for each in steps if each not in {*taking, *training}])
    return {step for number, kind in enumerate(kinds) for step in draw.sample(kind, (kills + number) // len(kinds))}


def publishing(steps: list[str]) -> set[str]:
    """Every step that makes a finished model or report of what training has left."""
    return {each for each in steps if "/snapshots/" not in each and ("/work/" not in each or "policy" in each)}


def _dies(url: str, asked: Plan, data: Path, *, step: str) -> bool:
    return _child(lambda: _follow(url, asked, data, seen=data.with_name("seen"), last=step))


def _child(run: Callable[[], None]) -> bool:
    """Whether a child that runs this kills itself."""
    child = os.fork()
    if child == 0:
        run()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status) == signal.SIGKILL
    if os.WEXITSTATUS(status):
        raise SystemExit("a child ended badly")
    return False


def _follow(url: str, asked: Plan, data: Path, *, seen: Path, last: str | None = None) -> None:
    """Follow to the end, or die when this step comes first; `seen` has all steps until then."""
    with seen.open("w") as log:

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            if event == "page" or (event in STEPS and str(arguments[0]).startswith(f"{data}/")):
                place = str(arguments[0]).removeprefix(str(data)) if arguments else "/snapshots/"
                step = f"{event} {DRAWN.sub('', place)}"
                log.write(f"{step}\n")
                if step == last:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        with Client(url) as client:
            follow(data, ToldPages(ShortPages(client, LONGEST)), asked, tell=_nothing, warn=_nothing)


def _nothing(line: str) -> None:
    """Say nothing."""


def main() -> None:
    """The program."""
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    url, policy, folder, rounds, *how = sys.argv[1:]
    load_policy(Path(policy), reward_model())  # what transformers works out at a first model is then there for all
    choose = publishing if how == ["publishing"] else partial(drawn, seed=int(how[0]), kills=int(how[1]))
    for step in again_and_again(url, plan(Path(policy), rounds=int(rounds)), Path(folder), choose):
        print(step)  # noqa: T201


if __name__ == "__main__":
    main()
