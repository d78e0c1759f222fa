"""A private, real redis-server for tests: append-only file on, in a temporary folder, killed and restarted at will."""

from pathlib import Path

from selfref.embedded_redis import EmbeddedRedis, free_port


class RedisServer:
    """A server that keeps its port and its data across kills and restarts."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._running = EmbeddedRedis.start(folder, port=self.port)

    @property
    def url(self) -> str:
        """Where clients find it."""
        return self._running.url

    @property
    def append_only_file(self) -> Path:
        """Where every write is logged (Redis 6.2: one file)."""
        return self._folder / "appendonly.aof"

    @property
    def pid(self) -> int:
        """The process to signal."""
        return self._running.process.pid

    def kill(self) -> None:
        """kill -9."""
        self._running.kill()

    def restart(self) -> None:
        """Start again on the same port and data, after `kill` or `stop`."""
        self._running = EmbeddedRedis.start(self._folder, port=self.port)

    def stop(self) -> None:
        """A clean end."""
        self._running.stop()
