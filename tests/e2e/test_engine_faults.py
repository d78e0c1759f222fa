"""An engine that fails and babbles: every pair ends, no label is lost, and none is invented."""

import asyncio
from pathlib import Path

from selfref import AsyncClient
from selfref.client import JudgmentFailed
from selfref.messages import FailureCode, Judgment
from tests.stacks import UpProcess
from tests.stub_engine import StubEngine


async def test_engine_faults_lose_no_label_and_invent_none(tmp_path: Path) -> None:
    with StubEngine("--errors-503", "0.05", "--garbage", "0.05", "--seed", "7") as engine:
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
    assert {end.code for end in failed} == {FailureCode.UNREADABLE_VERDICT}, "a 503 must cost no pair its label"


async def _end(client: AsyncClient, judgment_id: str) -> Judgment | JudgmentFailed:
    try:
        return await client.wait_for(judgment_id, timeout=90)
    except JudgmentFailed as failed:
        return failed
