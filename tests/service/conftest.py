"""Two real gateways on the session's Redis; every test gets an empty database and clients that only it uses."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.redis_server import RedisServer
from tests.service.gateways import GatewayProcess, gateway_process

PATIENCE = 60.0  # seconds; longer than any wait that a test asks for


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server of their own: the gateways stay open on it, and other tests leave theirs with another shard count."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where both gateways have their uploads and their archive."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def gateway(redis_server: RedisServer, folder: Path) -> Iterator[GatewayProcess]:
    """A gateway as it starts without settings."""
    with gateway_process(redis_server.url, folder) as running:
        yield running


@pytest.fixture(scope="session")
def other_gateway(redis_server: RedisServer, folder: Path) -> Iterator[GatewayProcess]:
    """A second one, on the same Redis."""
    with gateway_process(redis_server.url, folder) as running:
        yield running


@pytest.fixture
async def client(gateway: GatewayProcess, redis_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the first gateway."""
    async with httpx2.AsyncClient(base_url=gateway.url, timeout=PATIENCE) as client:
        yield client


@pytest.fixture
async def other_client(other_gateway: GatewayProcess, redis_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the second gateway."""
    async with httpx2.AsyncClient(base_url=other_gateway.url, timeout=PATIENCE) as client:
        yield client
