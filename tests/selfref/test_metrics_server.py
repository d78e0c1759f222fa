"""Prometheus's page is there exactly as long as its block lasts."""

import socket
import threading

import httpx2
import pytest

from selfref.embedded_redis import free_port
from selfref.metrics_server import metrics_served

HOST = "127.0.0.1"


def test_a_page_is_served_while_the_block_lasts_and_the_port_is_free_after_it() -> None:
    port = free_port()
    with metrics_served(HOST, port):
        assert "# TYPE" in httpx2.get(f"http://{HOST}:{port}/metrics", trust_env=False).text
    with socket.create_server((HOST, port)):
        """Nobody else listens there any more."""


def test_on_port_0_nothing_is_served() -> None:
    before = threading.enumerate()
    with metrics_served(HOST, 0):
        assert threading.enumerate() == before


def test_a_port_that_another_has_is_an_os_error() -> None:
    with (
        socket.create_server((HOST, 0)) as other,
        pytest.raises(OSError, match="in use"),
        metrics_served(HOST, other.getsockname()[1]),
    ):
        """Never entered."""
