"""Redis's append-only file as a power failure would leave it: without some of what the last second wrote."""

import asyncio
import os
import time
from collections import deque
from pathlib import Path

HORIZON = 1.0  # seconds; `appendfsync everysec`
LOOK_EVERY = 0.05  # seconds between two looks at its size


class TailWatch:
    """Knows how long the log was at each moment of the last seconds."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._sizes: deque[tuple[float, int]] = deque(maxlen=round(2 * HORIZON / LOOK_EVERY))

    async def run(self) -> None:
        """Look until canceled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY)

    def look(self) -> None:
        """Write down the size now."""
        if self._log.exists():
            self._sizes.append((time.monotonic(), self._log.stat().st_size))

    def cut(self, share: float) -> float:
        """Cut off this share of what the last second wrote, once Redis is dead.

        Returns since when what was told may be lost.
        """
        now, length = time.monotonic(), self._log.stat().st_size
        safe = max((size for at, size in self._sizes if at <= now - HORIZON), default=0)
        kept = length - round((length - safe) * share)
        os.truncate(self._log, kept)
        since = max((at for at, size in self._sizes if size <= kept), default=0.0)
        self._sizes.clear()
        return since
