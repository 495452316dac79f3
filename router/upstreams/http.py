"""The innermost layer: one HTTP attempt through aiohttp. A library's errors are translated here, once."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack

import aiohttp
import msgspec

from action_model.prices import Usage
from router.errors import UpstreamFailed, UpstreamLost, UpstreamTimeout
from router.ledger.usage import read_usage
from router.upstreams.answers import decode_or_none, error_of, passed_headers, read_whole
from router.upstreams.sse import DONE, Chunk, EventCutter, data_of, without_null_usage
from router.upstreams.tokens import count_tokens
from router.upstreams.transport import Address, OpenStream, Progress, Request
from router.upstreams.upstream import Model, Reply

_decode_chunk = msgspec.json.Decoder(Chunk).decode
LONGEST_ERROR_BYTES = 2**20


@contextlib.contextmanager
def upstream_errors(name: str) -> Iterator[None]:
    """Raises our errors in place of aiohttp's."""
    try:
        yield
    except TimeoutError as error:
        raise UpstreamTimeout(f"upstream '{name}' took too long", name) from error
    except (aiohttp.ClientPayloadError, aiohttp.ClientConnectionError, ConnectionError) as error:
        raise UpstreamLost(f"upstream '{name}': the connection failed", name) from error
    except aiohttp.ClientError as error:
        raise UpstreamFailed(f"upstream '{name}' does not speak HTTP as it should", name) from error


class Http:
    """Speaks to one upstream over one session. Redirects are not followed: a key goes where it was meant to go."""

    def __init__(self, session: aiohttp.ClientSession, address: Address) -> None:
        self._session = session
        self._address = address
        self._headers = {"Content-Type": "application/json", **address.headers}
        if address.api_key:
            self._headers["Authorization"] = f"Bearer {address.api_key}"

    async def send(self, request: Request) -> Reply:
        """A whole answer; raises what `router.errors` names."""
        name, loop = self._address.name, asyncio.get_running_loop()
        started = loop.time()
        with upstream_errors(name):
            async with await self._post(request, self._limits(request)) as response:
                body = await response.read()
        if not 200 <= response.status < 300:
            raise error_of(name, response.status, response.headers, self._redacted(body))
        usage = read_whole(name, request.call.path, body)
        seconds = loop.time() - started
        headers = passed_headers(response.headers)
        return Reply(response.status, headers, body, request.model, usage or Usage(), seconds, usage is not None)

    async def open(self, request: Request) -> OpenStream:
        """A stream whose first event has come, so that what fails before it is still a status."""
        name = self._address.name
        async with AsyncExitStack() as exits:
            with upstream_errors(name):
                response = await self._post(request, self._limits(request))
                exits.callback(response.close)
                if not 200 <= response.status < 300:
                    body = await response.content.read(LONGEST_ERROR_BYTES)
                    raise error_of(name, response.status, response.headers, self._redacted(body))
            if "event-stream" not in response.headers.get("Content-Type", ""):
                raise UpstreamFailed(f"upstream '{name}' answered a stream with something else", name)
            stream = HttpStream(response, request, name)
            await stream.peek()
            stream.exits = exits.pop_all()
            return stream
        raise AssertionError("unreachable: an exit stack never swallows")

    async def _post(self, request: Request, limits: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:
        url = self._address.base_url.rstrip("/") + request.call.path
        headers = {**self._headers, **self._forwarded(request.call.headers)}
        return await self._session.post(url, data=request.body, headers=headers, timeout=limits, allow_redirects=False)

    def _forwarded(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        if not headers or self._address.forward_traceparent:
            return headers
        return {name: value for name, value in headers.items() if name not in ("traceparent", "tracestate")}

    def _limits(self, request: Request) -> aiohttp.ClientTimeout:
        deadline, total = request.call.deadline, None
        if deadline is not None:
            total = max(deadline - asyncio.get_running_loop().time(), 0.001)
        patience = self._address.timeout_seconds
        return aiohttp.ClientTimeout(total=total, sock_connect=min(10.0, patience), sock_read=patience)

    def _redacted(self, body: bytes) -> bytes:
        key = self._address.api_key
        return body.replace(key.encode(), b"[redacted]") if key else body


class HttpStream:
    """An open stream of server-sent events, read chunk by chunk and passed on as it came."""

    def __init__(self, response: aiohttp.ClientResponse, request: Request, upstream: str) -> None:
        self.exits = AsyncExitStack()
        self.progress = Progress()
        self._response = response
        self._request = request
        self._upstream = upstream
        self._is_chat = request.call.path in ("/chat/completions", "/completions")
        self._events = self._read()
        self._first: bytes | None = None
        self._open_choices: set[int] = set()
        self._content: list[bytes] = []

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
        if self.progress.usage is not None:
            return self.progress.usage
        expected = self._request.call.expected
        counted = max(self.progress.content_events, -(-self.progress.content_bytes // 4))
        return Usage(input_tokens=expected.input_tokens, output_tokens=counted)

    async def peek(self) -> None:
        """Waits for the first event; what goes wrong before it is raised here."""
        self._first = await anext(self._events, None)
        if self._first is None:
            raise UpstreamFailed(f"upstream '{self._upstream}' sent an empty stream", self._upstream)

    async def events(self) -> AsyncIterator[bytes]:
        """Whole events as they came. Raises when the stream is cut, malformed, or carries an error."""
        if self._first is not None:
            first, self._first = self._first, None
            yield first
        async for event in self._events:
            yield event

    async def _read(self) -> AsyncIterator[bytes]:
        cutter, done = EventCutter(), False
        with upstream_errors(self._upstream):
            async for data in self._response.content.iter_any():
                for event in self._cut(cutter, data):
                    done = done or data_of(event) == b"[DONE]"
                    kept = event if done or not self._is_chat else self._inspect(event)
                    if kept is not None:
                        yield kept
        if cutter.rest.strip():
            raise UpstreamLost(f"upstream '{self._upstream}': the stream was cut inside an event", self._upstream)
        self._end(done)
        if self._is_chat and not done:
            yield DONE

    def _cut(self, cutter: EventCutter, data: bytes) -> Iterator[bytes]:
        try:
            yield from cutter.feed(data)
        except ValueError:
            raise UpstreamFailed(f"upstream '{self._upstream}' sent an event without end", self._upstream) from None

    def _end(self, done: bool) -> None:
        """A stream may end with [DONE] or after every choice has its finish reason; anything else was cut."""
        self.progress.finished = done or not self._is_chat or (bool(self._seen) and not self._open_choices)
        if not self.progress.finished:
            raise UpstreamLost(f"upstream '{self._upstream}': the stream was cut", self._upstream)

    @property
    def _seen(self) -> bool:
        return self.progress.content_events > 0

    def _inspect(self, event: bytes) -> bytes | None:
        """Notes usage, length and ends; None for the usage chunk that only we asked for."""
        data = data_of(event)
        if data is None:
            return event
        try:
            chunk = _decode_chunk(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise UpstreamFailed(f"upstream '{self._upstream}' sent a malformed chunk", self._upstream) from None
        if chunk.error is not None and bytes(chunk.error) != b"null":
            raise UpstreamFailed(f"upstream '{self._upstream}': {_message(bytes(chunk.error))}", self._upstream)
        self._count(chunk)
        usage = None if chunk.usage is None else read_usage(decode_or_none(bytes(chunk.usage)))
        if usage is not None:
            self.progress.usage = usage
            if self._request.hides_usage and not chunk.choices:
                return None
        return without_null_usage(event) if self._request.hides_usage else event

    def _count(self, chunk: Chunk) -> None:
        for choice in chunk.choices or ():
            self.progress.content_events += 1
            self._open_choices.add(choice.index)
            if choice.finish_reason is not None:
                self._open_choices.discard(choice.index)
            if choice.text:
                self.progress.content_bytes += len(choice.text.encode())
            if choice.delta is not None:
                delta = choice.delta
                parts = (delta.content, delta.reasoning_content, delta.tool_calls)
                self.progress.content_bytes += sum(len(bytes(part)) - 2 for part in parts if part is not None)


def _message(error: bytes) -> str:
    """The upstream's words about a failure inside a stream, shortened."""
    said = decode_or_none(error)
    if isinstance(said, dict):
        said = said.get("message", "the stream failed")
    return str(said)[:300] if said else json.dumps("the stream failed")


def count_answer_tokens(body: bytes) -> int:
    """Output tokens of a whole answer without usage, leaning high."""
    return count_tokens(body.decode("utf-8", "replace"))
