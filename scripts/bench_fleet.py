"""Three proxies of two workers behind HAProxy on one PostgreSQL, and what is done to them. See `bench_faults`."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import click

from action_model.prices import to_nanodollars
from router.ledger.accounts import KeyScopes, Team
from router.ledger.postgres.ledger import PostgresLedger
from router.ledger.registry import Registry
from scripts.fake_upstream import FakeUpstream
from scripts.postgres_server import PostgresServer, free_port

WORKERS = 2
READY_SECONDS = 180.0


class Wire:
    """A TCP connection between a proxy and the database that can be cut and mended."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._carried: set[asyncio.Task[None]] = set()
        self.is_cut = False
        self.port = 0

    async def start(self) -> None:
        """Listens."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Nothing passes any more: what is open hangs, what is new is closed at once."""
        self.is_cut = True

    def mend(self) -> None:
        """New connections pass; those that hung are closed."""
        self.is_cut = False
        for writer in list(self._open):
            writer.close()

    async def close(self) -> None:
        """Ends."""
        if self._server is not None:
            self._server.close()
        self.mend()
        for task in self._carried:
            task.cancel()
        await asyncio.gather(*self._carried, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._carried.add(task)
        task.add_done_callback(self._carried.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.close()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        self._open |= {writer, back}
        await asyncio.gather(self._copy(reader, back), self._copy(there, writer), return_exceptions=True)
        self._open -= {writer, back}

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if self.is_cut:
                await asyncio.Event().wait()
            writer.write(data)
            await writer.drain()
        writer.close()


@dataclass
class Proxy:
    """One `maestro serve` with its own wire to the database, and its own idea of the time."""

    folder: Path
    number: int
    wire: Wire
    outage_usd: float = 0.0
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def origin(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, upstream: str, skew_seconds: int = 0) -> None:
        """Starts it; its clock is wrong by so much (libfaketime is not needed: the machine's clock stays)."""
        config = self.folder / f"proxy{self.number}.toml"
        config.write_text(
            f"[server]\nport = {self.port}\nworkers = {WORKERS}\nleave_seconds = 1\ndrain_seconds = 20\n"
            f'[ledger]\nurl = "postgresql://maestro@127.0.0.1:{self.wire.port}/postgres"\n'
            f'outage_usd = {self.outage_usd:f}\noutage_file = "{self.folder}/proxy{self.number}.outage.db"\n'
            f'[[upstream]]\nname = "a"\nbase_url = "{upstream}"\nretries = 0\nmax_parallel = 512\n'
            '  [[upstream.model]]\n  name = "small"\n  input_usd_per_mtok = 1.0\n  output_usd_per_mtok = 4.0\n',
            "utf-8",
        )
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "BENCH_SKEW_SECONDS": str(skew_seconds)}
        with (self.folder / f"proxy{self.number}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [Path(sys.executable).with_name("maestro"), "serve", "--config", str(config)],
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )

    def kill(self) -> None:
        """`kill -9` of it and its workers."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def terminate(self) -> None:
        """Asks it to drain and end."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)


@dataclass
class Fleet:
    """The test bed."""

    database: PostgresServer
    proxies: list[Proxy]
    origin: str
    fake: FakeUpstream
    session: aiohttp.ClientSession

    async def make_key(self, team: str, budget_usd: float | None) -> tuple[str, str]:
        """A key of a team with this budget: its secret and id."""
        async with self.ledger() as ledger:
            registry = Registry(ledger.accounts)
            await registry.put_team(Team(team, None if budget_usd is None else to_nanodollars(budget_usd), "total"))
            new = await registry.create_key(team, KeyScopes(), "benchmark")
        return new.secret, new.id

    @contextlib.asynccontextmanager
    async def ledger(self) -> AsyncIterator[PostgresLedger]:
        """The books, read beside the proxies."""
        ledger = PostgresLedger(self.database.url)
        await ledger.start()
        try:
            yield ledger
        finally:
            await ledger.close()

    async def ask(self, key: str, origin: str | None = None, **more: Any) -> int | str:
        """The status of one chat request, read to its end; "cut" if the connection broke."""
        body = {"model": "small", "messages": [{"role": "user", "content": "Say hello. " * 36}], **more}
        url = f"{origin or self.origin}/v1/chat/completions"
        try:
            async with self.session.post(url, json=body, headers={"Authorization": f"Bearer {key}"}) as answer:
                text = await answer.read()
                whole = not more.get("stream") or b"[DONE]" in text
                return answer.status if whole or answer.status != 200 else "cut"
        except aiohttp.ClientError:
            return "cut"

    async def ready(self, proxy: Proxy) -> None:
        """Returns once it answers /readyz."""
        await until_ready(self.session, proxy.origin)


async def until_ready(session: aiohttp.ClientSession, origin: str) -> None:
    """Returns once /readyz answers 200. Raises ClickException."""
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(aiohttp.ClientError):
            async with session.get(f"{origin}/readyz") as answer:
                if answer.status == 200:
                    return
        await asyncio.sleep(0.1)
    raise click.ClickException(f"{origin} did not become ready")


@contextlib.asynccontextmanager
async def open_fleet(
    fake: FakeUpstream, skews: tuple[int, ...] = (0, 0, 0), outage_usd: float = 0.0
) -> AsyncIterator[Fleet]:
    """Everything started, and ended after. `outage_usd` as in the settings of the ledger."""
    with PostgresServer() as database, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "sitecustomize.py").write_text(SKEW, "utf-8")
        wires = [Wire(database.port) for _ in skews]
        for wire in wires:
            await wire.start()
        proxies = [Proxy(folder, number, wire, outage_usd) for number, wire in enumerate(wires)]
        port = free_port()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True)) as session:
            fleet = Fleet(database, proxies, f"http://127.0.0.1:{port}", fake, session)
            balancer: subprocess.Popen[bytes] | None = None
            try:
                await fleet.make_key("start", None)
                for proxy, skew in zip(proxies, skews, strict=True):
                    proxy.start(fake.base_url, skew)
                for proxy in proxies:
                    await fleet.ready(proxy)
                balancer = _balance(folder, port, proxies)
                await until_ready(session, fleet.origin)
                yield fleet
            finally:
                for proxy in proxies:
                    proxy.kill()
                if balancer is not None:
                    balancer.kill()
                    balancer.wait()
                for wire in wires:
                    await wire.close()


SKEW = """import os, time
_skew = float(os.environ.get("BENCH_SKEW_SECONDS", "0"))
if _skew:
    _true = time.time
    time.time = lambda: _true() + _skew
"""


def _balance(folder: Path, port: int, proxies: list[Proxy]) -> subprocess.Popen[bytes]:
    """HAProxy with the settings that deploy/haproxy ships, on our ports."""
    shipped = (Path(__file__).parents[1] / "deploy" / "haproxy" / "haproxy.cfg").read_text("utf-8")
    said = shipped.replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    for number, proxy in enumerate(proxies, 1):
        said = said.replace(f"127.0.0.1:800{number}", f"127.0.0.1:{proxy.port}")
    (folder / "haproxy.cfg").write_text(said, "utf-8")
    try:
        return subprocess.Popen(["haproxy", "-f", str(folder / "haproxy.cfg")], stderr=subprocess.DEVNULL)
    except FileNotFoundError:
        raise click.ClickException("haproxy is not installed: apt-get install haproxy") from None


def line(case: str, **figures: Any) -> None:
    """One row of the table."""
    click.echo(json.dumps({"case": case, **figures}))
