"""Sequences that lie partly in the archive: read as one, whatever was archived when, in a folder and elsewhere."""

import asyncio
import itertools
import json
import os
import re
import resource
from pathlib import Path
from typing import Any, NoReturn

import fsspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from selfref.messages import Label
from selfref.store import ArchiveUnavailable, CursorExpired, Entry, Position, Segment, Store
from selfref.store.documents import pack
from selfref.store.keys import label_sequence
from service.archive import SegmentArchive
from tests.redis_server import RedisServer
from tests.selfref.store.pairs import judged, work

TENANT = "acme"
NAME = label_sequence(TENANT)
START = Position()
_folders = itertools.count()


def label(number: int) -> Label:
    return judged(work(f"p{number}"))[1]


async def append(store: Store, number: int, *, at: str = "*") -> Position:
    """One more label in the feed, without the pair that made it."""
    (keys,) = store.shards
    entry = await store._pipeline.call("XADD", keys.labels(TENANT), at, "label", pack(label(number).model_dump_json()))
    return Position.parse(entry.decode())


async def archive_oldest(store: Store, archive: SegmentArchive, count: int) -> bool:
    (keys,) = store.shards
    entries = await store.sequences.oldest(keys, NAME, limit=count)
    if not entries:
        return False
    return await store.sequences.archived(keys, NAME, await archive.write(NAME, entries))


async def whole(store: Store, *, limit: int) -> list[Entry]:
    """The sequence from its start, page by page."""
    (keys,) = store.shards
    found: list[Entry] = []
    while page := await store.sequences.read(keys, NAME, after=found[-1][0] if found else START, limit=limit):
        assert len(page) <= limit
        found += page
    return found


@pytest.fixture(params=["folder", "memory"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> SegmentArchive:
    return SegmentArchive(str(tmp_path) if request.param == "folder" else f"memory://archive-{next(_folders)}")


@pytest.fixture
async def archived_store(redis_url: str, archive: SegmentArchive):
    opened = await Store.open(redis_url, archive=archive)
    yield opened
    await opened.aclose()


@given(
    moves=st.lists(st.one_of(st.just(0), st.integers(1, 6)), max_size=40),
    same_moment=st.booleans(),
    limit=st.integers(1, 9),
)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_archived_when_the_sequence_is_the_same(
    redis_server: RedisServer, moves: list[int], same_moment: bool, limit: int
) -> None:
    """0 appends a label, any other number archives so many of the oldest."""

    async def play() -> None:
        archive = SegmentArchive(f"memory://archive-{next(_folders)}")
        with Redis.from_url(redis_server.url) as redis:
            redis.flushall()
        store = await Store.open(redis_server.url, archive=archive)
        try:
            positions: list[Position] = []
            for move in moves:
                if move:
                    await archive_oldest(store, archive, move)
                else:
                    at = f"7-{len(positions) + 1}" if same_moment else "*"
                    positions.append(await append(store, len(positions), at=at))
                assert [position for position, _ in await whole(store, limit=limit)] == positions
            found = [Label.model_validate_json(document).id for _, document in await whole(store, limit=limit)]
            assert found == [f"p{number}" for number in range(len(positions))]
            (keys,) = store.shards
            for start in positions:
                rest = await store.sequences.read(keys, NAME, after=start, limit=100)
                assert [position for position, _ in rest] == positions[positions.index(start) + 1 :]
        finally:
            await store.aclose()

    asyncio.run(play())


async def test_of_two_keepers_that_archive_the_same_only_one_does(archived_store: Store, archive: SegmentArchive):
    for number in range(5):
        await append(archived_store, number)
    (keys,) = archived_store.shards
    entries = await archived_store.sequences.oldest(keys, NAME, limit=10)
    one, other = await archive.write(NAME, entries), await archive.write(NAME, entries[:3])
    assert await archived_store.sequences.archived(keys, NAME, one)
    assert await archived_store.sequences.archived(keys, NAME, one), "told again after a lost reply"
    assert not await archived_store.sequences.archived(keys, NAME, other)
    last = await append(archived_store, 5)
    assert not await archived_store.sequences.archived(keys, NAME, other)
    positions = [*(position for position, _ in entries), last]
    assert [position for position, _ in await whole(archived_store, limit=2)] == positions
    assert await archived_store.sequences.segments(keys, NAME) == [one]


async def test_entries_that_redis_lost_while_they_were_written_are_not_archived(
    archived_store: Store, archive: SegmentArchive
):
    """A power failure between the keeper's reading and its registering: their pairs are judged again, at later ones."""
    for number in range(5):
        await append(archived_store, number)
    (keys,) = archived_store.shards
    entries = await archived_store.sequences.oldest(keys, NAME, limit=5)
    segment = await archive.write(NAME, entries)
    await archived_store._pipeline.call("XDEL", keys.labels(TENANT), *(str(position) for position, _ in entries[3:]))
    again = [await append(archived_store, number) for number in (3, 4)]
    assert not await archived_store.sequences.archived(keys, NAME, segment)
    assert await archived_store.sequences.segments(keys, NAME) == []
    assert [position for position, _ in await whole(archived_store, limit=2)] == [
        *(position for position, _ in entries[:3]),
        *again,
    ]


async def test_a_written_segment_that_was_never_registered_is_as_if_it_were_not(
    archived_store: Store, archive: SegmentArchive
):
    for number in range(3):
        await append(archived_store, number)
    (keys,) = archived_store.shards
    await archive.write(NAME, await archived_store.sequences.oldest(keys, NAME, limit=2))
    assert len(await whole(archived_store, limit=10)) == 3
    assert await archive_oldest(archived_store, archive, 2)
    assert len(await whole(archived_store, limit=10)) == 3


async def test_a_reader_beside_a_busy_keeper_sees_every_entry_once(archived_store: Store, archive: SegmentArchive):
    async def write() -> None:
        for number in range(200):
            await append(archived_store, number)
            if number % 3 == 0:
                await archive_oldest(archived_store, archive, 2)

    writing = asyncio.create_task(write())
    (keys,) = archived_store.shards
    seen: list[Entry] = []
    while not writing.done() or len(seen) < 200:
        seen += await archived_store.sequences.read(keys, NAME, after=seen[-1][0] if seen else START, limit=5)
    await writing
    assert [Label.model_validate_json(document).id for _, document in seen] == [f"p{number}" for number in range(200)]


async def test_many_segments_of_one_moment_are_read_in_order(archived_store: Store, archive: SegmentArchive):
    positions = []
    for number in range(25):
        positions.append(await append(archived_store, number, at=f"7-{number + 1}"))
        await archive_oldest(archived_store, archive, 1)
    positions.append(await append(archived_store, 25, at="9-1"))
    await archive_oldest(archived_store, archive, 1)
    (keys,) = archived_store.shards
    for read, start in enumerate([START, *positions]):
        rest = await archived_store.sequences.read(keys, NAME, after=start, limit=100)
        assert [position for position, _ in rest] == positions[read:]


async def test_a_segment_that_lost_its_end_is_not_taken_for_the_end_of_the_sequence(redis_url: str, tmp_path: Path):
    archive = SegmentArchive(str(tmp_path))
    store = await Store.open(redis_url, archive=archive)
    try:
        positions = [await append(store, number) for number in range(4)]
        await archive_oldest(store, archive, 3)
        (keys,) = store.shards
        (segment,) = await store.sequences.segments(keys, NAME)
        lines = (tmp_path / segment.file).read_bytes().splitlines(keepends=True)
        (tmp_path / segment.file).write_bytes(b"".join(lines[:2]))
        assert [each for each, _ in await store.sequences.read(keys, NAME, after=START, limit=2)] == positions[:2]
        with pytest.raises(ArchiveUnavailable, match=re.escape(segment.file)):
            await store.sequences.read(keys, NAME, after=START, limit=4)
        (tmp_path / segment.file).write_bytes(b"".join(lines)[:-5])
        with pytest.raises(ArchiveUnavailable, match="no entry"):
            await store.sequences.read(keys, NAME, after=START, limit=4)
    finally:
        await store.aclose()


async def test_a_long_segment_is_entered_at_any_position(archive: SegmentArchive):
    text = "x" * 3000
    entries = [(Position(1, number), json.dumps({"n": number, "text": text}).encode()) for number in range(1, 200)]
    segment = await archive.write("results:job-1", entries)
    for number in range(199):
        (found, *_) = await archive.read(segment, after=Position(1, number), limit=2)
        assert found == (Position(1, number + 1), entries[number][1])
    assert await archive.read(segment, after=Position(1, 199), limit=5) == []
    assert len(await archive.read(segment, after=START, limit=1000)) == 199


async def test_a_line_of_the_archive_is_the_document_with_its_place_in_front(tmp_path: Path):
    archive = SegmentArchive(str(tmp_path))
    segment = await archive.write(NAME, [(Position(5, 1), label(1).model_dump_json().encode())])
    (line,) = (tmp_path / segment.file).read_text().splitlines()
    document = json.loads(line)
    assert document.pop("position") == "5-1"
    assert Label.model_validate(document).id == "p1"
    assert segment.file.startswith("labels/acme/5-1.")


async def test_removed_files_may_be_removed_again(archive: SegmentArchive):
    segment = await archive.write(NAME, [(Position(5, 1), b"{}")])
    await archive.remove([segment.file])
    await archive.remove([segment.file])
    with pytest.raises(ArchiveUnavailable):
        await archive.read(segment, after=START, limit=1)


async def test_what_cannot_be_written_leaves_nothing(tmp_path: Path):
    (tmp_path / "labels").write_text("in the way")
    with pytest.raises(ArchiveUnavailable, match=str(tmp_path)):
        await SegmentArchive(str(tmp_path)).write(NAME, [(Position(5, 1), b"{}")])
    assert await asyncio.to_thread(os.listdir, tmp_path) == ["labels"]


async def test_a_full_disk_does_not_fill_further_at_every_try(tmp_path: Path):
    archive, most = SegmentArchive(str(tmp_path)), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, most[1]))
    try:
        with pytest.raises(ArchiveUnavailable, match=str(tmp_path)):
            await archive.write(NAME, [(Position(5, 1), json.dumps({"text": "x" * 5000}).encode())])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
    assert await asyncio.to_thread(os.listdir, tmp_path / "labels" / TENANT) == []


async def test_a_process_that_knows_no_archive_says_what_to_set(redis_url: str, tmp_path: Path):
    archive = SegmentArchive(str(tmp_path))
    store = await Store.open(redis_url)
    try:
        await append(store, 1)
        await archive_oldest(store, archive, 1)
        with pytest.raises(ArchiveUnavailable, match="SELFREF_ARCHIVE_URL"):
            await store.labels.read(TENANT, after=None, limit=1, wait=0)
    finally:
        await store.aclose()


@pytest.mark.parametrize("read", range(1, 8))
async def test_labels_are_trimmed_through_any_place(archived_store: Store, archive: SegmentArchive, read: int):
    """Six labels, of which two segments of two are archived; a segment goes once all of it was read."""
    for number in range(6):
        await append(archived_store, number)
    await archive_oldest(archived_store, archive, 2)
    await archive_oldest(archived_store, archive, 2)
    early = (await archived_store.labels.read(TENANT, after=None, limit=1, wait=0)).cursor
    page = await archived_store.labels.read(TENANT, after=None, limit=read, wait=0)
    kept_from = {1: 0, 2: 2, 3: 2, 4: 4, 5: 5}.get(read, 6)
    assert await archived_store.labels.trim(TENANT, through=page.cursor) == kept_from
    rest = await archived_store.labels.read(TENANT, after=page.cursor, limit=10, wait=0)
    assert [each.id for each in rest.labels] == [f"p{number}" for number in range(min(read, 6), 6)]
    from_start = await archived_store.labels.read(TENANT, after=None, limit=10, wait=0)
    assert [each.id for each in from_start.labels] == [f"p{number}" for number in range(kept_from, 6)]
    if kept_from > 1:
        with pytest.raises(CursorExpired):
            await archived_store.labels.read(TENANT, after=early, limit=10, wait=0)
    (keys,) = archived_store.shards
    assert len(await archived_store.sequences.garbage(keys, limit=10)) == min(2, kept_from // 2)


@given(
    archived=st.lists(st.integers(1, 4), max_size=6),
    trims=st.lists(st.integers(0, 20), min_size=1, max_size=4),
    limit=st.integers(1, 7),
)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_after_any_trims_what_is_kept_is_read_to_its_end_and_every_cursor_before_it_has_expired(
    redis_server: RedisServer, archived: list[int], trims: list[int], limit: int
) -> None:
    async def play() -> None:
        archive = SegmentArchive(f"memory://archive-{next(_folders)}")
        with Redis.from_url(redis_server.url) as redis:
            redis.flushall()
        store = await Store.open(redis_server.url, archive=archive)
        try:
            cursors = [(await store.labels.read(TENANT, after=None, limit=1, wait=0)).cursor]
            for number in range(20):
                await append(store, number)
                cursors.append((await store.labels.read(TENANT, after=cursors[-1], limit=1, wait=0)).cursor)
            kept_from, later = 0, iter(archived)
            for through in trims:
                await archive_oldest(store, archive, next(later, 0) + 1)
                kept_from += await store.labels.trim(TENANT, through=cursors[through])
                found, cursor = [], None
                while (page := await store.labels.read(TENANT, after=cursor, limit=limit, wait=0)).lines:
                    found += [label.id for label in page.labels]
                    cursor = page.cursor
                assert found == [f"p{number}" for number in range(kept_from, 20)]
                for cursor in cursors[:kept_from]:
                    with pytest.raises(CursorExpired):
                        await store.labels.read(TENANT, after=cursor, limit=1, wait=0)
            (keys,) = store.shards
            files = {segment.file for segment in await store.sequences.segments(keys, NAME)}
            assert not files & set(await store.sequences.garbage(keys, limit=99))
        finally:
            await store.aclose()

    asyncio.run(play())


async def test_a_trim_beside_a_busy_keeper_leaves_nothing_that_no_cursor_reaches(redis_url: str, tmp_path: Path):
    archive = SegmentArchive(str(tmp_path))
    store, keeper = await Store.open(redis_url, archive=archive), await Store.open(redis_url)

    async def archive_all() -> None:
        while await archive_oldest(keeper, archive, 1):
            pass

    try:
        for first in range(0, 100, 10):
            for number in range(first, first + 10):
                await append(store, number)
            page = await store.labels.read(TENANT, after=None, limit=7, wait=0)
            await asyncio.gather(archive_all(), store.labels.trim(TENANT, through=page.cursor))
            found, cursor = [], None
            while (page := await store.labels.read(TENANT, after=cursor, limit=3, wait=0)).lines:
                found += [label.id for label in page.labels]
                cursor = page.cursor
            assert found == [f"p{number}" for number in range(first + 10 - len(found), first + 10)]
            await store.labels.trim(TENANT, through=page.cursor)
    finally:
        await store.aclose()
        await keeper.aclose()


def test_a_segment_survives_its_encoding():
    segment = Segment("labels/a/1-1.x.jsonl", Position(1, 1), Position(2, 3), 7)
    assert Segment.decode(segment.encode()) == segment


class NoEndpoint(Exception):
    """What a library of a remote store raises; botocore's and aiohttp's are no OSErrors."""


class UnreachableStore(fsspec.AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """A bucket behind a network that is down."""

    protocol = "unreachable"

    def _fail(self, *_: Any, **__: Any) -> NoReturn:
        raise NoEndpoint("could not connect")

    pipe_file = info = _open = rm_file = _fail


async def test_a_remote_store_that_cannot_be_reached_is_an_archive_that_is_away():
    fsspec.register_implementation("unreachable", UnreachableStore, clobber=True)
    archive = SegmentArchive("unreachable://bucket/path")
    segment = Segment(file="labels/acme/1-0.x.jsonl", first=Position(1, 0), last=Position(1, 0), count=1)
    for call in (
        archive.write(NAME, [(Position(1, 0), b'{"n":1}')]),
        archive.read(segment, after=START, limit=1),
        archive.remove([segment.file]),
    ):
        with pytest.raises(ArchiveUnavailable, match="unreachable://bucket/path does not serve: could not connect"):
            await call
