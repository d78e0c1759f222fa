"""What the client sends about jobs and makes of the replies; a scripted service, no I/O."""

from pathlib import Path
from typing import Any

import pytest

from selfref.client import NotFound, RequestRefused, Unavailable, UnexpectedReply, Unreachable
from selfref.client import job_conversations as conversations
from selfref.client import job_streams as streams
from selfref.client.events import Event, Events
from selfref.client.steps import Lost, Open, Reply
from selfref.client.uploads import Upload
from selfref.messages import Job, JobOptions, LineError
from tests.selfref.client.made_jobs import JOB, at
from tests.selfref.client.scripted import LOST, Scripted, problem

ID = JOB.id
STREAM = Reply(200, {"content-type": "text/event-stream; charset=utf-8"}, b"")
PARQUET = Reply(200, {"content-type": "application/vnd.apache.parquet"}, b"")
BUSY = problem(503, "store_unavailable", retryable=True)
REFUSED = LineError(line=3, custom_id="c", code="invalid_json", message="no", retryable=False)


def told(job: Job = JOB, *, status: int = 200) -> Reply:
    return Reply(status, {}, job.model_dump_json().encode())


def event(job: Job, *, version: int, name: str = "progress") -> bytes:
    return f"event: {name}\nid: v{version}\nretry: 10\ndata: {job.model_dump_json()}\n\n".encode()


def test_an_upload_is_sent_with_its_key_its_options_and_its_kind() -> None:
    service = Scripted(told(status=202))
    options = JobOptions(name="mine", votes=2, max_refused=0.5)
    upload = Upload(Path("pairs.jsonl.gz"), gzipped=True)
    assert service.hold(conversations.submit(upload, options, key="k", policy=service.policy)) == JOB
    (sent,) = service.sent
    assert (sent.method, sent.path, sent.file) == ("POST", "/jobs", upload.path)
    assert sent.params == {"name": "mine", "votes": "2", "max_refused": "0.5"}, "only what was chosen"
    assert sent.headers == {
        "content-type": "application/x-ndjson",
        "content-encoding": "gzip",
        "idempotency-key": "k",
    }


@pytest.mark.parametrize("trouble", [LOST, BUSY])
def test_an_upload_without_an_answer_is_sent_again_under_the_same_key(trouble: Reply | Lost) -> None:
    service = Scripted(trouble, told(status=202))
    upload = Upload(Path("pairs.jsonl"), gzipped=False)
    assert service.hold(conversations.submit(upload, JobOptions(), key="k", policy=service.policy)) == JOB
    assert [sent.headers["idempotency-key"] for sent in service.sent] == ["k", "k"]
    assert "content-encoding" not in service.sent[0].headers


def test_a_retry_that_an_earlier_try_has_done_gives_the_job() -> None:
    service = Scripted(LOST, problem(409, "nothing_to_retry"), told())
    assert service.hold(conversations.retry(ID, policy=service.policy)) == JOB
    assert [(sent.method, sent.path) for sent in service.sent[1:]] == [
        ("POST", f"/jobs/{ID}/retry"),
        ("GET", f"/jobs/{ID}"),
    ]


def test_a_deletion_that_an_earlier_try_has_done_is_done() -> None:
    service = Scripted(LOST, problem(404, "unknown_job"))
    assert service.hold(conversations.delete(ID, policy=service.policy)) is None


@pytest.mark.parametrize(
    ("conversation", "reply", "error"),
    [
        (conversations.retry, problem(409, "nothing_to_retry"), RequestRefused),
        (conversations.delete, problem(404, "unknown_job"), NotFound),
        (conversations.delete, problem(409, "job_not_ended"), RequestRefused),
        (conversations.get, Reply(200, {}, b"{}"), UnexpectedReply),
    ],
)
def test_what_is_refused_at_the_first_try_is_refused(conversation: Any, reply: Reply, error: type[Exception]) -> None:
    service = Scripted(reply)
    with pytest.raises(error):
        service.hold(conversation(ID, policy=service.policy))


def test_another_refusal_of_a_repeated_deletion_is_none_of_success() -> None:
    service = Scripted(LOST, problem(409, "job_not_ended"))
    with pytest.raises(RequestRefused):
        service.hold(conversations.delete(ID, policy=service.policy))


def test_pages_go_on_from_their_cursor() -> None:
    body = REFUSED.model_dump_json().encode() + b"\n"
    service = Scripted(Reply(200, {"selfref-cursor": "r9"}, body))
    page = service.hold(conversations.error_page(ID, "r0", limit=5, policy=service.policy))
    assert (page.items, page.cursor) == ((REFUSED,), "r9")
    assert service.sent[0].params == {"after": "r0", "limit": "5"}


def test_lines_of_a_format_are_left_as_they_are() -> None:
    service = Scripted(Reply(200, {"selfref-cursor": "c"}, b'{"a":"\xe2\x80\xa8"}\n{"b":1}\n'))
    page = service.hold(conversations.line_page(ID, None, limit=5, format_="trl", policy=service.policy))
    assert page.items == (b'{"a":"\xe2\x80\xa8"}', b'{"b":1}')
    assert service.sent[0].params == {"format": "trl", "limit": "5"}


def test_a_page_without_a_cursor_is_another_programs() -> None:
    service = Scripted(Reply(200, {}, b""))
    with pytest.raises(UnexpectedReply, match="cursor"):
        service.hold(conversations.result_page(ID, None, limit=5, policy=service.policy))


def test_an_id_cannot_leave_its_path() -> None:
    assert conversations.path_of("../labels?x") == "/jobs/..%2Flabels%3Fx"


def test_a_job_is_followed_until_it_has_ended() -> None:
    first, last = at(3), at(10)
    service = Scripted(STREAM, event(first, version=1) + event(last, version=2, name="ended"))
    assert list(service.hear(streams.follow(ID, policy=service.policy))) == [first, last]
    (sent,) = service.sent
    assert isinstance(sent, Open)
    assert sent.headers == {"accept": "text/event-stream"}


@pytest.mark.parametrize("broken", [[LOST], [b""], [b"event: progress\nid: v2\nda", LOST]])
def test_a_stream_that_breaks_off_goes_on_behind_the_last_event(broken: list[bytes | Lost]) -> None:
    service = Scripted(STREAM, event(at(3), version=1), *broken, STREAM, event(at(10), version=2, name="ended"))
    assert list(service.hear(streams.follow(ID, policy=service.policy))) == [at(3), at(10)]
    assert [sent.headers.get("last-event-id") for sent in service.sent] == [None, "v1"]
    assert service.pauses


def test_a_stream_is_not_asked_for_again_before_it_wishes() -> None:
    service = Scripted(STREAM, b"retry: 7000\n\n", b"", STREAM, event(at(10), version=1, name="ended"))
    list(service.hear(streams.follow(ID, policy=service.policy)))
    assert service.pauses == [7.0]


def test_a_quiet_job_is_followed_over_any_number_of_connections() -> None:
    quiet = [STREAM, b": still here\n\n", LOST]
    service = Scripted(*quiet * 20, STREAM, event(at(10), version=1, name="ended"))
    assert list(service.hear(streams.follow(ID, policy=service.policy))) == [at(10)]


def test_streams_that_end_without_a_byte_are_given_up() -> None:
    service = Scripted(*[STREAM, LOST] * 9)
    with pytest.raises(Unreachable, match="connection reset"):
        service.hear(streams.follow(ID, policy=service.policy))
    assert len(service.sent) == 4


def test_why_a_stream_cannot_be_opened_again_is_said() -> None:
    service = Scripted(STREAM, event(at(3), version=1), LOST, *[BUSY] * 9)
    with pytest.raises(Unavailable, match="store_unavailable"):
        service.hear(streams.follow(ID, policy=service.policy))
    assert service.given == [at(3)]


def test_a_job_deleted_meanwhile_is_not_found() -> None:
    service = Scripted(STREAM, event(at(3), version=1), b"", problem(404, "unknown_job"))
    with pytest.raises(NotFound):
        service.hear(streams.follow(ID, policy=service.policy))


@pytest.mark.parametrize("follow", [streams.follow, streams.parquet])
def test_another_kind_of_reply_is_another_programs(follow: Any) -> None:
    service = Scripted(Reply(200, {"content-type": "text/html"}, b""), b"<html>")
    with pytest.raises(UnexpectedReply, match="text/html"):
        service.hear(follow(ID, policy=service.policy))


def test_a_file_in_pieces_is_asked_for_again_only_while_nothing_of_it_has_come() -> None:
    service = Scripted(LOST, PARQUET, b"PAR1", b"rest", b"")
    assert list(service.hear(streams.parquet(ID, policy=service.policy))) == [b"PAR1", b"rest"]
    service = Scripted(PARQUET, b"PAR1", LOST)
    with pytest.raises(Unreachable):
        service.hear(streams.parquet(ID, policy=service.policy))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_events_are_read_from_pieces_of_any_size(end: str, size: int) -> None:
    lines = [": hello", "", "event: progress", "id: 7", "data: {", "data:}", "", "data: é", "", "id: 8", "", "x"]
    sent = end.join(lines).encode()
    events = Events()
    found = [each for at in range(0, len(sent), size) for each in events.take(sent[at : at + size])]
    assert found == [Event("progress", "7", "{\n}"), Event("message", "7", "é")]
