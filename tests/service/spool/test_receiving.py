"""What is sent is what lies on disk, whatever it is wrapped in and however it is cut; or nothing is left of it."""

import gzip
import hashlib
import subprocess
import sys
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.errors import Refusal
from service.spool.folder import JobFolder, Spool
from service.spool.receiving import Received, receive

NDJSON = "application/x-ndjson"
FORM = "multipart/form-data; boundary=xyz"
LINES = b'{"prompt":"p","answer_a":"a","answer_b":"b"}\n{}\n'
MB = 1_000_000


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


async def sent(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def pieces(body: bytes, size: int) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


async def received(
    spool: Spool, *chunks: bytes, media: str = NDJSON, encoding: str = "", most: int = MB, lines: int = 1000
) -> Received:
    return await receive(
        sent(*chunks), content_type=media, content_encoding=encoding, spool=spool, most_bytes=most, most_lines=lines
    )


def form(content: bytes, **fields: str) -> bytes:
    parts = [f'--xyz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}' for name, text in fields.items()]
    parts.append('--xyz\r\nContent-Disposition: form-data; name="file"; filename="pairs.jsonl"\r\n\r\n')
    return "\r\n".join(parts).encode() + content + b"\r\n--xyz--\r\n"


def left(spool: Spool) -> list[Path]:
    return [path for path in spool.root.rglob("*") if path.name != ".receiving"] if spool.root.exists() else []


@pytest.mark.parametrize("media", [NDJSON, "application/jsonl", "application/json-lines; charset=UTF-8", "Text/Plain"])
async def test_lines_are_kept_as_they_were_sent(spool: Spool, media: str) -> None:
    got = await received(spool, *pieces(LINES, 7), media=media)
    assert got.folder.upload.read_bytes() == LINES
    assert (got.bytes, got.newlines, got.sha256) == (len(LINES), 2, hashlib.sha256(LINES).hexdigest())


@pytest.mark.parametrize(
    ("media", "encoding"),
    [(NDJSON, "gzip"), (NDJSON, "X-GZIP"), ("application/gzip", ""), ("application/x-gzip", "gzip"), (NDJSON, "")],
)
@pytest.mark.parametrize("size", [1, 5, 10_000])
async def test_gzip_is_unpacked_however_it_is_declared_and_cut(
    spool: Spool, media: str, encoding: str, size: int
) -> None:
    body = gzip.compress(LINES, mtime=0) + gzip.compress(b"", mtime=0) + gzip.compress(LINES, mtime=0)
    got = await received(spool, *pieces(body, size), media=media, encoding=encoding)
    assert got.folder.upload.read_bytes() == LINES * 2
    assert got.newlines == 4


@pytest.mark.parametrize("content", [LINES, gzip.compress(LINES, mtime=0)], ids=["plain", "gzip"])
async def test_a_form_gives_its_file_and_its_fields(spool: Spool, content: bytes) -> None:
    got = await received(spool, *pieces(form(content, votes="3", principle="short é"), 11), media=FORM)
    assert got.folder.upload.read_bytes() == LINES
    assert got.fields == {"votes": "3", "principle": "short é"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    content=st.lists(st.sampled_from([b"\r", b"\n", b"-", b"\r\n--xy", b"\r\n--xyzz", b"{}", b"x" * 40])).map(b"".join),
    size=st.integers(1, 30),
    wrapped=st.booleans(),
)
async def test_any_file_survives_a_form_cut_anywhere(spool: Spool, content: bytes, size: int, wrapped: bool) -> None:
    content = b"{}\n" + content
    body = form(gzip.compress(content) if wrapped else content, name="n")
    got = await received(spool, *pieces(body, size), media=FORM)
    assert got.folder.upload.read_bytes() == content
    spool.drop(got.folder)


BOMB = gzip.compress(b"{" * 30_000_000, 9, mtime=0)
GZ = gzip.compress(LINES, mtime=0)


@pytest.mark.parametrize(
    ("body", "media", "encoding", "status", "code"),
    [
        (b"", NDJSON, "", 422, "empty_upload"),
        (b" \r\n\n", NDJSON, "", 422, "empty_upload"),
        (gzip.compress(b"", mtime=0), NDJSON, "gzip", 422, "empty_upload"),
        (LINES, "", "", 415, "not_jsonl"),
        (LINES, "application/json", "", 415, "not_jsonl"),
        (LINES, "text/plain; charset=latin-1", "", 415, "not_utf8"),
        (LINES, NDJSON, "br", 415, "unknown_encoding"),
        (form(LINES), FORM, "gzip", 415, "unknown_encoding"),
        (LINES, NDJSON, "gzip", 400, "not_gzip"),
        (LINES, "application/gzip", "", 400, "not_gzip"),
        (GZ[:-1], NDJSON, "gzip", 400, "gzip_truncated"),
        (GZ[:5], NDJSON, "", 400, "gzip_truncated"),
        (GZ + b"more", NDJSON, "gzip", 400, "not_gzip"),
        (GZ[:-6] + b"x" * 6, NDJSON, "gzip", 400, "not_gzip"),
        (form(GZ[:-1]), FORM, "", 400, "gzip_truncated"),
        (BOMB, NDJSON, "gzip", 413, "upload_too_large"),
        (b"x" * (MB + 1), NDJSON, "", 413, "upload_too_large"),
        (b"{}\n" * 1001, NDJSON, "", 413, "too_many_lines"),
        (form(LINES)[:-8], FORM, "", 400, "invalid_multipart"),
        (b"no form", FORM, "", 400, "invalid_multipart"),
        (form(LINES), "multipart/form-data", "", 400, "invalid_multipart"),
        (form(LINES).replace(b'"file"', b'"lines"'), FORM, "", 422, "missing_file"),
        (form(LINES).replace(b'"file"; filename="pairs.jsonl"', b'"lines"'), FORM, "", 422, "missing_file"),
        (form(LINES)[:-10] + b"\r\n" + form(LINES), FORM, "", 422, "too_many_files"),
        (form(LINES, principle="x" * 20_000), FORM, "", 413, "body_too_large"),
        (form(LINES, name="cafe").replace(b"cafe", b"caf\xe9"), FORM, "", 400, "not_utf8"),
    ],
)
@pytest.mark.parametrize("size", [3000, 65_536])
async def test_what_cannot_be_kept_is_refused_and_leaves_nothing(
    spool: Spool, body: bytes, media: str, encoding: str, status: int, code: str, size: int
) -> None:
    with pytest.raises(Refusal) as refused:
        await received(spool, *pieces(body, size), media=media, encoding=encoding)
    assert (refused.value.status, refused.value.code) == (status, code)
    assert refused.value.detail.endswith(".")
    assert left(spool) == []


class Weighed(Spool):
    """Remembers how large the upload was that it dropped."""

    dropped = 0

    def drop(self, received: JobFolder) -> None:
        self.dropped = received.upload.stat().st_size
        super().drop(received)


async def test_a_gzip_bomb_takes_neither_memory_nor_disk_beyond_the_limit(tmp_path: Path) -> None:
    spool = Weighed(tmp_path)
    tracemalloc.start()
    try:
        with pytest.raises(Refusal):
            await received(spool, BOMB, encoding="gzip", most=20 * MB, lines=40 * MB)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * MB
    assert 19 * MB < spool.dropped <= 20 * MB
    assert left(spool) == []


async def test_memory_does_not_grow_with_the_upload(spool: Spool) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1600):
            yield LINES * 1300  # 64 KB

    tracemalloc.start()
    try:
        got = await receive(endless(), content_type=NDJSON, content_encoding="", spool=spool, most_bytes=200 * MB)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert got.bytes > 90 * MB
    assert peak < 2 * MB


async def test_a_client_that_goes_away_leaves_nothing(spool: Spool) -> None:
    class Gone(Exception):
        pass

    async def interrupted() -> AsyncIterator[bytes]:
        yield LINES
        assert len(left(spool)) == 2
        raise Gone

    with pytest.raises(Gone):
        await receive(interrupted(), content_type=NDJSON, content_encoding="", spool=spool, most_bytes=MB)
    assert left(spool) == []


@pytest.mark.parametrize("size", [64_000, 3_000_000], ids=["many chunks", "one chunk, of which a part fits"])
def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, size: int) -> None:
    """On a disk of 1 MB, mounted where only a process of its own sees it."""
    mount = f"mount -t tmpfs -o size=1m tmpfs {tmp_path}"
    script = f"{mount} && exec {sys.executable} -m tests.service.spool.full_disk {tmp_path} {size}"
    own_mounts = ["unshare", "--mount", "--map-root-user", "sh", "-c", script]
    ended = subprocess.run(own_mounts, capture_output=True, text=True, check=False)
    if "unshare:" in ended.stderr or "mount:" in ended.stderr:
        pytest.skip(f"no disk of its own can be mounted here: {ended.stderr.strip()}")
    assert (ended.stdout, ended.stderr) == ("spool_full True 503 nothing left\n", "")
