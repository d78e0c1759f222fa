"""The machine goes away in the middle of the work: the next start loses nothing, and makes no label twice."""

import asyncio
import contextlib
import signal
from pathlib import Path

from selfref import AsyncClient
from selfref.client import JudgmentFailed
from selfref.messages import FailureCode, Judgment
from tests.stacks import UpProcess
from tests.worker.processes import StubEngine

PAIRS = 60
LEASE = {"SELFREF_WORKER_LEASE": "3"}  # seconds, so that what the dead workers held is taken over soon


async def test_a_stack_killed_with_work_in_flight_finishes_it_after_the_next_start(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with contextlib.closing(StubEngine("--latency-ms", "300")) as engine:
        options = ("--port", "0", "--engine-url", engine.url, "--workers", "2")
        stack = UpProcess(data_dir, *options, environment=LEASE)
        async with AsyncClient(stack.ready().service_url) as client:
            accepted = await asyncio.gather(
                *(client.submit(f"question {number}", "GOOD", "bad") for number in range(PAIRS))
            )
            await _until_some_are_judged(client)
        stack.end(signal.SIGKILL)
        with UpProcess(data_dir, *options, environment=LEASE) as again:
            async with AsyncClient(again.ready().service_url) as client:
                ends = await asyncio.gather(*(client.wait_for(state.id, timeout=90) for state in accepted))
                labels = [label async for label in client.labels()]
    assert all(isinstance(end, Judgment) and end.verdict == "A" for end in ends)
    assert sorted(label.id for label in labels) == sorted(state.id for state in accepted)


async def _until_some_are_judged(client: AsyncClient) -> None:
    """Wait for the first label; with this engine most pairs are then still in flight."""
    page = await client.label_page(wait=30)
    assert 0 < len(page.labels) < PAIRS


async def test_engine_faults_lose_no_label_and_invent_none(tmp_path: Path) -> None:
    with contextlib.closing(StubEngine("--errors-503", "0.05", "--garbage", "0.05", "--seed", "7")) as engine:
        with UpProcess(tmp_path / "data", "--port", "0", "--engine-url", engine.url) as stack:
            async with AsyncClient(stack.ready().service_url) as client:
                accepted = await asyncio.gather(
                    *(client.submit(f"question {number}", "bad", "GOOD") for number in range(200))
                )
                ends = await asyncio.gather(*(_end(client, state.id) for state in accepted))
                labels = {label.id: label async for label in client.labels()}
        assert engine.stats()["errors_503"] > 0
        assert engine.stats()["garbage"] > 0
    judged = [end for end in ends if isinstance(end, Judgment)]
    failed = [end for end in ends if isinstance(end, JudgmentFailed)]
    assert set(labels) == {end.id for end in judged}
    assert all(labels[end.id].chosen == "GOOD" for end in judged)
    assert failed, "unreadable verdicts were to be expected"
    assert {end.code for end in failed} <= {FailureCode.UNREADABLE_VERDICT, FailureCode.ENGINE_UNAVAILABLE}


async def _end(client: AsyncClient, judgment_id: str) -> Judgment | JudgmentFailed:
    try:
        return await client.wait_for(judgment_id, timeout=90)
    except JudgmentFailed as failed:
        return failed
