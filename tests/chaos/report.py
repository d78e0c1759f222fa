"""What a chaos run prints, and what it leaves in its folder for whoever looks for the cause."""

from pathlib import Path

import orjson

from tests.chaos.engine_promises import ENOUGH, windows
from tests.chaos.round import Outcome


def lines_of(outcome: Outcome) -> list[str]:
    """One schedule: a line, and the faults and violations of a bad one."""
    verdict = f"{len(outcome.violations)} VIOLATIONS" if outcome.violations else "ok"
    found = [f"seed {outcome.seed}: {verdict}  ({outcome.summary()}; {outcome.seconds:.1f} s)"]
    found += [f"    skipped {each}" for each in outcome.skipped]
    if outcome.violations:
        found += [f"    {event}" for event in outcome.events]
        found += [f"  {violation}" for violation in outcome.violations[:20]]
        if len(outcome.violations) > 20:
            found.append(f"  ... and {len(outcome.violations) - 20} more")
    return found


def shares_compared(outcome: Outcome) -> int:
    """Pairs over whose starts the shares of tenants were compared."""
    totals = (sum(started.values()) for _, _, _, started in windows(outcome.history, outcome.final))
    return sum(total for total in totals if total >= ENOUGH)


def keep(outcome: Outcome, folder: Path) -> None:
    """History and end of a schedule as JSON lines."""
    with (folder / f"history-{outcome.seed}.jsonl").open("wb") as file:
        for record in (*outcome.history.records, *outcome.history.calls, *outcome.history.spans):
            file.write(orjson.dumps({"kind": type(record).__name__, **_fields(record)}) + b"\n")
        for (tenant, pair), end in outcome.final.pairs.items():
            file.write(orjson.dumps({"kind": "PairEnd", "tenant": tenant, "id": pair, **_fields(end)}) + b"\n")


def _fields(record: object) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__slots__}  # type: ignore[attr-defined]
