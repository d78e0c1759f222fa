"""Receives more than the disk at the path given has room for, and prints what became of it."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from service.errors import SpoolFull
from service.spool.folder import Spool
from service.spool.receiving import receive


async def _too_much() -> AsyncIterator[bytes]:
    for _ in range(100):
        yield b"{}\n" * 20_000


def _main(root: Path) -> None:
    kept = receive(
        _too_much(), content_type="text/plain", content_encoding="", spool=Spool(root), most_bytes=100_000_000
    )
    try:
        asyncio.run(kept)
    except SpoolFull as refused:
        left = [path.name for path in root.rglob("*") if path.name != ".receiving"]
        print(refused.code, refused.retryable, int(refused.status), left or "nothing left")  # noqa: T201


_main(Path(sys.argv[1]))
