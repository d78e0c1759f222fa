"""A real gateway on a Redis of its own, as for snapshots."""

from tests.trainer.snapshots.conftest import client, gateway, redis_server

__all__ = ["client", "gateway", "redis_server"]
