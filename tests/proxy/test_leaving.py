"""Clients that leave, and a server that ends: every upstream call is cancelled, and what was spent is settled."""

import asyncio
import contextlib
import json
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import MESSAGES, Served, serving, settings_for

pytestmark = pytest.mark.anyio
SLOW = Scripted(text="word " * 200, chunk_seconds=0.05)
WORDS = {"requirements": ["At most 900 words"]}


async def connect(proxy: Served, body: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Sends a chat request over a bare socket."""
    host, port = proxy.origin.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    encoded = json.dumps({"messages": MESSAGES, **body}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(encoded)}\r\n\r\n"
    writer.write(head.encode() + encoded)
    await writer.drain()
    return reader, writer


async def until_idle(proxy: Served, fake: FakeUpstream) -> None:
    """No upstream call lives, no request is inside, and nothing is held any more: all within the second promised."""
    await fake.wait_until(lambda it: it.live == 0, seconds=1.0)
    async with asyncio.timeout(1.0):
        await proxy.house.gate.until_empty()
    await proxy.house.rooms.ledger.flush()


async def open_lines(proxy: Served) -> int:
    count: int = await proxy.house.rooms.ledger.writer.do(
        lambda db: db.execute("select count(*) from lines where state = 'open'").fetchone()[0]
    )
    return count


@pytest.mark.parametrize(
    ("body", "scripted"),
    [
        pytest.param({"model": "small"}, Scripted(behaviour="hang"), id="whole"),
        pytest.param({"model": "small", "stream": True}, Scripted(behaviour="hang"), id="stream-before-first-byte"),
        pytest.param({"model": "maestro", **WORDS}, Scripted(behaviour="hang"), id="waves-whole"),
        pytest.param({"model": "maestro", "stream": True, **WORDS}, Scripted(behaviour="hang"), id="waves-stream"),
    ],
)
async def test_leaving_before_the_first_byte_cancels(tmp_path: Path, body: Any, scripted: Scripted) -> None:
    async with FakeUpstream(scripted) as fake, serving(settings_for(fake, tmp_path)) as proxy:
        _, writer = await connect(proxy, body)
        await fake.wait_until(lambda it: it.live > 0)
        writer.close()
        await until_idle(proxy, fake)
        assert await open_lines(proxy) == 0
        assert all(seen.ended == "disconnected" for seen in fake.requests)


async def test_leaving_mid_stream_cancels_and_charges_what_came(tmp_path: Path) -> None:
    async with FakeUpstream(SLOW) as fake, serving(settings_for(fake, tmp_path)) as proxy:
        reader, writer = await connect(proxy, {"model": "small", "stream": True})
        await reader.readuntil(b"word")
        writer.close()
        await until_idle(proxy, fake)
        assert await open_lines(proxy) == 0
        totals = await proxy.house.rooms.ledger.totals()
        assert totals["calls"] == 1
        assert totals["output_tokens"] >= 1
        assert totals["output_tokens"] < 200


async def test_leaving_while_waves_send_comments_cancels(tmp_path: Path) -> None:
    server = {"port": 0, "keep_alive_seconds": 0.05}
    async with (
        FakeUpstream(Scripted(behaviour="hang")) as fake,
        serving(settings_for(fake, tmp_path, server=server)) as proxy,
    ):
        reader, writer = await connect(proxy, {"model": "maestro", "stream": True, **WORDS})
        await reader.readuntil(b": keep-alive")
        writer.close()
        await until_idle(proxy, fake)
        assert await open_lines(proxy) == 0


async def test_others_are_served_after_one_left(tmp_path: Path) -> None:
    async with FakeUpstream(SLOW) as fake, serving(settings_for(fake, tmp_path)) as proxy:
        for _ in range(5):
            reader, writer = await connect(proxy, {"model": "small", "stream": True})
            await reader.readuntil(b"word")
            writer.close()
        await until_idle(proxy, fake)
        async with proxy.client() as client:
            assert await client.models.list()


async def test_a_drain_lets_those_inside_finish_and_refuses_new_ones(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with FakeUpstream(Scripted(text="ok", gate=gate)) as fake, serving(settings_for(fake, tmp_path)) as proxy:
        reader, writer = await connect(proxy, {"model": "small"})
        await fake.wait_until(lambda it: it.live > 0)
        proxy.server.should_exit = True
        async with aiohttp.ClientSession() as session:
            status = 200
            while status == 200:
                async with session.get(f"{proxy.origin}/readyz") as answer:
                    status = answer.status
            assert status == 503
            body = {"model": "small", "messages": MESSAGES}
            async with session.post(f"{proxy.base_url}/chat/completions", json=body) as refused:
                assert refused.status == 503
                assert (await refused.json())["error"]["code"] == "unavailable"
        gate.set()
        assert b"200 OK" in await reader.readuntil(b"\r\n")
        writer.close()


async def test_one_that_leaves_says_so_before_it_refuses_anything(tmp_path: Path) -> None:
    server, body = {"port": 0, "leave_seconds": 60.0}, {"model": "small", "messages": MESSAGES}
    async with (
        FakeUpstream(Scripted(text="ok")) as fake,
        serving(settings_for(fake, tmp_path, server=server)) as proxy,
        aiohttp.ClientSession() as session,
    ):
        proxy.server.should_exit = True
        status = 200
        while status == 200:
            async with session.get(f"{proxy.origin}/readyz") as answer:
                status = answer.status
        async with session.post(f"{proxy.base_url}/chat/completions", json=body) as served:
            assert (status, served.status) == (503, 200)
        proxy.server._drains_from = 0.0


async def test_a_drain_ends_in_its_time(tmp_path: Path) -> None:
    server = {"port": 0, "drain_seconds": 0.2}
    async with FakeUpstream(Scripted(behaviour="hang")) as fake:
        async with serving(settings_for(fake, tmp_path, server=server)) as proxy:
            reader, writer = await connect(proxy, {"model": "small"})
            await fake.wait_until(lambda it: it.live > 0)
        assert b"503" in await reader.readuntil(b"\r\n")
        assert json.loads((await reader.read()).split(b"\r\n\r\n")[1])["error"]["code"] == "unavailable"
        writer.close()
        await fake.wait_until(lambda it: it.live == 0, seconds=1.0)


@pytest.mark.parametrize("workers", [1, 2])
async def test_sigterm_ends_the_command(tmp_path: Path, workers: int) -> None:
    async with FakeUpstream(Scripted(text="ok")) as fake:
        config = tmp_path / "maestro.toml"
        config.write_text(
            f"""
            [server]
            port = 0
            workers = {workers}
            [ledger]
            url = "sqlite:///{tmp_path}/maestro.db"
            [[upstream]]
            name = "a"
            base_url = "{fake.base_url}"
            [[upstream.model]]
            name = "small"
            input_usd_per_mtok = 1
            output_usd_per_mtok = 1
            """
        )
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from scripts.main import main; main()", "serve", "--config", str(config)),
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        try:
            async with asyncio.timeout(30):
                origin, ready = "", 0
                while not origin or ready < workers:
                    line = (await process.stderr.readline()).decode()
                    assert line, "the server ended"
                    if "running on" in line:
                        origin = line.split("running on ")[1].split()[0]
                    ready += "startup complete" in line
            async with aiohttp.ClientSession() as session:
                body = {"model": "small", "messages": MESSAGES}
                async with session.post(f"{origin}/v1/chat/completions", json=body) as answer:
                    assert answer.status == 200
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(15):
                await process.stderr.read()
                assert await process.wait() == 0
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
