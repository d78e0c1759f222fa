"""Jobs through both clients, against a real service."""

import asyncio
import gzip
import json
import uuid
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
        rows = [line for page in client.jobs.result_pages(job.id, format_="trl") for line in page.lines]
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
        asking = asyncio.create_task(self._pass(reader, back))
        try:
            while piece := await there.read(65536):
                if self.cuts:
                    self.cuts -= 1
                    break
                writer.write(piece)
                await writer.drain()
        finally:
            asking.cancel()
            for each in (writer, back):
                each.close()
            await asyncio.gather(asking, writer.wait_closed(), back.wait_closed(), return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()


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
