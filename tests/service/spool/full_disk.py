"""Receives more than the disk at the path given has room for, in chunks of a size, and prints what became of it."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from service.errors import SpoolFull
from service.spool.folder import Spool
from service.spool.receiving import receive


async def _too_much(size: int) -> AsyncIterator[bytes]:
    for _ in range(3_000_000 // size):
        yield b"x" * size


def _main(root: Path, size: int) -> None:
    kept = receive(
        _too_much(size), content_type="text/plain", content_encoding="", spool=Spool(root), most_bytes=100_000_000
    )
    try:
        asyncio.run(kept)
    except SpoolFull as refused:
        left = [path.name for path in root.rglob("*") if path.name != ".receiving"]
        print(refused.code, refused.retryable, int(refused.status), left or "nothing left")  # noqa: T201


_main(Path(sys.argv[1]), int(sys.argv[2]))
