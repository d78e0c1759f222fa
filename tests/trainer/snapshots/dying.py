"""Takes snapshots in children that kill themselves, `kill -9`, at a chosen step; run as a program of its own.

A step is a page of the feed, before and after it is had, and whatever changes the names on the disk: a file of the
snapshots opened, a folder made, anything renamed or removed. Python itself tells of those (`sys.addaudithook`), so the
code under test knows nothing of it.

    python -m tests.trainer.snapshots.dying URL FOLDER SIZE every    dies at the first step, at the second, ...
    python -m tests.trainer.snapshots.dying URL FOLDER SIZE SEED...  dies again and again, at steps that are drawn

Every folder beneath FOLDER is then one that was taken to the end in spite of that. Prints how many children died.
"""

import itertools
import os
import random
import signal
import sys
from pathlib import Path

import pandas as pd  # noqa: F401 - pyarrow would import it anew in every child

from selfref.client import Client, LabelPage
from tests.trainer.snapshots.feeds import ShortPages, taken
from trainer.snapshots.feed import Feed

STEPS = frozenset({"os.mkdir", "os.rename", "os.remove", "os.rmdir", "page"})  # besides opened files
MOST_STEPS = 60  # until a child dies: about two snapshots, so that few get to the end
LONGEST = 2  # labels of a page, so that a snapshot takes several


class ToldPages:
    """A feed that tells of each page as a step."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    def label_page(self, after: str | None = None, *, limit: int, wait: float) -> LabelPage:
        """The feed's own page."""
        sys.audit("page")
        page = self._feed.label_page(after, limit=limit, wait=wait)
        sys.audit("page")
        return page


def at_every_step(url: str, folder: Path, *, size: int) -> int:
    """Die once at each step in turn, each time in a new folder that is then taken to the end."""
    for step in itertools.count(1):
        data = folder / f"died at {step}"
        if not _dies(url, data, size=size, step=step):
            return step - 1
        _dies(url, data, size=size, step=0)
    raise AssertionError("there are not so many steps")


def again_and_again(url: str, folder: Path, *, size: int, seed: int) -> int:
    """Die at steps that are drawn, each child going on where the one before it died, until one comes to the end."""
    draw = random.Random(seed)
    died = 0
    while _dies(url, folder / f"seed {seed}", size=size, step=draw.randint(1, MOST_STEPS)):
        died += 1
    return died


def _dies(url: str, data: Path, *, size: int, step: int) -> bool:
    """Whether a child that takes snapshots comes as far as this step and dies there; at step 0 none does."""
    child = os.fork()
    if child == 0:
        _die_at(step, data)
        with Client(url) as client:
            taken(data, ToldPages(ShortPages(client, LONGEST)), size)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status) == signal.SIGKILL
    if os.WEXITSTATUS(status):
        raise SystemExit(f"a child ended badly that was to die at step {step}")
    return False


def _die_at(step: int, data: Path) -> None:
    left = step

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event in STEPS or (event == "open" and str(arguments[0]).startswith(str(data))):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def main() -> None:
    """The program."""
    url, folder, size, *how = sys.argv[1:]
    if how == ["every"]:
        died = at_every_step(url, Path(folder), size=int(size))
    else:
        died = sum(again_and_again(url, Path(folder), size=int(size), seed=int(seed)) for seed in how)
    print(died)  # noqa: T201


if __name__ == "__main__":
    main()
