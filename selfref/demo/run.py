"""Judge pairs against a service and read their labels; prints nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from selfref.client import AsyncClient, JudgmentCanceled, JudgmentFailed
from selfref.demo.outcome import Outcome
from selfref.demo.pairs import GoldPair
from selfref.messages import Label

JUDGE_SECONDS = 3600.0  # for the last pair of a judge that takes a while for each
FEED_SECONDS = 30.0  # a label is there at once after its judgment; the rest is for a long feed


async def judge_all(
    client: AsyncClient, pairs: Sequence[GoldPair], *, done: Callable[[Outcome], None]
) -> list[Outcome]:
    """Judge all pairs at once; outcomes in the order of the pairs. Raises what says that the service is not there."""
    running = [asyncio.create_task(_judge(client, pair, done=done)) for pair in pairs]
    try:
        return await asyncio.gather(*running)
    finally:
        for task in running:  # those that an error of another one left behind
            task.cancel()


async def labels_of(client: AsyncClient, outcomes: Sequence[Outcome]) -> list[Label]:
    """The labels of these pairs, as a trainer would find them: by reading the feed from its beginning."""
    wanted = {outcome.judgment.id for outcome in outcomes if outcome.judgment is not None}
    found: dict[str, Label] = {}
    async with asyncio.timeout(FEED_SECONDS):
        async for label in _until_all(client, wanted, found):
            found[label.id] = label
    return list(found.values())


async def _judge(client: AsyncClient, pair: GoldPair, *, done: Callable[[Outcome], None]) -> Outcome:
    request = pair.request
    how = request.model_dump(exclude_unset=True, exclude={"prompt", "answer_a", "answer_b"})
    try:
        judgment = await client.judge(request.prompt, request.answer_a, request.answer_b, timeout=JUDGE_SECONDS, **how)
        outcome = Outcome(pair, judgment)
    except (JudgmentFailed, JudgmentCanceled) as ending:
        outcome = Outcome(pair, None, failure=ending.code)
    done(outcome)
    return outcome


async def _until_all(client: AsyncClient, wanted: set[str], found: dict[str, Label]) -> AsyncIterator[Label]:
    feed = client.labels()
    while wanted - found.keys():
        async for label in feed:
            if label.id in wanted:
                yield label
