"""What the client sends, tries again and makes of replies; a scripted service and a clock of our own, no I/O."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from selfref.client import (
    JudgmentCanceled,
    JudgmentFailed,
    NotAuthorized,
    NotFound,
    ProblemError,
    RequestRefused,
    StillWaiting,
    Unavailable,
    UnexpectedReply,
    Unreachable,
    conversations,
)
from selfref.client.steps import Lost, Reply
from selfref.messages import (
    BiasCounts,
    BiasRates,
    Cancellation,
    Failure,
    FailureCode,
    FailureReason,
    JudgeRequest,
    Judgment,
    Preset,
    Provenance,
    State,
    Stats,
    Usage,
    Verdict,
    VoteCounts,
    Waiting,
)
from tests.selfref.client.scripted import LOST, Scripted, problem

THEN = datetime(2026, 1, 1, tzinfo=UTC)
WAITING = Waiting(id="j1", created_at=THEN)
JUDGED = Judgment(
    id="j1",
    created_at=THEN,
    verdict=Verdict.A,
    probability_a=0.9,
    strength=0.8,
    log_odds=2.2,
    position_bias=0.0,
    orders=(),
    votes=VoteCounts(a=2, b=0, tie=0),
    reference=None,
    principle="best for humanity",
    preset=Preset.SELF_REFERENCE,
    usage=Usage(),
    provenance=Provenance(engine="e", model="m", template="t", method="x"),
    finished_at=THEN,
)
FAILED = Failure(
    id="j1",
    created_at=THEN,
    error=FailureReason(code=FailureCode.ENGINE_FAILED, message="no", retryable=True, attempts=4),
    finished_at=THEN,
)
CANCELED = Cancellation(id="j1", created_at=THEN, finished_at=THEN)
REQUEST = JudgeRequest(prompt="p", answer_a="a", answer_b="b")


def judged_by(service: Scripted, *, timeout: float = 60.0) -> Judgment:
    """The usual conversation."""
    judgment: Judgment = service.hold(conversations.judge(REQUEST, key="key-1", timeout=timeout, policy=service.policy))
    return judgment


def state(of: State, *, status: int = 200) -> Reply:
    return Reply(status=status, headers={}, body=of.model_dump_json().encode())


def test_a_judgment_that_comes_at_once_is_one_request_with_a_key() -> None:
    service = Scripted(state(JUDGED))
    assert judged_by(service) == JUDGED
    (sent,) = service.sent
    assert (sent.method, sent.path, sent.headers["idempotency-key"]) == ("POST", "/judge", "key-1")
    assert sent.headers["prefer"] == "wait=25"
    assert JudgeRequest.model_validate_json(sent.body or b"") == REQUEST


def test_a_waiting_pair_is_looked_at_until_it_is_judged() -> None:
    service = Scripted(state(WAITING, status=202), state(WAITING), state(JUDGED))
    assert judged_by(service) == JUDGED
    assert [(sent.method, sent.path) for sent in service.sent[1:]] == [("GET", "/judgments/j1")] * 2
    assert all(sent.headers["prefer"] == "wait=25" for sent in service.sent[1:])


def test_a_pair_not_judged_in_time_is_not_lost_but_named() -> None:
    service = Scripted(state(WAITING, status=202), *[state(WAITING)] * 99)
    with pytest.raises(StillWaiting) as waiting:
        judged_by(service, timeout=5)
    assert waiting.value.judgment_id == "j1"
    assert isinstance(waiting.value, TimeoutError)
    assert service.time == pytest.approx(5)


@pytest.mark.parametrize("trouble", [LOST, problem(429, "queue_full", retryable=True), Reply(502, {}, b"<html>")])
def test_what_may_be_repeated_is_repeated_with_the_same_key(trouble: Reply | Lost) -> None:
    service = Scripted(trouble, trouble, state(JUDGED))
    assert judged_by(service) == JUDGED
    assert {sent.headers["idempotency-key"] for sent in service.sent} == {"key-1"}
    assert len(service.sent) == 3
    assert service.pauses[0] < service.pauses[1]


def test_the_pause_that_the_service_asks_for_is_kept() -> None:
    busy = problem(429, "queue_full", retryable=True, headers={"retry-after": "7"})
    service = Scripted(busy, state(JUDGED))
    judged_by(service)
    assert 7 <= service.pauses[0] < 7.5


def test_a_pause_that_ends_after_the_timeout_is_not_begun() -> None:
    service = Scripted(problem(429, "queue_full", retryable=True, headers={"retry-after": "50"}))
    with pytest.raises(Unavailable):
        judged_by(service, timeout=10)
    assert service.pauses == []


@pytest.mark.parametrize(
    ("trouble", "error"), [(LOST, Unreachable), (problem(503, "store_unavailable", retryable=True), Unavailable)]
)
def test_repetition_is_bounded(trouble: Reply | Lost, error: type[Exception]) -> None:
    service = Scripted(*[trouble] * 9)
    with pytest.raises(error):
        judged_by(service)
    assert len(service.sent) == 4


def test_a_pair_that_may_have_been_accepted_when_the_store_went_away_is_sent_again() -> None:
    service = Scripted(problem(503, "store_unavailable", retryable=True, judgment_id="j1"), state(JUDGED))
    assert judged_by(service) == JUDGED


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (problem(422, "invalid", param="prompt"), RequestRefused),
        (problem(409, "idempotency_key_reused"), RequestRefused),
        (problem(410, "cursor_expired"), RequestRefused),
        (problem(401, "missing_api_key"), NotAuthorized),
        (problem(404, "unknown_judgment"), NotFound),
        (problem(409, "canceled", judgment_id="j1"), JudgmentCanceled),
        (problem(422, "too_long", judgment_id="j1"), JudgmentFailed),
        (problem(503, "engine_unavailable", retryable=True, judgment_id="j1"), JudgmentFailed),
        (problem(501, "odd"), ProblemError),
        (Reply(404, {}, b"not here"), UnexpectedReply),
        (Reply(200, {}, b"<html>hello</html>"), UnexpectedReply),
    ],
)
def test_what_the_service_refuses_is_not_sent_again(reply: Reply, error: type[Exception]) -> None:
    service = Scripted(reply)
    with pytest.raises(error) as raised:
        judged_by(service)
    assert raised.type is error
    assert len(service.sent) == 1


def test_an_error_carries_the_problems_fields() -> None:
    with pytest.raises(ProblemError) as raised:
        judged_by(Scripted(problem(422, "markers_in_text", param="answer_a", retryable=False)))
    error = raised.value
    assert (error.status, error.code, error.param, error.detail) == (422, "markers_in_text", "answer_a", "d")
    assert (error.retryable, error.request_id, error.judgment_id) == (False, "r1", None)
    assert "markers_in_text (answer_a): d" in str(error)


@pytest.mark.parametrize(("ending", "error"), [(FAILED, JudgmentFailed), (CANCELED, JudgmentCanceled)])
def test_a_pair_found_to_have_ended_without_a_judgment_is_an_error(ending: State, error: type[ProblemError]) -> None:
    service = Scripted(state(WAITING, status=202), state(ending))
    with pytest.raises(error) as raised:
        judged_by(service)
    assert raised.value.judgment_id == "j1"


def test_submitting_does_not_wait() -> None:
    service = Scripted(state(WAITING, status=202))
    assert service.hold(conversations.submit(REQUEST, key="k", policy=service.policy)) == WAITING
    assert service.sent[0].headers["prefer"] == "respond-async"


@pytest.mark.parametrize(
    ("replies", "ending"),
    [([state(CANCELED)], CANCELED), ([problem(409, "already_ended", judgment_id="j1"), state(JUDGED)], JUDGED)],
)
def test_a_cancellation_ends_with_the_state_the_pair_has(replies: Sequence[Reply], ending: State) -> None:
    service = Scripted(*replies)
    assert service.hold(conversations.cancel("j1", policy=service.policy)) == ending
    assert service.sent[0].method == "DELETE"


def test_an_id_cannot_leave_its_path() -> None:
    service = Scripted(state(JUDGED))
    service.hold(conversations.get("../labels?x", policy=service.policy))
    assert service.sent[0].path == "/judgments/..%2Flabels%3Fx"


def test_a_reply_without_a_cursor_is_no_label_feed() -> None:
    service = Scripted(Reply(200, {}, b""))
    with pytest.raises(UnexpectedReply, match="cursor"):
        service.hold(conversations.label_page(None, limit=1, wait=0, policy=service.policy))


def test_a_page_of_labels_continues_after_its_cursor() -> None:
    service = Scripted(Reply(200, {"selfref-cursor": "c2"}, b""))
    page = service.hold(conversations.label_page("c1", limit=5, wait=2, policy=service.policy))
    assert (page.labels, page.cursor) == ((), "c2")
    assert service.sent[0].params == {"after": "c1", "limit": "5", "wait": "2"}


def test_a_pair_that_is_none_names_its_field_before_anything_is_sent() -> None:
    with pytest.raises(ValueError, match="prompt"):
        conversations.request_of(" ", "a", "b", {})


def test_stats_are_read_with_one_request_that_may_be_repeated() -> None:
    stats = Stats(counts=BiasCounts(decided=3), rates=BiasRates.of(BiasCounts(decided=3)), groups=())
    service = Scripted(LOST, Reply(200, {}, stats.model_dump_json().encode()))
    assert service.hold(conversations.stats(policy=service.policy)) == stats
    assert {(sent.method, sent.path) for sent in service.sent} == {("GET", "/stats")}


def test_stats_that_cannot_be_read_are_an_unexpected_reply() -> None:
    service = Scripted(Reply(200, {}, b"<html>"))
    with pytest.raises(UnexpectedReply, match="http://test"):
        service.hold(conversations.stats(policy=service.policy))
