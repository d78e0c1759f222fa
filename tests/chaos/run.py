"""Many seeded schedules, one after the other; the stack stays up between them, and is made anew now and then."""

import itertools
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from tests.chaos import report
from tests.chaos.round import UPLOADS, Outcome, Round
from tests.chaos.stack import ChaosStack, Tenant, copy_sources

SECONDS = 8.0  # of faults, per schedule
PER_STACK = 10  # schedules on one stack, so that a Redis that is full of the past is tried as well as a new one


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run: as many schedules as the minutes hold, or exactly `schedules`."""

    seed: int
    minutes: float
    schedules: int | None = None
    seconds: float = SECONDS
    sabotage: Callable[[Path], None] | None = None  # changes the copy of the sources that the children import
    keep: bool = True  # the folder of a schedule in which a promise was broken


async def outcomes(plan: Plan) -> AsyncGenerator[Outcome, None]:
    """The outcome of each schedule; seeds count up from the plan's."""
    deadline = time.monotonic() + plan.minutes * 60
    seeds = itertools.count(plan.seed)
    left = plan.schedules
    while left != 0 and time.monotonic() < deadline:
        folder = Path(tempfile.mkdtemp(prefix="selfref-chaos-"))
        bad = False
        most = PER_STACK if left is None else min(left, PER_STACK)
        async with aclosing(_on_one_stack(plan, folder, seeds=seeds, most=most)) as on_this_stack:
            async for outcome in on_this_stack:
                bad = bool(outcome.violations)
                if left is not None:
                    left -= 1
                if bad and plan.keep:
                    report.keep(outcome, folder)
                    _say(f"  logs and history: {folder}")
                yield outcome
                if time.monotonic() > deadline or bad:
                    break
        if not bad or not plan.keep:
            shutil.rmtree(folder, ignore_errors=True)


async def _on_one_stack(
    plan: Plan, folder: Path, *, seeds: "itertools.count[int]", most: int
) -> AsyncGenerator[Outcome, None]:
    tenants = [{size: Tenant(f"{size}{number}", secrets.token_hex(8)) for size in UPLOADS} for number in range(most)]
    source = copy_sources(folder / "source")
    if plan.sabotage is not None:
        plan.sabotage(source)
    everyone = [tenant for group in tenants for tenant in group.values()]
    stack = ChaosStack(folder, source=source, tenants=everyone, seed=plan.seed)
    async with stack.standing():
        for group in tenants:
            yield await Round(stack, seed=next(seeds), seconds=plan.seconds, tenants=group).run()


async def report_all(plan: Plan) -> int:
    """Run, and print as it goes; the number of schedules in which a promise was broken."""
    began, run, bad, compared = time.monotonic(), 0, 0, 0
    async with aclosing(outcomes(plan)) as each:
        async for outcome in each:
            run += 1
            bad += bool(outcome.violations)
            compared += report.shares_compared(outcome)
            for line in report.lines_of(outcome):
                _say(line)
    minutes = (time.monotonic() - began) / 60
    _say(f"{run} schedules in {minutes:.1f} minutes, seeds {plan.seed} to {plan.seed + run - 1}; {bad} with violations")
    _say(f"shares of tenants (P6) were compared over {compared} pairs")
    return bad


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
