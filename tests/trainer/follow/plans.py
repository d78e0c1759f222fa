"""A plan that is carried out in seconds, and what it leaves behind."""

from pathlib import Path
from typing import Any

import orjson

from tests.trainer.models import PROMPTS
from tests.trainer.snapshots.feeds import files
from trainer.follow.command import PREFIX
from trainer.follow.following import Improvement, Plan
from trainer.ppo.settings import PPOSettings
from trainer.reward.settings import RewardSettings
from trainer.snapshots.contents import Rules

SIZE = 8  # labels of a snapshot
ROUNDS = 3
REWARD = RewardSettings(learning_rate=3e-3, epochs=2, batch=4, micro_batch=4, longest=48, saved_every=2)
PPO = PPOSettings(updates=3, batch=4, answer_tokens=4, epochs=1, saved_every=2)


def plan(policy: Path, *, rounds: int = ROUNDS, improved: bool = True) -> Plan:
    """Reward models from the policy itself, and where asked for a better policy against each."""
    improvement = Improvement(policy=policy, prompts=PROMPTS, settings=PPO) if improved else None
    return Plan(size=SIZE, rules=Rules(), base=policy, settings=REWARD, improvement=improvement, rounds=rounds)


def told(prompts: Path, policy: Path, data: Path, *, rounds: int = ROUNDS) -> dict[str, str]:
    """The same plan as a container is told it; a rate and lengths of a tiny model are all that its defaults lack."""
    prompts.write_text("".join(f"{orjson.dumps({'prompt': turns[0]['content']}).decode()}\n" for turns in PROMPTS))
    options = {"data": data, "base": policy, "size": SIZE, "rounds": rounds, "policy": policy, "prompts": prompts}
    options |= {"learning_rate": 3e-3, "epochs": 2, "batch": 4, "longest": 48, "threads": 1}
    options |= {"ppo_updates": 3, "ppo_batch": 4, "ppo_answer_tokens": 4, "ppo_epochs": 1, "ppo_saved_every": 2}
    return {f"{PREFIX}_{name}".upper(): str(value) for name, value in options.items()}


def left_by(data: Path) -> dict[str, Any]:
    """Everything that has to be the same however often it was killed: snapshots, CURRENT pointers, models, reports.

    Left out are plots, the time that updates took, and hidden files that a kill leaves of what has no name yet.
    """
    found: dict[str, Any] = {f"snapshots/{name}": content for name, content in files(data).items()}
    found |= {each.name: each.read_text() for each in data.glob("CURRENT-*")}
    for run in (data / "runs").iterdir():
        report = orjson.loads((run / "report.json").read_bytes())
        for update in report.get("updates", []):
            del update["seconds"]
        found[f"{run.name}/"] = sorted(each.name for each in run.iterdir() if not each.name.startswith("."))
        found[f"{run.name}/report"] = report
        found |= {f"{run.name}/{each.name}": each.read_bytes() for each in (run / "model").iterdir()}
    return found
