"""What is seen of a policy while PPO runs: its gold, which only this world knows, beside the judge's opinion."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import orjson

from littleworld.loop.policies import Policy, measured
from littleworld.world.question import Question
from selfref.durable import whole_file
from trainer.gold import JudgeAsGold
from trainer.ppo.observer import Action, State


class Watch:
    """An observer that measures gold, then asks the judge; a `loose` one lets the run go on whatever it sees."""

    def __init__(self, judge: JudgeAsGold, questions: Sequence[Question], log: Path, *, loose: bool) -> None:
        """`log` gets a line of JSON for each check."""
        self._judge = judge
        self._questions = questions
        self._log = log
        self._loose = loose

    def __call__(self, update: int, state: State) -> Action:
        """Raises what the judge does."""
        answers = Policy(state.policy, state.tokens).answers(self._questions, seed=0)
        found = {"update": update, **asdict(measured(self._questions, answers)), "example": answers[0]}
        before = [each for each in read_gold(self._log) if each["update"] < update]
        with whole_file(self._log) as file:
            file.writelines(orjson.dumps(each) + b"\n" for each in (*before, found))
        action = self._judge(update, state)
        return Action.CONTINUE if self._loose else action


def read_gold(log: Path) -> list[dict[str, float]]:
    """The lines of such a log."""
    return [orjson.loads(line) for line in log.read_bytes().splitlines()] if log.exists() else []
