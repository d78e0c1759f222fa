"""Prometheus's page over HTTP, for processes that serve nothing else: workers and keepers.

It is answered by a thread of its own, so it tells that the process lives, not that its event loop is free.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import start_http_server


@contextmanager
def metrics_served(host: str, port: int) -> Iterator[None]:
    """While the block lasts; on port 0 nothing is served. Raises OSError where the address cannot be had."""
    if port == 0:
        yield
        return
    server, thread = start_http_server(port, host)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
