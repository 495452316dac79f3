"""Embedded models: one supervised llama.cpp server process each, bound to loopback."""

import contextlib
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger("maestro.embedded")
LONGEST_REST_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class EmbeddedSpec:
    """One model to serve ourselves. `context_tokens` is the total, split over the slots."""

    name: str
    gguf: Path
    slots: int = 4
    context_tokens: int = 16384
    threads: int | None = None


class EmbeddedServers:
    """Starts one process per model, restarts one that dies, ends all on `close`. A process ends with its parent."""

    def __init__(self, specs: Sequence[EmbeddedSpec]) -> None:
        self._servers = [_Server(spec) for spec in specs]

    def start(self) -> Mapping[str, str]:
        """Base URL of each by name, once all listen. Raises EmbeddedError."""
        for server in self._servers:
            server.start()
        for server in self._servers:
            server.wait_until_listening()
        return {server.spec.name: server.base_url for server in self._servers}

    def close(self) -> None:
        """Ends all processes."""
        for server in self._servers:
            server.close()


class EmbeddedError(Exception):
    """A model cannot be served."""


class _Server:
    def __init__(self, spec: EmbeddedSpec) -> None:
        self.spec = spec
        self._port = _free_port()
        self._listening = threading.Event()
        self._closing = threading.Event()
        self._failure = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._supervise, name=f"embedded-{spec.name}", daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    def start(self) -> None:
        if not self.spec.gguf.is_file():
            raise EmbeddedError(f"upstream '{self.spec.name}': no such file: {self.spec.gguf}")
        self._thread.start()

    def wait_until_listening(self, seconds: float = 120.0) -> None:
        if not self._listening.wait(seconds) or self._failure:
            self.close()
            raise EmbeddedError(f"upstream '{self.spec.name}' did not start: {self._failure or 'too slow'}")

    def close(self) -> None:
        self._closing.set()
        process = self._process
        if process is not None:
            with contextlib.suppress(OSError):
                process.terminate()
        if self._thread.is_alive():
            self._thread.join(10)

    def _supervise(self) -> None:
        rest = 0.5
        while not self._closing.is_set():
            listened = self._run_once()
            if self._closing.is_set():
                return
            if not listened and not self._listening.is_set():
                self._failure = self._failure or "its process ended"
                self._listening.set()
                return
            rest = 0.5 if listened else min(rest * 2, LONGEST_REST_SECONDS)
            logger.warning("embedded model %s ended; starting it again in %.1f s", self.spec.name, rest)
            self._closing.wait(rest)

    def _run_once(self) -> bool:
        """One life of the process; True if it came to listen."""
        spec = self.spec
        threads = spec.threads or max(1, (os.cpu_count() or 2) // 2)
        words = [spec.name, spec.gguf, self._port, spec.slots, spec.context_tokens, threads]
        command = [sys.executable, "-m", "router.upstreams.llama_server", *map(str, words)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=_root()
        ) as process:
            self._process = process
            if self._closing.is_set():
                process.terminate()
            listened = False
            for line in process.stdout or ():
                if line.strip() == b"listening":
                    listened = True
                    self._listening.set()
            process.wait()
        return listened


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _root() -> Path:
    return Path(__file__).resolve().parents[2]
