"""Drives pairs through `POST /judge`, then holds the label feed against the answers: none lost, none invented."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson

from selfref.bench.pairs import Pair

WAIT = 300  # seconds that a request waits for its judgment
LABELS_A_PAGE = 1000


@dataclass(slots=True)
class Answers:
    """What callers were told, by the time every request has ended."""

    judged: dict[str, str] = field(default_factory=dict)  # id to verdict
    failures: Counter[str] = field(default_factory=Counter)  # code to number
    unanswered: int = 0  # neither a judgment nor a failure: a broken promise
    agreed: int = 0  # decided, and as the honest judge decides


async def drive(url: str, pairs: Iterable[Pair], *, open_requests: int) -> Answers:
    """Send every pair, `open_requests` at a time, each waiting for its judgment."""
    answers, left = Answers(), iter(pairs)
    connector = aiohttp.TCPConnector(limit=open_requests)
    timeout = aiohttp.ClientTimeout(total=None)
    session = aiohttp.ClientSession(url, connector=connector, timeout=timeout)
    async with session, asyncio.TaskGroup() as callers:
        for _ in range(open_requests):
            callers.create_task(_ask(session, left, answers))
    return answers


async def _ask(session: aiohttp.ClientSession, left: Iterator[Pair], answers: Answers) -> None:
    headers = {"content-type": "application/json", "prefer": f"wait={WAIT}"}
    for pair in left:
        body = {"prompt": pair.prompt, "answer_a": pair.answer_a, "answer_b": pair.answer_b}
        async with session.post("/judge", data=orjson.dumps(body), headers=headers) as answer:
            told = orjson.loads(await answer.read())
        if told.get("status") == "judged":
            answers.judged[told["id"]] = told["verdict"]
            answers.agreed += told["verdict"] == pair.better
        elif "code" in told and "judgment_id" in told:
            answers.failures[told["code"]] += 1
        else:
            answers.unanswered += 1


async def labels(url: str) -> list[dict[str, Any]]:
    """The whole label feed, from its start."""
    found: list[dict[str, Any]] = []
    cursor = ""
    async with aiohttp.ClientSession(url) as session:
        while True:
            query = {"limit": str(LABELS_A_PAGE), **({"after": cursor} if cursor else {})}
            async with session.get("/labels", params=query) as answer:
                answer.raise_for_status()
                lines = (await answer.read()).splitlines()
                cursor = answer.headers["Selfref-Cursor"]
            if not lines:
                return found
            found += map(orjson.loads, lines)


def lost_and_invented(answers: Answers, feed: list[dict[str, Any]]) -> tuple[int, int]:
    """Judged pairs without a label of that verdict; labels beyond one for each judged pair."""
    by_id = {label["id"]: label["verdict"] for label in feed}
    lost = sum(by_id.get(judgment) != verdict for judgment, verdict in answers.judged.items())
    return lost, len(feed) - sum(judgment in by_id for judgment in answers.judged)
