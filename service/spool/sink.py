"""The file that an upload is written to: bounded, counted and hashed on the way, and soon on disk.

While it grows, what has been written is synced in a thread, one sync at a time, so that few bytes are left for the last
one and the kernel never has so much unwritten that it stops the writer, and with it every other request.
"""

import asyncio
import hashlib
import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from service.errors import TooLarge
from service.spool.room import room_needed

SYNC_EVERY = 32 * 1024 * 1024  # bytes; a slow disk writes this in about a second


class Sink:
    """An open file; `close` when all is there, `abandon` otherwise, and one of the two always."""

    def __init__(self, path: Path, *, most_bytes: int, most_lines: int) -> None:
        with room_needed():
            self._file = path.open("xb", buffering=0)
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="spool")  # keeps syncs and the closing in their order
        self._syncing: Future[None] | None = None
        self._unsynced = 0
        self._most_bytes = most_bytes
        self._most_lines = most_lines
        self._sha256 = hashlib.sha256()
        self.bytes = 0
        self.newlines = 0
        self.blank = True  # nothing but white space so far

    @property
    def sha256(self) -> str:
        """Of everything written."""
        return self._sha256.hexdigest()

    async def write(self, data: bytes) -> None:
        """Raises TooLarge, SpoolFull or OSError; waits only for a disk that has fallen behind by two syncs."""
        self.bytes += len(data)
        self.newlines += data.count(b"\n")
        if self.bytes > self._most_bytes:
            detail = f"The upload is over the limit of {self._most_bytes} bytes, decompressed; send it in parts."
            raise TooLarge("upload_too_large", detail)
        if self.newlines > self._most_lines:
            raise TooLarge("too_many_lines", f"The upload has more than {self._most_lines} lines; send it in parts.")
        self.blank = self.blank and not data.strip()
        self._sha256.update(data)
        with room_needed():
            left = memoryview(data)
            while left:
                left = left[self._file.write(left) :]
            self._unsynced += len(data)
            if self._unsynced >= SYNC_EVERY:
                await self._sync()

    async def close(self) -> None:
        """Returns when everything is on disk; raises SpoolFull or OSError where it is not."""
        with room_needed():
            await self._sync()
            await self._synced()
            self._file.close()
        self._disk.shutdown(wait=False)

    async def abandon(self) -> None:
        """Close without a promise, whatever state the file is in."""
        self._disk.submit(self._file.close)
        await asyncio.to_thread(self._disk.shutdown)

    async def _sync(self) -> None:
        await self._synced()
        self._unsynced = 0
        self._syncing = self._disk.submit(os.fdatasync, self._file.fileno())

    async def _synced(self) -> None:
        if self._syncing is not None:
            await asyncio.wrap_future(self._syncing)
