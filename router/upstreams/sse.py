"""Server-sent events: cut a byte stream into whole events, and get at their data without rebuilding them."""

import re
from collections.abc import Iterator

DONE = b"data: [DONE]\n\n"
LONGEST_EVENT_BYTES = 16 * 2**20

_LINE_END = rb"(?:\r\n|\n|\r(?=[^\n]))"
_BLANK_LINE = re.compile(_LINE_END + _LINE_END)
_NULL_USAGE = re.compile(rb',\s*"usage"\s*:\s*null')


class EventCutter:
    """Feed bytes as they come; whole events come out, exactly as they came, blank line included.

    Line ends may be LF, CRLF or CR, and the pieces may be cut anywhere, inside a character or a line end too.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._searched = 0

    @property
    def is_between(self) -> bool:
        """Has every event that came so far ended?"""
        return not self._rest

    @property
    def rest(self) -> bytes:
        """Bytes of an event not yet ended."""
        return bytes(self._rest)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Whole events, in order. Raises ValueError when one grows without end."""
        if not self._rest and data.endswith(b"\n\n") and data.count(b"\n\n") == 1 and b"\r" not in data:
            yield data
            return
        self._rest += data
        events, start = [], 0
        for end in _BLANK_LINE.finditer(self._rest, max(0, self._searched - 4)):
            events.append(bytes(self._rest[start : end.end()]))
            start = end.end()
        del self._rest[:start]
        self._searched = len(self._rest)
        yield from events
        if len(self._rest) > LONGEST_EVENT_BYTES:
            raise ValueError("an event without end")


def events_of(block: bytes) -> Iterator[bytes]:
    """The events of a block of whole ones."""
    if block.count(b"\n\n") == 1 and block.endswith(b"\n\n") and b"\r" not in block:
        yield block
    else:
        yield from EventCutter().feed(block)


def data_of(event: bytes) -> bytes | None:
    """The data of an event: its `data:` lines joined; None for a comment or an event without data."""
    if event.startswith(b"data: ") and event.count(b"\n") == 2 and b"\r" not in event:
        return event[6:-2]
    lines = [line[5:].removeprefix(b" ") for line in event.splitlines() if line.startswith(b"data:")]
    return b"\n".join(lines) if lines else None


def without_null_usage(event: bytes) -> bytes:
    """Takes out the `"usage": null` that a chunk carries only because we asked for usage."""
    return _NULL_USAGE.sub(b"", event, count=1) if b'"usage"' in event else event
