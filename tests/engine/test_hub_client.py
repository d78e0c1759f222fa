"""The real huggingface_hub client, sync and async, against the engine."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import AsyncInferenceClient, InferenceClient
from huggingface_hub.errors import HfHubHTTPError, OverloadedError, ValidationError

from tests.engine.serving import Served, serving, until


@pytest.fixture(scope="module")
def client(engine: Served) -> Iterator[InferenceClient]:
    with InferenceClient(base_url=engine.url, api_key="-", timeout=60) as found:
        yield found


def test_text_generation_with_details(client: InferenceClient) -> None:
    answer = client.text_generation(
        "The answer is", max_new_tokens=6, details=True, top_n_tokens=3, return_full_text=False
    )
    assert answer.details is not None
    assert (answer.details.finish_reason, answer.details.generated_tokens) == ("length", 6)
    assert "".join(token.text for token in answer.details.tokens) == answer.generated_text
    assert [len(top) for top in answer.details.top_tokens or []] == [3] * 6


def test_text_generation_streams(client: InferenceClient) -> None:
    whole = client.text_generation("Hello", max_new_tokens=6, return_full_text=False)
    assert "".join(client.text_generation("Hello", max_new_tokens=6, stream=True)) == whole
    *_, last = client.text_generation("Hello", max_new_tokens=6, stream=True, details=True, return_full_text=False)
    assert last.generated_text == whole
    assert last.details is not None
    assert last.details.input_length == 5


def test_a_wrong_value_is_a_validation_error(client: InferenceClient) -> None:
    with pytest.raises(ValidationError, match="must be <= 4096"):
        client.text_generation("Hello", max_new_tokens=10_000)
    with pytest.raises(ValidationError, match="`top_p` must be"):
        list(client.text_generation("Hello", top_p=1.0, stream=True))
    with pytest.raises(HfHubHTTPError, match="roles must alternate"):
        client.chat_completion([{"role": "assistant", "content": "x"}] * 2)


def test_too_many_callers_are_an_overloaded_error(folder: Path) -> None:
    with contextlib.ExitStack() as stack:
        served = stack.enter_context(serving(folder, max_concurrent_requests=1))
        client = stack.enter_context(InferenceClient(base_url=served.url, api_key="-", timeout=60))
        tokens = iter(client.text_generation("Hello", max_new_tokens=4000, stream=True))
        assert next(tokens)
        with pytest.raises(OverloadedError, match="Model is overloaded"):
            client.text_generation("Hello", max_new_tokens=1)
        del tokens
        until(lambda: served.post("/generate", {"inputs": "x", "parameters": {"max_new_tokens": 1}}).is_success)


async def test_chat_completion_with_logprobs_and_streams(engine: Served) -> None:
    turns = [{"role": "user", "content": "Hello"}]
    async with AsyncInferenceClient(base_url=engine.url, api_key="-", timeout=60) as client:
        answer = await client.chat_completion(
            turns, max_tokens=5, temperature=0.0, logprobs=True, top_logprobs=2, model="tgi"
        )
        stream = await client.chat_completion(turns, max_tokens=5, temperature=0.0, stream=True, model="tgi")
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        regex = {"type": "regex", "value": "yes|no"}
        bound = await client.chat_completion(turns, max_tokens=5, temperature=0.0, response_format=regex)
    assert answer.choices[0].logprobs is not None
    places = answer.choices[0].logprobs.content
    assert [len(place.top_logprobs) for place in places] == [2] * 5
    assert all(place.logprob == place.top_logprobs[0].logprob for place in places)
    assert text == answer.choices[0].message.content
    assert bound.choices[0].message.content in ("yes", "no")
