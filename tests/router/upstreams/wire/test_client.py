"""The client against a server whose every byte is written here."""

import asyncio
import gzip
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from router.upstreams.wire.client import Client, InvalidUrl, encoded
from router.upstreams.wire.connection import ConnectFailed, Cut, NotHttp, TooLong

pytestmark = pytest.mark.anyio
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
FAR = 2.0**40


class Server:
    """Answers each request with the next of `answers`; b"" closes the connection."""

    def __init__(self, *answers: bytes, closes: bool = False) -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []
        self.connections = 0
        self.asked, self.left = asyncio.Event(), asyncio.Event()
        self._closes = closes

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while self.answers:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                self.asked.set()
                writer.write(self.answers.pop(0))
                if self._closes:
                    return
            await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.left.set()
            writer.close()


@asynccontextmanager
async def client_of(server: Server, **headers: str) -> AsyncIterator[Client]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    client = Client(f"http://127.0.0.1:{port}/v1", headers, 5.0)
    try:
        yield client
    finally:
        client.close()
        listening.close()
        await asyncio.wait_for(listening.wait_closed(), 5)


async def whole(client: Client, longest: int = 2**20, until: float = FAR) -> bytes:
    return (await client.whole("/chat/completions", {}, b"{}", longest, until)).body


async def test_a_request_says_what_it_must_and_one_connection_serves_many() -> None:
    server = Server(OK, OK)
    async with client_of(server, Authorization="Bearer key") as client:
        answer = await client.whole("/chat/completions", {"x-more": "said"}, b'{"a":1}', 99, FAR)
        await whole(client)
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, "application/json", b"{}")
    line, *headers = server.requests[0].split(b"\r\n\r\n")[0].split(b"\r\n")
    assert line == b"POST /v1/chat/completions HTTP/1.1"
    assert {b"authorization: Bearer key", b"x-more: said", b"content-length: 7"} <= set(headers)
    assert sum(header.startswith(b"host: 127.0.0.1:") for header in headers) == 1
    assert server.requests[0].endswith(b'\r\n\r\n{"a":1}')
    assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        CHUNKED + b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK,
        OK.replace(b"2\r\n\r\n{}", b"22\r\nContent-Encoding: gzip\r\n\r\n") + gzip.compress(b"{}", mtime=0),
    ],
)
async def test_every_way_to_frame_an_answer(answer: bytes) -> None:
    async with client_of(Server(answer, closes=True)) as client:
        assert await whole(client) == b"{}"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", Cut),
        (OK[:-1], Cut),
        (CHUNKED + b"5\r\nab", Cut),
        (b"SSH-2.0-OpenSSH\r\n", NotHttp),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", NotHttp),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nab", NotHttp),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nab", NotHttp),
        (OK.replace(b": 2", b": 200") + b"x" * 198, TooLong),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, TooLong),
    ],
)
async def test_what_is_no_whole_answer_raises(answer: bytes, error: type[Exception]) -> None:
    async with client_of(Server(answer, closes=True)) as client:
        with pytest.raises(error):
            await whole(client, longest=100)


@pytest.mark.parametrize("answer", [OK + OK, OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")])
async def test_a_connection_that_says_more_than_asked_or_will_close_serves_no_second_request(answer: bytes) -> None:
    server = Server(answer, OK)
    async with client_of(server) as client:
        with_surplus = answer.endswith(OK)
        if with_surplus:
            with pytest.raises(NotHttp):
                await whole(client)
        else:
            assert await whole(client) == b"{}"
        assert await whole(client) == b"{}"
    assert server.connections == 2


async def test_a_kept_connection_that_the_server_closed_is_not_used() -> None:
    server = Server(OK, OK, closes=True)
    async with client_of(server) as client:
        for _ in range(2):
            assert await whole(client) == b"{}"
            async with asyncio.timeout(5):
                while client.idle_count:  # noqa: ASYNC110 - what the socket says has no event of ours
                    await asyncio.sleep(0)
    assert server.connections == 2


async def test_an_answer_that_does_not_come_in_time() -> None:
    server = Server(b"HTTP/1.1 200 OK\r\n", OK)
    async with client_of(server) as client:
        with pytest.raises(TimeoutError):
            await whole(client, until=asyncio.get_running_loop().time() + 0.01)
        assert await whole(client) == b"{}"


async def test_a_stream_comes_in_pieces_and_a_silence_ends_it() -> None:
    async with client_of(Server(CHUNKED + b"3\r\nabc\r\n")) as client:
        opened = await client.open("/x", {}, b"", 0.05)
        assert await opened.piece() == b"abc"
        with pytest.raises(TimeoutError):
            await opened.piece()
        opened.close()


async def test_a_stream_read_to_its_end_keeps_its_connection_and_one_left_early_is_cut() -> None:
    server = Server(CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", CHUNKED + b"3\r\nabc\r\n")
    async with client_of(server) as client:
        for is_whole in (True, False):
            opened = await client.open("/x", {}, b"", 5.0)
            assert await opened.piece() == b"abc"
            if is_whole:
                assert (await opened.piece(), opened.is_over) == (b"", True)
            opened.close()
            opened.close()
        await asyncio.wait_for(server.left.wait(), 5)
    assert server.connections == 1


async def test_what_came_before_a_cut_is_read_before_it_raises() -> None:
    async with client_of(Server(CHUNKED + b"3\r\nabc\r\n", closes=True)) as client:
        opened = await client.open("/x", {}, b"", 5.0)
        assert await opened.piece() == b"abc"
        with pytest.raises(Cut):
            await opened.piece()
        opened.close()


async def test_whoever_is_cancelled_leaves_no_connection_behind() -> None:
    server = Server(b"HTTP/1.1 200 OK\r\n")
    async with client_of(server) as client:
        task = asyncio.create_task(whole(client))
        await asyncio.wait_for(server.asked.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.left.wait(), 5)


async def test_a_certificate_must_be_one_that_is_trusted_and_of_this_host(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    server = Server(OK)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    url = f"https://localhost:{listening.sockets[0].getsockname()[1]}/v1"
    strange, trusting = Client(url, {}, 5.0), Client(url, {}, 5.0, ssl.create_default_context(cafile=certificate))
    other = Client(url.replace("localhost", "127.0.0.1"), {}, 5.0, ssl.create_default_context(cafile=certificate))
    try:
        for refused in (strange, other):
            with pytest.raises(ConnectFailed):
                await whole(refused)
        assert await whole(trusting) == b"{}"
    finally:
        trusting.close()
        listening.close()


def make_certificate(folder: Path) -> Path:
    """A key and a certificate for localhost, signed by itself."""
    file = folder / "localhost.pem"
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "l")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
    kind, form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    secret = key.private_bytes(serialization.Encoding.PEM, kind, form)
    file.write_bytes(secret + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return file


async def test_where_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = Client(f"http://127.0.0.1:{taken.getsockname()[1]}", {}, 5.0)
        with pytest.raises(ConnectFailed):
            await whole(client)


@pytest.mark.parametrize("url", ["", "ftp://host/", "http://", "http://host:port/", "host/v1"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidUrl):
        Client(url, {}, 1.0)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://host/v1", "host: host\r\n"),
        ("http://host:443", "host: host:443\r\n"),
        ("http://[::1]:8000/v1", "host: [::1]:8000\r\n"),
        ("https://bücher.example", "host: xn--bcher-kva.example\r\n"),
        ("http://user:p%40ss@host", "host: host\r\nauthorization: Basic dXNlcjpwQHNz\r\n"),
    ],
)
def test_what_a_url_says_in_headers(url: str, said: str) -> None:
    assert Client(url, {}, 1.0).fixed_headers == said.encode()


@pytest.mark.parametrize("value", ["a\r\nx: y", "a\nb", "a\rb", "a\0b"])
def test_no_header_begins_another(value: str) -> None:
    with pytest.raises(ValueError, match="line end"):
        encoded({"x": value})
