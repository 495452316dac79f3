"""Several worker processes on one listening socket: a dead one is replaced, a stop reaches all."""

import logging
import multiprocessing
import os
import signal
import socket
import time
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from typing import Protocol

from uvicorn.config import STARTUP_FAILURE

from proxy.serving.metrics import forget_worker
from proxy.serving.seats import Board, Seat

log = logging.getLogger("maestro.workers")
PAUSE_SECONDS = 1.0
MARGIN_SECONDS = 10.0


def is_abandoned() -> bool:
    """Did whoever started this process die? Nobody could stop it any more, and it would keep the port."""
    parent = multiprocessing.parent_process()
    return parent is not None and parent.pid != os.getppid()


class Worker(Protocol):
    """What each process runs; it ends by itself within its own time after SIGTERM. It is pickled."""

    drain_seconds: float

    def run(self, sockets: list[socket.socket] | None = None, seat: Seat | None = None) -> None:
        """Serves until SIGTERM, sharing connections with who else has a seat."""
        ...


class Workers:
    """Starts and watches the workers. A worker that cannot start ends them all."""

    def __init__(self, worker: Worker, listener: socket.socket, count: int) -> None:
        self._worker = worker
        self._listener = listener
        self._count = count
        self._context = multiprocessing.get_context("spawn")
        self._board = Board(self._context, count)
        self._stopping = False
        self._reloading = False

    def run(self) -> None:
        """Until SIGTERM or SIGINT. Raises SystemExit when the workers cannot start."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, self._reload)
        processes = [self._start(number) for number in range(self._count)]
        failed = False
        while not self._stopping and not failed:
            wait([process.sentinel for process in processes], timeout=0.2)
            failed = any(process.exitcode == STARTUP_FAILURE for process in processes)
            self._pass_on(processes)
            if not failed and not self._stopping:
                processes = [
                    process if process.is_alive() else self._replace(process, number)
                    for number, process in enumerate(processes)
                ]
        self._end(processes)
        if failed:
            raise SystemExit(STARTUP_FAILURE)

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _reload(self, *_: object) -> None:
        self._reloading = True

    def _pass_on(self, processes: list[SpawnProcess]) -> None:
        """A SIGHUP that came here is meant for every worker."""
        if not self._reloading:
            return
        self._reloading = False
        for process in processes:
            if process.pid is not None and process.is_alive():
                os.kill(process.pid, signal.SIGHUP)

    def _start(self, number: int) -> SpawnProcess:
        """SIGHUP is held back in the child until it is ready for it: before, it would end it."""
        seat = Seat(self._board, number)
        process = self._context.Process(target=self._worker.run, args=([self._listener], seat))
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        return process

    def _replace(self, dead: SpawnProcess, number: int) -> SpawnProcess:
        log.error("worker %s ended with %s: starting another", dead.pid, dead.exitcode)
        self._board.leave(number)
        forget_worker(dead.pid)
        time.sleep(PAUSE_SECONDS)
        return self._start(number)

    def _end(self, processes: list[SpawnProcess]) -> None:
        for process in processes:
            process.terminate()
        until = time.monotonic() + self._worker.drain_seconds + MARGIN_SECONDS
        for process in processes:
            process.join(max(0.0, until - time.monotonic()))
            process.kill()
            process.join()
        self._listener.close()
