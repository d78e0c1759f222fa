"""`python -m tests.chaos --seed 1 --minutes 30`: exits 1 where a promise was broken."""

import argparse
import asyncio
import secrets
import sys

import uvloop

from tests.chaos.run import SECONDS, Plan, report_all
from tests.chaos.schedule import schedule


def main() -> int:
    """Run the schedules; 0 where every promise held."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="of the first schedule; the next ones count up")
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--schedules", type=int, default=None, help="exactly so many, whatever time they take")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of faults, per schedule")
    parser.add_argument("--show", action="store_true", help="print the seed's schedule and do nothing")
    told = parser.parse_args()
    seed = secrets.randbelow(1_000_000) if told.seed is None else told.seed
    print(f"seed {seed}", flush=True)  # noqa: T201
    if told.show:
        print(*schedule(seed, told.seconds), sep="\n")  # noqa: T201
        return 0
    minutes = told.minutes if told.schedules is None else float("inf")
    plan = Plan(seed=seed, minutes=minutes, schedules=told.schedules, seconds=told.seconds)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return 1 if runner.run(report_all(plan)) else 0


if __name__ == "__main__":
    sys.exit(main())
