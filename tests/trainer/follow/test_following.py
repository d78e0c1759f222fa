"""Labels of a real feed in, runs out: each snapshot gets its own, once; what cannot be trained on is left behind."""

import fcntl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from selfref.client import Client
from selfref.messages import Verdict
from selfref.store import Store
from tests.trainer.follow.plans import PPO, REWARD, ROUNDS, SIZE, left_by, plan
from tests.trainer.snapshots.feeds import TENANT, judge, rows, taken
from trainer.errors import LabelsGone, ModelUnusable, SnapshotDamaged, TrainingError
from trainer.follow.following import Improvement, Plan, follow
from trainer.runs import Run
from trainer.snapshots.chain import snapshots
from trainer.snapshots.contents import Rules
from trainer.snapshots.taking import Order

MOST = 1000  # labels of a page


class Said:
    """What a follower told and warned of, in this order."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.warned: list[str] = []

    def follow(self, data: Path, client: Client, plan: Plan) -> None:
        """To the end."""
        follow(data, client, plan, tell=self.told.append, warn=self.warned.append)


@pytest.fixture
def said() -> Said:
    return Said()


def runs(data: Path, kind: str) -> list[Run]:
    """All runs of a kind, in the order in which they ended."""
    found = [Run(folder) for folder in (data / "runs").glob(f"{kind}-*")]
    return sorted(found, key=lambda run: (run.folder / "report.json").stat().st_mtime_ns)


def current(data: Path, kind: str) -> str:
    return (data / f"CURRENT-{kind}").read_text().strip()


async def test_every_snapshot_gets_a_reward_model_of_all_so_far_and_a_policy_of_that(
    store: Store, client: Client, policy: Path, tmp_path: Path, said: Said
) -> None:
    await judge(store, range(ROUNDS * SIZE + 2))
    said.follow(tmp_path, client, plan(policy))
    chain = snapshots(tmp_path)
    digests = [each.digest for each in chain]
    rewards, policies = runs(tmp_path, "reward"), runs(tmp_path, "ppo")
    assert [run.report()["snapshots"] for run in rewards] == [digests[:count] for count in (1, 2, 3)]
    assert len({run.report()["reward_model"] for run in policies}) == ROUNDS
    assert all((run.model / "model.safetensors").exists() for run in (*rewards, *policies))
    assert (current(tmp_path, "reward"), current(tmp_path, "policy")) == (
        rewards[-1].folder.name,
        policies[-1].folder.name,
    )
    told = [
        line
        for each, rewarding, improved in zip(chain, rewards, policies, strict=True)
        for line in (f"{each.folder.name}: ", f"{rewarding.folder}: ", f"{improved.folder}: done after update 3")
    ]
    assert [line.startswith(start) for line, start in zip(said.told, told, strict=True)] == [True] * len(told)
    assert said.warned[0] == f"following into {tmp_path}, which holds 0 snapshots"
    assert said.warned[1:] == [
        f"waiting for 8 labels{behind}" for behind in ("", *map(" behind snapshot {:05}".format, (1, 2)))
    ]


async def test_every_label_is_in_one_snapshot_once(store: Store, client: Client, policy: Path, tmp_path, said) -> None:
    await judge(store, range(ROUNDS * SIZE + 2))
    said.follow(tmp_path, client, plan(policy, improved=False))
    feed = list(client.label_page(limit=MOST).labels)[: ROUNDS * SIZE]
    teaching = {each.id for each in feed if each.verdict.decided}
    applied = [label.id for each in snapshots(tmp_path) for label in rows(each)]
    assert sorted(applied) == sorted(teaching)
    assert sum(each.manifest.consumed for each in snapshots(tmp_path)) == len(feed)


async def test_a_snapshot_that_was_taken_and_not_trained_on_is_trained_on_whatever_came_since(
    store: Store, client: Client, policy: Path, tmp_path: Path, said: Said
) -> None:
    await judge(store, range(2 * SIZE))
    said.follow(tmp_path / "undisturbed", client, plan(policy, rounds=2))
    taken(tmp_path / "died", client, Order(SIZE, count=1))
    said.follow(tmp_path / "died", client, plan(policy, rounds=2))
    assert left_by(tmp_path / "died") == left_by(tmp_path / "undisturbed")


async def test_what_is_finished_is_not_done_again(
    store: Store, client: Client, policy: Path, tmp_path: Path, said: Said
) -> None:
    await judge(store, range(2 * SIZE))
    said.follow(tmp_path, client, plan(policy, rounds=1))
    before = {each: each.stat().st_mtime_ns for each in (tmp_path / "runs").rglob("*")}
    again = Said()
    again.follow(tmp_path, client, plan(policy, rounds=1))
    assert {each: each.stat().st_mtime_ns for each in (tmp_path / "runs").rglob("*")} == before
    assert (again.told, again.warned) == (said.told[1:], [f"following into {tmp_path}, which holds 1 snapshots"])


async def test_what_a_kill_right_after_the_report_left_undone_is_made_good(
    store: Store, client: Client, policy: Path, tmp_path: Path, said: Said
) -> None:
    await judge(store, range(SIZE))
    said.follow(tmp_path, client, plan(policy, rounds=1))
    whole = left_by(tmp_path)
    for kind, pointer in (("reward", "reward"), ("ppo", "policy")):
        (tmp_path / f"CURRENT-{pointer}").unlink()
        (runs(tmp_path, kind)[0].work / "checkpoint-4").mkdir(parents=True)
    said.follow(tmp_path, client, plan(policy, rounds=1))
    assert left_by(tmp_path) == whole


async def test_nothing_to_train_on_is_said_and_the_next_snapshot_waited_for(
    store: Store, client: Client, policy: Path, tmp_path: Path, said: Said
) -> None:
    await judge(store, range(SIZE), verdict=Verdict.TIE)
    await judge(store, range(SIZE, 2 * SIZE), verdict=Verdict.INCONSISTENT)
    await judge(store, range(2 * SIZE, 3 * SIZE))
    said.follow(tmp_path, client, plan(policy, rounds=2))
    assert not (tmp_path / "runs").exists()
    assert [line.partition(" to train on")[0] for line in said.warned if "no reward" in line] == [
        "no reward model of snapshot 00001: no pair",
        "no reward model of snapshot 00002: no pair",
    ]
    said.follow(tmp_path, client, plan(policy, rounds=3))
    assert [len(run.report()["snapshots"]) for run in runs(tmp_path, "reward")] == [3]
    assert current(tmp_path, "policy") == runs(tmp_path, "ppo")[0].folder.name


async def test_a_policy_that_diverges_is_said_and_the_next_snapshot_waited_for(
    store: Store, client: Client, policy: Path, tmp_path: Path, said: Said
) -> None:
    await judge(store, range(2 * SIZE))
    wild = Improvement(
        policy=policy,
        prompts=plan(policy).improvement.prompts,
        settings=replace(PPO, learning_rate=1e30, minibatches=2),
    )
    said.follow(tmp_path, client, replace(plan(policy, rounds=2), improvement=wild))
    assert [line.partition(": ")[0] for line in said.warned if "no policy" in line] == [
        "no policy of snapshot 00001",
        "no policy of snapshot 00002",
    ]
    assert len(runs(tmp_path, "reward")) == 2
    assert not (tmp_path / "CURRENT-policy").exists()


async def test_a_reward_model_that_diverges_is_said_and_nothing_is_trained_against_it(
    store: Store, client: Client, policy: Path, tmp_path: Path, said: Said
) -> None:
    await judge(store, range(SIZE))
    wild = replace(REWARD, learning_rate=1e30, epochs=10)
    said.follow(tmp_path, client, replace(plan(policy, rounds=1), settings=wild))
    assert said.warned[-1].startswith("no reward model of snapshot 00001: step 10 has no finite gradient")
    assert not (tmp_path / "CURRENT-reward").exists()
    assert not (tmp_path / "CURRENT-policy").exists()


async def test_only_the_newest_snapshots_where_asked_for(
    store: Store, client: Client, policy: Path, tmp_path: Path, said: Said
) -> None:
    await judge(store, range(3 * SIZE))
    said.follow(tmp_path, client, replace(plan(policy, improved=False), last=2))
    digests = [each.digest for each in snapshots(tmp_path)]
    assert [run.report()["snapshots"] for run in runs(tmp_path, "reward")] == [digests[:1], digests[:2], digests[1:]]


def another_base(data: Path, plan: Plan) -> Plan:
    return replace(plan, base=data / "absent")


def other_rules(data: Path, plan: Plan) -> Plan:
    return replace(plan, rules=Rules(heldout_share=0.5), rounds=2)


def a_changed_snapshot(data: Path, plan: Plan) -> Plan:
    (data / "snapshots" / "00001" / "manifest.json").write_text("{}")
    return plan


@pytest.mark.parametrize(
    ("break_it", "error", "told"),
    [
        (another_base, ModelUnusable, "is no folder"),
        (other_rules, TrainingError, "were taken with --heldout-share 0.1"),
        (a_changed_snapshot, SnapshotDamaged, "is no manifest"),
    ],
)
async def test_what_needs_a_person_ends_it(
    store: Store,
    client: Client,
    policy: Path,
    tmp_path: Path,
    said: Said,
    break_it: Callable[[Path, Plan], Plan],
    error: type[TrainingError],
    told: str,
) -> None:
    await judge(store, range(SIZE))
    taken(tmp_path, client, Order(SIZE, count=1))
    with pytest.raises(error, match=told):
        said.follow(tmp_path, client, break_it(tmp_path, plan(policy, rounds=1, improved=False)))


def test_models_that_are_missing_are_told_of_before_any_label_comes(
    client: Client, policy: Path, tmp_path: Path, said: Said
) -> None:
    asked = plan(policy)
    improvement = Improvement(policy=tmp_path / "absent", prompts=asked.improvement.prompts, settings=PPO)
    for wrong in (replace(asked, base=tmp_path / "absent"), replace(asked, improvement=improvement)):
        with pytest.raises(ModelUnusable, match="absent is no folder"):
            said.follow(tmp_path / "data", client, wrong)
    assert said.warned == []


async def test_a_feed_that_was_trimmed_ends_it(
    store: Store, client: Client, policy: Path, tmp_path: Path, said: Said
) -> None:
    await judge(store, range(SIZE))
    said.follow(tmp_path, client, plan(policy, rounds=1, improved=False))
    await judge(store, range(SIZE, 3 * SIZE))
    await store.labels.trim(TENANT, through=client.label_page(limit=2 * SIZE).cursor)
    with pytest.raises(LabelsGone, match="after snapshot 00001 were trimmed"):
        said.follow(tmp_path, client, plan(policy, rounds=2, improved=False))


def test_two_do_not_follow_into_one_folder(client: Client, policy: Path, tmp_path: Path, said: Said) -> None:
    with (tmp_path / "following").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TrainingError, match="another process follows"):
            said.follow(tmp_path, client, plan(policy))
