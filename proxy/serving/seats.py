"""Shares new connections among workers: who has the fewest takes the next one."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from ctypes import c_int32
from dataclasses import dataclass
from multiprocessing.context import SpawnContext
from typing import Any

log = logging.getLogger("maestro.workers")
PATIENCE_SECONDS = 0.01
"""How long a worker with more connections leaves a new one to another, which may be at work, before it takes it."""
EXHAUSTED_SECONDS = 0.2
"""How long nothing is accepted once there are no files left."""
EMPTY = -1


class Board:
    """How many connections each of `count` workers has, in memory that they share; a seat may be empty."""

    def __init__(self, context: SpawnContext, count: int) -> None:
        self._open: Any = context.RawArray(c_int32, count)
        for number in range(count):
            self.leave(number)

    def note(self, number: int, connections: int) -> None:
        """Worker `number` serves so many."""
        self._open[number] = connections

    def leave(self, number: int) -> None:
        """Worker `number` takes no more."""
        self._open[number] = EMPTY

    def least(self) -> int:
        """The fewest that any worker has."""
        return min((count for count in self._open if count != EMPTY), default=0)


@dataclass(frozen=True, slots=True)
class Seat:
    """One worker's place on the board."""

    board: Board
    number: int


class Listener:
    """Accepts on a socket that several workers listen on, one connection a turn of the event loop.

    A worker that took all there are at once, as event loops do, would leave nothing to the others: clients keep their
    connections, so that its cores would be the only ones at work.
    """

    def __init__(
        self,
        listening: socket.socket,
        seat: Seat,
        protocol: Callable[[], asyncio.Protocol],
        connections: Callable[[], int],
    ) -> None:
        self._listening = listening
        self._seat = seat
        self._protocol = protocol
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._beginning: set[asyncio.Task[Any]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._is_last = False

    def start(self, backlog: int) -> None:
        """Begins to accept."""
        self._listening.setblocking(False)
        self._listening.listen(backlog)
        self.note()
        self._loop.add_reader(self._listening.fileno(), self._look)

    def note(self) -> int:
        """Tells the others how many connections are open here."""
        count = self._connections() + len(self._beginning)
        if not self._is_closed and not self._is_last:
            self._seat.board.note(self._seat.number, count)
        return count

    def step_back(self) -> None:
        """From now on takes only what no other worker wants: this one is about to end."""
        self._is_last = True
        self._seat.board.leave(self._seat.number)

    def close(self) -> None:
        """Accepts no more."""
        if self._is_closed:
            return
        self._is_closed = True
        self._seat.board.leave(self._seat.number)
        if self._pause is None:
            self._loop.remove_reader(self._listening.fileno())
        else:
            self._pause.cancel()

    def _look(self) -> None:
        """Somebody wants to connect: it is ours if no worker has fewer."""
        if self.note() > self._seat.board.least() or self._is_last:
            self._rest(PATIENCE_SECONDS)
        else:
            self._accept()

    def _rest(self, seconds: float) -> None:
        self._loop.remove_reader(self._listening.fileno())
        self._pause = self._loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        """Whoever still waits has waited long enough."""
        self._pause = None
        self._loop.add_reader(self._listening.fileno(), self._look)
        self._accept()

    def _accept(self) -> None:
        try:
            connection, _ = self._listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            log.error("no connection can be accepted: %s", error)
            self._rest(EXHAUSTED_SECONDS)
            return
        connection.setblocking(False)
        task = self._loop.create_task(self._begin(connection))
        self._beginning.add(task)
        task.add_done_callback(self._beginning.discard)
        self.note()

    async def _begin(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, connection)
        except OSError:
            with contextlib.suppress(OSError):
                connection.close()
