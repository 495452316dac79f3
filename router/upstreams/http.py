"""The innermost layer: one HTTP attempt. What goes wrong on the wire is translated here, once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping

from action_model.prices import Usage
from router.errors import MaestroError, UpstreamError, UpstreamFailed, UpstreamLost, UpstreamTimeout
from router.upstreams.answers import count_output_tokens, error_of, passed_headers, read_whole
from router.upstreams.sse import events_of
from router.upstreams.streams import StreamReader, usage_so_far
from router.upstreams.transport import Address, Exits, Progress, Request
from router.upstreams.upstream import Model, Reply
from router.upstreams.wire.client import Client, InvalidUrl, Opened
from router.upstreams.wire.connection import ConnectFailed, ConnectTimeout, NotHttp, TooLong

LONGEST_ANSWER_BYTES = 128 * 2**20
LONGEST_ERROR_BYTES = 2**20
LAST_BYTES_SECONDS = 0.25
"""How long to wait after `[DONE]` for the end of the body, so that the connection can serve again."""
OURS = {"user-agent": "maestro", "accept": "*/*", "accept-encoding": "identity", "content-type": "application/json"}

NEVER_FORWARDED = frozenset(
    {"accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "cookie"}
    | {"expect", "forwarded", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "via"}
    | {"api-key", "authorization", "openai-api-key", "proxy-authorization", "proxy-connection", "x-api-key"}
    | {"x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-real-ip"}
)
WIRE_ERRORS = (OSError, NotHttp, TooLong)
"""What `router.upstreams.wire` raises; TimeoutError and lost connections are OSErrors."""


def translated(name: str, error: OSError | ValueError) -> MaestroError:
    """Our error for what went wrong on the wire."""
    if isinstance(error, ConnectTimeout):
        return UpstreamTimeout(f"upstream '{name}': no connection in time", name)
    if isinstance(error, TimeoutError):
        return UpstreamTimeout(f"upstream '{name}' took too long", name, may_be_billed=True)
    if isinstance(error, ConnectFailed):
        return UpstreamLost(f"upstream '{name}': no connection", name)
    if isinstance(error, OSError):
        return UpstreamLost(f"upstream '{name}': the connection was cut", name, may_be_billed=True)
    if isinstance(error, TooLong):
        return UpstreamFailed(f"upstream '{name}' sent an answer without end", name, may_be_billed=True)
    return UpstreamFailed(f"upstream '{name}' does not speak HTTP as it should", name, may_be_billed=True)


class Http:
    """Speaks to one upstream. Redirects are not followed: a key goes where it was meant to go."""

    def __init__(self, address: Address) -> None:
        self._address = address
        headers = {**OURS, **{name.lower(): value for name, value in address.headers.items()}}
        if address.api_key:
            headers["authorization"] = f"Bearer {address.api_key}"
        self._ours = frozenset(headers)
        self._longest_seconds = address.timeout_seconds
        self._client: Client | None = None
        with contextlib.suppress(InvalidUrl):
            connect = min(address.connect_seconds, address.timeout_seconds)
            self._client = Client(address.base_url.rstrip("/"), headers, connect)

    async def send(self, request: Request) -> Reply:
        """A whole answer; raises what `router.errors` names."""
        name, loop, call = self._address.name, asyncio.get_running_loop(), request.call
        started = loop.time()
        until, headers = started + self._longest_seconds, self._forwarded(call.headers)
        client = self._reachable()
        try:
            answer = await client.whole(call.path, headers, request.body, LONGEST_ANSWER_BYTES, until)
        except WIRE_ERRORS as error:
            raise translated(name, error) from error
        body, told = answer.body, passed_headers(answer.headers)
        if not 200 <= answer.status < 300:
            raise error_of(name, answer.status, told, self._redacted(body))
        usage = read_whole(name, call.path, body)
        seconds, is_told = loop.time() - started, usage is not None
        if usage is None:
            usage = Usage(call.expected.input_tokens, count_output_tokens(body))
        return Reply(answer.status, told, body, request.model, usage, seconds, is_told)

    async def open(self, request: Request) -> "HttpStream":
        """A stream whose first event has come, so that what fails before it is still a status."""
        name, call = self._address.name, request.call
        headers, client = self._forwarded(call.headers), self._reachable()
        try:
            answer = await client.open(call.path, headers, request.body, self._longest_seconds)
        except WIRE_ERRORS as error:
            raise translated(name, error) from error
        try:
            await self._require_events(answer)
            stream = HttpStream(answer, request, name)
            await stream.wait_for_first()
        except BaseException:
            answer.close()
            raise
        return stream

    async def _require_events(self, answer: Opened) -> None:
        name = self._address.name
        if not 200 <= answer.status < 300:
            try:
                body = self._redacted(await read_all(answer, LONGEST_ERROR_BYTES))
            except WIRE_ERRORS as error:
                raise translated(name, error) from error
            raise error_of(name, answer.status, passed_headers(answer.headers), body)
        if "event-stream" not in answer.headers.get("content-type", ""):
            raise UpstreamFailed(f"upstream '{name}' answered a stream with something else", name, may_be_billed=True)

    def close(self) -> None:
        """Ends every connection."""
        if self._client is not None:
            self._client.close()

    def _reachable(self) -> Client:
        if self._client is None:
            name = self._address.name
            raise UpstreamFailed(f"upstream '{name}' has an invalid base_url", name)
        return self._client

    def _forwarded(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """The client's headers that an upstream may see: none that speaks of keys, this connection, or us."""
        if not headers:
            return headers
        kept = {name: value for name, value in headers.items() if is_forwardable(name.lower(), value, self._ours)}
        if self._address.forward_traceparent:
            return kept
        return {name: value for name, value in kept.items() if name.lower() not in ("traceparent", "tracestate")}

    def _redacted(self, body: bytes) -> bytes:
        key = self._address.api_key
        return body.replace(key.encode(), b"[redacted]") if key else body


async def read_all(answer: Opened, longest: int) -> bytes:
    """The rest of an answer. Raises TooLong."""
    pieces, size = [], 0
    while piece := await answer.piece():
        size += len(piece)
        if size > longest:
            raise TooLong("an error without end")
        pieces.append(piece)
    return b"".join(pieces)


def is_forwardable(name: str, value: str, ours: frozenset[str]) -> bool:
    """May this header of a client (name in lower case) travel on? Control characters never do."""
    is_private = name in ours or name in NEVER_FORWARDED or name.startswith(("x-maestro-", "sec-", "cf-"))
    return not is_private and (name + value).isprintable() and value.isascii()


class HttpStream:
    """An open stream of server-sent events, passed on as it came."""

    def __init__(self, answer: Opened, request: Request, upstream: str) -> None:
        self.exits = Exits()
        self.exits.add(self._close)
        self._answer = answer
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
        return passed_headers(self._answer.headers)

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

    async def _close(self) -> None:
        self._answer.close()

    async def _read(self) -> AsyncIterator[list[bytes]]:
        """Blocks of whole events of each read, never an empty list; those before a failure are passed on."""
        try:
            while data := await self._next_bytes():
                passed = self._reader.pass_on(data)
                if passed == len(data):
                    yield [data]
                    continue
                first = [data[:passed]] if passed else []
                for batch in _batches(self._reader.feed(data[passed:]), first):
                    yield batch
                if self._reader.is_done:
                    await self._drain()
                    return
            for batch in _batches(self._reader.end(), []):
                yield batch
        except UpstreamError as error:
            self.progress.failure = error.message
            raise

    async def _next_bytes(self) -> bytes:
        deadline = self._request.call.deadline
        try:
            if deadline is None:
                return await self._answer.piece()
            async with asyncio.timeout_at(deadline):
                return await self._answer.piece()
        except WIRE_ERRORS as error:
            raise translated(self._upstream, error) from error

    async def _drain(self) -> None:
        """Reads the few bytes after `[DONE]`; a connection that does not end by then is closed with the stream."""
        if self._answer.is_over:
            return
        with contextlib.suppress(*WIRE_ERRORS):
            async with asyncio.timeout(LAST_BYTES_SECONDS):
                while await self._answer.piece():
                    pass


def _batches(events: Iterator[bytes], batch: list[bytes]) -> Iterator[list[bytes]]:
    """All events at once, after those in `batch`, if any; where reading them fails, those before it, and then the
    failure."""
    try:
        batch.extend(events)
    except UpstreamError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
