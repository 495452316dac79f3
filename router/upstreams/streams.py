"""Reads a stream as it comes: what to pass on, what was used, and whether its end is a true end. No I/O."""

from collections.abc import Iterator

import msgspec

from action_model.prices import Usage
from router.errors import UpstreamFailed, UpstreamLost
from router.ledger.usage import read_usage
from router.upstreams.answers import NULL, Delta, decode_or_none, delta_bytes, is_null
from router.upstreams.sse import DONE, EventCutter, data_of, without_null_usage
from router.upstreams.transport import Progress

CHAT_PATHS = frozenset({"/chat/completions", "/completions"})
RESPONSE_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed", "error"})


class StreamChoice(msgspec.Struct):
    """One choice of a chunk."""

    index: int = 0
    delta: Delta | None = None
    text: str | None = None
    finish_reason: str | None = None


class ResponseInEvent(msgspec.Struct):
    """The response inside an event of `/responses`."""

    usage: msgspec.Raw = NULL


class Chunk(msgspec.Struct):
    """The fields of a chunk (chat, completions) or event (responses) that we read."""

    choices: list[StreamChoice] | None = None
    usage: msgspec.Raw = NULL
    error: msgspec.Raw = NULL
    type: str | None = None
    delta: msgspec.Raw = NULL
    response: ResponseInEvent | None = None


_decode_chunk = msgspec.json.Decoder(Chunk).decode


class StreamReader:
    """Feed bytes, get whole events to pass on, byte for byte; then ask `end` whether the stream was whole.

    A stream is whole when every choice has had its finish reason (some upstreams send no `[DONE]`: it is added), or,
    for `/responses`, after its closing event. Anything else was cut, also where `[DONE]` follows. The usage chunk that
    only we asked for (`hides_usage`) is taken out.
    """

    def __init__(self, upstream: str, path: str, hides_usage: bool) -> None:
        self.progress = Progress()
        self.is_done = False
        self._upstream = upstream
        self._is_chat = path in CHAT_PATHS
        self._hides_usage = hides_usage
        self._cutter = EventCutter()
        self._seen: set[int] = set()
        self._ended: set[int] = set()
        self._is_closed = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Events to pass on. Raises UpstreamFailed for a malformed one, or one that carries an error."""
        try:
            for event in self._cutter.feed(data):
                if self.is_done:
                    return
                kept = self._inspect(event)
                if kept is not None:
                    yield kept
        except ValueError:
            raise self._failed("sent an event without end") from None

    def pass_on(self, data: bytes) -> int:
        """How many bytes at the start of `data` are whole plain chunks of chat, to be passed on as they are.

        Nearly all of a stream comes so. What it says is counted as by `feed`, which must take the rest.
        """
        if self.is_done or not self._is_chat or not self._cutter.is_between or b"\r" in data:
            return 0
        passed = 0
        while data.startswith(b"data: {", passed):
            end = data.find(b"\n\n", passed)
            chunk = _plain_chunk(data[passed + 6 : end], self._hides_usage) if end > 0 else None
            if chunk is None:
                break
            for choice in chunk.choices or ():
                self._count(choice)
            passed = end + 2
        return passed

    def end(self) -> Iterator[bytes]:
        """What is still to be passed on after the last byte. Raises UpstreamLost if the stream was cut."""
        rest = self._cutter.rest.strip()
        if not self.is_done and rest and data_of(rest + b"\n\n") == b"[DONE]":
            rest = b""
        if not self.is_done and (rest or not self._is_whole):
            raise self._was_cut()
        self.progress.is_finished = True
        if self._is_chat and not self.is_done:
            yield DONE

    @property
    def _is_whole(self) -> bool:
        return bool(self._seen) and self._seen == self._ended if self._is_chat else self._is_closed

    def _inspect(self, event: bytes) -> bytes | None:
        data = data_of(event)
        if data is None:
            return event
        if data.strip() == b"[DONE]":
            if self._is_chat and not self._is_whole:
                raise self._was_cut()
            self.is_done = self.progress.is_finished = True
            return event
        chunk = self._decode(data)
        if chunk.choices:
            for choice in chunk.choices:
                self._count(choice)
        elif chunk.type is not None:
            self._note_response_event(chunk)
        if not is_null(chunk.usage) and self._note_usage(chunk.usage) and self._hides_usage and not chunk.choices:
            return None
        return without_null_usage(event) if self._hides_usage else event

    def _decode(self, data: bytes) -> Chunk:
        try:
            chunk = _decode_chunk(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._failed("sent a malformed chunk") from None
        if self._is_chat and not is_null(chunk.error):
            raise self._failed(f"broke off: {_message(bytes(chunk.error))}")
        return chunk

    def _note_usage(self, raw: msgspec.Raw) -> bool:
        usage = read_usage(decode_or_none(bytes(raw)))
        self.progress.usage = usage or self.progress.usage
        return usage is not None

    def _note_response_event(self, chunk: Chunk) -> None:
        if chunk.type in RESPONSE_ENDS:
            self._is_closed = True
        if not is_null(chunk.delta):
            self.progress.note_content(len(bytes(chunk.delta)) - 2)
        if chunk.response is not None and not is_null(chunk.response.usage):
            self._note_usage(chunk.response.usage)

    def _count(self, choice: StreamChoice) -> None:
        self._seen.add(choice.index)
        if choice.finish_reason is not None:
            self._ended.add(choice.index)
        if choice.text:
            self.progress.note_content(len(choice.text.encode()))
        if choice.delta is not None:
            self.progress.note_content(delta_bytes(choice.delta))

    def _was_cut(self) -> UpstreamLost:
        return UpstreamLost(f"upstream '{self._upstream}': the stream was cut", self._upstream, may_be_billed=True)

    def _failed(self, what: str) -> UpstreamFailed:
        return UpstreamFailed(f"upstream '{self._upstream}' {what}", self._upstream, may_be_billed=True)


def _plain_chunk(data: bytes, hides_usage: bool) -> Chunk | None:
    """The chunk of an event's data; None unless it is of one line, with choices and without usage or error."""
    if b"\n" in data:
        return None
    try:
        chunk = _decode_chunk(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if chunk.usage is not NULL and (hides_usage or not is_null(chunk.usage)):
        return None
    return chunk if chunk.choices and (chunk.error is NULL or is_null(chunk.error)) else None


def usage_so_far(progress: Progress, input_tokens: int) -> Usage:
    """The upstream's word; else the input we counted and the output that came: a token an event, or per four bytes."""
    if progress.usage is not None:
        return progress.usage
    return Usage(input_tokens, max(progress.content_events, -(-progress.content_bytes // 4)))


def _message(error: bytes) -> str:
    """The upstream's words about a failure inside a stream, shortened."""
    said = decode_or_none(error)
    if isinstance(said, dict):
        said = said.get("message")
    return str(said)[:300] if said else "no reason given"
