"""What is seen of a policy while PPO runs: its gold, which only this world knows, beside what others make of it."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import orjson

from littleworld.loop.policies import Policy, measured
from littleworld.world.question import Question
from selfref.durable import whole_file
from trainer.ppo.observer import Action, State


class GoldWatch:
    """An observer that measures gold and wants nothing."""

    def __init__(self, questions: Sequence[Question], log: Path) -> None:
        """`log` gets a line of JSON for each check."""
        self._questions = questions
        self._log = log

    def __call__(self, update: int, state: State) -> Action:
        """Of one answer to each question."""
        said = Policy(state.policy, state.tokens).answers(self._questions, seed=0)
        found = {"update": update, **asdict(measured(self._questions, said)), "example": said[0]}
        before = [each for each in read_gold(self._log) if each["update"] < update]
        with whole_file(self._log) as file:
            file.writelines(orjson.dumps(each) + b"\n" for each in (*before, found))
        return Action.CONTINUE


def read_gold(log: Path) -> list[dict[str, float]]:
    """The lines of such a log."""
    return [orjson.loads(line) for line in log.read_bytes().splitlines()] if log.exists() else []
