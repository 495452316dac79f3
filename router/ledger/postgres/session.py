"""Connections to PostgreSQL: how one is made, how its failures are told, and how a silent one is cut."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from router.errors import Unavailable

T = TypeVar("T")
CONNECT_SECONDS = 2
ANSWER_SECONDS = 5.0
"""How long a statement may take before the database counts as away. The server gives up a little earlier."""
OPTIONS: dict[str, Any] = {
    "autocommit": True,
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
    "application_name": "maestro",
}


@contextlib.contextmanager
def database_errors() -> Iterator[None]:
    """Tells any failure of the database as Unavailable."""
    try:
        yield
    except (psycopg.Error, PoolTimeout, PoolClosed, OSError) as error:
        raise Unavailable(f"the ledger's database is away: {type(error).__name__}") from error


async def connect(url: str) -> AsyncConnection:
    """A connection that commits each statement by itself. Raises psycopg.Error."""
    return await AsyncConnection.connect(url, **OPTIONS)


class Pool(AsyncConnectionPool):
    """Connections that know when asking is in vain: while `is_away` says so, nobody waits for one."""

    is_away: Callable[[], bool] = staticmethod(lambda: False)


def open_pool(url: str, most: int) -> Pool:
    """Connections for reads and for the acts of admins. It is opened by its owner; a lost one is made anew."""
    return Pool(
        url,
        kwargs=OPTIONS,
        min_size=1,
        max_size=most,
        timeout=CONNECT_SECONDS,
        reconnect_timeout=CONNECT_SECONDS,
        check=AsyncConnectionPool.check_connection,
        open=False,
        name="maestro",
    )


async def answer_in_time(connection: AsyncConnection, asked: Awaitable[T], seconds: float = ANSWER_SECONDS) -> T:
    """What the database answers; a connection that stays silent is cut, and fails as any lost one does.

    Cancelling would ask the silent server to cancel, and wait for it.
    """
    loop = asyncio.get_running_loop()
    timer = loop.call_later(seconds, cut, connection)
    try:
        return await asked
    finally:
        timer.cancel()


def cut(connection: AsyncConnection) -> None:
    """Ends a connection at once, from this side; whoever waits for it is told that it is lost."""
    with contextlib.suppress(OSError, psycopg.Error):
        held = socket.socket(fileno=os.dup(connection.fileno()))
        with held:
            held.shutdown(socket.SHUT_RDWR)


@contextlib.asynccontextmanager
async def borrowed(pool: Pool) -> AsyncIterator[AsyncConnection]:
    """A connection of the pool, cut if it stays silent for too long. Raises Unavailable."""
    if pool.is_away():
        raise Unavailable("the ledger's database is away")
    with database_errors():
        async with pool.connection() as connection:
            timer = asyncio.get_running_loop().call_later(ANSWER_SECONDS, cut, connection)
            try:
                yield connection
            finally:
                timer.cancel()
