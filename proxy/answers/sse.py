"""Server-sent events as we write them, and the `maestro` block spliced into a relayed stream."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import msgspec

from router.upstreams.sse import data_of, events_of

DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": keep-alive\n\n"
_FINISH = re.compile(rb'"finish_reason"\s*:\s*"')
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_list = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode
_encode = msgspec.json.encode


def event(value: Any) -> bytes:
    """One event with JSON data."""
    return b"data: " + _encode(value) + b"\n\n"


def comment(text: str) -> bytes:
    """A comment, which clients ignore; it cannot hold a line end."""
    return b": " + " ".join(text.split()).encode() + b"\n\n"


Tell = Callable[[], tuple[Mapping[str, Any], Mapping[str, Any]]]
"""What stands in `requirements_result` and `maestro`, as known by now."""


async def with_block(blocks: AsyncIterator[bytes], tell: Tell) -> AsyncGenerator[bytes]:
    """A relayed chat stream with `requirements_result` and `maestro` (from `tell`) in the delta of its last finish
    chunk and in its usage chunk. That chunk is held until the next event comes, when usage is known; all others pass
    at once, byte for byte, and what came together goes on together."""
    splice = Splice(tell)
    async for block in blocks:
        passed = splice.pass_on(block)
        if passed:
            yield passed
    rest = splice.end()
    if rest:
        yield rest


class Splice:
    """Takes blocks of whole events, and gives back what may go on."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._held: bytes | None = None

    def pass_on(self, block: bytes) -> bytes:
        """What goes on of a block, after what was held; nearly all blocks do so as they are."""
        if self._held is None and b'"usage"' not in block and not _ends_a_choice(block):
            return block
        return b"".join([piece for event_bytes in events_of(block) for piece in self._spliced(event_bytes)])

    def end(self) -> bytes:
        """What was still held."""
        return b"" if self._held is None else in_delta(self._held, *self._tell())

    def _spliced(self, piece: bytes) -> Iterator[bytes]:
        if self._held is not None:
            yield self._held if b'"delta"' in piece else in_delta(self._held, *self._tell())
            self._held = None
        if _ends_a_choice(piece):
            self._held = piece
        elif b'"usage"' in piece:
            yield in_usage(piece, *self._tell())
        else:
            yield piece


def _ends_a_choice(piece: bytes) -> bool:
    return b'"finish_reason"' in piece and _FINISH.search(piece) is not None


def in_delta(piece: bytes, result: Mapping[str, Any], block: Mapping[str, Any]) -> bytes:
    """A chunk with our fields in the delta of its last choice."""
    chunk = _decode_fields(data_of(piece) or b"{}")
    choices = _decode_list(chunk["choices"])
    delta = _decode_fields(choices[-1].get("delta") or msgspec.Raw(b"{}"))
    changed: dict[str, Any] = {**choices[-1], "delta": {**delta, "requirements_result": result, "maestro": block}}
    return event({**chunk, "choices": [*choices[:-1], changed]})


def in_usage(piece: bytes, result: Mapping[str, Any], block: Mapping[str, Any]) -> bytes:
    """A chunk with our fields inside its usage; as it came if it carries none."""
    data = data_of(piece)
    chunk = {} if data is None else _decode_fields(data)
    usage = chunk.get("usage")
    if usage is None or not bytes(usage).startswith(b"{"):
        return piece
    return event({**chunk, "usage": {**_decode_fields(usage), "requirements_result": result, "maestro": block}})
