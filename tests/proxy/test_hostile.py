"""Hostile input: a clear 4xx or an answer, never a 500, a hang or a leak, and others are served meanwhile."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy import exchange
from proxy.serving import protocol
from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import MESSAGES, Served, post, serving, settings_for

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"


@pytest.fixture
async def fake() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream(Scripted(text="ok")) as upstream:
        yield upstream


@pytest.fixture
async def proxy(fake: FakeUpstream, tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(settings_for(fake, tmp_path)) as served:
        yield served
        assert served.house.gate.inside == 0


async def raw(proxy: Served, *pieces: bytes) -> bytes:
    """Sends bytes over a bare socket, and returns what came until the server closed or went silent."""
    host, port = proxy.origin.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    got = b""
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        async with asyncio.timeout(20):
            while b"\r\n\r\n" not in got:
                part = await reader.read(65536)
                if not part:
                    break
                got += part
    except ConnectionError:
        pass
    finally:
        writer.close()
    return got


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


async def alive(proxy: Served) -> None:
    async with aiohttp.ClientSession() as session:
        status, _, _ = await post(session, proxy.origin + CHAT, {"model": "small", "messages": MESSAGES})
    assert status == 200


@pytest.mark.parametrize("opening", [b"[", b'{"a":'], ids=["arrays", "objects"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/completions"])
async def test_nesting_without_end(proxy: Served, opening: bytes, path: str) -> None:
    for field in (b"messages", b"metadata", b"requirements", b"x", b"input", b"prompt"):
        body = b'{"model":"small","' + field + b'":' + opening * 100_000
        async with aiohttp.ClientSession() as session:
            status, answer, _ = await post(session, proxy.origin + path, body)
        assert status == 400, answer
    await alive(proxy)


async def test_nesting_that_closes(proxy: Served) -> None:
    body = b'{"model":"maestro","requirements":["x"],"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    async with aiohttp.ClientSession() as session:
        status, _, _ = await post(session, proxy.origin + CHAT, body)
    assert status == 400


async def test_many_messages_are_answered_while_others_are_served(proxy: Served, fake: FakeUpstream) -> None:
    messages = [{"role": "user", "content": f"m{i}"} for i in range(100_000)]
    async with aiohttp.ClientSession() as session:
        for more in ({"model": "small"}, {"model": "maestro", "requirements": ["At most 9 words"]}):
            body = json.dumps({**more, "messages": messages}).encode()
            (status, answer, _), *_ = await asyncio.gather(
                post(session, proxy.origin + CHAT, body), *(alive(proxy) for _ in range(3))
            )
            assert status == 200, answer
    assert len(max(fake.requests, key=lambda seen: len(seen.raw)).body["messages"]) >= 100_000


async def test_a_body_over_the_limit_is_refused_without_reading_it(proxy: Served) -> None:
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {50 * 2**20}\r\n\r\n".encode()
    assert status_of(await raw(proxy, head)) == 413
    piece = b"100000\r\n" + b"x" * 2**20 + b"\r\n"
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    assert status_of(await raw(proxy, head, *([piece] * 27))) == 413
    await alive(proxy)


async def test_a_large_body_within_the_limit_is_served(proxy: Served) -> None:
    body = json.dumps({"model": "small", "messages": [{"role": "user", "content": "x" * 20_000_000}]}).encode()
    async with aiohttp.ClientSession() as session:
        status, _, _ = await post(session, proxy.origin + CHAT, body)
    assert status == 200


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 431),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: b\r\n" * 20_000 + b"\r\n", 431),
        (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
        ),
        (b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400),
        (b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost : localhost\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00", 400),
        (b"GET /healthz HTTP/9.9\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /v1/models/..%2f..%2fmetrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /v1/models/%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /v1/models/%ff%fe HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET //v1//models HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
        (b"GET /v1/models HTTP/1.1\r\nHost: [::1\r\n\r\n", 403),
        (b"GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    ],
)
async def test_odd_http_gets_a_clear_answer(proxy: Served, request_bytes: bytes, status: int) -> None:
    answer = await raw(proxy, request_bytes)
    assert status_of(answer) == status, answer
    assert b"application/json" in answer
    await alive(proxy)


async def test_a_head_that_grows_without_end_is_refused(proxy: Served) -> None:
    head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: "
    assert status_of(await raw(proxy, head, *([b"a" * 50_000] * 20))) == 431


async def test_slow_heads_and_bodies_are_cut_off(proxy: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
    monkeypatch.setattr(exchange, "BODY_SECONDS", 0.1)
    assert status_of(await raw(proxy, b"GET /healthz HTTP/1.1\r\nHost: loc")) == 408
    assert await raw(proxy) == b""
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{{".encode()
    assert status_of(await raw(proxy, head)) == 408


async def test_header_values_cannot_inject(proxy: Served, fake: FakeUpstream) -> None:
    async with aiohttp.ClientSession() as session:
        body = {"model": "small", "messages": MESSAGES}
        for name in ("model", "response_language"):
            value = {**body, name: "a\r\nX-Evil: 1"}
            _, _, headers = await post(session, proxy.origin + CHAT, value)
            assert "x-evil" not in headers
    assert "x-evil" not in {name.lower() for seen in fake.requests for name in seen.headers}


async def test_foreign_pages_and_rebound_names_cannot_spend_without_keys(proxy: Served, fake: FakeUpstream) -> None:
    body: Any = {"model": "small", "messages": MESSAGES}
    async with aiohttp.ClientSession() as session:
        for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Origin": "null"}):
            status, _, _ = await post(session, proxy.origin + CHAT, body, headers)
            assert status == 403
        status, _, _ = await post(session, proxy.origin + CHAT, body, {"Origin": "http://localhost:3000"})
        assert status == 200
    assert len(fake.requests) == 1


async def test_pipelined_requests_are_answered_in_order(proxy: Served) -> None:
    one = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    host, port = proxy.origin.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    encoded = json.dumps({"model": "small", "messages": MESSAGES}).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(encoded)}\r\n\r\n".encode()
    writer.write(head + encoded + one + one)
    got = b""
    while got.count(b"200 OK") < 3:
        got += await reader.read(65536)
    assert got.index(b"chat.completion") < got.index(b'"status":"ok"')
    writer.close()
