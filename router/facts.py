"""From a task to its facts: what the action model may know before any call."""

import re
from typing import Any

import msgspec

from action_model.facts import Facts
from router.client_tools import function_sizes, kept_names
from router.language import language_of
from router.task import Task
from router.upstreams.tokens import count_request_tokens

CLIP_CHARACTERS = 4000
NULL = msgspec.Raw(b"null")


class MessagePeek(msgspec.Struct):
    """The fields of a message that we read; content stays raw until it is needed."""

    role: str = ""
    content: msgspec.Raw = NULL
    tool_calls: msgspec.Raw = NULL


class RequestPeek(msgspec.Struct):
    """The one field that tells the text of a chat request."""

    messages: list[MessagePeek] = []


_decode_request = msgspec.json.Decoder(RequestPeek).decode
_decode_messages = msgspec.json.Decoder(list[MessagePeek]).decode
_IMAGE = re.compile(rb'"type"\s*:\s*"(?:image_url|input_image)"')
_AUDIO = re.compile(rb'"type"\s*:\s*"input_audio"')


def read_messages(task: Task) -> list[MessagePeek]:
    """The task's messages, or none where it has no such field."""
    raw = task.payload.fields.get("messages")
    try:
        return _decode_messages(raw) if raw is not None else []
    except msgspec.DecodeError:
        return []


def text_of(content: msgspec.Raw) -> str:
    """The text of a message's content: a string, or the text parts of a list."""
    value: Any = msgspec.json.decode(content)
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        parts = [part.get("text", "") for part in value if isinstance(part, dict)]
        return "\n".join(part for part in parts if isinstance(part, str))
    return ""


def last_user_text(messages: list[MessagePeek]) -> str:
    """The text of the last user message."""
    return next((text_of(message.content) for message in reversed(messages) if message.role == "user"), "")


def text_in(body: bytes) -> str | None:
    """What the action model will read of a chat request's body; None where it is not one."""
    try:
        messages = _decode_request(body).messages
        system = next((text_of(m.content) for m in messages if m.role in ("system", "developer")), "")
        return _read_text(system, last_user_text(messages))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _read_text(system: str, user: str) -> str:
    return f"{system[: CLIP_CHARACTERS // 4]}\n{user[:CLIP_CHARACTERS]}".strip()


def facts_of(task: Task, kinds: tuple[str, ...]) -> Facts:
    """The facts of a task whose requirements are of these kinds."""
    fields = task.payload.fields
    messages = read_messages(task)
    raw = bytes(fields.get("messages", b""))
    raw = raw if b'"type"' in raw else b""  # without parts of a type, text alone
    tools = task.payload.read("tools")
    sizes = function_sizes(fields) if "tools" in fields else {}
    user = last_user_text(messages)
    system = next((text_of(m.content) for m in messages if m.role in ("system", "developer")), "")
    return Facts(
        text=_read_text(system, user),
        input_tokens=count_request_tokens(fields),
        max_output_tokens=output_limit(task),
        language=language_of(user or system),
        requirement_kinds=kinds,
        mandatory_count=sum(requirement.is_mandatory for requirement in task.requirements),
        tool_count=len(tools) if isinstance(tools, list) else 0,
        image_count=len(_IMAGE.findall(raw)),
        turn_count=sum(message.role == "user" for message in messages),
        needs=needs_of(task, raw),
        tool_tokens=tuple(sizes.values()),
        kept_tools=len(kept_names(fields) & sizes.keys()) if sizes else 0,
    )


def slim_facts(task: Task) -> Facts:
    """The facts that a call of a named model needs: how long it may get. A few microseconds."""
    return Facts("", count_request_tokens(task.payload.fields), output_limit(task))


def output_limit(task: Task) -> int | None:
    """The client's own limit on output tokens, for one choice."""
    for name in ("max_completion_tokens", "max_tokens", "max_output_tokens"):
        value = task.payload.read(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def needs_of(task: Task, messages: bytes) -> frozenset[str]:
    """Capabilities the request cannot do without."""
    fields = task.payload.fields
    needs = {"tools"} if "tools" in fields or "functions" in fields else set()
    if _IMAGE.search(messages):
        needs.add("images")
    if _AUDIO.search(messages):
        needs.add("audio")
    if b"json_schema" in bytes(fields.get("response_format", b"")):
        needs.add("json_schema")
    if bytes(fields.get("logprobs", b"false")) == b"true":
        needs.add("logprobs")
    return frozenset(needs)


def choice_count(task: Task) -> int:
    """How many choices the client asks for."""
    value = task.payload.read("n", 1)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 1
