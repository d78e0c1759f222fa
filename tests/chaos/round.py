"""One seeded schedule on a standing stack: load and faults together, then quiet, then the checker."""

import asyncio
import random
import time
from dataclasses import dataclass, field

import orjson

from tests.chaos.api import Api, session
from tests.chaos.checker import check
from tests.chaos.engine_promises import RECOVERY
from tests.chaos.faults import Faults
from tests.chaos.history import EngineCall, Fault, Final, History, LabelSeen
from tests.chaos.job_callers import JobCaller
from tests.chaos.judge_callers import JudgeCaller
from tests.chaos.quiescence import Quiescence, label_row
from tests.chaos.schedule import Event, schedule
from tests.chaos.stack import KEEPER, ChaosStack, Tenant
from tests.chaos.trainers import Trainer
from tests.chaos.violations import Violation

JUDGE_CALLERS = 2  # of each tenant
UPLOADS = {"large": (40, 90), "small": (8, 20)}  # pairs in an upload, about
RACE = {"large": (150, 160), "small": (60, 70)}  # of the two uploads that compete when the faults are over
SETTLE = 30.0  # seconds that callers and trainers may take to bring to an end what is under way


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one schedule showed."""

    seed: int
    events: tuple[Event, ...]
    violations: list[Violation]
    history: History
    final: Final
    seconds: float
    skipped: list[str] = field(default_factory=list)

    def summary(self) -> str:
        """One line of numbers."""
        judged = sum(len(feed) for feed in self.final.feeds.values())
        pairs, jobs = len(self.final.pairs), len(self.final.jobs)
        return (
            f"{len(self.events)} faults, {pairs} pairs, {jobs} jobs, {judged} labels, {len(self.history.calls)} calls"
        )


class Round:
    """A schedule and its users; `run` once."""

    def __init__(self, stack: ChaosStack, *, seed: int, seconds: float, tenants: dict[str, Tenant]) -> None:
        """`tenants` by the size of their uploads; nobody has used them before."""
        self._stack = stack
        self._seed = seed
        self._events = schedule(seed, seconds)
        self._tenants = tenants
        self._history = History()
        self._logged = stack.calls.stat().st_size if stack.calls.exists() else 0

    async def run(self) -> Outcome:
        """Load and faults, quiet, check."""
        began, faults = time.monotonic(), Faults(self._stack)
        async with session() as connections:
            apis = {
                each.name: Api(connections, gateways=self._stack.gateways, key=each.key, history=self._history)
                for each in self._tenants.values()
            }
            trainers = [self._trainer(each) for each in self._tenants.values()]
            await self._load(apis, trainers, faults)
            final = await self._quiet(apis, trainers)
        self._history.spans = faults.spans
        self._history.calls = self._calls()
        self._read_labels(trainers)
        self._note_deaths(since=began)
        return Outcome(
            seed=self._seed,
            events=self._events,
            violations=check(self._history, final),
            history=self._history,
            final=final,
            seconds=time.monotonic() - began,
            skipped=faults.skipped,
        )

    async def _load(self, apis: dict[str, Api], trainers: list[Trainer], faults: Faults) -> None:
        """Everybody at work until the faults are over; then the race for equal shares, which the end waits for."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for size, tenant in self._tenants.items():
                api = apis[tenant.name]
                for number in range(JUDGE_CALLERS):
                    tasks.create_task(self._judge_caller(api, tenant, number).run(stop))
                if KEEPER:
                    tasks.create_task(self._job_caller(api, tenant, "job", UPLOADS[size]).run(stop))
            for trainer in trainers:
                tasks.create_task(trainer.run(stop))
            await faults.carry_out(self._events)
            stop.set()
        if KEEPER:
            await asyncio.sleep(RECOVERY)
            async with asyncio.TaskGroup() as tasks:
                for size, tenant in self._tenants.items():
                    tasks.create_task(self._job_caller(apis[tenant.name], tenant, "race", RACE[size]).run_once())

    async def _quiet(self, apis: dict[str, Api], trainers: list[Trainer]) -> Final:
        final = await Quiescence(apis, history=self._history, redis_url=self._stack.redis_url).read()
        for trainer in trainers:
            name = trainer.tenant.name
            await trainer.catch_up({row.id for row in final.feeds[name]}, within=SETTLE)
            final.trainers[name] = tuple(label_row(label) for label in trainer.applied())
        return final

    def _judge_caller(self, api: Api, tenant: Tenant, number: int) -> JudgeCaller:
        name = f"pair-{number}"
        return JudgeCaller(api, tenant=tenant.name, name=name, history=self._history, chance=self._draws(tenant, name))

    def _job_caller(self, api: Api, tenant: Tenant, name: str, pairs: tuple[int, int]) -> JobCaller:
        return JobCaller(
            api,
            tenant=tenant.name,
            name=f"{tenant.name}-{name}",
            pairs=pairs,
            history=self._history,
            chance=self._draws(tenant, name),
        )

    def _trainer(self, tenant: Tenant) -> Trainer:
        draws = self._draws(tenant, "trainer")
        return Trainer(tenant, gateways=self._stack.gateways, folder=self._stack.folder, chance=draws)

    def _draws(self, tenant: Tenant, name: str) -> random.Random:
        return random.Random(f"{self._seed} {tenant.name} {name}")

    def _calls(self) -> list[EngineCall]:
        """What the engine logged of this schedule."""
        with self._stack.calls.open("rb") as log:
            log.seek(self._logged)
            rows = [orjson.loads(line) for line in log.read().splitlines()]
        return [EngineCall(at=row["at"], worker=row["worker"], mark=row["mark"]) for row in rows]

    def _read_labels(self, trainers: list[Trainer]) -> None:
        for trainer in trainers:
            for label in trainer.applied():
                row = label_row(label)
                self._history.records.append(LabelSeen(label["at"], trainer.tenant.name, row.id, row.digest))

    def _note_deaths(self, *, since: float) -> None:
        """A process that ended by a bug is a violation by itself; one that found no Redis at its start is not."""
        for at, name, code, tail in self._stack.deaths:
            if at >= since and ('"bug"' in tail or "Traceback" in tail or code < 0):
                self._history.records.append(Fault(at, f"{name} ended by itself with {code}:\n{tail}"))
