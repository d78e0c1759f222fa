"""Build the images and run the profiles cpu, train and metrics of docker-compose.yml: `make compose-run-cpu`.

A script rather than a test: it takes minutes, a Docker Engine and gigabytes. It starts the whole stack under a project
name of its own, judges pairs through the published port, takes parts away while pairs are in flight, and removes every
container, network and volume it made; the images stay. The engine serves the bundled judge.
"""
# ruff: noqa: T201  it tells its story on standard output

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2

from selfref.stack.bundled import BUNDLED_MODEL

ROOT = Path(__file__).parents[2]
DOCKER = shutil.which("docker") or "docker"
PROJECT = "selfref-run"
PROCESSES = ("service", "keeper", "worker", "engine", "trainer")
TORCH_PORT = 8899  # fixed, since the address is an argument of the build and another one would miss its cache
PAIRS = 24
FILE_PAIRS = 60
SNAPSHOT = 40  # labels that the trainer takes at a time
MOST = 1000  # lines of one page, more than this run makes
FINAL = {"judged", "failed"}
# Replicas that Prometheus should find up, by job.
EXPECTED_TARGETS = {"service": 1, "keeper": 2, "worker": 2, "engine": 1}
SCALED = ("--no-recreate", "--scale", "worker=2", "--scale", "keeper=2")
PAIR = {"prompt": "What is 17 + 25?", "answer_a": "17 + 25 is 42.", "answer_b": "The answer is 41."}


def main() -> None:
    """Run every step; the first that does not hold ends the run with what it saw and the containers' last words."""
    key = f"run-{secrets.token_urlsafe(24)}"
    with tempfile.TemporaryDirectory() as folder, torch_for_cpu(Path(folder)) as overrides:
        gateway, prometheus, grafana = free_port(), free_port(), free_port()
        env = Path(folder) / "env"
        digest = hashlib.sha256(key.encode()).hexdigest()
        env.write_text(
            f"COMPOSE_PROFILES=cpu,train,metrics\nSELFREF_SERVICE_API_KEYS=run:{digest}\n"
            # All pairs have one prompt, which would be held out with all or with none of them.
            f"SELFREF_API_KEY={key}\nSELFREF_TRAINER_SIZE={SNAPSHOT}\nSELFREF_TRAINER_HELDOUT_SHARE=0\n"
            "SELFREF_TRAINER_KEEP_TIES=1\nSELFREF_TRAINER_THREADS=1\n"
            f"PUBLISH_PORT={gateway}\nPROMETHEUS_PORT={prometheus}\nGRAFANA_PORT={grafana}\n"
            "SELFREF_WORKER_LEASE=5\n"
            # A window smaller than the file: what a killed keeper has not fed, its successor must.
            "SELFREF_KEEPER_ARCHIVE_AFTER=1\nSELFREF_KEEPER_WINDOW_PAIRS=8\n"
            f"TORCH_INDEX={os.environ.get('TORCH_INDEX') or ''}\n"
        )
        stack = Stack(env, overrides)
        authorized = httpx2.Client(
            base_url=f"http://127.0.0.1:{gateway}", headers={"Authorization": f"Bearer {key}"}, timeout=60
        )
        try:
            with authorized as client:
                run(stack, client, f"http://127.0.0.1:{prometheus}")
        except BaseException:
            stack.compose("ps", "--all", check=False)
            stack.compose("logs", "--tail", "30", check=False)
            raise
        finally:
            stack.compose("down", "--volumes", "--timeout", "30", check=False)


class Stack:
    """`docker compose` with this run's environment and files."""

    def __init__(self, env: Path, overrides: list[Path]) -> None:
        files = [ROOT / "docker-compose.yml", *overrides]
        self._command = [DOCKER, "compose", "--project-name", PROJECT, "--env-file", str(env)]
        self._command += [word for file in files for word in ("--file", str(file))]

    def compose(self, *arguments: str, check: bool = True) -> None:
        """Run it with its output shown."""
        subprocess.run([*self._command, *arguments], cwd=ROOT, check=check)

    def output(self, *arguments: str) -> str:
        """Run it and return what it printed, whether it succeeded or not."""
        return subprocess.run([*self._command, *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    def shell(self, service: str, command: str) -> str:
        """Run a shell command inside a running container and return what it printed."""
        return self.output("exec", "-T", service, "sh", "-c", command)

    def states(self, service: str) -> list[dict[str, Any]]:
        """How Docker sees each container of a service: running or not, exit code, restarts, health."""
        containers = self.output("ps", "--all", "--quiet", service).split()
        return [json.loads(docker("inspect", "--format", "{{json .State}}", name)) for name in containers]


def run(stack: Stack, client: httpx2.Client, prometheus: str) -> None:
    """The story, in order; each step leaves the stack running for the next."""
    builds_and_becomes_healthy(stack)
    is_confined(stack)
    judgment = judges_with_a_key_only(client)
    loses_no_pair_with_a_killed_worker(stack, client)
    keeps_a_job_whose_keeper_and_worker_are_killed(stack, client)
    trains_once_on_every_snapshot_though_it_is_killed(stack, client)
    grows_and_lets_one_worker_go(stack, client, prometheus)
    keeps_everything_through_a_crash_of_redis(stack, client, judgment)
    stops_by_itself(stack)
    say("all of it held")


def builds_and_becomes_healthy(stack: Stack) -> None:
    say("build the images and start; --wait returns once every health check passes")
    stack.compose("build")
    stack.compose("up", "--no-build", "--detach", "--wait", "--wait-timeout", "180")
    for process in PROCESSES:
        size = int(docker("image", "inspect", "--format", "{{.Size}}", f"selfref-{process}:local"))
        print(f"  selfref-{process}:local {size / 1e6:.0f} MB")


def is_confined(stack: Stack) -> None:
    say("no process is root, can write to its image, or carries another's dependencies")
    for process in PROCESSES:
        assert stack.shell(process, "id -u") == "10001"
        assert stack.shell(process, "touch /opt/mark 2>/dev/null || echo refused") == "refused"
    for process in ("service", "keeper", "worker"):
        assert stack.shell(process, "python3 -c 'import torch' 2>/dev/null || echo none") == "none"


def judges_with_a_key_only(client: httpx2.Client) -> dict[str, Any]:
    say("without a key: 401; with it: a judgment")
    assert httpx2.post(f"{client.base_url}/judge", json=PAIR).status_code == 401
    answer = client.post("/judge", json=PAIR)
    assert answer.status_code == 200, answer.text
    judgment: dict[str, Any] = answer.json()
    print(f"  {judgment['id']}: verdict {judgment['verdict']}, log-odds {judgment['log_odds']}")
    assert judgment["provenance"]["model"] == BUNDLED_MODEL
    assert judgment["verdict"] == "A"
    return judgment


def loses_no_pair_with_a_killed_worker(stack: Stack, client: httpx2.Client) -> None:
    say(f"{PAIRS} pairs accepted; the worker's process is killed while they wait; Docker starts it again")
    waiting = submit(client)
    stack.shell("worker", "kill -KILL -1")
    assert not ended(client, waiting)
    until("every pair has ended", lambda: ended(client, waiting))
    assert restarts(stack, "worker") == [1]


def keeps_a_job_whose_keeper_and_worker_are_killed(stack: Stack, client: httpx2.Client) -> None:
    say(f"a file of {FILE_PAIRS} pairs and a broken line; keeper and worker are killed while it runs")
    lines = [json.dumps({**PAIR, "answer_a": f"The answer is {number + 100}."}) for number in range(FILE_PAIRS)]
    sent = "\n".join([*lines, "{"]).encode()
    answer = client.post("/jobs", content=sent, headers={"Content-Type": "application/x-ndjson"})
    assert answer.status_code == 202, answer.text
    job = answer.headers["Location"]
    until("its first pairs have ended", lambda: 0 < waiting_of(client, job) < FILE_PAIRS)
    stack.shell("keeper", "kill -KILL -1")
    stack.shell("worker", "kill -KILL -1")
    assert client.get(job).json()["status"] == "running"
    until("the job has ended", lambda: client.get(job).json()["status"] == "completed")
    assert (restarts(stack, "keeper"), restarts(stack, "worker")) == ([1], [2])
    counts = client.get(job).json()["counts"]
    assert counts["submitted"] == FILE_PAIRS == counts["decided"] + counts["tie"] + counts["inconsistent"]
    assert [json.loads(line)["line"] for line in client.get(f"{job}/errors").text.splitlines()] == [FILE_PAIRS + 1]
    keeps_what_is_archived(stack, client, job)


def waiting_of(client: httpx2.Client, job: str) -> int:
    """How many pairs of a job wait; none before its file has been read."""
    waiting: int = client.get(job).json()["counts"]["waiting"]
    return waiting


def keeps_what_is_archived(stack: Stack, client: httpx2.Client, job: str) -> None:
    say("its results and all labels are archived, and the same after a restart of gateway and keeper")
    results, labels = lines_of(client, f"{job}/results"), lines_of(client, "/labels")
    assert {json.loads(line)["line"] for line in results} == {*range(1, FILE_PAIRS + 1)}
    assert len(results) == FILE_PAIRS
    until("its results are archived", lambda: archived(stack, f"{job}/results") == len(results))
    until("the labels are archived", lambda: archived(stack, "/labels/run") == len(labels))
    stack.compose("restart", "service", "keeper")
    until("the gateway is back", lambda: answers(client, job))
    assert (lines_of(client, f"{job}/results"), lines_of(client, "/labels")) == (results, labels)


def lines_of(client: httpx2.Client, path: str) -> list[str]:
    answer = client.get(path, params={"limit": MOST})
    assert answer.status_code == 200, answer.text
    return answer.text.splitlines()


def archived(stack: Stack, folder: str) -> int:
    """How many lines the archive's files of a sequence hold."""
    return int(stack.shell("keeper", f"cat /data/archive{folder}/*.jsonl 2>/dev/null | wc -l") or 0)


def answers(client: httpx2.Client, path: str) -> bool:
    try:
        return client.get(path).status_code == 200
    except httpx2.TransportError:
        return False


def trains_once_on_every_snapshot_though_it_is_killed(stack: Stack, client: httpx2.Client) -> None:
    say(f"every {SNAPSHOT} labels make a snapshot and a reward model; the trainer is killed with the first in hand")
    until("it has a first snapshot", lambda: "00001" in stack.shell("trainer", "ls /data/training/snapshots"))
    stack.shell("trainer", "kill -KILL -1")
    due = len(lines_of(client, "/labels")) // SNAPSHOT
    until(
        f"{due} reward models",
        lambda: stack.shell("trainer", "ls /data/training/runs/*/report.json | wc -l") == str(due),
    )
    assert restarts(stack, "trainer") == [1]
    runs, taken = (stack.shell("trainer", f"ls /data/training/{folder}").split() for folder in ("runs", "snapshots"))
    assert (len(runs), taken) == (due, [f"{number:05}" for number in range(1, due + 1)] + ["lock"])
    until(
        "the last one is the current one", lambda: stack.shell("trainer", "cat /data/training/CURRENT-reward") in runs
    )
    print(stack.output("logs", "--no-log-prefix", "trainer"))


def grows_and_lets_one_worker_go(stack: Stack, client: httpx2.Client, prometheus: str) -> None:
    say("two workers, and two keepers of which one is active; one worker is told to stop while pairs wait")
    stack.compose("up", "--no-build", "--detach", "--wait", *SCALED)
    until("Prometheus sees gateway, engine, keepers and workers", lambda: targets(prometheus) == EXPECTED_TARGETS)
    until("one keeper is active, one stands by", lambda: samples(prometheus, "keeper_active") == ["0", "1"])
    waiting = submit(client)
    docker("stop", "--time", "20", stack.output("ps", "--quiet", "worker").split()[0])
    assert [state["ExitCode"] for state in stack.states("worker") if not state["Running"]] == [0]
    assert not ended(client, waiting)
    until("every pair has ended", lambda: ended(client, waiting))


def keeps_everything_through_a_crash_of_redis(stack: Stack, client: httpx2.Client, judgment: dict[str, Any]) -> None:
    say("Redis is killed with pairs waiting and starts again; nothing accepted or judged is lost")
    waiting = submit(client)
    stack.output("kill", "--signal", "KILL", "redis")
    until("the gateway says that it is not ready", lambda: client.get("/readyz").status_code == 503)
    stack.compose("up", "--no-build", "--detach", "--wait", *SCALED)
    assert client.get(f"/judgments/{judgment['id']}").json()["verdict"] == judgment["verdict"]
    until("every pair has ended", lambda: ended(client, waiting))


def stops_by_itself(stack: Stack) -> None:
    say("stop: every process leaves by itself, with exit code 0")
    stack.compose("stop")
    for process in PROCESSES:
        assert {state["ExitCode"] for state in stack.states(process)} == {0}, process


def submit(client: httpx2.Client) -> list[str]:
    """Pairs that differ, so that none is answered from another's judgment; the ids they were accepted under."""
    accepted = [
        client.post(
            "/judge",
            json={**PAIR, "answer_a": f"The answer is {secrets.token_hex(4)}."},
            headers={"Prefer": "respond-async"},
        )
        for _ in range(PAIRS)
    ]
    assert {answer.status_code for answer in accepted} == {202}
    return [answer.headers["Location"] for answer in accepted]


def ended(client: httpx2.Client, locations: list[str]) -> bool:
    return all(client.get(location).json()["status"] in FINAL for location in locations)


def targets(prometheus: str) -> dict[str, int]:
    """How many targets of each job were scraped without an error."""
    up: dict[str, int] = {}
    for target in httpx2.get(f"{prometheus}/api/v1/targets").json()["data"]["activeTargets"]:
        if target["health"] == "up":
            up[target["labels"]["job"]] = up.get(target["labels"]["job"], 0) + 1
    return up


def samples(prometheus: str, metric: str) -> list[str]:
    """The last value from each replica, in order."""
    answer = httpx2.get(f"{prometheus}/api/v1/query", params={"query": metric}).json()
    return sorted(series["value"][1] for series in answer["data"]["result"])


def restarts(stack: Stack, service: str) -> list[int]:
    containers = stack.output("ps", "--quiet", service).split()
    return [int(docker("inspect", "--format", "{{.RestartCount}}", name)) for name in containers]


def until(what: str, holds: Callable[[], bool], *, seconds: float = 120) -> None:
    """Wait for a condition; a deadline missed is a failure of the run."""
    started = time.monotonic()
    while not holds():
        if time.monotonic() - started > seconds:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(0.2)
    print(f"  {what}: {time.monotonic() - started:.1f} s")


@contextlib.contextmanager
def torch_for_cpu(folder: Path) -> Iterator[list[Path]]:
    """Override files for the build, and a package index that lasts for the block.

    Where pip is configured to find a torch wheel in a folder of this machine, that folder is served as an index on
    loopback and given to the build as TORCH_INDEX; the build shares this machine's network for it.
    """
    configured = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", ":env:.find-links"], capture_output=True, text=True
    )
    wheels = sorted(Path(configured.stdout.strip() or "/nowhere").glob("torch-*.whl"))
    if os.environ.get("TORCH_INDEX") or not wheels:
        yield []
        return
    (folder / "index" / "torch").mkdir(parents=True)
    for wheel in wheels:
        (folder / "index" / "torch" / wheel.name).symlink_to(wheel)
    server = ThreadingHTTPServer(("127.0.0.1", TORCH_PORT), partial(_QuietFiles, directory=str(folder / "index")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    override = folder / "build.yml"
    override.write_text(
        "services:\n"
        + "".join(
            f"  {process}:\n    build:\n      network: host\n      args:\n"
            f"        TORCH_INDEX: http://127.0.0.1:{TORCH_PORT}/\n"
            for process in ("engine", "trainer")
        )
    )
    yield [override]
    server.shutdown()


class _QuietFiles(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the parent's name
        """Say nothing: pip asks for every package here, and finds torch only."""


def docker(*arguments: str) -> str:
    return subprocess.run([DOCKER, *arguments], check=True, capture_output=True, text=True).stdout.strip()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def say(step: str) -> None:
    print(f"\n== {step}", flush=True)


if __name__ == "__main__":
    main()
