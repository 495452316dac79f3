"""A whole answer told again as the stream it would have been: about a token a piece, its usage at the end."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from action_model.prices import Usage
from router.candidates import texts_of
from router.upstreams.streams import StreamReader, usage_so_far
from router.upstreams.transport import Exits, Progress, Request
from router.upstreams.upstream import Model, Reply


class RetoldStream:
    """An open stream. Left early, it has cost what was read of it."""

    def __init__(self, reply: Reply, request: Request) -> None:
        self.exits = Exits()
        self._reply = reply
        self._reader = StreamReader(reply.model.upstream, request.call.path, request.hides_usage)

    @property
    def progress(self) -> Progress:
        """How far it has come."""
        return self._reader.progress

    @property
    def headers(self) -> Mapping[str, str]:
        """None."""
        return self._reply.headers

    @property
    def model(self) -> Model:
        """Which model answered."""
        return self._reply.model

    @property
    def usage(self) -> Usage:
        """All of it at the end; before, the input and the pieces that came."""
        return usage_so_far(self.progress, self._reply.usage.input_tokens)

    async def events(self) -> AsyncIterator[bytes]:
        """Event by event."""
        for piece in pieces(self._reply):
            for event in self._reader.feed(piece):
                yield event

    async def blocks(self) -> AsyncIterator[bytes]:
        """The same."""
        async for event in self.events():
            yield event


def pieces(reply: Reply) -> Iterator[bytes]:
    """The chunks of a chat completion's first choice."""
    told = json.loads(reply.body)
    text = (texts_of(reply.body) or ("",))[0]
    size = max(1, -(-len(text) // max(1, reply.usage.output_tokens)))
    frame = {"id": told.get("id", ""), "object": "chat.completion.chunk", "created": 0, "model": told.get("model", "")}
    yield _event(frame, {"role": "assistant", "content": ""})
    for start in range(0, len(text), size):
        yield _event(frame, {"content": text[start : start + size]})
    yield _event(frame, {}, told["choices"][0].get("finish_reason") or "stop")
    yield b"data: " + json.dumps({**frame, "choices": [], "usage": told.get("usage")}).encode() + b"\n\n"
    yield b"data: [DONE]\n\n"


def _event(frame: Mapping[str, Any], delta: Mapping[str, str], finish: str | None = None) -> bytes:
    chunk = {**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"
