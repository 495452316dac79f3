"""Takes Maestro's own tools out of a request; the client's own tools stay as they came."""

from typing import Any

import msgspec

from proxy.control.fields import decode_field
from router.tools.specs import READERS, Spec, read_tools

WEB = ("web_search", "web_search_preview")
CHOICES = ("tool_choice", "parallel_tool_calls")
_MARKS = tuple(f'"{kind}"'.encode() for kind in READERS)


def take_tools(fields: dict[str, msgspec.Raw], searches_web: bool) -> tuple[Spec, ...]:
    """Ours. `searches_web` false leaves web search to the model that was named. Raises BadRequest naming the part."""
    raw = bytes(fields["tools"])
    if not any(mark in raw for mark in _MARKS):
        return ()
    tools = decode_field(fields, "tools")
    left = [tool for tool in tools if _is_web(tool)] if isinstance(tools, list) and not searches_web else []
    asked = [tool for tool in tools if tool not in left] if left else tools
    ours, theirs = read_tools(asked, decode_field(fields, "tool_resources"))
    if not ours:
        return ()
    fields.pop("tool_resources", None)
    kept = theirs + left
    if kept:
        fields["tools"] = msgspec.Raw(msgspec.json.encode(kept))
        return ours
    for name in ("tools", *CHOICES):
        fields.pop(name, None)
    return ours


def _is_web(tool: Any) -> bool:
    return isinstance(tool, dict) and tool.get("type") in WEB
