"""Asks the service about every pair in every arm; computes and prints nothing."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from selfref.bench.agreement.cases import Case
from selfref.bench.agreement.ledger import Ending, Ledger
from selfref.bench.agreement.rows import Row, failed, judged
from selfref.client import AsyncClient, JudgmentCanceled, JudgmentFailed, RequestRefused, StillWaiting, Unavailable
from selfref.client.conversations import How
from selfref.messages import Judgment

PATIENCE = 3600.0  # seconds until a pair counts as failed; a slow engine has the others to judge meanwhile
STILL_OPEN = "request_in_progress"  # says the service of a key that a caller held who was killed with his gateway
STILL_WAITING = "still_waiting"  # the failure of a pair that was not judged by then


@dataclass(frozen=True, slots=True)
class Asked:
    """One pair in one arm, and its judgment, if a service of ours made one."""

    row: Row
    judgment: Judgment | None = None


async def ask_all(
    client: AsyncClient,
    cases: Sequence[Case],
    arms: Sequence[str],
    *,
    ledger: Ledger,
    at_once: int,
    done: Callable[[], None],
) -> dict[str, list[Asked]]:
    """What every arm makes of every pair, in the order of the pairs; `at_once` judgments are waited for at a time.

    A pair's arms are asked one after another, so that all arms see the machine in the same state. A pair that ends
    without a judgment, or that the service does not take, is a failed row. What the ledger knows is not asked. Raises
    the errors of `selfref.client` that say that the service is not there, and OSError where the ledger is not written.
    """
    found: dict[tuple[str, int], Ending] = {}
    left = iter([(arm, place) for place in range(len(cases)) for arm in arms])
    asking = [
        asyncio.create_task(_ask(client, cases, left, ledger=ledger, found=found, done=done))
        for _ in range(min(at_once, len(cases) * len(arms)))
    ]
    try:
        await asyncio.gather(*asking)
    finally:
        for task in asking:  # those that an error of another one left behind
            task.cancel()
    return {arm: _asked(cases, found, arm) for arm in arms}


def all_kept(cases: Sequence[Case], arms: Sequence[str], *, ledger: Ledger) -> dict[str, list[Asked]] | None:
    """The same from the ledger alone; None where it lacks the ending of a pair in an arm."""
    found: dict[tuple[str, int], Ending] = {}
    for place, case in enumerate(cases):
        for arm in arms:
            ending = ledger.ending(ledger.key(case, arm))
            if ending is None:
                return None
            found[arm, place] = ending
    return {arm: _asked(cases, found, arm) for arm in arms}


async def _ask(
    client: AsyncClient,
    cases: Sequence[Case],
    left: Iterator[tuple[str, int]],
    *,
    ledger: Ledger,
    found: dict[tuple[str, int], Ending],
    done: Callable[[], None],
) -> None:
    for arm, place in left:
        key = ledger.key(cases[place], arm)
        ending = ledger.ending(key)
        if ending is None:
            ending = await _ended(client, cases[place], arm, key=key)
            if ending.lasting:
                ledger.keep(key, ending, arm=arm, case=cases[place])
        found[arm, place] = ending
        done()


async def _ended(client: AsyncClient, case: Case, arm: str, *, key: str) -> Ending:
    try:
        return Ending(await _judgment(client, case, case.how(arm), key=key))
    except (JudgmentFailed, JudgmentCanceled) as ended:
        return Ending(failure=ended.code)
    except RequestRefused as refused:
        return Ending(failure=refused.code, lasting=False)
    except StillWaiting:
        return Ending(failure=STILL_WAITING, lasting=False)


async def _judgment(client: AsyncClient, case: Case, how: How, *, key: str) -> Judgment:
    try:
        return await client.judge(
            case.prompt, case.answer_a, case.answer_b, timeout=PATIENCE, idempotency_key=key, **how
        )
    except Unavailable as unavailable:
        if unavailable.code != STILL_OPEN or unavailable.judgment_id is None:
            raise
        return await client.wait_for(unavailable.judgment_id, timeout=PATIENCE)


def _asked(cases: Sequence[Case], found: Mapping[tuple[str, int], Ending], arm: str) -> list[Asked]:
    return [_counted(case, found[arm, place]) for place, case in enumerate(cases)]


def _counted(case: Case, ending: Ending) -> Asked:
    if ending.judgment is None:
        return Asked(failed(case.known, ending.failure or ""))
    return Asked(judged(case.known, ending.judgment), ending.judgment)
