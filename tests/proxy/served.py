"""A proxy on a real socket, over scripted upstreams, for the tests of the surface."""

import asyncio
import contextlib
import io
import json
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import openai

from proxy.app import create_app
from proxy.house import House
from proxy.serving.server import DrainingServer, configure
from proxy.settings import Settings
from scripts.fake_upstream import FakeUpstream

TEXT = "Hello there, my good friend."
MESSAGES: Any = [{"role": "user", "content": "Say hello."}]
PRICES = {"input_usd_per_mtok": 1.0, "output_usd_per_mtok": 4.0}


@dataclass
class Served:
    """A running proxy."""

    house: House
    server: DrainingServer
    origin: str

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"

    def client(self, **options: Any) -> openai.AsyncOpenAI:
        """The official client; no retries unless asked for."""
        said: dict[str, Any] = {"api_key": "none", "max_retries": 0} | options
        return openai.AsyncOpenAI(base_url=self.base_url, **said)


def settings_for(fake: FakeUpstream, folder: Path, **more: Any) -> Settings:
    """One upstream "a" with the models "small" and "big", and a ledger in `folder`."""
    models = [{"name": "small", **PRICES}, {"name": "big", "input_usd_per_mtok": 10.0, "output_usd_per_mtok": 40.0}]
    upstream = {"name": "a", "base_url": fake.base_url, "retries": 0, "timeout_seconds": 20, "model": models}
    said = {"upstream": [upstream], "ledger": {"url": f"sqlite:///{folder}/maestro.db", "durability": "normal"}}
    return Settings.model_validate({**said, "server": {"port": 0, "drain_seconds": 5}, **more})


@contextlib.asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Served]:
    """Serves in this event loop until the block ends."""
    app = create_app(settings)
    server = DrainingServer(configure(settings, app), settings.server.drain_seconds, settings.server.leave_seconds)
    task = asyncio.create_task(server._serve())
    try:
        await started(server, task)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Served(app.state.house, server, f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        await task


async def started(server: DrainingServer, task: asyncio.Task[None]) -> None:
    """Returns once the server listens; raises what kept it from that."""
    while not server.started:
        if task.done():
            task.result()
        await asyncio.sleep(0.005)


@dataclass
class Pair:
    """A running command with two workers."""

    origin: str
    process: asyncio.subprocess.Process


@contextlib.asynccontextmanager
async def two_workers(fake: FakeUpstream, folder: Path) -> AsyncIterator[Pair]:
    """`maestro serve` with two workers."""
    config = folder / "maestro.toml"
    model = '[[upstream.model]]\nname = "{}"\ninput_usd_per_mtok = {}\noutput_usd_per_mtok = {}\n'
    config.write_text(
        f'[server]\nport = 0\nworkers = 2\n[ledger]\nurl = "sqlite:///{folder}/maestro.db"\n[[upstream]]\nname = "a"\n'
        f'base_url = "{fake.base_url}"\n{model.format("small", 1.0, 4.0)}{model.format("big", 10.0, 40.0)}'
    )
    command = (sys.executable, "-c", "from scripts.main import main; main()", "serve", "--config", str(config))
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    try:
        origin, ready = "", 0
        async with asyncio.timeout(60):
            while not origin or ready < 2:
                line = (await process.stderr.readline()).decode()
                assert line, "the server ended"
                origin = line.split("running on ")[1].split()[0] if "running on" in line else origin
                ready += "startup complete" in line
        yield Pair(origin, process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 30)


async def post(
    session: aiohttp.ClientSession, url: str, body: Any, headers: dict[str, str] | None = None
) -> tuple[int, Any, dict[str, str]]:
    """Status, JSON and headers of a POST of raw bytes or of JSON."""
    sent = {"data": io.BytesIO(body)} if isinstance(body, bytes) else {"json": body}
    async with session.post(url, headers=headers, **sent) as answer:
        return answer.status, await answer.json(), {name.lower(): value for name, value in answer.headers.items()}


async def stream_of(proxy: Served, body: dict[str, Any]) -> tuple[list[bytes], dict[str, str]]:
    """The raw events of a stream, and its headers."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{proxy.base_url}/chat/completions", json={"stream": True, **body}) as answer,
    ):
        assert answer.status == 200, await answer.text()
        raw = await answer.read()
        return raw.split(b"\n\n")[:-1], {name.lower(): value for name, value in answer.headers.items()}


def chunks_in(events: list[bytes]) -> list[Any]:
    """The JSON of a stream's data events."""
    return [json.loads(event[6:]) for event in events if event.startswith(b"data: {")]
