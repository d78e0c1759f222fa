"""When new prompts interrupt running texts, and where the model thread's time is counted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from engine.metrics import Metrics
from engine.model import load_model
from engine.request import Delivery, Job, Ticket
from engine.scheduler import Limits, Scheduler
from engine.tokens import Vocabulary

NEVER = 1_000_000  # decoding steps
LONG = 400  # tokens


@asynccontextmanager
async def scheduling(
    folder: Path, vocabulary: Vocabulary, *, served_ratio: float, waiting_steps: int, metrics: Metrics
) -> AsyncIterator[Scheduler]:
    """A running scheduler of a model that never ends a text by itself."""
    model = replace(load_model(folder, device="cpu", dtype="float32"), eos_ids=frozenset())
    limits = Limits(
        *(8, 4096, 8192, 0),
        served_ratio=served_ratio,
        waiting_steps=waiting_steps,
    )
    scheduler = Scheduler(model, vocabulary, limits=limits, metrics=metrics)
    scheduler.start()
    try:
        yield scheduler
    finally:
        scheduler.stop()


def submitted(scheduler: Scheduler, *, tokens: int) -> Ticket:
    """A text in flight whose tokens can be waited for."""
    ticket = Ticket(job=Job(prompt=[1, 5, 7], max_new_tokens=tokens), delivery=Delivery.EACH_TOKEN)
    scheduler.submit(ticket)
    return ticket


async def written(ticket: Ticket, *, tokens: int) -> None:
    """Return once so many tokens are written."""
    async with asyncio.timeout(60):
        while ticket.published < tokens:
            await ticket.news.wait()
            ticket.news.clear()


async def test_one_prompt_waits_for_company_and_two_interrupt(folder: Path, vocabulary: Vocabulary) -> None:
    async with scheduling(folder, vocabulary, served_ratio=0.5, waiting_steps=NEVER, metrics=Metrics()) as scheduler:
        running = [submitted(scheduler, tokens=LONG) for _ in range(4)]
        await written(running[-1], tokens=2)
        first = submitted(scheduler, tokens=1)
        await written(running[0], tokens=running[0].published + 20)
        assert first.started_at is None
        second = submitted(scheduler, tokens=1)
        await asyncio.gather(first.result(), second.result())
        assert first.started_at == second.started_at  # in one forward call
        assert not running[0].ended


async def test_a_prompt_waits_only_so_many_steps(folder: Path, vocabulary: Vocabulary) -> None:
    async with scheduling(folder, vocabulary, served_ratio=1.0, waiting_steps=5, metrics=Metrics()) as scheduler:
        running = [submitted(scheduler, tokens=LONG) for _ in range(4)]
        await written(running[-1], tokens=2)
        for _ in range(2):
            await submitted(scheduler, tokens=1).result()
        assert not running[0].ended


async def test_time_in_the_model_is_part_of_the_time_busy(folder: Path, vocabulary: Vocabulary) -> None:
    metrics = Metrics()
    async with scheduling(folder, vocabulary, served_ratio=0, waiting_steps=0, metrics=metrics) as scheduler:
        await submitted(scheduler, tokens=50).result()
    samples = dict(line.rsplit(" ", 1) for line in metrics.exposition().decode().splitlines() if line[0] != "#")
    inside = sum(float(samples[f'tgi_batch_forward_duration_sum{{method="{name}"}}']) for name in ("prefill", "decode"))
    assert 0 < inside < float(samples["engine_busy_seconds"]) < 60
