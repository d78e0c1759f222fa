"""Jobs through both clients, against a real service."""

import asyncio
import gzip
import json
import os
import threading
import uuid
from collections.abc import Generator
from pathlib import Path

import pytest

from selfref import AsyncClient, Client
from selfref.client import NotFound, RequestRefused
from selfref.messages import JobStatus
from selfref.stack.datadir import Running


def written(folder: Path, count: int, *, bad: int = 0, gzipped: bool = False) -> Path:
    """A file of pairs that no other test asks, the last lines of it broken."""
    seed = uuid.uuid4()
    pair = {"answer_a": "GOOD", "answer_b": "bad"}
    lines = [json.dumps({"prompt": f"{seed} {n}", "custom_id": f"c{n}", **pair}) for n in range(count)]
    content = "\n".join([*lines, *["{"] * bad]).encode()
    path = folder / f"{seed}.jsonl"
    path.write_bytes(gzip.compress(content) if gzipped else content)
    return path


def test_a_file_is_uploaded_followed_and_read(stack: Running, tmp_path: Path) -> None:
    with Client(stack.service_url) as client:
        job = client.jobs.submit(written(tmp_path, 20, bad=1), name="mine", canaries=0.1)
        assert (job.name, job.status) == ("mine", JobStatus.VALIDATING)
        seen = list(client.jobs.follow(job.id))
        assert seen[-1].status is JobStatus.COMPLETED
        ended = [each.counts.submitted - each.counts.waiting for each in seen]
        assert ended == sorted(ended)
        assert sorted(result.custom_id or "" for result in client.jobs.results(job.id)) == sorted(
            f"c{number}" for number in range(20)
        )
        assert [(error.line, error.code) for error in client.jobs.errors(job.id)] == [(21, "invalid_json")]
        assert job.id in [each.id for each in client.jobs.page(limit=100).jobs]
        rows = [line for page in client.jobs.line_pages(job.id, format_="trl") for line in page.items]
        assert len(rows) == 20
        assert b"".join(client.jobs.parquet(job.id)).startswith(b"PAR1")
        assert client.jobs.get(job.id).reliability is not None
        client.jobs.delete(job.id)
        with pytest.raises(NotFound):
            client.jobs.get(job.id)


async def test_the_same_for_asyncio_code(stack: Running, tmp_path: Path) -> None:
    async with AsyncClient(stack.service_url) as client:
        job = await client.jobs.submit(written(tmp_path, 5, gzipped=True))
        last = [each async for each in client.jobs.follow(job.id)][-1]
        assert (last.status, last.counts.decided) == (JobStatus.COMPLETED, 5)
        assert len([each async for each in client.jobs.results(job.id)]) == 5
        assert [each async for each in client.jobs.errors(job.id)] == []
        assert b"".join([piece async for piece in client.jobs.parquet(job.id)]).startswith(b"PAR1")
        assert (await client.jobs.page()).jobs
        await client.jobs.delete(job.id)


def test_the_same_key_is_the_same_job(stack: Running, tmp_path: Path) -> None:
    file, other = written(tmp_path, 2), written(tmp_path, 2)
    with Client(stack.service_url) as client:
        first = client.jobs.submit(file, idempotency_key=file.name)
        assert client.jobs.submit(file, idempotency_key=file.name).id == first.id
        with pytest.raises(RequestRefused, match="idempotency_key_reused"):
            client.jobs.submit(other, idempotency_key=file.name)


def test_a_job_is_canceled_and_what_has_not_failed_is_not_retried(stack: Running, tmp_path: Path) -> None:
    with Client(stack.service_url) as client:
        job = client.jobs.submit(written(tmp_path, 300))
        assert client.jobs.cancel(job.id).status is JobStatus.CANCELED
        assert [each.status for each in client.jobs.follow(job.id)] == [JobStatus.CANCELED]
        with pytest.raises(RequestRefused, match="nothing_to_retry"):
            client.jobs.retry(job.id)


def test_options_and_files_that_cannot_be_are_refused_before_anything_is_sent(stack: Running, tmp_path: Path) -> None:
    with Client(stack.service_url) as client:
        with pytest.raises(ValueError, match="votes"):
            client.jobs.submit(written(tmp_path, 1), votes=99)
        with pytest.raises(FileNotFoundError):
            client.jobs.submit(tmp_path / "nothing")
        with pytest.raises(NotFound):
            list(client.jobs.follow("job-nothing"))


class Cutting:
    """A proxy that cuts the connection at the first pieces of a reply it is told to, and then works."""

    def __init__(self, port: int, *, cuts: int) -> None:
        self._port = port
        self.cuts = cuts

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        ways = [asyncio.create_task(self._ask(reader, back)), asyncio.create_task(self._answer(there, writer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for each in (writer, back):
            each.transport.abort()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65536):
            writer.write(piece)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65536):
            if self.cuts:
                self.cuts -= 1
                return
            writer.write(piece)


async def test_lost_replies_and_broken_streams_change_nothing(stack: Running, tmp_path: Path) -> None:
    cutting = Cutting(int(stack.service_url.rpartition(":")[2]), cuts=1)
    server = await asyncio.start_server(cutting.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, AsyncClient(url) as client:
        job = await client.jobs.submit(written(tmp_path, 10))
        cutting.cuts = 2
        last = [each async for each in client.jobs.follow(job.id)][-1]
        assert last.counts.decided == 10
        cutting.cuts = 1
        assert len([each async for each in client.jobs.results(job.id)]) == 10
    async with AsyncClient(stack.service_url) as client:
        same = [each for each in (await client.jobs.page(limit=100)).jobs if each.bytes == job.bytes]
        assert [each.id for each in same].count(job.id) == 1


def test_pieces_and_pipes_that_can_be_read_only_once_are_uploaded_whole(stack: Running, tmp_path: Path) -> None:
    file, pipe = written(tmp_path, 5, gzipped=True), tmp_path / "pipe"
    os.mkfifo(pipe)
    writing = threading.Thread(target=lambda: pipe.write_bytes(file.read_bytes()))
    with Client(stack.service_url) as client:
        whole = client.jobs.submit(file)
        in_pieces = client.jobs.submit(iter([file.read_bytes()[:1], file.read_bytes()[1:]]))
        writing.start()
        piped = client.jobs.submit(pipe)
    writing.join()
    assert whole.bytes == in_pieces.bytes == piped.bytes > 0


def test_results_and_errors_go_on_from_their_cursor(stack: Running, tmp_path: Path) -> None:
    with Client(stack.service_url) as client:
        job = client.jobs.submit(written(tmp_path, 5, bad=3), max_refused=0.5)
        list(client.jobs.follow(job.id))
        results = client.jobs.results(job.id, limit=2)
        seen = [result.line for _, result in zip(range(3), results, strict=False)]
        again = client.jobs.results(job.id, results.cursor, limit=2)
        assert next(result.line for result in again) == seen[2], "the second page was not finished"
        assert len(list(results)) == 3
        assert list(results) == []
        errors = client.jobs.errors(job.id, limit=2)
        assert [error.line for error in errors] == [6, 7, 8]
        assert list(client.jobs.errors(job.id, errors.cursor)) == []


def test_a_stream_left_early_gives_its_connection_back(stack: Running, tmp_path: Path) -> None:
    with Client(stack.service_url) as client:
        job = client.jobs.submit(written(tmp_path, 300))
        following = client.jobs.follow(job.id)
        next(following)
        assert isinstance(following, Generator)
        following.close()
        assert not client._http._transport._pool.connections
        client.jobs.cancel(job.id)
