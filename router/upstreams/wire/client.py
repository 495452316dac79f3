"""Requests to one server over connections that are kept for the next one: POST with a JSON body, an answer back."""

import asyncio
import base64
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

import aiohappyeyeballs
import msgspec

from router.upstreams.wire.connection import ConnectFailed, Connection, ConnectTimeout
from router.upstreams.wire.content import decoder_of

IDLE_SECONDS = 30.0
SECOND_ADDRESS_SECONDS = 0.25
"""A server with several addresses: how long the first may take before the next is tried beside it (RFC 8305)."""
LONGEST_STREAM_BYTES = 2**62
MOST_PATHS = 64


class InvalidUrl(ValueError):
    """Not an http or https URL."""


class Answer(msgspec.Struct, frozen=True):
    """A whole answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is, and the headers that its URL makes: `Host`, and `Authorization` where it names a user."""

    host: str
    port: int
    is_secure: bool
    path: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, url: str) -> "Place":
        """Raises InvalidUrl."""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").encode("idna").decode(), parts.port
        except ValueError as error:
            raise InvalidUrl(str(error)) from None
        if parts.scheme not in ("http", "https") or not host:
            raise InvalidUrl("neither http:// nor https://, or without a host")
        is_secure = parts.scheme == "https"
        usual = 443 if is_secure else 80
        shown = f"[{host}]" if ":" in host else host
        headers = {"host": shown if port in (None, usual) else f"{shown}:{port}"}
        if parts.username is not None:
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers["authorization"] = f"Basic {base64.b64encode(user.encode()).decode()}"
        return cls(host, port or usual, is_secure, parts.path, headers)


class Client:
    """A pool of connections to one server. No cookies, no redirects, no proxy: a key goes where it was meant to go."""

    def __init__(
        self, url: str, headers: Mapping[str, str], connect_seconds: float, tls: ssl.SSLContext | None = None
    ) -> None:
        """Raises InvalidUrl, and ValueError for headers that cannot be sent. `tls`: other authorities than usual."""
        self._place = Place.of(url)
        self.fixed_headers = encoded(
            {**self._place.headers, **{name.lower(): value for name, value in headers.items()}}
        )
        self._connect_seconds = connect_seconds
        self._tls = (tls or usual_tls()) if self._place.is_secure else None
        self._heads: dict[str, bytes] = {}
        self._idle: list[tuple[Connection, float]] = []
        self._sweeper: asyncio.TimerHandle | None = None
        self._open: set[Connection] = set()
        self._is_closed = False

    async def whole(self, path: str, headers: Mapping[str, str], body: bytes, longest: int, until: float) -> Answer:
        """Posts, and reads the whole answer. `until` is loop time. Raises what `connection` names, and TimeoutError."""
        connection = await self._connection()
        try:
            said = await connection.whole(self._request(path, headers, body), longest, until)
            status, told = connection.status, connection.headers
        finally:
            self._end(connection)
        if "content-encoding" in told:
            said = decoder_of(told["content-encoding"], longest)(said)
        return Answer(status, told, said)

    async def open(self, path: str, headers: Mapping[str, str], body: bytes, patience_seconds: float) -> "Opened":
        """Posts, and waits for the answer's head; whoever opens closes."""
        connection = await self._connection()
        try:
            await connection.head(self._request(path, headers, body), LONGEST_STREAM_BYTES, patience_seconds)
            return Opened(connection, self._end)
        except BaseException:
            self._end(connection)
            raise

    @property
    def idle_count(self) -> int:
        """Connections that wait for a request."""
        return sum(connection.can_serve_again for connection, _ in self._idle)

    def close(self) -> None:
        """Ends every connection."""
        self._is_closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in tuple(self._open):
            connection.close()
        self._open.clear()
        self._idle.clear()

    def _request(self, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        head = self._heads.get(path)
        if head is None:
            target = quote(self._place.path + path, safe="/?=&%:@!$'()*+,;~-._")
            head = f"POST {target} HTTP/1.1\r\n".encode() + self.fixed_headers
            if len(self._heads) < MOST_PATHS:
                self._heads[path] = head
        more = encoded(headers) if headers else b""
        return b"%s%scontent-length: %d\r\n\r\n%s" % (head, more, len(body), body)

    async def _connection(self) -> Connection:
        """One that is kept, the latest first; else a new one. Raises ConnectFailed, ConnectTimeout."""
        while self._idle:
            connection, _ = self._idle.pop()
            if connection.can_serve_again:
                return connection
            self._open.discard(connection)
        try:
            async with asyncio.timeout(self._connect_seconds):
                connection = await self._connect()
        except TimeoutError:
            raise ConnectTimeout("no connection in time") from None
        except OSError as error:
            raise ConnectFailed(str(error)) from error
        self._open.add(connection)
        return connection

    async def _connect(self) -> Connection:
        loop, place = asyncio.get_running_loop(), self._place
        addresses = await loop.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
        raw = await aiohappyeyeballs.start_connection(addresses, happy_eyeballs_delay=SECOND_ADDRESS_SECONDS)
        try:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            name = place.host if self._tls is not None else None
            made = loop.create_connection(lambda: Connection(loop), sock=raw, ssl=self._tls, server_hostname=name)
            return (await made)[1]
        except BaseException:
            raw.close()
            raise

    def _end(self, connection: Connection) -> None:
        if not connection.end() or self._is_closed:
            connection.close()
            self._open.discard(connection)
            return
        self._idle.append((connection, asyncio.get_running_loop().time()))
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._sweep)

    def _sweep(self) -> None:
        """Ends what nobody has used for long, or the server has closed."""
        now, loop = asyncio.get_running_loop().time(), asyncio.get_running_loop()
        kept = [(one, since) for one, since in self._idle if one.can_serve_again and now - since < IDLE_SECONDS]
        for connection in {one for one, _ in self._idle} - {one for one, _ in kept}:
            connection.close()
            self._open.discard(connection)
        self._idle = kept
        self._sweeper = loop.call_later(IDLE_SECONDS, self._sweep) if kept else None


class Opened:
    """An answer whose head has come."""

    def __init__(self, connection: Connection, end: Callable[[Connection], None]) -> None:
        self._connection = connection
        self._end = end
        self._is_closed = False
        self.status, self.headers = connection.status, connection.headers
        self._decode = decoder_of(self.headers.get("content-encoding", ""), LONGEST_STREAM_BYTES)

    @property
    def is_over(self) -> bool:
        """Has all of it come?"""
        return self._connection.is_complete

    async def piece(self) -> bytes:
        """What has come, as soon as there is something; b"" at the end. Raises what `connection` names."""
        while piece := await self._connection.piece():
            decoded = self._decode(piece)
            if decoded:
                return decoded
        return b""

    def close(self) -> None:
        """The connection is kept if all of the answer has come, else it is cut: the server sees that we left."""
        if not self._is_closed:
            self._is_closed = True
            self._end(self._connection)


def encoded(headers: Mapping[str, str]) -> bytes:
    """As they go over the wire. Raises ValueError for a header that would end its line."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers) or "\0" in lines:
        raise ValueError("a header with a line end")
    return lines.encode("latin-1", "replace")


def usual_tls() -> ssl.SSLContext:
    """The system's authorities, HTTP/1.1 only."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
