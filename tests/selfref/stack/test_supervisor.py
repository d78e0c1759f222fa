"""`selfref up` as a process: it stands and falls as a whole, and what was accepted outlives it."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from selfref import Client
from selfref.messages import Judgment
from selfref.stack.datadir import Running
from selfref.stack.supervisor import GRACE
from tests.selfref.cli.running import selfref
from tests.stacks import UpProcess, children_of, is_alive, until
from tests.stub_engine import StubEngine

PARTS = {"redis", "service", "worker"}


@pytest.fixture(scope="module")
def engine() -> Iterator[str]:
    with StubEngine() as stub:
        yield stub.url


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_every_part_and_is_no_error(tmp_path: Path, engine: str, number: signal.Signals) -> None:
    with UpProcess(tmp_path / "data", "--port", "0", "--engine-url", engine) as up:
        up.ready()
        parts = up.parts()
        assert parts.keys() == PARTS
        assert up.end(number) == 0
        assert not any(map(is_alive, parts.values()))
        assert Running.find(tmp_path / "data") is None
        assert "stopped" in up.text()


def test_a_signal_during_the_start_stops_what_has_been_started(tmp_path: Path) -> None:
    with UpProcess(tmp_path / "data", "--port", "0", "--engine-url", "http://127.0.0.1:9") as up:
        until(lambda: "waiting for the engine" in up.text(), what="the start is under way")
        parts = up.parts()
        assert "redis" in parts
        assert up.end(signal.SIGTERM) == 0
        assert not any(map(is_alive, parts.values()))


def test_a_second_signal_does_not_wait_for_a_part_that_will_not_stop(tmp_path: Path, engine: str) -> None:
    with UpProcess(tmp_path / "data", "--port", "0", "--engine-url", engine) as up:
        up.ready()
        parts = up.parts()
        os.kill(parts["worker"], signal.SIGSTOP)  # it cannot even see a SIGTERM
        up.process.send_signal(signal.SIGTERM)
        until(lambda: "stopping worker" in up.text(), what="the stop is under way")
        asked = time.monotonic()
        assert up.end(signal.SIGTERM) == 0
        assert time.monotonic() - asked < GRACE
        assert not any(map(is_alive, parts.values()))


@pytest.mark.parametrize("victim", ["redis", "worker"])
def test_a_part_that_dies_takes_the_stack_down_and_is_named(tmp_path: Path, engine: str, victim: str) -> None:
    with UpProcess(tmp_path / "data", "--port", "0", "--engine-url", engine) as up:
        up.ready()
        parts = up.parts()
        os.kill(parts[victim], signal.SIGKILL)
        assert up.process.wait(40) == 1
        assert not any(map(is_alive, parts.values()))
        assert f"error: {victim}" in up.text()
        assert "ended with signal 9" in up.text()
        assert "what to do:" in up.text()


def test_nothing_is_left_of_a_stack_whose_supervisor_was_killed_and_what_it_accepted_is_judged_later(
    tmp_path: Path,
) -> None:
    """The slow engine makes sure that all are waiting, some of them claimed, when everything is killed at once."""
    short_lease = {"SELFREF_WORKER_LEASE": "1", "SELFREF_WORKER_CONCURRENCY": "2"}
    options = (tmp_path / "data", "--port", "0", "--engine-url")
    with (
        StubEngine("--latency-ms", "700") as slow,
        UpProcess(*options, slow.url, environment=short_lease) as up,
        Client(up.ready().service_url) as client,
    ):
        accepted = [client.submit(f"question {number}", "yes", "no").id for number in range(6)]
        parts = up.parts()
        assert {client.get(each).status for each in accepted} == {"waiting"}
        assert up.end(signal.SIGKILL) == -9
        until(lambda: not any(map(is_alive, parts.values())), what="no orphans")
    with (
        StubEngine() as engine,
        UpProcess(*options, engine.url, environment=short_lease) as up,
        Client(up.ready().service_url) as client,
    ):
        judged = [client.wait_for(each, timeout=30) for each in accepted]
        assert [each.id for each in judged] == accepted
        assert sorted(label.id for label in client.labels()) == sorted(accepted)


def test_a_part_that_cannot_start_ends_the_start_with_its_log_and_advice(tmp_path: Path, engine: str) -> None:
    wrong = {"SELFREF_SERVICE_RETENTION": "never"}
    with UpProcess(tmp_path / "data", "--port", "0", "--engine-url", engine, environment=wrong) as up:
        assert up.process.wait(40) == 1
        text = up.text()
    assert "error: service ended with exit code 2" in text
    assert "SELFREF_SERVICE_RETENTION" in text, "the end of the service's log tells why"
    assert "service.log" in text
    assert Running.find(tmp_path / "data") is None


def test_beyond_this_machine_without_keys_nothing_is_started(tmp_path: Path) -> None:
    with UpProcess(tmp_path / "data", "--port", "0", "--host", "0.0.0.0") as up:
        assert up.process.wait(40) == 2
        text = up.text()
    assert "SELFREF_SERVICE_API_KEYS" in text
    assert "starting" not in text
    assert not (tmp_path / "data").exists()


def test_an_engine_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with UpProcess(tmp_path / "data", "--port", "0", "--engine-url", "http://127.0.0.1:9") as up:
        assert up.process.wait(40) == 1
        assert "engine at http://127.0.0.1:9 gives no answer" in up.text()
        assert "--engine-url" in up.text()


def test_workers_share_the_pairs_of_a_given_redis(tmp_path: Path, engine: str, redis_url: str) -> None:
    given = ("--port", "0", "--workers", "2", "--engine-url", engine, "--redis-url", redis_url)
    with UpProcess(tmp_path / "data", *given) as up, Client(up.ready().service_url) as client:
        assert len([name for name in (tmp_path / "data" / "logs").iterdir() if name.name.startswith("worker")]) == 2
        assert "redis" not in up.parts()
        assert isinstance(client.judge("What is 2 + 2?", "4", "5"), Judgment)


def test_workers_take_the_engines_in_turn_and_the_doctor_sees_each(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with UpProcess(data, "--port", "0", "--workers", "3", "--engines", "2") as up, Client(up.ready().service_url):
        running = Running.find(data)
        assert running is not None
        asked = Counter(
            told_engine(pid) for pid, command in children_of(up.process.pid).items() if "-m worker" in command
        )
        examined = selfref("doctor", "--data-dir", str(data))
    assert len(set(running.engine_urls)) == 2
    assert asked == dict(zip(running.engine_urls, (2, 1), strict=True))
    assert examined.exit_code == 0
    assert all(url in examined.stdout for url in running.engine_urls)


@pytest.mark.parametrize("more", [("--engine-url", "http://127.0.0.1:9"), ()])
def test_engines_that_nobody_would_ask_are_not_started(tmp_path: Path, more: tuple[str, ...]) -> None:
    with UpProcess(tmp_path / "data", "--port", "0", "--engines", "2", *more) as up:
        assert up.process.wait(40) == 2
        assert "what to do:" in up.text()
    assert not (tmp_path / "data").exists()


def told_engine(worker: int) -> str:
    """The address that a worker was started with."""
    environment = Path(f"/proc/{worker}/environ").read_text().split("\0")
    return next(each.partition("=")[2] for each in environment if each.startswith("SELFREF_ENGINE_URL="))
