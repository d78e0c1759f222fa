"""Stands the real stack up, asks about little-world pairs, alone and together, and reads counters around each load."""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import httpx2

from littleworld.world.pairs import Pair, decided_pairs
from littleworld.world.question import Split
from selfref.bench.cpu import cpu_seconds
from selfref.bench.engine_speed.figures import Counters, Load, counters, figures
from selfref.client import AsyncClient, JudgmentCanceled, JudgmentFailed, StillWaiting
from selfref.stack.datadir import Running
from selfref.stack.parts import StackSettings
from selfref.stack.supervisor import Report, Stack

PATIENCE = 3600.0  # seconds until a pair counts as failed
WARM_UP_PAIRS = 4  # asked together: the first grammar, the first pages of memory


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked: `alone` pairs one after another, then `together` pairs by `callers` callers at once."""

    model: Path | None  # None: the stack's own judge
    alone: int
    together: int
    callers: int
    seed: int


async def measure(plan: Plan, *, report: Report, done: Callable[[str], None]) -> dict[str, Any]:
    """Both loads on one fresh stack; keys as in the JSON report. `done` is told the load of every pair that has ended.

    Raises StackError where the stack does not stand, and the errors of `selfref.client` where the service is not there.
    """
    drawn = decided_pairs(plan.seed, Split.HELD_OUT)
    with tempfile.TemporaryDirectory(prefix="selfref-bench-") as folder:
        stack = Stack(StackSettings(data_dir=Path(folder), port=0, model=plan.model), report=report)
        async with stack.standing() as running, AsyncClient(running.service_url) as client:
            await _ask(client, list(islice(drawn, WARM_UP_PAIRS)), callers=WARM_UP_PAIRS, done=lambda: None)
            found = {}
            for name, count, callers in (("alone", plan.alone, 1), ("together", plan.together, plan.callers)):
                pairs = list(islice(drawn, count))
                load = await _measured(stack, running, client, pairs, callers=callers, done=partial(done, name))
                found[name] = {"callers": callers, **figures(load)}
            return {"loads": found}


async def _measured(
    stack: Stack,
    running: Running,
    client: AsyncClient,
    pairs: Sequence[Pair],
    *,
    callers: int,
    done: Callable[[], None],
) -> Load:
    before, spent, began = await _counters(running.engine_url), _cpu(stack), time.perf_counter()
    latencies, failures = await _ask(client, pairs, callers=callers, done=done)
    wall, used = time.perf_counter() - began, _cpu(stack)
    return Load(
        latencies=latencies,
        failures=failures,
        wall_seconds=wall,
        before=before,
        after=await _counters(running.engine_url),
        cpu_seconds={name: used[name] - spent[name] for name in spent},
    )


async def _ask(
    client: AsyncClient, pairs: Sequence[Pair], *, callers: int, done: Callable[[], None]
) -> tuple[list[float], list[str]]:
    """Seconds that each judgment took, and the codes of the pairs that got none."""
    latencies: list[float] = []
    failures: list[str] = []
    left = iter(pairs)
    async with asyncio.TaskGroup() as group:
        for _ in range(min(callers, len(pairs))):
            group.create_task(_call(client, left, latencies, failures, done=done))
    return latencies, failures


async def _call(
    client: AsyncClient,
    left: Iterator[Pair],
    latencies: list[float],
    failures: list[str],
    *,
    done: Callable[[], None],
) -> None:
    for pair in left:
        began = time.perf_counter()
        try:
            await client.judge(
                pair.question.text,
                pair.a.text,
                pair.b.text,
                timeout=PATIENCE,
                principle=pair.principle,
                markers="escape",  # noise writes them, too
            )
            latencies.append(time.perf_counter() - began)
        except (JudgmentFailed, JudgmentCanceled) as ending:
            failures.append(ending.code)
        except StillWaiting:
            failures.append("still_waiting")
        done()


async def _counters(engine_url: str) -> Counters:
    async with httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{engine_url}/metrics")
    answer.raise_for_status()
    return counters(answer.text)


def _cpu(stack: Stack) -> dict[str, float]:
    """CPU seconds so far, by part; the caller is this process."""
    parts = {name: cpu_seconds(pid) for name, pid in stack.processes.items()}
    return {**parts, "caller": time.process_time()}
