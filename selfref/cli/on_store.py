"""What commands that look after Redis share: the store, opened for one use, and its errors as exit codes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from selfref.cli.exit_codes import UNREACHABLE, WRONG_USE
from selfref.cli.options import DataDir

if TYPE_CHECKING:
    from selfref.store import Store

T = TypeVar("T")


def on_store(use: "Callable[[Store], Awaitable[T]]", *, redis_url: str | None, shards: int, data_dir: DataDir) -> T:
    """What `use` gives with the store opened for it; ends the command where Redis is away or the use is wrong."""
    from selfref.cli.addresses import redis_url_of
    from selfref.cli.terminal import stop
    from selfref.store import ShardsDiffer, Store, StoreError, StoreUnavailable

    async def opened() -> T:
        store = await Store.open(redis_url_of(redis_url, data_dir), shards=shards)
        try:
            return await use(store)
        finally:
            await store.aclose()

    try:
        return asyncio.run(opened())
    except ShardsDiffer as error:
        stop(WRONG_USE, error.detail, advice="Give --shards as the service has it.")
    except StoreUnavailable as error:
        stop(UNREACHABLE, error.detail, advice="Name the service's Redis with --redis-url, or start `selfref up`.")
    except StoreError as error:
        stop(WRONG_USE, error.detail)
    except ValueError as error:
        stop(WRONG_USE, str(error), advice="--help shows what to give.")
