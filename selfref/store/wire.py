"""One round trip to Redis on a pooled connection, and what its errors mean.

Nothing is retried here: only the caller knows whether a repetition is harmless. Replies are what the server sent
(RESP2, bytes, errors as values): redis-py's parsing differs between protocols and versions, and nothing needs it.
"""

import asyncio
import re
from collections.abc import Sequence
from typing import Any

from hiredis import pack_command
from redis.asyncio.connection import Connection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    ClusterDownError,
    MasterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError

from selfref.store.errors import GroupsGone, StoreFull, StoreRefuses, StoreUnavailable

ROUND_TRIP = 2.5  # seconds for one exchange; a healthy Redis answers within milliseconds
CONNECT = 2.0  # seconds
MAX_CONNECTIONS = 1000  # long polls hold one each; redis-server itself stops at 10,000 clients

Argument = str | bytes | int | float
Command = Sequence[Argument]

_REFUSALS = (OutOfMemoryError, ReadOnlyError, NoPermissionError, MasterDownError, ClusterDownError)
# The same refusals as words, because an error raised inside a script arrives wrapped in a sentence.
_REFUSAL_WORDS = re.compile(
    r"\b(OOM|MISCONF|READONLY|LOADING|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|TRYAGAIN|BUSY|NOAUTH|NOPERM)\b"
)
_REMEDIES = {
    "OOM": "Redis is out of memory, so nothing is accepted and nothing can end; raise its maxmemory, drop labels "
    "already read with `selfref labels trim`, and set a shorter SELFREF_SERVICE_RETENTION",
    "MISCONF": "Redis cannot write to its disk; free some space there",
    "READONLY": "this Redis is a read-only replica; point SELFREF_REDIS_URL at the primary",
    "LOADING": "Redis is still loading its data; wait",
}


class Wire:
    """A pool of connections to one Redis."""

    def __init__(self, url: str) -> None:
        """Opens nothing yet. Raises ValueError for a URL that is not one of Redis."""
        self._pool = ConnectionPool.from_url(
            url,
            protocol=2,
            decode_responses=False,
            max_connections=MAX_CONNECTIONS,
            socket_connect_timeout=CONNECT,
            socket_timeout=None,  # the whole exchange has one deadline, which is cheaper than one per reply
            retry=Retry(NoBackoff(), 0),
            driver_info=None,
        )

    async def exchange(self, commands: Sequence[Command], *, within: float = ROUND_TRIP) -> list[Any]:
        """Send all commands, then read all their replies; a command's own error is its reply.

        Raises StoreUnavailable when the connection fails or `within` seconds pass. The commands may have run even so.
        """
        try:
            async with asyncio.timeout(within):
                connection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
                return await self._converse(connection, commands)
        except TimeoutError:
            raise StoreUnavailable(f"Redis did not answer within {within:g} s; is it overloaded or cut off?") from None
        except (RedisError, OSError) as error:
            raise unavailable(error) from error

    async def _converse(self, connection: Any, commands: Sequence[Command]) -> list[Any]:
        try:
            await _send(connection, _packed(commands))
            return [await _reply(connection) for _ in commands]
        finally:  # redis-py has closed it if a reply was left unread, which would answer the next caller
            await self._pool.release(connection)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()


async def _send(connection: Any, packed: bytes) -> None:
    try:
        await connection.send_packed_command(packed, check_health=False)
    except RuntimeError as error:  # uvloop's word for a transport that was closed a moment ago
        raise RedisConnectionError(str(error)) from error


def _packed(commands: Sequence[Command]) -> bytes:
    # In C, where redis-py's own is a third of a finish's cost; the stub takes the argument for a tuple of one.
    return b"".join([pack_command(tuple(command)) for command in commands])  # type: ignore[arg-type]


async def _reply(connection: Connection) -> Any:
    try:
        return await connection.read_response(disable_decoding=True)
    except ResponseError as error:
        return error


def unavailable(error: Exception) -> StoreUnavailable:
    """What a connection's error means to a caller."""
    if isinstance(error, RedisConnectionError):
        return StoreUnavailable(f"Redis cannot be reached or does not accept us: {error}; check SELFREF_REDIS_URL")
    return StoreUnavailable(f"the exchange with Redis broke off: {error}")


def meaning(error: Exception) -> Exception:
    """An error reply as the exception to raise: StoreUnavailable for a refusal, the error itself for a bug of ours."""
    if isinstance(error, OutOfMemoryError):
        return StoreFull(_REMEDIES["OOM"])
    if isinstance(error, ReadOnlyError):
        return StoreRefuses(_REMEDIES["READONLY"])
    if "NOGROUP" in str(error):
        return GroupsGone("Redis has lost its consumer groups (was it emptied?); workers make them again")
    if word := _REFUSAL_WORDS.search(str(error)):
        refusal = StoreFull if word[1] == "OOM" else StoreRefuses
        return refusal(_REMEDIES.get(word[1], f"Redis refuses: {error}"))
    if isinstance(error, _REFUSALS):
        return StoreRefuses(f"Redis refuses: {error}")
    return error
