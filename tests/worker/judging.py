"""Pairs to judge and a judge that needs no engine: it finds GOOD in an answer, or fails as it is told."""

import asyncio
import itertools
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from selfref.messages import Comparison, Judgment, Label, Lane, Preset, Verdict, Work, now
from selfref.store import Accepted, Counts, Store
from tests.outcomes import judgment_of

TENANT = "t"
_numbers = itertools.count()


def work(*, lane: Lane = Lane.INTERACTIVE, preset: Preset = Preset.DIRECT) -> Work:
    """A new pair; the good answer is A in every even one and B in every odd one."""
    number = next(_numbers)
    answers = ("GOOD", "bad") if number % 2 == 0 else ("bad", "GOOD")
    return Work(
        id=f"pair-{number}",
        tenant=TENANT,
        lane=lane,
        comparison=Comparison(prompt=f"question {number}", answer_a=answers[0], answer_b=answers[1]),
        preset=preset,
        created_at=now(),
    )


async def submit(
    store: Store, count: int, *, lane: Lane = Lane.INTERACTIVE, preset: Preset = Preset.DIRECT
) -> list[str]:
    """Accept new pairs; their ids."""
    pairs = [work(lane=lane, preset=preset) for _ in range(count)]
    for pair in pairs:
        accepted = await store.judgments.accept(pair, fingerprint=pair.id, queue_limit=100_000)
        assert accepted == Accepted()
    return [pair.id for pair in pairs]


async def labels(store: Store) -> list[Label]:
    """Every label in the feed."""
    return (await store.labels.read(TENANT, after=None, limit=10_000, wait=0)).labels


async def label_ids(store: Store) -> list[str]:
    """The pair of every label in the feed."""
    return [label.id for label in await labels(store)]


async def ended(store: Store, pair: str) -> Any:
    """How the pair stands."""
    stored = await store.judgments.state(pair)
    assert stored is not None
    return stored.state


async def until_ended(store: Store, count: int, *, within: float = 20.0) -> Counts:
    """The tenant's counts once `count` pairs have ended."""
    deadline = time.monotonic() + within
    while True:
        counts = await store.judgments.counts(TENANT)
        if counts.submitted - counts.waiting >= count:
            return counts
        assert time.monotonic() < deadline, counts
        await asyncio.sleep(0.02)


async def eventually(condition: Callable[[], object], *, within: float = 10.0, what: str = "") -> None:
    """Return once `condition()` is true; fail after `within` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, what or "not in time"
        await asyncio.sleep(0.005)


def judgment(pair: Work) -> Judgment:
    """What an honest judge says: the answer with GOOD in it."""
    return judgment_of(pair, verdict=Verdict.A if "GOOD" in pair.comparison.answer_a else Verdict.B)


class HonestJudge:
    """Judges in `seconds`; first goes through the errors planned for a pair; can be held still."""

    def __init__(self, *, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.plan: defaultdict[str, list[BaseException]] = defaultdict(list)
        self.begun: list[str] = []
        self.given_up: list[str] = []
        self.go = asyncio.Event()
        self.go.set()
        self.stuck: set[str] = set()  # pairs that are never judged

    async def __call__(self, pair: Work) -> Judgment:
        self.begun.append(pair.id)
        try:
            await self.go.wait()
            if pair.id in self.stuck:
                await asyncio.Event().wait()
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.given_up.append(pair.id)
            raise
        if self.plan[pair.id]:
            raise self.plan[pair.id].pop(0)
        return judgment(pair)

    def fails(self, pair: str, error: BaseException, *, times: int) -> None:
        """The next `times` attempts at this pair end in this error."""
        self.plan[pair] = [error] * times
