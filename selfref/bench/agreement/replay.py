"""Recorded replies as the votes of one judge, counted as a worker counts votes; no I/O.

A judge's strategies, asked once each in each order, are its votes: `GPT-4@2` takes two of them in each order, and
`GPT-4@auto` one after another until the worker's own rule says that the pair is settled. `all` has the strategies of
every judge. Votes of one judge are alike, strategies are not: which of them a pair asks first is therefore drawn, by
the digest of the pair and the strategy, so that no strategy comes first more often than chance has it.
"""

import hashlib
from collections.abc import Mapping, Sequence

from selfref.bench.agreement.arms import Arm
from selfref.bench.agreement.cases import Case
from selfref.bench.agreement.recorded import UNREADABLE, Said, recorded_rows
from selfref.bench.agreement.rows import Letter, Reading, Row
from selfref.deciding import Scale, decide, settled
from selfref.messages import OrderReading, Preset, Usage

EVERY_JUDGE = "all"
_ORDERS: tuple[Letter, Letter] = ("A", "B")
_SCALE = Scale()  # replies have no odds, so nothing of it matters


def judges_of(replies: Mapping[str, Said]) -> list[str]:
    """The names whose strategies can be votes."""
    return [*dict.fromkeys(_judge(arm) for arm in replies), EVERY_JUDGE]


def rows_of(replies: Mapping[str, Said], arm: Arm, cases: Sequence[Case]) -> list[Row]:
    """What a strategy made of these pairs, or the votes of a judge. Raises ValueError where it has not that many."""
    if arm.votes is None:
        return recorded_rows(replies[arm.name], cases)
    voters = [each for each in replies if arm.name in (_judge(each), EVERY_JUDGE)]
    most = len(voters) if arm.votes == "auto" and arm.budget is None else arm.most
    if most > len(voters):
        raise ValueError(f"{arm.name} has {len(voters)} votes in each order, not {most}")
    return [_row(case, [replies[voter] for voter in _drawn(voters, case)], arm, most=most) for case in cases]


def _judge(arm: str) -> str:
    return arm.partition("/")[0]


def _drawn(voters: Sequence[str], case: Case) -> list[str]:
    return sorted(voters, key=lambda voter: hashlib.sha256(f"{case.id}\0{voter}".encode()).digest())


def _row(case: Case, votes: Sequence[Said], arm: Arm, *, most: int) -> Row:
    """`votes` are in the order in which they are asked; an unread reply costs a call and is no vote."""
    asked = 1 if arm.votes == "auto" else most
    while not settled(_readings(case, votes[:asked]), scale=_SCALE, left=most - asked):
        asked += 1
    readings = _readings(case, votes[:asked])
    spent = Usage(calls=2 * asked)
    rows = tuple(Reading(first=one.first, verdict=one.verdict) for one in readings)
    if {one.first for one in readings} != {"A", "B"}:
        return Row(known=case.known, verdict=None, readings=rows, failure=UNREADABLE, spent=spent)
    verdict = decide(Preset.DIRECT, readings, scale=_SCALE).verdict
    return Row(known=case.known, verdict=verdict.value, readings=rows, spent=spent)


def _readings(case: Case, votes: Sequence[Said]) -> list[OrderReading]:
    found = [(first, said.get((case.id, first == "B"))) for first in _ORDERS for said in votes]
    return [
        OrderReading(first=first, verdict=verdict, log_odds_a=None, semantic_perplexity=None, critique="")
        for first, verdict in found
        if verdict is not None
    ]
