"""The end of a pair: one script that does all of it or nothing."""

import orjson

from selfref.messages import Failure, Judgment, Label, Lane, Usage, Work
from selfref.store.calls import new_call
from selfref.store.documents import pack
from selfref.store.judgments import FINISHED_CAP
from selfref.store.keys import GROUP, Keys, failure_sequence, result_sequence
from selfref.store.pipeline import Pipeline
from selfref.store.tallies import Tally
from selfref.store.usage import pack_usage
from selfref.store.wire import Argument

DEAD_LETTERS_CAP = 100_000  # kept per shard; the pairs themselves expire with their retention


async def end_judged(
    pipeline: Pipeline,
    judgment: Judgment,
    label: Label,
    *,
    tally: Tally,
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
                keys.tallies(tenant),
            ],
            args=[
                judgment.id,
                new_call(),
                GROUP,
                entry_id,
                pack(judgment.model_dump_json()),
                "decided" if judgment.verdict.decided else judgment.verdict.value,
                pack(label.model_dump_json()),
                round(retention * 1000),
                FINISHED_CAP,
                *tally.arguments(),
            ],
        )
    )


async def end_failed(
    pipeline: Pipeline,
    failure: Failure,
    *,
    tally: Tally,
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
            keys=[
                keys.judgment(failure.id),
                keys.work(lane),
                keys.counts(tenant),
                keys.finished,
                keys.dead,
                keys.tallies(tenant),
            ],
            args=[
                failure.id,
                new_call(),
                GROUP,
                entry_id,
                pack(failure.model_dump_json()),
                round(retention * 1000),
                FINISHED_CAP,
                DEAD_LETTERS_CAP,
                tenant,
                failure.error.code.value,
                failure.error.message,
                failure.finished_at.isoformat(),
                *tally.arguments(),
            ],
        )
    )


async def end_judged_of_job(
    pipeline: Pipeline,
    judgment: Judgment,
    label: Label,
    *,
    tally: Tally,
    work: Work,
    job_id: str,
    keys: Keys,
    entry_id: str,
) -> bool:
    """Add a judgment to its job, and its label to the feed; a hidden check is only noted. True when this call did it.

    Whoever ends the pair's one live entry ends the pair. A call that is repeated after a lost reply is answered False.
    """
    noted: list[Argument] = [_check_field(work), _reading(judgment, work)] if work.check or work.repeated else []
    if work.check is not None:
        return await _end_check(pipeline, noted, judgment.usage, job_id=job_id, keys=keys, entry_id=entry_id)
    return bool(
        await pipeline.run(
            "judge_of_job",
            keys=[
                keys.job(job_id),
                keys.work(Lane.BATCH),
                keys.sequence(result_sequence(job_id)),
                keys.labels(work.tenant),
                keys.tallies(work.tenant),
                *([keys.checks(job_id)] if noted else []),
            ],
            args=[
                GROUP,
                entry_id,
                pack(judgment.model_dump_json()),
                pack(label.model_dump_json()),
                "decided" if judgment.verdict.decided else judgment.verdict.value,
                pack_usage(judgment.usage),
                *tally.arguments(),
                *noted,
            ],
        )
    )


async def end_failed_of_job(
    pipeline: Pipeline,
    failure: Failure,
    *,
    tally: Tally,
    tenant: str,
    check: str | None,
    job_id: str,
    keys: Keys,
    entry_id: str,
) -> bool:
    """Add a failure to its job; of a hidden check, whose kind `check` is, only note it. True when this call did it."""
    if check is not None:
        field = f"{check}:{failure.id.rpartition('.')[2]}"
        reading: list[Argument] = [field, orjson.dumps({"failed": failure.error.code.value})]
        return await _end_check(pipeline, reading, Usage(), job_id=job_id, keys=keys, entry_id=entry_id)
    return bool(
        await pipeline.run(
            "fail_of_job",
            keys=[
                keys.job(job_id),
                keys.work(Lane.BATCH),
                keys.sequence(failure_sequence(job_id)),
                keys.tallies(tenant),
            ],
            args=[GROUP, entry_id, pack(failure.model_dump_json()), *tally.arguments()],
        )
    )


async def _end_check(
    pipeline: Pipeline, reading: list[Argument], usage: Usage, *, job_id: str, keys: Keys, entry_id: str
) -> bool:
    return bool(
        await pipeline.run(
            "check_of_job",
            keys=[keys.job(job_id), keys.work(Lane.BATCH), keys.checks(job_id)],
            args=[GROUP, entry_id, *reading, pack_usage(usage)],
        )
    )


def _check_field(work: Work) -> str:
    return f"{work.check.kind if work.check else 'first'}:{work.id.rpartition('.')[2]}"


def _reading(judgment: Judgment, work: Work) -> bytes:
    reading = {"verdict": judgment.verdict.value, "log_odds": judgment.log_odds}
    return orjson.dumps(reading | (work.check.model_dump(exclude_none=True) if work.check else {}))
