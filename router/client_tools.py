"""The client's own function tools: their names and sizes, and which of them may not be left out of a request."""

from collections.abc import Mapping
from typing import Any

import msgspec

from router.upstreams.tokens import count_raw_tokens


def function_sizes(fields: Mapping[str, msgspec.Raw]) -> dict[str, int]:
    """Tokens of each function tool, by its name; nothing where `tools` is no list, or holds two of one name."""
    try:
        tools = msgspec.json.decode(fields.get("tools", b"[]"), type=list[msgspec.Raw])
    except msgspec.DecodeError:
        return {}
    functions = [(tool, raw) for raw in tools if is_function(tool := msgspec.json.decode(raw))]
    sizes = {str(name_of(tool)): count_raw_tokens(bytes(raw)) for tool, raw in functions}
    return sizes if len(sizes) == len(functions) else {}


def kept_names(fields: Mapping[str, msgspec.Raw]) -> frozenset[str]:
    """The functions that may not be left out: named by `tool_choice`, or called in the conversation."""
    names = _names(_read(fields, "tool_choice"))
    messages = _read(fields, "messages") if b'"tool_calls"' in bytes(fields.get("messages", b"")) else None
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict):
            names |= _names(message.get("tool_calls"))
    return frozenset(names)


def is_function(tool: Any) -> bool:
    """Is it a function of the client's own?"""
    return isinstance(tool, dict) and tool.get("type") == "function" and name_of(tool) is not None


def name_of(tool: Any) -> str | None:
    """The function's name, in the form of chat completions or of responses."""
    function = tool.get("function", tool) if isinstance(tool, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else None


def _names(value: Any) -> set[str]:
    """Every function named somewhere in a choice of tools, or in calls."""
    if isinstance(value, list):
        return set().union(*(_names(one) for one in value))
    if not isinstance(value, dict):
        return set()
    own = name_of(value)
    return ({own} if own else set()).union(*(_names(value.get(part)) for part in ("allowed_tools", "tools")))


def _read(fields: Mapping[str, msgspec.Raw], name: str) -> Any:
    try:
        return msgspec.json.decode(fields.get(name, b"null"))
    except msgspec.DecodeError:
        return None
