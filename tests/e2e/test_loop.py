"""The closed loop, every stage of it as small as it can be: it goes from nothing to its report, and only once."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.progress import Progress

from littleworld.loop import loop as stages
from littleworld.loop.__main__ import run
from littleworld.loop.losses import Wanted, compared, table
from littleworld.loop.settings import LoopSettings
from littleworld.loop.weak_policy import WeakPolicySettings
from selfref.client import Client
from selfref.stack.datadir import Running
from trainer.reward.settings import Loss
from trainer.snapshots.chain import snapshots

FULL = LoopSettings()
PPO = replace(FULL.ppo, updates=2, batch=8, epochs=1, checked_every=1)
TINY = replace(
    FULL,
    questions=30,
    measured=15,
    checked=3,
    second_questions=15,
    weak=WeakPolicySettings(steps=12, batch=8, warm_up=2),
    reward=replace(FULL.reward, epochs=1, batch=8, micro_batch=8),
    ppo=PPO,
    loose=replace(PPO, kl_coef=0.0, checked_every=2),
)


@pytest.mark.timeout(400)  # eight trainings, each of seconds
def test_from_nothing_to_a_report_and_not_twice(
    stack: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client(stack.service_url) as client:
        report = run(tmp_path, TINY, client, Progress(disable=True))
        jobs = len(client.jobs.page(limit=100).jobs)
        assert [each.manifest.number for each in snapshots(tmp_path / "trainer")] == [1, 2]
        assert list(report["stages"]) == ["ppo", "loose", "again"]
        assert 0 <= report["exact_before"] <= min(report["weak"]["qualities"].values())
        assert report["exact_before"] <= report["gold_before"] <= 1
        assert json.loads((tmp_path / "report.json").read_bytes())["gold_after"] == report["gold_after"]
        assert [each["update"] for each in report["stages"]["ppo"]["checks"]] == [1, 2]
        assert "| let loose |" in (tmp_path / "report.md").read_text()
        assert (tmp_path / "loop.png").read_bytes().startswith(b"\x89PNG")
        wanted = Wanted(losses=(Loss.SOFT, Loss.PAPER), seeds=(1,))
        by_loss = list(compared(tmp_path, wanted, TINY, Progress(disable=True)))
        assert tuple(loss for loss, _ in by_loss) == wanted.losses
        assert table(by_loss).count("\n") == 1 + len(wanted.losses)
        monkeypatch.delattr(stages, "teach_weak_policy")
        monkeypatch.delattr("trainer.reward.run.train")
        again = run(tmp_path, TINY, client, Progress(disable=True))
        assert len(client.jobs.page(limit=100).jobs) == jobs, "no pair is judged again"
    assert {**again, "seconds": 0} == {**report, "seconds": 0}
