"""A finished completion as the chunks of a stream: one id, role first, text in token-sized pieces, tool calls whole."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

PIECE = re.compile(r"\s*\S+\s*|\s+")
FRAME = ("id", "created", "model", "system_fingerprint", "service_tier")
PLAIN = ("role", "content", "refusal", "tool_calls", "function_call")
LONGEST_PIECE = 64


def replay(
    completion: bytes, ours: Mapping[str, Any] | None = None, usage: Mapping[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """The chunks in order. Our fields are in the last delta, which holds nothing else; usage, if given, comes last."""
    answer = msgspec.json.decode(completion)
    frame = {"object": "chat.completion.chunk"} | {name: answer[name] for name in FRAME if name in answer}
    tail = {} if usage is None else {"usage": None}
    choices = answer.get("choices") or []
    for choice in choices:
        last = (ours or {}) if choice is choices[-1] else {}
        for part in _choice_parts(choice, last):
            yield frame | {"choices": [part]} | tail
    if usage is not None:
        yield frame | {"choices": [], "usage": usage}


def _choice_parts(choice: Mapping[str, Any], ours: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts of one choice: role and rare fields, text, refusal, tool calls, and the finish."""
    index, message = choice.get("index", 0), choice.get("message") or {}
    logprobs = choice.get("logprobs")
    rare = {name: value for name, value in message.items() if name not in PLAIN and value is not None}
    first = {"role": message.get("role", "assistant"), "content": "" if message.get("content") else None, **rare}
    yield _part(index, first)
    by_token = _by_token(message.get("content"), logprobs)
    if by_token is None:
        for piece in pieces(message.get("content")):
            yield _part(index, {"content": piece})
    else:
        for token in by_token:
            yield _part(index, {"content": token["token"]}) | {"logprobs": {"content": [token], "refusal": None}}
    for piece in pieces(message.get("refusal")):
        yield _part(index, {"refusal": piece})
    for delta in _calls(message):
        yield _part(index, delta)
    left = {"logprobs": logprobs} if by_token is None and logprobs else {}
    yield _part(index, dict(ours), choice.get("finish_reason") or "stop") | left


def _part(index: int, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _by_token(content: Any, logprobs: Any) -> list[dict[str, Any]] | None:
    """The tokens with their log probabilities, if they make up the text exactly; else None."""
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not tokens or not isinstance(content, str):
        return None
    return tokens if "".join(token.get("token", "") for token in tokens) == content else None


def pieces(text: Any) -> Iterator[str]:
    """A text in pieces of about a word; together they are the text."""
    if not isinstance(text, str):
        return
    for found in PIECE.finditer(text):
        word = found[0]
        yield from (word[start : start + LONGEST_PIECE] for start in range(0, len(word), LONGEST_PIECE))


def _calls(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Tool calls: a chunk that opens each (id, type, name), then its arguments."""
    for index, call in enumerate(message.get("tool_calls") or ()):
        kind = call.get("type", "function")
        body = call.get(kind) or {}
        argument = "input" if kind == "custom" else "arguments"
        opened = {**call, "index": index, kind: {**body, argument: ""}}
        yield {"tool_calls": [opened]}
        for piece in pieces(body.get(argument)):
            yield {"tool_calls": [{"index": index, kind: {argument: piece}}]}
    legacy = message.get("function_call")
    if legacy:
        yield {"function_call": legacy}
