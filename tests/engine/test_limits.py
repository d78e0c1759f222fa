"""Admission, callers who hang up, failures inside a batch, and the end of the engine."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from engine.errors import GenerationFailed, Incomplete
from engine.metrics import Metrics
from engine.model import Model, load_model
from engine.request import Chosen, Delivery, Job, Ticket
from engine.scheduler import Limits, Scheduler
from engine.tokens import Vocabulary
from tests.engine.serving import Served, serving, until

LONG: dict[str, Any] = {"inputs": "Hello", "parameters": {"max_new_tokens": 4000, "do_sample": True, "seed": 1,
        "grammar": {"type": "regex", "value": "[a-z]{9999}"}}}  # fmt: skip
SHORT = {"inputs": "Hello", "parameters": {"max_new_tokens": 1}}


def test_one_more_than_the_limit_is_refused_at_once(folder: Path) -> None:
    with serving(folder, max_concurrent_requests=2) as served, httpx2.Client(trust_env=False, timeout=60) as client:
        url = served.url + "/generate_stream"
        with client.stream("POST", url, json=LONG) as one, client.stream("POST", url, json=LONG) as two:
            texts = [one.iter_text(), two.iter_text()]  # dropping an iterator would close its stream
            assert all(next(text) for text in texts)
            answer = served.post("/generate", SHORT)
            assert answer.status_code == 429
            assert answer.json() == {"error": "Model is overloaded", "error_type": "overloaded"}
            refused = served.post("/generate_stream", SHORT)
            assert refused.status_code == 200
            assert json.loads(refused.text.removeprefix("data: "))["error_type"] == "overloaded"
        until(lambda: served.post("/generate", SHORT).is_success)
        until(lambda: served.metric("tgi_batch_current_size") == 0)
        assert served.metric('tgi_request_failure{err="overloaded"}') >= 2


@pytest.mark.parametrize("path", ["/generate", "/v1/chat/completions"])
def test_a_caller_who_hangs_up_frees_the_place(folder: Path, path: str) -> None:
    body: dict[str, Any] = LONG
    if path.startswith("/v1"):
        grammar = LONG["parameters"]["grammar"]
        body = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4000, "response_format": grammar}
    with serving(folder, max_concurrent_requests=1) as served:
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.post(served.url + path, json=body, trust_env=False, timeout=httpx2.Timeout(60, read=0.5))
        _assert_free_again(served)
        assert served.metric('tgi_request_failure{err="dropped"}') == 1


def test_a_caller_who_leaves_a_stream_frees_the_place(folder: Path) -> None:
    with serving(folder, max_concurrent_requests=1) as served, httpx2.Client(trust_env=False, timeout=60) as client:
        with client.stream("POST", served.url + "/generate_stream", json=LONG) as answer:
            assert next(answer.iter_text())
        _assert_free_again(served)


def _assert_free_again(served: Served) -> None:
    until(lambda: served.post("/generate", SHORT).is_success)
    until(lambda: served.metric("tgi_batch_current_size") == 0)
    assert 0 < served.metric('tgi_batch_inference_count{method="decode"}') < 3000


def test_best_of_takes_a_place_for_each_text(folder: Path) -> None:
    with serving(folder, max_concurrent_requests=1) as served:
        parameters = {"best_of": 2, "do_sample": True, "max_new_tokens": 2}
        assert served.post("/generate", {"inputs": "x", "parameters": parameters}).status_code == 429
        assert served.post("/generate", SHORT).status_code == 200


def test_more_callers_than_rows_wait_their_turn(folder: Path) -> None:
    with serving(folder, max_batch_size=2, kv_cache_mib=1, prefix_cache_mib=-1) as served:
        alone = served.generate("Hello", max_new_tokens=20)["generated_text"]
        with ThreadPoolExecutor(12) as pool:
            texts = [pool.submit(served.generate, "Hello", max_new_tokens=20) for _ in range(12)]
        assert {text.result()["generated_text"] for text in texts} == {alone}


async def test_the_same_new_prompt_many_times_at_once_is_computed_once(folder: Path, vocabulary: Vocabulary) -> None:
    metrics, prompt = Metrics(), vocabulary.encode("The number of people has grown. " * 6, special=True).ids
    model = load_model(folder, device="cpu", dtype="float32")
    limits = Limits(rows=8, prefill_tokens=4096, batch_tokens=8192, prefix_bytes=1 << 24)
    scheduler = Scheduler(model, vocabulary, limits=limits, metrics=metrics)
    tickets = [Ticket(job=Job(prompt=prompt, max_new_tokens=4)) for _ in range(8)]
    for ticket in tickets:
        scheduler.submit(ticket)
    scheduler.start()
    texts = {tuple(token.id for token in await ticket.result()) for ticket in tickets}
    scheduler.stop()
    assert len(texts) == 1
    exposition = metrics.exposition().decode()
    assert f"engine_prompt_reused_tokens {7 * (len(prompt) - 1)}.0" in exposition
    assert 'tgi_batch_inference_count{method="decode"} 3.0' in exposition  # and all eight were written together


async def test_the_last_token_is_read_only_once_the_text_is_known_to_be_finished() -> None:
    ticket = Ticket(job=Job(prompt=[1], max_new_tokens=1), delivery=Delivery.EACH_TOKEN)
    ticket.tokens.append(Chosen(id=5, logprob=-1.0))  # as the model thread does, one step before it says why it ends
    ticket.news.set()
    reading = asyncio.ensure_future(anext(ticket.stream()))
    await asyncio.wait({reading}, timeout=0.05)
    assert not reading.done()
    ticket.finish, ticket.published = "length", 1
    ticket.news.set()
    assert (await reading).id == 5


class Failing:
    """A network that fails while it is told to."""

    def __init__(self, network: Any) -> None:
        self.network = network
        self.error: Exception | None = None

    def __call__(self, **arguments: Any) -> Any:
        if self.error is not None:
            raise self.error
        return self.network(**arguments)


async def test_a_failing_step_fails_its_batch_and_the_engine_goes_on(folder: Path, vocabulary: Vocabulary) -> None:
    scheduler, failing, deaths = _fragile(folder, vocabulary)
    failing.error = RuntimeError("out of memory")
    ticket = Ticket(job=Job(prompt=[1, 5, 6], max_new_tokens=3))
    scheduler.submit(ticket)
    with pytest.raises(GenerationFailed, match="Request failed during generation: out of memory"):
        await ticket.result()
    failing.error = None
    second = Ticket(job=Job(prompt=[1, 5, 6], max_new_tokens=3))
    scheduler.submit(second)
    assert len(await second.result()) == 3
    scheduler.stop()
    assert not deaths


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_bug_ends_the_model_thread_loudly_and_fails_what_is_in_flight(
    folder: Path, vocabulary: Vocabulary
) -> None:
    scheduler, failing, deaths = _fragile(folder, vocabulary)
    failing.error = TypeError("a bug")
    ticket = Ticket(job=Job(prompt=[1, 5, 6], max_new_tokens=3))
    scheduler.submit(ticket)
    with pytest.raises(Incomplete):
        await ticket.result()
    until(lambda: not scheduler.alive)
    assert deaths == ["dead"]
    with pytest.raises(Incomplete):
        scheduler.submit(Ticket(job=Job(prompt=[1], max_new_tokens=1)))


async def test_stopping_fails_what_is_in_flight(folder: Path, vocabulary: Vocabulary) -> None:
    scheduler, _, deaths = _fragile(folder, vocabulary)
    ticket = Ticket(job=Job(prompt=[1, 5, 6], max_new_tokens=100_000))
    scheduler.submit(ticket)
    scheduler.stop()
    with pytest.raises(Incomplete):
        await ticket.result()
    assert not deaths


def _fragile(folder: Path, vocabulary: Vocabulary) -> tuple[Scheduler, Failing, list[str]]:
    model = load_model(folder, device="cpu", dtype="float32")
    failing = Failing(model.network)
    fragile = Model(**{**model.__dict__, "network": failing})
    deaths: list[str] = []
    scheduler = Scheduler(
        fragile,
        vocabulary,
        limits=Limits(rows=4, prefill_tokens=128, batch_tokens=4096, prefix_bytes=1 << 20),
        metrics=Metrics(),
        on_death=lambda: deaths.append("dead"),
    )
    scheduler.start()
    return scheduler, failing, deaths


def test_the_key_guards_what_generates(folder: Path) -> None:
    with serving(folder, api_key="Secret") as served:
        assert served.post("/generate", SHORT).status_code == 401
        assert served.post("/generate", SHORT).content == b""
        assert served.post("/generate", SHORT, headers={"authorization": "Bearer wrong"}).status_code == 401
        assert served.post("/", SHORT, headers={"authorization": "Bearer secret"}).status_code == 200
        assert served.post("/generate", SHORT, headers={"authorization": "Bearer Secret"}).status_code == 200
        for path in ("/", "/health", "/info", "/metrics", "/v1/models"):
            assert served.get(path).status_code == 200
        assert served.post("/", SHORT).status_code == 401


def test_a_prompt_longer_than_the_model_is_refused_with_the_numbers(engine: Served) -> None:
    answer = engine.post("/generate", {"inputs": "word " * 5000, "parameters": {"max_new_tokens": 1}})
    assert answer.status_code == 422
    assert "must be <= 4096. Given: " in answer.json()["error"]
