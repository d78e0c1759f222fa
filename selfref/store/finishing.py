"""The end of a pair: one script that does all of it or nothing."""

from selfref.messages import Failure, Judgment, Label, Lane
from selfref.store.calls import new_call
from selfref.store.judgments import FINISHED_CAP
from selfref.store.keys import GROUP, Keys
from selfref.store.pipeline import Pipeline

DEAD_LETTERS_CAP = 100_000  # kept per shard; the pairs themselves expire with their retention


async def end_judged(
    pipeline: Pipeline,
    judgment: Judgment,
    label: Label,
    *,
    keys: Keys,
    tenant: str,
    lane: Lane,
    entry_id: str,
    retention: float,
) -> bool:
    """Publish a judgment and its label, unless the pair has ended already. True when this call was the one."""
    return bool(
        await pipeline.run(
            "judge",
            keys=[
                keys.judgment(judgment.id),
                keys.work(lane),
                keys.counts(tenant),
                keys.finished,
                keys.labels(tenant),
            ],
            args=[
                judgment.id,
                new_call(),
                GROUP,
                entry_id,
                judgment.model_dump_json(),
                "decided" if judgment.verdict.decided else judgment.verdict.value,
                label.model_dump_json(),
                round(retention * 1000),
                FINISHED_CAP,
            ],
        )
    )


async def end_failed(
    pipeline: Pipeline,
    failure: Failure,
    *,
    keys: Keys,
    tenant: str,
    lane: Lane,
    entry_id: str,
    retention: float,
) -> bool:
    """Publish a failure and its dead letter, unless the pair has ended already. True when this call was the one."""
    return bool(
        await pipeline.run(
            "fail",
            keys=[keys.judgment(failure.id), keys.work(lane), keys.counts(tenant), keys.finished, keys.dead],
            args=[
                failure.id,
                new_call(),
                GROUP,
                entry_id,
                failure.model_dump_json(),
                round(retention * 1000),
                FINISHED_CAP,
                DEAD_LETTERS_CAP,
                tenant,
                failure.error.code.value,
                failure.error.message,
                failure.finished_at.isoformat(),
            ],
        )
    )
