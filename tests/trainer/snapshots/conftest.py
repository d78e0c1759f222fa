"""A real gateway on a Redis of its own; every test gets an empty database, which is a feed that was replaced."""

from collections.abc import Iterator

import pytest

from selfref.client import Client
from tests.redis_server import RedisServer
from tests.service.gateways import GatewayProcess, gateway_process


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server of their own: the gateway stays open on it."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def gateway(redis_server: RedisServer) -> Iterator[GatewayProcess]:
    """A gateway as it starts without settings."""
    with gateway_process(redis_server.url) as running:
        yield running


@pytest.fixture
def client(gateway: GatewayProcess, redis_url: str) -> Iterator[Client]:
    """A client of the gateway, whose feed is empty."""
    with Client(gateway.url) as client:
        yield client
