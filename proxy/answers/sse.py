"""Server-sent events as we write them, and the `maestro` block spliced into a relayed stream."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from typing import Any

import msgspec

from router.upstreams.sse import data_of

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


async def with_block(
    events: AsyncIterator[bytes], tell: Callable[[], tuple[Mapping[str, Any], Mapping[str, Any]]]
) -> AsyncGenerator[bytes]:
    """A relayed chat stream with `requirements_result` and `maestro` (from `tell`) in the delta of its last finish
    chunk and in its usage chunk. That chunk is held until the next event comes, when usage is known; all others pass
    at once, byte for byte."""
    held: bytes | None = None
    async for piece in events:
        if held is not None:
            yield held if b'"delta"' in piece else in_delta(held, *tell())
            held = None
        if _ends_a_choice(piece):
            held = piece
        elif b'"usage"' in piece:
            yield in_usage(piece, *tell())
        else:
            yield piece
    if held is not None:
        yield in_delta(held, *tell())


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
