"""The stub engine speaks TGI well enough for the worker's own adapter, self-test included, and fails as it is told."""

import asyncio
import contextlib
from collections import Counter

import httpx2
import pytest

from selfref.messages import ChatMessage, Comparison
from tests.selfref.bench.stub_process import stub_tgi
from worker.engines import open_engine
from worker.engines.protocol import Engine, LabelLogProbs, Prompt, Sampling
from worker.errors import EngineOverloaded, EngineUnavailable, UnreadableVerdict
from worker.prompts import load_prompts

PROMPTS = load_prompts()


@contextlib.asynccontextmanager
async def judge_of_words(url: str):
    opened = await open_engine("tgi", url, verdict=PROMPTS.verdict)
    yield opened
    await opened.aclose()


async def shown(engine: Engine, first: str, second: str) -> Prompt:
    turn = PROMPTS.critique_turn(Comparison(prompt="q?", answer_a=first, answer_b=second))
    asked = ChatMessage(role="user", content="q?"), ChatMessage(role="assistant", content="my answer")
    return await engine.prepare((*asked, ChatMessage(role="user", content=turn)))


async def verdict(engine: Engine, first: str, second: str) -> LabelLogProbs:
    prompt = await shown(engine, first, second)
    critique = await engine.generate(prompt, sampling=Sampling(), max_new_tokens=512)
    reading = await engine.read_verdict(prompt, critique)
    assert isinstance(reading, LabelLogProbs)
    return reading


async def stats(url: str) -> dict[str, object]:
    async with httpx2.AsyncClient() as http:
        return (await http.get(f"{url}/stats")).json()


async def test_the_answer_with_good_in_it_wins_in_either_slot():
    with stub_tgi() as url:
        async with judge_of_words(url) as engine:
            assert engine.describe().details["label_ids"] == [319, 350]
            first = await verdict(engine, "a GOOD one", "a bad one")
            second = await verdict(engine, "a bad one", "a GOOD one")
            neither = await verdict(engine, "this", "that")
            assert first.first - first.second == pytest.approx(second.second - second.first)
            assert first.first > first.second
            assert neither.first == neither.second
            assert first.mass == pytest.approx(1, abs=0.01)


async def test_a_turn_is_counted_and_cut_as_tgi_does():
    with stub_tgi() as url:
        async with judge_of_words(url) as engine:
            prompt = await shown(engine, "GOOD", "bad")
            whole = await engine.generate(prompt, sampling=Sampling(), max_new_tokens=512)
            cut = await engine.generate(prompt, sampling=Sampling(), max_new_tokens=5)
            assert whole.finish_reason == "stop"
            assert whole.usage.completion_tokens == len(whole.text.split())
            assert (cut.finish_reason, len(cut.text.split())) == ("length", 5)


async def test_calls_take_the_latency_and_are_counted():
    with stub_tgi("--latency-ms", "100") as url:
        async with judge_of_words(url) as engine:
            prompt = await shown(engine, "GOOD", "bad")
            async with httpx2.AsyncClient() as http:
                await http.post(f"{url}/stats")
            await asyncio.gather(*(engine.generate(prompt, sampling=Sampling(), max_new_tokens=9) for _ in range(7)))
            seen = await stats(url)
            assert (seen["calls"], seen["max_in_flight"], seen["in_flight"]) == ({"/generate": 7}, 7, 0)
            assert 0.69 < seen["busy_seconds"] < 7
            assert seen["span_seconds"] > 0.099  # 0.1, but for the last digit of two clock readings


async def test_a_call_over_the_limit_is_refused_at_once():
    with stub_tgi("--latency-ms", "200", "--limit", "2") as url:
        async with judge_of_words(url) as engine:
            prompt = await shown(engine, "GOOD", "bad")
            calls = (engine.generate(prompt, sampling=Sampling(), max_new_tokens=9) for _ in range(5))
            ended = await asyncio.gather(*calls, return_exceptions=True)
            assert Counter(map(type, ended))[EngineOverloaded] == 3
            assert (await stats(url))["rejected_429"] == 3


async def test_errors_are_drawn_from_the_seed():
    async def outcomes(url: str) -> list[int]:
        body = {"inputs": "x", "parameters": {"max_new_tokens": 2}}
        async with httpx2.AsyncClient() as http:
            return [(await http.post(f"{url}/generate", json=body)).status_code for _ in range(200)]

    drawn = []
    for seed in ("1", "1", "2"):
        with stub_tgi("--errors-503", "0.2", "--seed", seed) as url:
            drawn.append(await outcomes(url))
    assert drawn[0] == drawn[1] != drawn[2]
    assert set(drawn[0]) == {200, 503}
    assert 20 <= drawn[0].count(503) <= 60


async def test_a_503_is_an_engine_that_is_away():
    with stub_tgi("--errors-503", "1") as url, pytest.raises(EngineUnavailable):
        await open_engine("tgi", url, verdict=PROMPTS.verdict)


async def test_garbage_has_no_label_even_under_a_grammar_and_stays_garbage():
    with stub_tgi("--garbage", "1") as url:
        async with judge_of_words(url) as engine:  # the self-test's probe is spared
            assert engine.describe().details["grammar"] is True
            for _ in range(2):
                with pytest.raises(UnreadableVerdict):
                    await verdict(engine, "GOOD", "bad")


async def test_a_share_of_garbage_is_a_share_of_texts():
    with stub_tgi("--garbage", "0.3", "--seed", "5") as url:
        async with judge_of_words(url) as engine:
            rounds = []
            for _ in range(2):
                calls = (verdict(engine, f"GOOD {number}", "bad") for number in range(60))
                rounds.append([type(each) for each in await asyncio.gather(*calls, return_exceptions=True)])
    assert rounds[0] == rounds[1]
    assert 6 <= rounds[0].count(UnreadableVerdict) <= 32
    assert set(rounds[0]) == {UnreadableVerdict, LabelLogProbs}
