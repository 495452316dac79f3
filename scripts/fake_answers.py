"""What the fake upstream says: whole answers, the chunks of a stream, and the faults."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

Behaviour = Literal[
    "normal",
    "tools",
    "slow",
    "hang",
    "busy",
    "error",
    "rejected",
    "unauthorized",
    "malformed",
    "html",
    "empty",
    "wrong_type",
    "cut",
    "truncated",
    "json_to_stream",
    "error_in_stream",
    "no_usage",
]


@dataclass(frozen=True, slots=True)
class Scripted:
    """What to answer once. `seconds` is waited before the answer, `chunk_seconds` between the pieces of a stream."""

    text: str = "Hello there."
    behaviour: Behaviour = "normal"
    status: int = 200
    seconds: float = 0.0
    chunk_seconds: float = 0.0
    input_tokens: int | None = None
    output_tokens: int | None = None
    retry_after: str | None = "1"
    body: bytes | None = None
    tool_name: str = "get_weather"
    tool_arguments: str = '{"city": "Paris"}'
    extra: dict[str, Any] = field(default_factory=dict)
    gate: asyncio.Event | None = None


def usage_of(body: Any, scripted: Scripted) -> dict[str, int]:
    """The usage object this fake reports: scripted counts, else about four characters a token; one token a word out."""
    written = len(json.dumps(body.get("messages") or body.get("prompt") or "")) if isinstance(body, dict) else 0
    prompt = scripted.input_tokens if scripted.input_tokens is not None else max(1, written // 4)
    answered = scripted.output_tokens if scripted.output_tokens is not None else len(_pieces(scripted.text))
    answered *= asked(body)
    return {"prompt_tokens": prompt, "completion_tokens": answered, "total_tokens": prompt + answered}


def decode(raw: bytes) -> Any:
    """The body, or None if it is not JSON."""
    try:
        return json.loads(raw)
    except ValueError:
        return None


def asked(body: Any) -> int:
    """How many choices."""
    return int(body.get("n") or 1) if isinstance(body, dict) else 1


def _pieces(text: str) -> list[str]:
    words = text.split(" ")
    return [word + " " for word in words[:-1]] + words[-1:]


def fault_of(scripted: Scripted) -> web.Response | None:
    """The answers that are the same for whole and streamed requests."""
    error = {"message": "scripted", "type": "server_error", "param": None, "code": None}
    headers = {"Retry-After": scripted.retry_after} if scripted.retry_after else {}
    if scripted.behaviour == "busy":
        return web.json_response({"error": error | {"type": "rate_limit_error"}}, status=429, headers=headers)
    if scripted.behaviour == "error":
        return web.json_response({"error": error}, status=scripted.status if scripted.status >= 400 else 500)
    if scripted.behaviour == "rejected":
        rejected = error | {"type": "invalid_request_error", "code": "context_length_exceeded", "param": "messages"}
        return web.json_response({"error": rejected}, status=400)
    if scripted.behaviour == "unauthorized":
        return web.json_response({"error": error | {"message": "Incorrect API key sk-secret"}}, status=401)
    bodies = {"malformed": b'{"choices": [', "html": b"<html>busy</html>", "empty": b"", "wrong_type": b'["no"]'}
    if scripted.behaviour in bodies:
        kind = "text/html" if scripted.behaviour == "html" else "application/json"
        return web.Response(body=bodies[scripted.behaviour], content_type=kind)
    if scripted.body is not None:
        return web.Response(body=scripted.body, status=scripted.status, content_type="application/json")
    return None


def _tool_calls(scripted: Scripted) -> list[dict[str, Any]]:
    function = {"name": scripted.tool_name, "arguments": scripted.tool_arguments}
    return [{"id": "call_1", "type": "function", "function": function}]


def choice_of(scripted: Scripted, index: int) -> dict[str, Any]:
    """One choice of a whole answer."""
    if scripted.behaviour == "tools":
        message: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": _tool_calls(scripted)}
        return {"index": index, "message": message, "finish_reason": "tool_calls", "logprobs": None}
    message = {"role": "assistant", "content": scripted.text, "refusal": None}
    return {"index": index, "message": message, "finish_reason": "stop", "logprobs": None}


async def chunks_of(body: Any, scripted: Scripted, usage: dict[str, int], name: str) -> AsyncIterator[dict[str, Any]]:
    """The chunks of a stream (of chat, or of a text completion), the usage chunk last if it was asked for."""
    kind = "text_completion" if "prompt" in body else "chat.completion.chunk"
    frame = {"id": name, "object": kind, "created": int(time.time()), "model": body.get("model")}
    frame |= scripted.extra
    asks_usage = bool((body.get("stream_options") or {}).get("include_usage")) and scripted.behaviour != "no_usage"
    for index in range(asked(body)):
        for delta, finish in _deltas(scripted):
            said = {"text": delta.get("content") or ""} if "prompt" in body else {"delta": delta}
            choice = {"index": index, **said, "finish_reason": finish, "logprobs": None}
            yield frame | {"choices": [choice]} | ({"usage": None} if asks_usage else {})
    if asks_usage:
        yield frame | {"choices": [], "usage": usage}


def _deltas(scripted: Scripted) -> list[tuple[dict[str, Any], str | None]]:
    if scripted.behaviour == "tools":
        first = _tool_calls(scripted)[0]
        half = len(scripted.tool_arguments) // 2
        arguments = (scripted.tool_arguments[:half], scripted.tool_arguments[half:])
        opened = first | {"index": 0, "function": {"name": scripted.tool_name, "arguments": ""}}
        deltas: list[tuple[dict[str, Any], str | None]] = [({"role": "assistant", "tool_calls": [opened]}, None)]
        deltas += [({"tool_calls": [{"index": 0, "function": {"arguments": part}}]}, None) for part in arguments]
        return [*deltas, ({}, "tool_calls")]
    start: list[tuple[dict[str, Any], str | None]] = [({"role": "assistant", "content": ""}, None)]
    pieces = _pieces(scripted.text)
    if scripted.behaviour == "truncated":
        return start + [({"content": piece}, None) for piece in pieces[: max(1, len(pieces) // 2)]]
    return start + [({"content": piece}, None) for piece in pieces] + [({}, "stop")]
