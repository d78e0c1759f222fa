"""Callers of POST /judge: each sends one pair after the other, repeats what got no answer, and cancels now and then."""

import asyncio
import itertools
import random
import time
from typing import Any

import orjson

from tests.chaos.api import FAILURES, Answer, Api
from tests.chaos.history import (
    INTERACTIVE,
    Fault,
    History,
    PairAccepted,
    PairCanceled,
    PairSeen,
    PairSent,
    digest,
    mark,
)

CANCELS = 0.2  # share of pairs that their caller withdraws
WAITS = (0, 0, 1, 2)  # seconds that a caller lets the service hold its request
PAUSE = 0.15  # seconds between two pairs of a caller, at most
SHARED_PROMPTS = 5  # prompts that several pairs ask about, so that references are shared


class JudgeCaller:
    """One caller; `run` until `stop` is set, after which what is under way is brought to an answer."""

    def __init__(self, api: Api, *, tenant: str, name: str, history: History, chance: random.Random) -> None:
        self._api = api
        self._tenant = tenant
        self._name = name
        self._history = history
        self._chance = chance

    async def run(self, stop: asyncio.Event) -> None:
        """One pair after the other."""
        for number in itertools.count():
            if stop.is_set():
                return
            await self._one(f"{self._name}-{number}")
            await asyncio.sleep(self._chance.uniform(0.0, PAUSE))

    async def _one(self, key: str) -> None:
        body = self._history.bodies[self._tenant, key] = orjson.dumps(self._pair(key))
        pair = await self._submit(key, body)
        if pair is None:
            return
        if self._chance.random() < CANCELS:
            await asyncio.sleep(self._chance.uniform(0.0, 0.3))
            await self._cancel(key, pair)
        if self._chance.random() < 0.3:
            await self._look(pair)
        if self._chance.random() < 0.2:
            await self._submit(key, body)  # a caller that forgot that it had its answer

    async def _submit(self, key: str, body: bytes) -> str | None:
        """The pair's id, once some answer tells that it is accepted."""
        headers = {
            "idempotency-key": key,
            "content-type": "application/json",
            "prefer": f"wait={self._chance.choice(WAITS)}",
        }
        answer = await self._api.insist("POST", "/judge", headers=headers, body=body, before=lambda: self._sent(key))
        return self.accepted(answer, key=key)

    def _sent(self, key: str) -> None:
        self._history.records.append(PairSent(at=time.monotonic(), tenant=self._tenant, key=key))

    def accepted(self, answer: Answer, *, key: str) -> str | None:
        """Write down what this answer to POST /judge says; the pair's id where it was accepted."""
        asked, at, tenant, records = answer.asked, answer.at, self._tenant, self._history.records
        if answer.status in (200, 202):
            state = answer.json()
            records.append(PairAccepted(at=at, asked=asked, tenant=tenant, key=key, id=state["id"]))
            records.append(seen(answer, tenant=tenant, pair=state["id"]))
            return str(state["id"])
        problem = answer.json()
        pair = problem.get("judgment_id")
        if problem["code"] not in FAILURES | {"canceled"} or pair is None:
            records.append(Fault(at=at, what=f"POST /judge of {key}: {answer.status} {problem['code']}"))
            return None
        ended = "canceled" if problem["code"] == "canceled" else "failed"
        records.append(PairAccepted(at=at, asked=asked, tenant=tenant, key=key, id=pair))
        records.append(PairSeen(at=at, asked=asked, tenant=tenant, id=pair, state=ended))
        return str(pair)

    async def _cancel(self, key: str, pair: str) -> None:
        answer = await self._api.insist("DELETE", f"/judgments/{pair}")
        if answer.status == 200:
            self._history.records.append(PairCanceled(answer.at, answer.asked, self._tenant, key, pair))
            self._history.records.append(seen(answer, tenant=self._tenant, pair=pair))
        elif answer.status == 404:
            self._history.records.append(seen(answer, tenant=self._tenant, pair=pair))

    async def _look(self, pair: str) -> None:
        answer = await self._api.insist("GET", f"/judgments/{pair}", headers={"prefer": "wait=1"})
        self._history.records.append(seen(answer, tenant=self._tenant, pair=pair))

    def _pair(self, key: str) -> dict[str, Any]:
        drawn, whose = self._chance.random(), mark(self._tenant, INTERACTIVE, key)
        preset = "direct" if drawn < 0.7 else "self-reference"
        prompt = f"Shared question {self._chance.randrange(SHARED_PROMPTS)}" if drawn > 0.85 else f"Question {whose}"
        answers = [f"GOOD {whose}", "bad"]
        self._chance.shuffle(answers)
        return {"prompt": prompt, "answer_a": answers[0], "answer_b": answers[1], "preset": preset, "custom_id": key}


def seen(answer: Answer, *, tenant: str, pair: str) -> PairSeen:
    """What an answer that shows a pair says of it."""
    if answer.status == 404:
        return PairSeen(at=answer.at, asked=answer.asked, tenant=tenant, id=pair, state=None)
    state = answer.json()
    return PairSeen(answer.at, answer.asked, tenant, pair, state=state["status"], digest=digest(state))
