"""The chat routes: templates, continued turns, log-probabilities, response formats, streams."""

import json
import re
from typing import Any

import pytest

from engine.tokens import Vocabulary
from tests.engine.reference import greedy
from tests.engine.serving import Served

QUESTION = {"role": "user", "content": "Which is better?"}


def ask(engine: Served, *messages: dict[str, Any], **options: Any) -> dict[str, Any]:
    body = {"messages": list(messages), "temperature": 0, "max_tokens": 8, **options}
    answer = engine.post("/v1/chat/completions", body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_prompt_is_the_rendered_template_with_one_bos(engine: Served, vocabulary: Vocabulary) -> None:
    turns = [{"role": "system", "content": "Be fair."}, QUESTION, {"role": "assistant", "content": "A."}, QUESTION]
    answer = engine.post("/chat_tokenize", {"messages": turns}).json()
    assert answer["templated_text"] == (
        "<s>[INST] <<SYS>>\nBe fair.\n<</SYS>>\n\nWhich is better? [/INST] A. </s><s>[INST] Which is better? [/INST]"
    )
    assert answer["templated_text"] == vocabulary.tokenizer.apply_chat_template(turns, tokenize=False)
    ids = [token["id"] for token in answer["tokenize_response"]]
    assert ids == vocabulary.tokenizer.apply_chat_template(turns, tokenize=True, return_dict=False)
    assert ids[:2] != [1, 1]
    assert ask(engine, *turns)["usage"]["prompt_tokens"] == len(ids)


def test_temperature_zero_is_greedy(engine: Served, vocabulary: Vocabulary, model: Any) -> None:
    ids = vocabulary.tokenizer.apply_chat_template([QUESTION], tokenize=True, return_dict=False)
    truth = greedy(model, ids, 8)
    answer = ask(engine, QUESTION)
    assert answer["choices"][0]["message"]["content"] == vocabulary.continuation(ids, truth.ids)
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["choices"][0]["logprobs"] is None
    assert answer["usage"] == {
        "prompt_tokens": len(ids), "completion_tokens": 8, "total_tokens": len(ids) + 8,
    }  # fmt: skip


def test_without_a_temperature_it_samples(engine: Served) -> None:
    texts = {ask(engine, QUESTION, temperature=None)["choices"][0]["message"]["content"] for _ in range(4)}
    assert len(texts) > 1


def test_a_last_assistant_message_is_continued(engine: Served, vocabulary: Vocabulary, model: Any) -> None:
    opening = "I have thought about it. The better response is Response"
    text = f"<s>[INST] Which is better? [/INST] {opening}"
    turns = [QUESTION, {"role": "assistant", "content": opening}]
    assert engine.post("/chat_tokenize", {"messages": turns}).json()["templated_text"] == text
    truth = greedy(model, vocabulary.encode(text, special=False).ids, 1)
    answer = ask(engine, *turns, max_tokens=1, logprobs=True, top_logprobs=5)
    [place] = answer["choices"][0]["logprobs"]["content"]
    best = truth.distributions[0].topk(5)
    assert place["logprob"] == pytest.approx(truth.logprobs[0], abs=1e-4)
    assert [one["logprob"] for one in place["top_logprobs"]] == pytest.approx(best.values.tolist(), abs=1e-4)
    assert [one["token"] for one in place["top_logprobs"]] == [
        vocabulary.alone(token) for token in best.indices.tolist()
    ]


def test_a_response_format_binds_a_chat(engine: Served) -> None:
    answer = ask(engine, QUESTION, response_format={"type": "regex", "value": "Response (A|B)"}, max_tokens=30)
    assert re.fullmatch("Response (A|B)", answer["choices"][0]["message"]["content"])
    assert answer["choices"][0]["finish_reason"] == "stop"


def test_a_stop_sequence_is_named_so(engine: Served) -> None:
    first = ask(engine, QUESTION, logprobs=True)["choices"][0]["logprobs"]["content"][0]["token"]
    answer = ask(engine, QUESTION, stop=[first])
    assert answer["choices"][0]["finish_reason"] == "stop_sequence"
    assert answer["choices"][0]["message"]["content"] == first


def test_messages_that_the_template_refuses_are_a_template_error(engine: Served) -> None:
    answer = engine.post("/v1/chat/completions", {"messages": [QUESTION, QUESTION]})
    assert answer.status_code == 422
    assert answer.json()["error_type"] == "template_error"
    assert "roles must alternate" in answer.json()["error"]
    assert engine.post("/v1/chat/completions", {"messages": []}).json()["error_type"] == "template_error"


@pytest.mark.parametrize(
    ("options", "status"),
    [({"top_p": 1.0}, 422), ({"temperature": -1}, 422), ({"top_logprobs": 6}, 422), ({"tools": [{}]}, 422)],
)
def test_wrong_chat_parameters_are_refused(engine: Served, options: dict[str, Any], status: int) -> None:
    answer = engine.post("/v1/chat/completions", {"messages": [QUESTION], "max_tokens": 1, **options})
    assert answer.status_code == status
    assert set(answer.json()) == {"error", "error_type"}


def test_parts_of_text_are_one_message(engine: Served) -> None:
    parts = {"role": "user", "content": [{"type": "text", "text": "Which is "}, {"type": "text", "text": "better?"}]}
    rendered = [engine.post("/chat_tokenize", {"messages": [turn]}).json() for turn in (parts, QUESTION)]
    assert rendered[0] == rendered[1]


def test_a_chat_stream_adds_up_and_ends(engine: Served) -> None:
    whole = ask(engine, QUESTION)
    body = {
        "messages": [QUESTION], "temperature": 0, "max_tokens": 8, "stream": True, "logprobs": True,
        "stream_options": {"include_usage": True},
    }  # fmt: skip
    lines = [line for line in engine.post("/v1/chat/completions", body).text.split("\n\n") if line]
    assert lines[-1] == "data: [DONE]"
    *chunks, last = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    text = "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks)
    assert text == whole["choices"][0]["message"]["content"]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * 7 + ["length"]
    assert all(len(chunk["choices"][0]["logprobs"]["content"]) == 1 for chunk in chunks)
    assert (last["choices"], last["usage"]) == ([], whole["usage"])


def test_an_error_in_a_chat_stream_is_an_event(engine: Served) -> None:
    body = {"messages": [QUESTION], "max_tokens": 10_000, "stream": True}
    answer = engine.post("/v1/chat/completions", body)
    assert answer.status_code == 200
    error = json.loads(answer.text.split("\n\n")[0].removeprefix("data: "))["error"]
    assert error["http_status_code"] == 422
    assert "`inputs` tokens + `max_new_tokens` must be <= 4096" in error["message"]


def test_completions_take_several_prompts(engine: Served) -> None:
    body = {"prompt": ["Hello", "The answer is"], "max_tokens": 5, "temperature": 0}
    answer = engine.post("/v1/completions", body).json()
    texts = [engine.generate(prompt, max_new_tokens=5)["generated_text"] for prompt in body["prompt"]]  # type: ignore[attr-defined]
    assert [choice["text"] for choice in answer["choices"]] == texts
    assert engine.post("/v1/completions", {"prompt": ["x"] * 5}).json()["error_type"] == "batch size exceeded"
    assert engine.post("/v1/completions", {"prompt": "x", "suffix": "y"}).json()["error_type"] == "suffix not supported"
    stream = engine.post("/v1/completions", {**body, "prompt": "Hello", "stream": True}).text
    events = [json.loads(line.removeprefix("data: ")) for line in stream.split("\n\n")[:-2]]
    assert "".join(event["choices"][0]["text"] for event in events) == texts[0]
