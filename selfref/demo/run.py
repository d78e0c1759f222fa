"""Judge the built-in pairs against a service and tell what became of each; prints nothing."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from importlib import resources

from selfref.client import AsyncClient, JudgmentCanceled, JudgmentFailed
from selfref.messages import JudgeRequest, Judgment, Label, Verdict

SWAPPED = "-swapped"  # ends the custom_id of a pair whose answers are those of another, the other way round
FEED_SECONDS = 30.0  # a label is there at once after its judgment; the rest is for a long feed


@dataclass(frozen=True)
class Outcome:
    """One pair and its end: a judgment, or the problem code of why there is none."""

    name: str
    judgment: Judgment | None
    failure: str | None = None

    @property
    def counted_as(self) -> str:
        """The one count that this pair belongs to."""
        if self.judgment is None:
            return self.failure if self.failure == "canceled" else "failed"
        return "decided" if self.judgment.verdict.decided else self.judgment.verdict.value


@dataclass(frozen=True)
class Twins:
    """A pair and its swapped twin."""

    name: str
    verdict: Verdict
    swapped: Verdict
    strengths: tuple[float | None, float | None]

    @property
    def consistent(self) -> bool:
        """Did swapping the answers swap the verdict?"""
        return self.verdict.swapped is self.swapped


def built_in_pairs() -> list[JudgeRequest]:
    """The pairs that are installed with this package."""
    lines = (resources.files(__package__) / "pairs.jsonl").read_bytes().splitlines()
    return [JudgeRequest.model_validate_json(line) for line in lines]


async def judge_all(
    client: AsyncClient, pairs: Sequence[JudgeRequest], *, done: Callable[[Outcome], None]
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


def counts(outcomes: Sequence[Outcome]) -> Counter[str]:
    """How many pairs ended in each way; they add up to the number of pairs."""
    return Counter(outcome.counted_as for outcome in outcomes)


def twins(outcomes: Sequence[Outcome]) -> list[Twins]:
    """Every judged pair whose swapped twin was judged too."""
    judged = {outcome.name: outcome.judgment for outcome in outcomes if outcome.judgment is not None}
    return [
        Twins(name, judgment.verdict, twin.verdict, (judgment.strength, twin.strength))
        for name, judgment in judged.items()
        if (twin := judged.get(name + SWAPPED)) is not None
    ]


async def _judge(client: AsyncClient, pair: JudgeRequest, *, done: Callable[[Outcome], None]) -> Outcome:
    name = pair.custom_id or str(uuid.uuid4())
    how = pair.model_dump(exclude_unset=True, exclude={"prompt", "answer_a", "answer_b"})
    try:
        outcome = Outcome(name, await client.judge(pair.prompt, pair.answer_a, pair.answer_b, **how))
    except (JudgmentFailed, JudgmentCanceled) as ending:
        outcome = Outcome(name, None, failure=ending.code)
    done(outcome)
    return outcome


async def _until_all(client: AsyncClient, wanted: set[str], found: dict[str, Label]) -> AsyncIterator[Label]:
    feed = client.labels()
    while wanted - found.keys():
        async for label in feed:
            if label.id in wanted:
                yield label
