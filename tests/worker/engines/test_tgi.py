"""The TGI adapter through huggingface_hub's real client, against a real HTTP server."""

import asyncio
from dataclasses import replace

import pytest
from starlette.responses import JSONResponse, Response

from selfref.messages import ChatMessage, Comparison, FailureCode, Lane, Preset, Usage, Verdict, Work, now
from tests.worker import minds
from tests.worker.engines import stub_server
from tests.worker.engines.stub_server import StubServer, serving
from tests.worker.thinking_engine import RememberedReferences
from worker.engines import open_engine
from worker.engines.protocol import Engine, Generation, LabelLogProbs, Prompt, Sampling
from worker.errors import (
    EngineFailed,
    EngineMisconfigured,
    EngineOverloaded,
    EngineRejected,
    EngineUnavailable,
    EngineUnsuitable,
    JudgingFailed,
    RequestTooLarge,
    UnreadableVerdict,
)
from worker.method import MethodSettings, judge
from worker.prompts import load_prompts

PROMPTS = load_prompts()
PAIR = Comparison(prompt="2 + 2?", answer_a="it is certainly four", answer_b="five")
CHAT = (ChatMessage(role="user", content="2 + 2?"),)


@pytest.fixture
async def stub():
    async with serving(StubServer()) as opened:
        yield opened


@pytest.fixture
async def engine(stub):
    opened = await opening(stub)
    stub.requests.clear()
    yield opened
    await opened.aclose()


async def opening(stub: StubServer, *, api_key: str | None = None, timeout: float = 20.0) -> Engine:
    return await open_engine("tgi", stub.url, verdict=PROMPTS.verdict, api_key=api_key, timeout=timeout)


async def critique_prompt(engine: Engine) -> Prompt:
    turn = ChatMessage(role="user", content=PROMPTS.critique_turn(PAIR))
    return await engine.prepare((*CHAT, ChatMessage(role="assistant", content="4"), turn))


async def verdict(engine: Engine) -> LabelLogProbs:
    prompt = await critique_prompt(engine)
    critique = await engine.generate(prompt, sampling=Sampling(), max_new_tokens=64)
    reading = await engine.read_verdict(prompt, critique)
    assert isinstance(reading, LabelLogProbs)
    return reading


async def test_a_pair_goes_through_the_whole_method(engine):
    work = Work(
        id="w", tenant="t", lane=Lane.INTERACTIVE, comparison=PAIR, preset=Preset.SELF_REFERENCE, created_at=now()
    )
    judgment = await judge(work, engine=engine, references=RememberedReferences(), settings=MethodSettings())
    assert judgment.verdict is Verdict.A
    assert judgment.log_odds == pytest.approx(minds.longer(PAIR.answer_a, PAIR.answer_b))
    assert judgment.orders[0].label_mass == pytest.approx(0.5)
    assert judgment.usage.calls == 5
    assert judgment.usage.prompt_tokens > 0
    assert (judgment.provenance.engine, judgment.provenance.model, judgment.provenance.revision) == (
        "tgi",
        "stub/words",
        "abc",
    )


async def test_the_self_test_finds_identity_limits_and_labels(engine, stub):
    found = engine.describe()
    assert (found.engine, found.version, found.model, found.revision) == ("tgi", "3.3.7", "stub/words", "abc")
    assert (found.method, found.max_tokens, found.max_concurrency) == ("verdict-token", 4096, 128)
    assert found.details["label_ids"] == [stub.words.id(" A"), stub.words.id(" B")]
    assert found.details["top_n_tokens"] == 5
    assert found.details["grammar"] is True
    assert found.chat_template is not None
    assert found.opening_tokens > len(PROMPTS.verdict.opening.split())


async def test_the_templates_bos_is_dropped_because_generate_adds_one(engine, stub):
    prompt = await engine.prepare(CHAT)
    assert prompt.text == "[INST] 2 + 2? [/INST]"
    await engine.generate(prompt, sampling=Sampling(), max_new_tokens=3)
    sent = stub.bodies("/generate")[0]["inputs"]
    ids = [token["id"] for token in stub.words.encode(sent, bos=True)]
    assert ids.count(1) == 1
    assert prompt.tokens == len(ids)


async def test_a_verdict_call_is_greedy_unpenalised_and_one_token(engine, stub):
    await verdict(engine)
    asked = stub.bodies("/generate")[-1]["parameters"]
    plain = {name: value for name, value in asked.items() if value not in (None, False)}
    assert plain == {"max_new_tokens": 1, "top_n_tokens": 5, "details": True}


async def test_the_verdict_stands_right_behind_critique_and_opening(engine, stub):
    await verdict(engine)
    critique, asked = (body["inputs"] for body in stub.bodies("/generate"))
    assert asked.startswith(critique)
    assert asked.endswith("Response B has 1 words.\n\n" + PROMPTS.verdict.opening)


async def test_labels_are_matched_by_id_although_other_tokens_look_the_same(engine):
    """Half the mass is on ` A` and ` B`; tokens without the space are decoded to the same letters."""
    reading = await verdict(engine)
    assert reading.mass == pytest.approx(0.5)
    assert reading.first - reading.second == pytest.approx(minds.longer(PAIR.answer_a, PAIR.answer_b))
    assert reading.queued == 0.25


@pytest.mark.parametrize("on_top", [(True, False), (False, True)])
async def test_a_missing_label_is_asked_for_under_a_grammar(engine, stub, on_top):
    stub.labels_on_top = on_top
    reading = await verdict(engine)
    assert reading.first - reading.second == pytest.approx(minds.longer(PAIR.answer_a, PAIR.answer_b))
    assert reading.mass == pytest.approx(0.5)  # of the label that was seen, and the other by its ratio
    assert reading.usage.calls == 2
    assert stub.bodies("/generate")[-1]["parameters"]["grammar"] == {"type": "regex", "value": " (A|B)"}


async def test_with_both_labels_missing_their_mass_is_unknown(engine, stub):
    stub.labels_on_top = (False, False)
    reading = await verdict(engine)
    assert reading.mass is None
    assert reading.first - reading.second == pytest.approx(minds.longer(PAIR.answer_a, PAIR.answer_b))


async def test_a_label_that_even_the_grammar_does_not_show_is_unreadable(engine, stub):
    """A label beyond half precision's reach under the mask: its odds are unknown, and no number stands in for them."""
    stub.labels_on_top = (True, False)
    prompt = await critique_prompt(engine)
    shown = {"id": stub.words.id(" A"), "text": "A", "logprob": 0.0, "special": False}
    details = {"finish_reason": "length", "generated_tokens": 1, "prefill": [], "tokens": [shown]}
    alone = JSONResponse({"generated_text": " A", "details": details | {"top_tokens": [[shown]]}})
    stub.fail_next("/generate", alone, alone)
    with pytest.raises(UnreadableVerdict, match="even where only labels are allowed"):
        await engine.read_verdict(prompt, Generation(text="fine", finish_reason="stop", usage=Usage()))


async def test_without_a_grammar_a_missing_label_is_unreadable_and_never_guessed(stub):
    stub.grammar = False
    engine = await opening(stub)
    assert engine.describe().details["grammar"] is False
    assert (await verdict(engine)).mass == pytest.approx(0.5)
    stub.labels_on_top = (True, False)
    with pytest.raises(UnreadableVerdict):
        await verdict(engine)
    await engine.aclose()


async def test_a_sampled_turn_sends_what_tgi_accepts(engine, stub):
    prompt = await engine.prepare(CHAT)
    await engine.generate(prompt, sampling=Sampling(temperature=0.1, top_p=0.9, seed=3), max_new_tokens=7)
    await engine.generate(prompt, sampling=Sampling(temperature=0.1, seed=3), max_new_tokens=7)
    first, second = (body["parameters"] for body in stub.bodies("/generate"))
    assert (first["temperature"], first["top_p"], first["seed"], first["do_sample"]) == (0.1, 0.9, 3, True)
    assert "top_p" not in second  # 1.0 is refused


async def test_usage_is_what_the_server_counted(engine):
    prompt = await engine.prepare(CHAT)
    generation = await engine.generate(prompt, sampling=Sampling(), max_new_tokens=7)
    assert generation.usage.prompt_tokens == prompt.tokens
    assert generation.usage.completion_tokens == 3
    assert (generation.text, generation.finish_reason) == (" My own answer.", "stop")


async def test_a_turn_is_asked_for_without_an_object_for_every_token(engine, stub):
    prompt = await engine.prepare(CHAT)
    await engine.generate(prompt, sampling=Sampling(), max_new_tokens=7)
    assert not stub.bodies("/generate")[0]["parameters"].get("details")


async def test_a_turn_as_long_as_allowed_was_cut(engine):
    prompt = await engine.prepare(CHAT)
    assert (await engine.generate(prompt, sampling=Sampling(), max_new_tokens=3)).cut
    assert not (await engine.generate(prompt, sampling=Sampling(), max_new_tokens=4)).cut


async def test_a_server_without_counts_in_its_headers_is_asked_for_details(stub):
    stub.counts = False
    engine = await opening(stub)
    prompt = await engine.prepare(CHAT)
    generation = await engine.generate(prompt, sampling=Sampling(), max_new_tokens=7)
    assert stub.bodies("/generate")[-1]["parameters"]["details"] is True
    assert (generation.usage.completion_tokens, generation.finish_reason) == (3, "stop")
    await engine.aclose()


async def test_counts_that_go_missing_are_a_failure_and_not_zero_tokens(engine, stub):
    prompt = await engine.prepare(CHAT)
    stub.counts = False
    with pytest.raises(EngineFailed):
        await engine.generate(prompt, sampling=Sampling(), max_new_tokens=7)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (stub_server.OVERLOADED, EngineOverloaded),
        (stub_server.BROKEN_BATCH, EngineFailed),
        (stub_server.INCOMPLETE, EngineFailed),
        (stub_server.UNHEALTHY, EngineUnavailable),
        (stub_server.INVALID, EngineRejected),
        (stub_server.DESERIALIZE, EngineRejected),
        (Response("", 401), EngineMisconfigured),
        (Response("", 403), EngineMisconfigured),
        (Response("", 405), EngineMisconfigured),
        (Response("bad gateway", 502), EngineUnavailable),
        (JSONResponse({"error": "no such route"}, 404), EngineMisconfigured),
        (stub_server.NOT_JSON, EngineFailed),
        (stub_server.EMPTY_LIST, EngineFailed),
        (stub_server.NO_DETAILS, EngineFailed),
        (stub_server.NULL_TEXT, EngineFailed),
        (JSONResponse("text"), EngineFailed),
    ],
)
async def test_every_defect_of_generate_has_its_place_in_the_error_tree(engine, stub, answer, error):
    prompt = await engine.prepare(CHAT)
    stub.fail_next("/generate", answer)
    with pytest.raises(JudgingFailed) as failed:
        await engine.generate(prompt, sampling=Sampling(), max_new_tokens=3)
    assert type(failed.value) is error
    assert len(stub.bodies("/generate")) == 1  # nothing is repeated here
    assert (await engine.generate(prompt, sampling=Sampling(), max_new_tokens=3)).text  # and nothing is left broken


@pytest.mark.parametrize(
    "tops",
    [
        None,
        [],
        [[]],
        [{"id": 1}],
        [[{"id": "x", "logprob": -1.0}]],
        [[{"text": "A", "logprob": -1.0}]],
        [[{"id": 4, "text": "A", "logprob": None}]],
        "garbage",
    ],
)
async def test_garbage_in_the_top_tokens_is_never_a_verdict(stub, tops):
    stub.grammar = False
    engine = await opening(stub)
    prompt = await critique_prompt(engine)
    details = {"finish_reason": "length", "generated_tokens": 1, "prefill": [], "tokens": [], "top_tokens": tops}
    stub.fail_next("/generate", JSONResponse({"generated_text": " A", "details": details}))
    with pytest.raises((UnreadableVerdict, EngineFailed)):
        await engine.read_verdict(prompt, Generation(text="A is better", finish_reason="stop", usage=Usage()))
    await engine.aclose()


async def test_a_refused_chat_is_rejected_with_the_engines_words(engine, stub):
    said = {"error": "Template error: roles must alternate", "error_type": "template_error"}
    stub.fail_next("/chat_tokenize", JSONResponse(said, 422))
    with pytest.raises(EngineRejected, match="roles must alternate"):
        await engine.prepare(CHAT)


@pytest.mark.parametrize(
    ("status", "variable"),
    [(401, "ENGINE_API_KEY"), (403, "ENGINE_API_KEY"), (404, "SELFREF_ENGINE_URL"), (405, "SELFREF_ENGINE_URL")],
)
async def test_an_engine_that_refuses_the_worker_says_which_variable_to_set(engine, stub, status, variable):
    stub.fail_next("/chat_tokenize", Response("", status))
    with pytest.raises(EngineMisconfigured, match=variable) as refused:
        await engine.prepare(CHAT)
    assert refused.value.retryable


@pytest.mark.parametrize("said", ["", "Failed to buffer the request body: length limit exceeded"])
async def test_a_request_beyond_the_engines_limit_is_too_long_in_bytes_and_says_what_to_do(engine, stub, said):
    """TGI reads 2 MB a request unless it is started with --payload-limit; proxies answer the same with no words."""
    prompt = await engine.prepare(CHAT)
    long = (ChatMessage(role="user", content="x" * 5000),)
    stub.fail_next("/chat_tokenize", Response(said, 413))
    stub.fail_next("/generate", Response(said, 413))
    with pytest.raises(RequestTooLarge, match=f"{said}.*payload-limit") as counting:
        await engine.prepare(long)
    with pytest.raises(RequestTooLarge, match=f"{said}.*payload-limit") as generating:
        await engine.generate(replace(prompt, text="x" * 5000), sampling=Sampling(), max_new_tokens=3)
    for failed in (counting, generating):
        assert 5000 <= failed.value.sent < 5200
        assert str(failed.value.sent) in str(failed.value)
        assert (failed.value.code, failed.value.retryable) == (FailureCode.TOO_LONG, False)


async def test_an_engine_that_says_nothing_is_unavailable_after_the_timeout(stub):
    engine = await opening(stub, timeout=0.2)
    prompt = await engine.prepare(CHAT)
    stub.stall.clear()
    with pytest.raises(EngineUnavailable):
        await engine.generate(prompt, sampling=Sampling(), max_new_tokens=3)
    with pytest.raises(EngineUnavailable):
        await engine.prepare(CHAT)
    stub.stall.set()
    await engine.aclose()


async def test_an_engine_that_is_gone_is_unavailable():
    async with serving(StubServer()) as stub:
        engine = await opening(stub)
        prompt = await engine.prepare(CHAT)
    for call in (engine.prepare(CHAT), engine.generate(prompt, sampling=Sampling(), max_new_tokens=3)):
        with pytest.raises(EngineUnavailable):
            await call
    with pytest.raises(EngineUnavailable):
        await opening(stub)
    await engine.aclose()


async def test_the_machines_token_proxies_and_offline_mode_reach_no_call(stub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    engine = await opening(stub)
    await verdict(engine)
    assert all("secret" not in headers.get("authorization", "") for _, _, headers in stub.requests)
    await engine.aclose()


async def test_the_configured_key_goes_with_every_call(stub):
    engine = await opening(stub, api_key="key")
    await verdict(engine)
    assert {headers.get("authorization") for _, _, headers in stub.requests} == {"Bearer key"}
    await engine.aclose()


async def test_many_calls_at_once_share_one_engine(engine):
    readings = await asyncio.gather(*(verdict(engine) for _ in range(20)))
    assert len({reading.first for reading in readings}) == 1


async def test_a_server_that_takes_more_top_tokens_is_asked_for_more(stub):
    stub.max_top_n = 20
    engine = await opening(stub)
    assert engine.describe().details["top_n_tokens"] == 20
    await engine.aclose()


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda stub: stub.hidden.add("/info"), "set SELFREF_WORKER_ENGINE=openai"),
        (lambda stub: stub.info.pop("model_id"), "names no model_id"),
        (
            lambda stub: stub.fail_next("/chat_tokenize", JSONResponse({"error": "no template"}, 422)),
            "give the server a chat template",
        ),
        (lambda stub: stub.hidden.add("/generate"), "gives no top tokens"),
        (lambda stub: stub.log_probs.update(logprob=1.5), "not log-probabilities"),
        (lambda stub: stub.log_probs.update(logprob=None), "no top tokens"),
        (lambda stub: stub.log_probs.update(logprob=-0.01), "not log-probabilities"),  # five of them sum to five
        (lambda stub: setattr(stub, "labels_are_two_tokens", True), "does not give a verdict one token"),
        (lambda stub: stub.fail_next("/tokenize", Response("", 401)), "SELFREF_WORKER_ENGINE_API_KEY"),
    ],
)
async def test_an_engine_that_cannot_judge_is_refused_with_what_to_do(stub, harm, said):
    harm(stub)
    with pytest.raises(EngineUnsuitable, match=said):
        await opening(stub)


@pytest.mark.parametrize("answer", [stub_server.OVERLOADED, stub_server.BROKEN_BATCH, stub_server.UNHEALTHY])
async def test_trouble_during_the_self_test_is_worth_another_try(stub, answer):
    stub.fail_next("/generate", answer)
    with pytest.raises(EngineUnavailable):
        await opening(stub)
    await (await opening(stub)).aclose()


def test_errors_say_whether_trying_again_can_help():
    assert {error.__name__ for error in JudgingFailed.__subclasses__() if not error.retryable} == {
        "EngineRejected",
        "TooLong",
        "RequestTooLarge",
        "MarkersInModelText",
    }
    assert [error.__name__ for error in JudgingFailed.__subclasses__() if not error.burns_attempt] == [
        "EngineOverloaded"
    ]


@pytest.mark.parametrize("told", ["model_id", "model_sha", "model_dtype"])
async def test_the_server_says_who_it_is_without_generating(engine, stub, told):
    assert await engine.identity() == engine.describe().identity
    stub.info[told] = "another"
    assert await engine.identity() != engine.describe().identity
    assert not stub.bodies("/generate")
