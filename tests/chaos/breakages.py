"""For each promise one deliberate breakage of the service, and whether the checker objects: `make chaos-proof`.

A breakage is a change of the sources that the children import; the checkout itself is never touched.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import uvloop

from tests.chaos.run import Plan, outcomes
from tests.chaos.violations import Promise, Violation

SEED = 1
MOST_SCHEDULES = 5  # until a breakage counts as undetected


@dataclass(frozen=True, slots=True)
class Breakage:
    """What is broken, in words, and how: in each file one text takes the place of another."""

    promise: Promise
    what: str
    changes: tuple[tuple[str, str, str], ...]

    def apply(self, source: Path) -> None:
        """Change the copy; a text that is not there any more makes the breakage itself wrong."""
        for file, old, new in self.changes:
            path = source / file
            text = path.read_text()
            if old not in text:
                raise LookupError(f"{file} has no {old!r} to break")
            path.write_text(text.replace(old, new, 1))


SCRIPTS = "selfref/store/scripts"
BREAKAGES = (
    Breakage(
        Promise.P1,
        "every fourth result is acknowledged and counted, and not stored",
        (
            (
                f"{SCRIPTS}/judge_of_job.lua",
                "redis.call('XADD', KEYS[3],",
                "if (now[2] or 0) % 4 ~= 3 then redis.call('XADD', KEYS[3],",
            ),
            (f"{SCRIPTS}/judge_of_job.lua", "'judgment', ARGV[3])", "'judgment', ARGV[3]) end"),
        ),
    ),
    Breakage(
        Promise.P2,
        "the label of a job's pair is appended twice",
        (
            (
                f"{SCRIPTS}/judge_of_job.lua",
                "redis.call('XADD', KEYS[4], '*', 'label', ARGV[4])",
                "redis.call('XADD', KEYS[4], '*', 'label', ARGV[4]) redis.call('XADD', KEYS[4], '*', 'label', ARGV[4])",
            ),
        ),
    ),
    Breakage(
        Promise.P3,
        "every seventh judged pair of a job makes no label",
        (
            (
                f"{SCRIPTS}/judge_of_job.lua",
                "redis.call('XADD', KEYS[4], '*', 'label', ARGV[4])",
                "if (now[2] or 0) % 7 ~= 6 then redis.call('XADD', KEYS[4], '*', 'label', ARGV[4]) end",
            ),
        ),
    ),
    Breakage(
        Promise.P4,
        "every ninth decided pair of a job is counted as a tie",
        (
            (
                f"{SCRIPTS}/judge_of_job.lua",
                "local now =",
                "if ARGV[5] == 'decided' and #ARGV[3] % 9 == 0 then ARGV[5] = 'tie' end local now =",
            ),
        ),
    ),
    Breakage(
        Promise.P5,
        "now and then a page of the feed lacks its first label",
        (
            (
                "selfref/store/labels.py",
                "return [line for _, _, line in entries[:limit]], tuple(positions)",
                "missing = positions[0].milliseconds % 5 == 0\n"
                "    return [line for _, _, line in entries[:limit]][missing:], tuple(positions)",
            ),
        ),
    ),
    Breakage(
        Promise.P6,
        "a tenant keeps its turn until it has no waiting pair",
        ((f"{SCRIPTS}/parts/deal.lua", "if credit <= 0 then credit = credit + QUANTUM end", "credit = 1000"),),
    ),
    Breakage(
        Promise.P7,
        "a worker that takes its time is not told of a cancel",
        (
            (f"{SCRIPTS}/renew.lua", "if state ~= 'waiting' and state ~= 'running' then", "if false then"),
            (
                "worker/attempt.py",
                "            return Judged(",
                "            await asyncio.sleep(3)\n            return Judged(",
            ),
        ),
    ),
)


async def caught(breakage: Breakage) -> Violation | None:
    """The first violation of the promise that the checker finds; None where it finds none in time."""
    plan = Plan(seed=SEED, minutes=float("inf"), schedules=MOST_SCHEDULES, sabotage=breakage.apply, keep=False)
    async with aclosing(outcomes(plan)) as each:
        async for outcome in each:
            for violation in outcome.violations:
                if violation.promise is breakage.promise:
                    return violation
    return None


async def _all(wanted: Callable[[Breakage], bool]) -> int:
    missed = 0
    for breakage in filter(wanted, BREAKAGES):
        violation = await caught(breakage)
        missed += violation is None
        sys.stdout.write(f"{breakage.promise}: {breakage.what}\n  {violation or 'NOT CAUGHT'}\n")
        sys.stdout.flush()
    return missed


def main() -> int:
    """Try each breakage; 0 where the checker objected to all."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.breakages", description=__doc__)
    parser.add_argument("promises", nargs="*", help="P1 to P7; all without")
    promises = set(parser.parse_args().promises)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return 1 if runner.run(_all(lambda each: not promises or each.promise in promises)) else 0


if __name__ == "__main__":
    sys.exit(main())
