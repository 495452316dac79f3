import asyncio
from collections.abc import Sequence

import httpx
import pytest

from router.checks.check import Answer
from router.checks.compiler import compile_requirement
from router.checks.validators import Effects, Validators
from router.errors import BadRequest
from router.task import Requirement
from router.tools.guard import Allowance, Blocked, Resolve, check_url, choose_address, guarded_client, is_public

pytestmark = pytest.mark.anyio

PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "0.0.0.0",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "::127.0.0.1",
    "nonsense",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_in_every_dress_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are(address: str) -> None:
    assert is_public(address)


def answering(*addresses: str) -> Resolve:
    async def resolver(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolver


async def test_one_private_address_among_public_ones_blocks_the_host() -> None:
    with pytest.raises(Blocked):
        await choose_address("mixed.example", 443, Allowance(), answering("8.8.8.8", "10.0.0.1"))


async def test_an_allowed_host_may_be_private_at_its_port_only() -> None:
    allowance = Allowance.of(["Internal:8080"])
    assert await choose_address("internal", 8080, allowance, answering("10.0.0.1")) == "10.0.0.1"
    with pytest.raises(Blocked):
        await choose_address("internal", 8081, allowance, answering("10.0.0.1"))


@pytest.mark.parametrize(
    "url", ["ftp://example.com/", "file:///etc/passwd", "http://user:pw@example.com/", "http://", "x"]
)
def test_only_plain_web_addresses_are_called(url: str) -> None:
    with pytest.raises(Blocked):
        check_url(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"])
async def test_loopback_is_not_called_however_it_is_spelt(host: str) -> None:
    async with guarded_client(Allowance(), 2.0) as client:
        with pytest.raises((Blocked, httpx.HTTPError)):
            await client.get(f"http://{host}:9/")


async def served(reply: bytes) -> tuple[asyncio.Server, int, list[bytes]]:
    """A server that says the same to everybody, its port, and what it was asked."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
        )
        asked.append(await reader.readexactly(length))
        writer.write(reply)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1], asked


def http(body: bytes, status: bytes = b"200 OK", extra: bytes = b"") -> bytes:
    return (
        b"HTTP/1.1 " + status + b"\r\ncontent-length: %d\r\nconnection: close\r\n" % len(body) + extra + b"\r\n" + body
    )


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        (http(b'{"passed": true, "reason": "good"}'), 1.0),
        (http(b'{"score": 0.25}'), 0.25),
        (http(b'{"score": 7}'), None),
        (http(b"not json"), None),
        (http(b"", b"500 Oh"), None),
        (http(b"", b"302 Found", b"location: http://169.254.169.254/\r\n"), None),
        (http(b'"' + b"x" * 100_000 + b'"'), None),
        (b"rubbish\r\n\r\n", None),
    ],
)
async def test_a_webhook_gets_the_answer_and_its_word_is_read(reply: bytes, score: float | None) -> None:
    server, port, asked = await served(reply)
    validators = Validators()
    validators.effects = Effects(Allowance.of([f"127.0.0.1:{port}"]))
    check = {"type": "http", "url": f"http://127.0.0.1:{port}/check"}
    (validator,) = compile_requirement(Requirement("r", "", check=check), validators).validators
    async with server:
        finding = await validator(Answer("the answer", "the prompt"))
    assert finding.score == score
    assert b"the answer" in asked[0]
    assert b"the prompt" in asked[0]


async def test_a_webhook_to_a_private_address_is_not_called() -> None:
    server, port, asked = await served(http(b'{"passed": true}'))
    check = {"type": "http", "url": f"http://127.0.0.1:{port}/"}
    (validator,) = compile_requirement(Requirement("r", "", check=check)).validators
    async with server:
        finding = await validator(Answer("x"))
    assert finding.score is None
    assert "not a public address" in finding.reason
    assert asked == []


def test_a_bad_webhook_names_its_parameter() -> None:
    with pytest.raises(BadRequest) as refusal:
        compile_requirement(Requirement("r", "", check={"type": "http", "url": "gopher://x"}))
    assert "url" in str(refusal.value)
