"""Redis's append-only file as a power failure would leave it: without some of what the last second wrote."""

import asyncio
import os
import time
from collections import deque
from pathlib import Path

HORIZON = 1.0  # seconds; `appendfsync everysec`
LOOK_EVERY = 0.05  # seconds between two looks at its size


class TailWatch:
    """Knows how long the log was at each moment of the last seconds.

    A log that Redis has written anew is another file, and was on disk as a whole before it took the old one's place.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._file = 0  # which file the sizes are of
        self._sizes: deque[tuple[float, int]] = deque()

    async def run(self) -> None:
        """Look until canceled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY)

    def look(self) -> None:
        """Write down the size now."""
        try:
            found = self._log.stat()
        except FileNotFoundError:
            return
        if found.st_ino != self._file:
            self._begin(found.st_ino, found.st_size)
        self._sizes.append((time.monotonic(), found.st_size))
        while len(self._sizes) > round(2 * HORIZON / LOOK_EVERY):
            self._sizes.popleft()

    def cut(self, share: float) -> float:
        """Cut off this share of what the last second wrote, once Redis is dead.

        Returns since when what was told may be lost.
        """
        self.look()
        now, length = time.monotonic(), self._sizes[-1][1]
        safe = max((size for at, size in self._sizes if at <= now - HORIZON), default=length)
        kept = length - round((length - safe) * share)
        os.truncate(self._log, kept)
        since = max((at for at, size in self._sizes if size <= kept), default=0.0)
        self._begin(self._file, kept)
        return max(since, now - 2 * HORIZON)

    def _begin(self, file: int, size: int) -> None:
        """What is there now is on disk, as if it had always been."""
        self._file = file
        self._sizes = deque([(float("-inf"), size)])
