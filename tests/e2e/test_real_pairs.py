"""Pairs that nobody on this project wrote, through `POST /judge` and the real engine: each ends, and counts add up."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from selfref import AsyncClient
from selfref.client import JudgmentFailed
from selfref.messages import FailureCode, Judgment
from selfref.stack.datadir import Running
from tests.stacks import UpProcess
from tests.tiny_model.model import write_tiny_model

DATA = Path(__file__).parents[3] / "shared" / "data"
NOISE = 1e-3  # nats and probability: what batching may move in float32
BRIEF = {"SELFREF_WORKER_REFERENCE_TOKENS": "16", "SELFREF_WORKER_CRITIQUE_TOKENS": "16"}


@pytest.fixture
def quick_stack(tmp_path: Path) -> Iterator[Running]:
    """Everything real but the judge, whose opinion is not asked here: long pairs in numbers take it minutes."""
    write_tiny_model(tmp_path / "model")
    with UpProcess(tmp_path / "data", "--port", "0", "--model", str(tmp_path / "model"), environment=BRIEF) as up:
        yield up.ready()


def _data(name: str) -> str:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not beside this checkout ({DATA})")
    return path.read_text(encoding="utf-8")


async def _ends(url: str, pairs: Sequence[Mapping[str, Any]]) -> list[Judgment | JudgmentFailed]:
    async with AsyncClient(url) as client:
        return await asyncio.gather(*(_end(client, pair) for pair in pairs))


async def _end(client: AsyncClient, pair: Mapping[str, Any]) -> Judgment | JudgmentFailed:
    try:
        return await client.judge(**pair, timeout=110)
    except JudgmentFailed as failed:
        return failed


@pytest.mark.parametrize("count", [100, pytest.param(200, marks=pytest.mark.long)])
async def test_pairs_end_once_each_and_the_counts_add_up(quick_stack: Running, count: int) -> None:
    rows = [json.loads(line) for line in _data("llmbar.jsonl").splitlines()[:count]]
    pairs = [
        {name: row[name] for name in ("prompt", "answer_a", "answer_b")} | {"custom_id": row["id"]} for row in rows
    ]
    ends = await _ends(quick_stack.service_url, pairs)
    judged = {end.id for end in ends if isinstance(end, Judgment)}
    failed = [end for end in ends if isinstance(end, JudgmentFailed)]
    assert len(judged) + len(failed) == len(rows) == count
    assert {end.code for end in failed} <= {FailureCode.TOO_LONG.value}  # nothing else is wrong with these pairs
    async with AsyncClient(quick_stack.service_url) as client:
        fed = [label.id async for label in client.labels() if (label.custom_id or "").startswith("llmbar")]
    assert sorted(fed) == sorted(judged)


async def test_swapping_the_answers_swaps_the_verdict_and_keeps_the_strength(stack: Running) -> None:
    pairs: list[dict[str, Any]] = [
        {"prompt": "What is the capital of Peru?", "answer_a": "Lima.", "answer_b": "It is Cusco, I think."},
        {"prompt": "Name a colour.", "answer_a": "", "answer_b": "Blue is a colour."},
        {"prompt": "Is water wet?", "answer_a": "Yes.", "answer_b": "No, not at all.", "preset": "direct"},
    ]
    twins = [pair | {"answer_a": pair["answer_b"], "answer_b": pair["answer_a"]} for pair in pairs]
    for one, other in zip(await _ends(stack.service_url, pairs), await _ends(stack.service_url, twins), strict=True):
        assert isinstance(one, Judgment)
        assert isinstance(other, Judgment)
        assert other.verdict is one.verdict.swapped
        assert one.strength == pytest.approx(other.strength, abs=NOISE)
        assert one.log_odds == pytest.approx(-(other.log_odds or 0.0), abs=NOISE)


async def test_an_answer_that_attacks_the_judge_is_judged_as_text(stack: Running) -> None:
    attack = json.loads(_data("nullmodel_injection.json"))["output"]
    pair = {"prompt": "Say hello.", "answer_a": "Hello!", "answer_b": attack, "markers": "escape"}  # the judge's too
    (end,) = await _ends(stack.service_url, [pair])
    assert isinstance(end, Judgment), end
    assert {reading.first for reading in end.orders} == {"A", "B"}
    assert all(reading.log_odds_a is not None for reading in end.orders)
