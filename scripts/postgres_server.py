"""A real PostgreSQL on loopback for tests and benchmarks: started in a second, killed and brought back at will.

The programs come from the `pgserver` wheel, else from the system (`apt-get install postgresql`).
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

import psycopg
from psycopg import sql

START_SECONDS = 30.0
SETTINGS = ("max_connections=200", "max_wal_size=2GB", "log_min_messages=fatal", "unix_socket_directories=")


class NoPostgres(Exception):
    """No PostgreSQL can be started here; the message says what is missing."""


def programs() -> Path:
    """The folder of initdb and postgres. Raises NoPostgres."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    wheel = importlib.util.find_spec("pgserver")
    if wheel is not None and wheel.origin is not None:
        found.append(Path(wheel.origin).parent / "pginstall" / "bin" / "initdb")
    for initdb in reversed(found):
        if initdb.exists():
            return initdb.parent
    raise NoPostgres("no PostgreSQL programs: install the `dev` extra (pgserver), or Debian's package postgresql")


class PostgresServer:
    """One server with its own data folder. `with PostgresServer() as server: server.url`."""

    def __init__(self, port: int = 0, settings: tuple[str, ...] = ()) -> None:
        self._bin = programs()
        self._folder = Path(tempfile.mkdtemp(prefix="maestro-pg-"))
        self._settings = (*SETTINGS, *settings)
        self._user = _user()
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port or free_port()

    @property
    def url(self) -> str:
        """Of the database `postgres`, for its superuser."""
        return f"postgresql://maestro@127.0.0.1:{self.port}/postgres"

    def new_database(self, name: str) -> str:
        """Makes an empty database; its URL."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        return self.url.rpartition("/")[0] + f"/{name}"

    def __enter__(self) -> "PostgresServer":
        if self._user is not None:
            shutil.chown(self._folder, self._user)
            self._bin = self._reachable(self._bin)
        self._run("initdb", "-D", str(self._data), "-U", "maestro", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Starts it; returns once it takes connections. Raises NoPostgres."""
        settings = [word for setting in self._settings for word in ("-c", setting)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, "-p", str(self.port), "-h", "127.0.0.1", *settings],
                stdout=subprocess.DEVNULL,
                stderr=log,
                user=self._user,
                extra_groups=[] if self._user else None,
                start_new_session=True,
            )
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise NoPostgres(f"PostgreSQL did not start: {(self._folder / 'log').read_text('utf-8')[-400:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends it in good order: every connection is closed."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()
            self._process = None

    def kill(self) -> None:
        """`kill -9` of the server and all its processes, as a power cut of the database would be."""
        assert self._process is not None
        children = _children(self._process.pid)
        for pid in (self._process.pid, *children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        for pid in children:
            _wait_gone(pid)

    def pause(self, is_paused: bool) -> None:
        """Stops (or goes on with) every process of it: connections stay open and nobody answers."""
        assert self._process is not None
        for pid in (self._process.pid, *_children(self._process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP if is_paused else signal.SIGCONT)

    def cpu_seconds(self) -> float:
        """What all its processes used so far; those that ended are counted by the one that started them."""
        assert self._process is not None
        stats = [_stat(pid) for pid in (self._process.pid, *_children(self._process.pid))]
        own = sum(int(ticks) for fields in stats for ticks in fields[11:13])
        return (own + sum(int(ticks) for ticks in stats[0][13:15])) / os.sysconf("SC_CLK_TCK")

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _run(self, program: str, *words: str) -> None:
        """Runs a program of PostgreSQL. Raises NoPostgres with what it said."""
        done = subprocess.run([self._bin / program, *words], capture_output=True, user=self._user, check=False)
        if done.returncode:
            raise NoPostgres(f"{program} failed: {done.stderr.decode('utf-8', 'replace')[-400:]}")

    def _reachable(self, folder: Path) -> Path:
        """The programs where the other user may run them: a copy, if their own folder is closed to it."""
        try:
            subprocess.run([folder / "initdb", "--version"], capture_output=True, user=self._user, check=True)
        except (PermissionError, FileNotFoundError, subprocess.CalledProcessError):
            shutil.copytree(folder.parent, self._folder / "programs", symlinks=True)
            return self._folder / "programs" / "bin"
        return folder

    def _answers(self) -> bool:
        ready = [str(self._bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", "maestro"]
        return subprocess.run(ready, check=False).returncode == 0


def _user() -> str | None:
    """PostgreSQL refuses to run as root: another user runs it there."""
    return "nobody" if os.geteuid() == 0 else None


def free_port() -> int:
    """A port of loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _children(pid: int) -> list[int]:
    said = Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()
    return [int(word) for word in said]


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name; zeros for one that has ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return ["0"] * 20


def _wait_gone(pid: int) -> None:
    """A server may only be started again once its last process has ended."""
    until = time.monotonic() + START_SECONDS
    while _stat(pid)[0] not in ("0", "Z") and time.monotonic() < until:
        time.sleep(0.01)
