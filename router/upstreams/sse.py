"""Server-sent events: cut a byte stream into whole events, and peek into a chat chunk without rebuilding it."""

import re
from collections.abc import Iterator

import msgspec

DONE = b"data: [DONE]\n\n"
_NULL_USAGE = re.compile(rb',\s*"usage"\s*:\s*null')
_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
LONGEST_EVENT = 16 * 2**20


class Delta(msgspec.Struct):
    """What counts as output: text, reasoning and tool arguments."""

    content: msgspec.Raw | None = None
    reasoning_content: msgspec.Raw | None = None
    tool_calls: msgspec.Raw | None = None


class StreamChoice(msgspec.Struct):
    """One choice of a chunk."""

    index: int = 0
    delta: Delta | None = None
    text: str | None = None
    finish_reason: str | None = None


class Chunk(msgspec.Struct):
    """The fields of a chunk that we read."""

    choices: list[StreamChoice] | None = None
    usage: msgspec.Raw | None = None
    error: msgspec.Raw | None = None


class EventCutter:
    """Feed bytes as they come; whole events come out, exactly as they came, blank line included."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def rest(self) -> bytes:
        """Bytes of an event not yet ended."""
        return self._rest

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Whole events, in order. Raises ValueError when one grows without end."""
        buffer = self._rest + data if self._rest else data
        start = 0
        for end in _END.finditer(buffer):
            yield buffer[start : end.end()]
            start = end.end()
        self._rest = buffer[start:]
        if len(self._rest) > LONGEST_EVENT:
            raise ValueError("an event without end")


def data_of(event: bytes) -> bytes | None:
    """The data of an event: its `data:` lines joined; None for a comment or an event without data."""
    if event.startswith(b"data: ") and event.count(b"\n") == 2 and b"\r" not in event:
        return event[6:-2]
    lines = [line[5:].removeprefix(b" ") for line in event.splitlines() if line.startswith(b"data:")]
    return b"\n".join(lines) if lines else None


def without_null_usage(event: bytes) -> bytes:
    """Takes out the `"usage": null` that a chunk carries only because we asked for usage."""
    return _NULL_USAGE.sub(b"", event, count=1) if b'"usage"' in event else event
