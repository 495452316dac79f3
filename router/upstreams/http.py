"""The innermost layer: one HTTP attempt through aiohttp. A library's errors are translated here, once."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack

import aiohttp

from action_model.prices import Usage
from router.errors import UpstreamError, UpstreamFailed, UpstreamLost, UpstreamTimeout
from router.upstreams.answers import count_output_tokens, error_of, passed_headers, read_whole
from router.upstreams.sse import events_of
from router.upstreams.streams import StreamReader, usage_so_far
from router.upstreams.transport import Address, Progress, Request
from router.upstreams.upstream import Model, Reply

LONGEST_ANSWER_BYTES = 128 * 2**20
LONGEST_ERROR_BYTES = 2**20
LARGE_BYTES = 2**20
"""A body from here on is written piece by piece, so that others are served meanwhile (aiohttp warns otherwise)."""
LAST_BYTES_SECONDS = 0.25
"""How long to wait after `[DONE]` for the end of the body, so that the connection can serve again."""

NEVER_FORWARDED = frozenset(
    {"accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "cookie"}
    | {"expect", "forwarded", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "via"}
    | {"api-key", "authorization", "openai-api-key", "proxy-authorization", "proxy-connection", "x-api-key"}
    | {"x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-real-ip"}
)


def new_session() -> aiohttp.ClientSession:
    """A session for one upstream: no cookies, no compression, no limit of its own (that is the `Limit` layer)."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=60, keepalive_timeout=30),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "maestro", "Accept-Encoding": "identity"},
        read_bufsize=2**18,
    )


@contextlib.contextmanager
def upstream_errors(name: str) -> Iterator[None]:
    """Raises our errors in place of aiohttp's."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise UpstreamTimeout(f"upstream '{name}': no connection in time", name) from error
    except TimeoutError as error:
        raise UpstreamTimeout(f"upstream '{name}' took too long", name, may_be_billed=True) from error
    except aiohttp.ClientConnectorError as error:
        raise UpstreamLost(f"upstream '{name}': no connection", name) from error
    except (aiohttp.ClientPayloadError, aiohttp.ClientConnectionError, ConnectionError) as error:
        raise UpstreamLost(f"upstream '{name}': the connection was cut", name, may_be_billed=True) from error
    except aiohttp.InvalidURL as error:
        raise UpstreamFailed(f"upstream '{name}' has an invalid base_url", name) from error
    except aiohttp.ClientError as error:
        raise UpstreamFailed(f"upstream '{name}' does not speak HTTP as it should", name, may_be_billed=True) from error


class Http:
    """Speaks to one upstream over one session. Redirects are not followed: a key goes where it was meant to go."""

    def __init__(self, session: aiohttp.ClientSession, address: Address) -> None:
        self._session = session
        self._address = address
        self._url = address.base_url.rstrip("/")
        self._headers = {"Content-Type": "application/json", **address.headers}
        if address.api_key:
            self._headers["Authorization"] = f"Bearer {address.api_key}"
        longest = address.timeout_seconds
        connect = min(address.connect_seconds, longest)
        self._whole_limits = aiohttp.ClientTimeout(total=longest, sock_connect=connect, sock_read=longest)
        self._stream_limits = aiohttp.ClientTimeout(total=None, sock_connect=connect, sock_read=longest)

    async def send(self, request: Request) -> Reply:
        """A whole answer; raises what `router.errors` names."""
        name, loop = self._address.name, asyncio.get_running_loop()
        started = loop.time()
        with upstream_errors(name):
            async with await self._post(request, self._whole_limits) as response:
                body = await self._read(response)
        if not 200 <= response.status < 300:
            raise error_of(name, response.status, response.headers, self._redacted(body))
        usage = read_whole(name, request.call.path, body)
        seconds, is_told = loop.time() - started, usage is not None
        if usage is None:
            usage = Usage(request.call.expected.input_tokens, count_output_tokens(body))
        return Reply(response.status, passed_headers(response.headers), body, request.model, usage, seconds, is_told)

    async def open(self, request: Request) -> "HttpStream":
        """A stream whose first event has come, so that what fails before it is still a status."""
        name = self._address.name
        async with AsyncExitStack() as exits:
            with upstream_errors(name):
                response = await self._post(request, self._stream_limits)
                exits.callback(response.close)
                if not 200 <= response.status < 300:
                    body = await self._read(response, LONGEST_ERROR_BYTES)
                    raise error_of(name, response.status, response.headers, self._redacted(body))
            if "event-stream" not in response.headers.get("Content-Type", ""):
                what = f"upstream '{name}' answered a stream with something else"
                raise UpstreamFailed(what, name, may_be_billed=True)
            stream = HttpStream(response, request, name)
            await stream.wait_for_first()
            stream.exits = exits.pop_all()
        return stream

    async def _post(self, request: Request, limits: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:
        headers = self._headers
        if request.call.headers:
            headers = {**self._forwarded(request.call.headers), **headers}
        url = self._url + request.call.path
        body = request.body if len(request.body) < LARGE_BYTES else io.BytesIO(request.body)
        return await self._session.post(url, data=body, headers=headers, timeout=limits, allow_redirects=False)

    def _forwarded(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The client's headers that an upstream may see: none that speaks of keys, this connection, or us."""
        ours = {name.lower() for name in self._headers}
        kept = {name: value for name, value in headers.items() if is_forwardable(name.lower(), value, ours)}
        if self._address.forward_traceparent:
            return kept
        return {name: value for name, value in kept.items() if name.lower() not in ("traceparent", "tracestate")}

    async def _read(self, response: aiohttp.ClientResponse, longest: int = LONGEST_ANSWER_BYTES) -> bytes:
        pieces, size = [], 0
        async for piece in response.content.iter_any():
            size += len(piece)
            if size > longest:
                what = f"upstream '{self._address.name}' sent an answer without end"
                raise UpstreamFailed(what, self._address.name, may_be_billed=True)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _redacted(self, body: bytes) -> bytes:
        key = self._address.api_key
        return body.replace(key.encode(), b"[redacted]") if key else body


def is_forwardable(name: str, value: str, ours: set[str]) -> bool:
    """May this header of a client (name in lower case) travel on? Control characters never do."""
    is_private = name in ours or name in NEVER_FORWARDED or name.startswith(("x-maestro-", "sec-", "cf-"))
    return not is_private and (name + value).isprintable() and value.isascii()


class HttpStream:
    """An open stream of server-sent events, passed on as it came."""

    def __init__(self, response: aiohttp.ClientResponse, request: Request, upstream: str) -> None:
        self.exits = AsyncExitStack()
        self._response = response
        self._request = request
        self._upstream = upstream
        self._reader = StreamReader(upstream, request.call.path, request.hides_usage)
        self._batches = self._read()
        self._first: list[bytes] | None = None

    @property
    def progress(self) -> Progress:
        """How far it has come."""
        return self._reader.progress

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers worth passing on."""
        return passed_headers(self._response.headers)

    @property
    def model(self) -> Model:
        """Which model answers."""
        return self._request.model

    @property
    def usage(self) -> Usage:
        """The upstream's word, else the expected input and a count of what came."""
        return usage_so_far(self.progress, self._request.call.expected.input_tokens)

    async def wait_for_first(self) -> None:
        """Waits for the first event; what goes wrong before it is raised here."""
        self._first = await anext(self._batches, None)
        if self._first is None:
            what = f"upstream '{self._upstream}' sent an empty stream"
            raise UpstreamFailed(what, self._upstream, may_be_billed=True)

    async def events(self) -> AsyncIterator[bytes]:
        """Whole events as they came. Raises when the stream is cut, malformed, or carries an error."""
        async for batch in self._all():
            for block in batch:
                for event in events_of(block):
                    yield event

    async def blocks(self) -> AsyncIterator[bytes]:
        """The same, with the events that came together in one piece: one write for many."""
        async for batch in self._all():
            yield batch[0] if len(batch) == 1 else b"".join(batch)

    async def _all(self) -> AsyncIterator[list[bytes]]:
        if self._first is not None:
            first, self._first = self._first, None
            yield first
        async for batch in self._batches:
            yield batch

    async def _read(self) -> AsyncIterator[list[bytes]]:
        """Blocks of whole events of each read, never an empty list; those before a failure are passed on."""
        try:
            with upstream_errors(self._upstream):
                while data := await self._next_bytes():
                    if self._reader.pass_on(data):
                        yield [data]
                        continue
                    for batch in _batches(self._reader.feed(data)):
                        yield batch
                    if self._reader.is_done:
                        await self._drain()
                        return
            for batch in _batches(self._reader.end()):
                yield batch
        except UpstreamError as error:
            self.progress.failure = error.message
            raise

    async def _next_bytes(self) -> bytes:
        if self._request.call.deadline is None:
            return await self._response.content.readany()
        async with asyncio.timeout_at(self._request.call.deadline):
            return await self._response.content.readany()

    async def _drain(self) -> None:
        """Reads the few bytes after `[DONE]`; a connection that does not end by then is closed with the stream."""
        with contextlib.suppress(TimeoutError, aiohttp.ClientError, ConnectionError):
            async with asyncio.timeout(LAST_BYTES_SECONDS):
                while not self._response.content.at_eof():
                    await self._response.content.readany()


def _batches(events: Iterator[bytes]) -> Iterator[list[bytes]]:
    """All events at once, if any; where reading them fails, those before it, and then the failure."""
    batch: list[bytes] = []
    try:
        batch.extend(events)
    except UpstreamError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
