"""Waiting for what another request is about to do."""

import asyncio

import httpx2

from service.admission import judgment_id
from service.keys import DEFAULT_TENANT


async def until_there(client: httpx2.AsyncClient, key: str) -> str:
    """The address of the judgment under this Idempotency-Key of the default tenant, once it exists."""
    location = f"/judgments/{judgment_id(DEFAULT_TENANT, key)}"
    async with asyncio.timeout(10):
        while (await client.get(location)).status_code != 200:
            pass
    return location
