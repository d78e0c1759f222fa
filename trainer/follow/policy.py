"""One PPO run that is named by what goes into it, as a reward model's is; what was done before is not done again.

runs/ppo-51a0b43f9c2d/model/, report.json     CURRENT-policy names the newest

`python -m trainer ppo` takes a folder instead, because an observer there, who is no ingredient, may end a run.
"""

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import orjson

from selfref.exports.preferences import Turn
from trainer.ppo.log import read_log
from trainer.ppo.ppo import RECORD, train_policy
from trainer.ppo.settings import PPOSettings
from trainer.reward.scoring import RewardModel
from trainer.runs import Run, ingredients_of_policy, point_to, run_of
from trainer.tokens import Tokens

KIND = "ppo"
POINTER = "policy"


def improved_policy(
    policy: Path, reward_model: Path, prompts: Sequence[list[Turn]], settings: PPOSettings, *, data: Path
) -> Run:
    """The finished run of this policy, reward model, prompts and settings.

    Raises ModelUnusable, PromptsUnusable and Diverged.
    """
    tokens = Tokens.load(policy)
    asked = [tokens.prompt(turns) for turns in prompts]
    ingredients = ingredients_of_policy(policy, reward_model, asked, asdict(settings))
    run = run_of(data, KIND, ingredients)
    if not run.finished:
        if not run.model.exists():
            outcome = train_policy(policy, RewardModel.load(reward_model), prompts, settings, run.work)
            run.publish_model(lambda folder: _copy(outcome.policy, folder))
        record = orjson.loads((run.model / RECORD).read_bytes())
        ending = {"ending": record["ending"], "update": record["update"]}
        run.publish_report({**ingredients, **ending, "updates": read_log(run.work)})
    point_to(data, POINTER, run)
    return run


def _copy(made: Path, folder: Path) -> None:
    """A copy, because a kill between two moved files would leave neither folder whole."""
    shutil.copytree(made, folder, dirs_exist_ok=True)
