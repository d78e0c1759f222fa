"""What text-generation-inference does on its native routes, row by row."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from engine.tokens import Vocabulary
from tests.engine.serving import Served, serving

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"best_of": 2}, "you must use sampling when `best_of` is > 1"),
    ({"best_of": 3, "do_sample": True}, "`best_of` must be > 0 and <= 2. Given: 3"),
    ({"best_of": 2, "do_sample": True, "seed": 1}, "`seed` must not be set when `best_of` > 1"),
    ({"temperature": 0.0}, "`temperature` must be strictly positive"),
    ({"repetition_penalty": 0}, "`repetition_penalty` must be strictly positive"),
    ({"frequency_penalty": 2.5}, "`frequency_penalty` must be >= -2.0 and <= 2.0"),
    ({"top_p": 1.0}, "`top_p` must be > 0.0 and < 1.0"),
    ({"top_p": 0.0}, "`top_p` must be > 0.0 and < 1.0"),
    ({"typical_p": 1.0}, "`typical_p` must be > 0.0 and < 1.0"),
    ({"top_k": 0}, "`top_k` must be strictly positive"),
    ({"max_new_tokens": 0}, "`max_new_tokens` must be strictly positive"),
    ({"stop": list("abcde")}, "`stop` supports up to 4 stop sequences. Given: 5"),
    ({"top_n_tokens": 6}, "`top_n_tokens` must be >= 0 and <= 5. Given: 6"),
    ({"truncate": 0}, "`truncate` must be strictly positive and less than 4095. Given: 0"),
    (
        {"max_new_tokens": 10_000},
        "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 2 `inputs` tokens and 10000 `max_new_tokens`",
    ),
    ({"grammar": {"type": "json", "value": {"type": "object"}}},
     "grammar is not valid: Grammar must have a 'properties' field"),
    ({"grammar": {"type": "json", "value": 3}}, "grammar is not supported"),
    ({"watermark": True}, "`watermark` is not supported by this engine"),
    ({"adapter_id": "x"}, "`adapter_id` is not supported by this engine: it serves one model without adapters"),
    # the first thing wrong is the one that is told
    ({"temperature": 0.0, "top_p": 1.0, "max_new_tokens": 0}, "`temperature` must be strictly positive"),
    ({"max_new_tokens": 0, "top_n_tokens": 6}, "`max_new_tokens` must be strictly positive"),
]  # fmt: skip

MISTYPED = [
    {"inputs": 3},
    {"parameters": {}},
    {"inputs": "x", "parameters": {"temperature": "1"}},
    {"inputs": "x", "parameters": {"max_new_tokens": -1}},
    {"inputs": "x", "parameters": {"max_new_tokens": 1.5}},
    {"inputs": "x", "parameters": {"do_sample": 1}},
    {"inputs": "x", "parameters": {"seed": 2**64}},
    {"inputs": "x", "parameters": {"grammar": {"type": "lark", "value": "x"}}},
    [],
]


@pytest.mark.parametrize(("parameters", "text"), REFUSED)
def test_wrong_values_are_refused_in_tgis_words(engine: Served, parameters: dict[str, Any], text: str) -> None:
    answer = engine.post("/generate", {"inputs": "x", "parameters": parameters})
    assert answer.status_code == 422
    assert answer.json() == {"error": f"Input validation error: {text}", "error_type": "validation"}


@pytest.mark.parametrize(("parameters", "text"), REFUSED)
def test_a_stream_says_the_same_inside_a_200(engine: Served, parameters: dict[str, Any], text: str) -> None:
    answer = engine.post("/generate_stream", {"inputs": "x", "parameters": parameters})
    assert answer.status_code == 200
    error = json.loads(answer.text.removeprefix("data: "))
    if parameters.get("best_of"):
        text = "`best_of` != 1 is not supported when streaming tokens"
    assert error == {"error": f"Input validation error: {text}", "error_type": "validation"}


@pytest.mark.parametrize("body", MISTYPED)
def test_wrong_types_are_refused_in_plain_text(engine: Served, body: Any) -> None:
    answer = engine.post("/generate", body)
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.startswith("Failed to deserialize the JSON body into the target type: ")


def test_what_is_not_json_is_refused_in_plain_text(engine: Served, folder: Path) -> None:
    def send(content: bytes, kind: str) -> httpx2.Response:
        headers = {"content-type": kind}
        return httpx2.post(f"{engine.url}/generate", content=content, headers=headers, trust_env=False)

    assert send(b'{"inputs":', "application/json").status_code == 400
    assert send(b'{"inputs":"\xff"}', "application/json").status_code == 400
    assert send(b'{"inputs":"x"}', "text/plain").status_code == 415
    assert send(b'{"inputs":"' + b"x" * 2_000_001 + b'"}', "application/json").status_code == 413
    assert engine.get("/nowhere").status_code == 404
    assert engine.get("/generate").status_code == 405


def test_empty_inputs_are_refused(engine: Served) -> None:
    answer = engine.post("/generate", {"inputs": ""})
    assert answer.json()["error"] == "Input validation error: `inputs` cannot be empty"


def test_absent_parameters_sample_and_empty_ones_do_not(engine: Served) -> None:
    bodies = [{"inputs": "x"}, {"inputs": "x", "parameters": {"details": True, "max_new_tokens": 2}}]
    bodies[0]["parameters"] = {"details": True, "max_new_tokens": 2, "do_sample": True}
    sampled, greedy = (engine.post("/generate", body).json()["details"]["seed"] for body in bodies)
    assert isinstance(sampled, int)
    assert greedy is None
    from engine.wire import GenerateRequest

    assert GenerateRequest.model_validate_json('{"inputs":"x"}').parameters.do_sample
    assert not GenerateRequest.model_validate_json('{"inputs":"x","parameters":{}}').parameters.do_sample


def test_bos_is_always_added_even_to_a_prompt_that_has_one(engine: Served, vocabulary: Vocabulary) -> None:
    tokens = engine.post("/tokenize", {"inputs": "<s>Hi A"}).json()
    assert [token["id"] for token in tokens[:2]] == [1, 1]
    assert tokens[-1] == {"id": vocabulary.encode(" A", special=False).ids[0], "text": " A", "start": 5, "stop": 7}
    answer = engine.post("/generate", {"inputs": "<s>Hi A", "parameters": {"max_new_tokens": 1}})
    assert answer.headers["x-prompt-tokens"] == str(len(tokens))


def test_what_is_empty_is_left_out_and_not_null(engine: Served) -> None:
    plain = engine.post("/generate", {"inputs": "x", "parameters": {"max_new_tokens": 1}}).json()
    assert set(plain) == {"generated_text"}
    details = engine.generate("x", max_new_tokens=1)["details"]
    assert set(details) == {"finish_reason", "generated_tokens", "seed", "prefill", "tokens"}
    assert details["prefill"] == []
    stream = engine.post("/generate_stream", {"inputs": "x", "parameters": {"max_new_tokens": 1}}).text
    assert set(json.loads(stream.removeprefix("data: "))) == {"index", "token", "generated_text", "details"}


def test_the_compat_route_answers_with_a_list_and_the_prompt(engine: Served) -> None:
    [answer] = engine.post("/", {"inputs": "Hello", "parameters": {"max_new_tokens": 2}}).json()
    assert answer["generated_text"].startswith("Hello")
    body = {"inputs": "Hello", "parameters": {"max_new_tokens": 2, "return_full_text": False}}
    [short] = engine.post("/", body).json()
    assert answer["generated_text"] == "Hello" + short["generated_text"]
    stream = engine.post("/", {**body, "stream": True})
    assert stream.headers["content-type"].startswith("text/event-stream")


def test_a_stop_sequence_stays_in_the_text(engine: Served) -> None:
    free = engine.generate("The answer is", max_new_tokens=30)
    tokens = [token["text"] for token in free["details"]["tokens"]]
    stop = tokens[4] + tokens[5][:1] if len(tokens[5]) == 1 else tokens[4]
    text = engine.generate("The answer is", max_new_tokens=30, stop=["never said", stop])
    assert text["details"]["finish_reason"] == "stop_sequence"
    assert text["generated_text"].endswith(stop)
    assert free["generated_text"].startswith(text["generated_text"])


def test_the_length_is_looked_at_before_the_end_of_the_text(engine: Served) -> None:
    only_eos = {"grammar": {"type": "regex", "value": ""}}
    assert engine.generate("x", max_new_tokens=1, **only_eos)["details"]["finish_reason"] == "length"
    ended = engine.generate("x", max_new_tokens=2, **only_eos)
    assert ended["details"]["finish_reason"] == "eos_token"
    assert ended["details"]["tokens"] == [{"id": 2, "text": "</s>", "logprob": 0.0, "special": True}]
    assert ended["generated_text"] == ""


def test_without_max_new_tokens_the_context_is_filled(folder: Path) -> None:
    with serving(folder, max_total_tokens=20) as served:
        details = served.generate("x", grammar={"type": "regex", "value": "[a-z]*"}, do_sample=True, seed=3)["details"]
        assert details["generated_tokens"] == 18 or details["finish_reason"] == "eos_token"
        details = served.generate("x")["details"]
        assert (details["generated_tokens"], details["finish_reason"]) == (18, "length")


def test_truncate_keeps_the_end(engine: Served) -> None:
    ids = engine.post("/tokenize", {"inputs": "one two three"}).json()
    cut = engine.post("/generate", {"inputs": "one two three", "parameters": {"truncate": 2, "max_new_tokens": 1}})
    assert cut.headers["x-prompt-tokens"] == "2"
    assert len(ids) > 2


def test_the_headers_tell_where_the_time_went(engine: Served) -> None:
    headers = engine.post("/generate", {"inputs": "été", "parameters": {"max_new_tokens": 3}}).headers
    assert (headers["x-compute-type"], headers["x-compute-characters"]) == ("cpu", "3")
    assert headers["x-generated-tokens"] == "3"
    for name in ("total", "validation", "queue", "inference"):
        assert int(headers[f"x-{name}-time"]) >= 0
    assert int(headers["x-time-per-token"]) >= 0
    assert float(headers["x-compute-time"]) > 0


def test_prompt_logprobs_are_empty_unless_the_server_allows_them(
    engine: Served, folder: Path, model: Any, vocabulary: Vocabulary
) -> None:
    import torch

    text = "The better response is Response A"
    assert engine.generate(text, max_new_tokens=1, decoder_input_details=True)["details"]["prefill"] == []
    with serving(folder, enable_prefill_logprobs=True) as served:
        served.generate(text, max_new_tokens=1)  # puts the prompt in the prefix cache, which must not be used now
        prefill = served.generate(text, max_new_tokens=1, decoder_input_details=True)["details"]["prefill"]
    ids = vocabulary.encode(text, special=True).ids
    with torch.inference_mode():
        truth = torch.log_softmax(model(torch.tensor([ids])).logits[0], dim=-1)
    assert [token["id"] for token in prefill] == ids
    assert prefill[0] == {"id": 1, "text": "<s>", "logprob": None}
    expected = [float(truth[place, token]) for place, token in enumerate(ids[1:])]
    assert [token["logprob"] for token in prefill[1:]] == pytest.approx(expected, abs=1e-4)


def test_best_of_gives_the_likeliest_first(engine: Served) -> None:
    details = engine.generate("x", max_new_tokens=6, best_of=2, do_sample=True)["details"]
    [other] = details["best_of_sequences"]
    assert _mean(details["tokens"]) >= _mean(other["tokens"])
    assert set(other) >= {"generated_text", "finish_reason", "generated_tokens", "seed", "prefill", "tokens"}


def test_a_stream_has_the_same_tokens_and_ends_with_the_text(engine: Served) -> None:
    whole = engine.generate("Hello", max_new_tokens=12, top_n_tokens=2)
    body = {"inputs": "Hello", "parameters": {"max_new_tokens": 12, "top_n_tokens": 2, "details": True}}
    lines = engine.post("/generate_stream", body).text.split("\n\n")
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line]
    assert [event["index"] for event in events] == list(range(1, 13))
    assert [event["token"]["id"] for event in events] == [token["id"] for token in whole["details"]["tokens"]]
    assert all(event["generated_text"] is None and event["details"] is None for event in events[:-1])
    assert events[-1]["generated_text"] == whole["generated_text"]
    assert events[-1]["details"] == {
        "finish_reason": "length", "generated_tokens": 12, "seed": None, "input_length": 5,
    }  # fmt: skip


def test_a_character_in_several_tokens_appears_when_it_is_complete(engine: Served, vocabulary: Vocabulary) -> None:
    grammar = {"type": "regex", "value": "a🙂b"}
    details = engine.generate("x", max_new_tokens=20, grammar=grammar)
    assert details["generated_text"] == "a🙂b"
    assert "".join(token["text"] for token in details["details"]["tokens"]) == "a🙂b</s>"


def test_info_and_models_describe_the_engine(engine: Served) -> None:
    info = engine.get("/info").json()
    assert (info["model_id"], info["model_sha"], info["model_dtype"]) == ("tiny/noise", "r1", "float32")
    assert (info["max_input_tokens"], info["max_total_tokens"]) == (4095, 4096)
    assert engine.get("/v1/models").json()["data"][0]["id"] == "tiny/noise"
    for path in ("/", "/health", "/ping"):
        assert (engine.get(path).status_code, engine.get(path).text) == (200, "")


def test_metrics_have_tgis_names(engine: Served) -> None:
    before = engine.metric("tgi_request_success")
    refused = engine.metric('tgi_request_failure{err="validation"}')
    engine.generate("x", max_new_tokens=2)
    engine.post("/generate", {"inputs": ""})
    assert engine.metric("tgi_request_success") == before + 1
    assert engine.metric('tgi_request_failure{err="validation"}') == refused + 1
    assert engine.metric("tgi_request_count") >= 2
    assert engine.metric("tgi_request_generated_tokens_sum") > 0


def _mean(tokens: list[dict[str, Any]]) -> float:
    return sum(token["logprob"] for token in tokens) / len(tokens)
