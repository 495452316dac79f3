"""A request of `/v1/responses` as a chat request. What chat cannot say is refused by name, never dropped in silence."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from router.errors import BadRequest
from router.tools.specs import READERS

SAME = (
    "model",
    "stream",
    "temperature",
    "top_p",
    "parallel_tool_calls",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "service_tier",
    "store",
    "metadata",
)
WITHOUT_MEANING = ("truncation", "include", "stream_options", "max_tool_calls", "background", "previous_response_id")
REFUSED = ("conversation", "prompt")
Item = dict[str, Any]


def chat_fields(fields: Mapping[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """The fields of the chat request. Raises BadRequest naming what cannot be translated."""
    said = {name: msgspec.json.decode(raw) for name, raw in fields.items() if name not in SAME}
    _refuse(said)
    chat: dict[str, Any] = {name: fields[name] for name in SAME if name in fields}
    chat["messages"] = messages_of(said.pop("instructions", None), said.pop("input", None))
    chat |= _options(said)
    chat |= {name: value for name, value in said.items() if name not in WITHOUT_MEANING and value is not None}
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in chat.items()}


def _refuse(said: Mapping[str, Any]) -> None:
    for name in REFUSED:
        if said.get(name) is not None:
            raise BadRequest(f"'{name}' is not supported for this model: send the whole input.", name)
    if said.get("previous_response_id") is not None:
        words = "'previous_response_id' is not supported for this model: send the whole input."
        raise BadRequest(words, "previous_response_id", "unsupported_parameter")
    if said.get("background"):
        raise BadRequest("'background' is not supported for this model.", "background", "unsupported_parameter")


def _options(said: dict[str, Any]) -> dict[str, Any]:
    """Takes out of `said` what has another name in chat."""
    text = _object(said.pop("text", None), "text")
    reasoning = _object(said.pop("reasoning", None), "reasoning")
    include = said.get("include") or []
    chat: dict[str, Any] = {
        "max_completion_tokens": said.pop("max_output_tokens", None),
        "tools": _tools(said.pop("tools", None)),
        "tool_choice": _tool_choice(said.pop("tool_choice", None)),
        "response_format": _format(_object(text.get("format"), "text.format")),
        "verbosity": text.get("verbosity"),
        "reasoning_effort": reasoning.get("effort"),
    }
    if "message.output_text.logprobs" in include:
        chat |= {"logprobs": True, "top_logprobs": said.pop("top_logprobs", None)}
    return {name: value for name, value in chat.items() if value is not None}


def _object(value: Any, param: str) -> Item:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest(f"'{param}' must be an object.", param)
    return value


def _kind(said: Item, param: str) -> str:
    """What an object says it is. Raises BadRequest where that is no word."""
    kind = said.get("type")
    if not isinstance(kind, str):
        raise BadRequest(f"'{param}.type' must be a string.", f"{param}.type")
    return kind


def _format(asked: Item) -> Item | None:
    kind = asked.get("type")
    if kind == "json_schema":
        return {"type": kind, "json_schema": {name: value for name, value in asked.items() if name != "type"}}
    return {"type": kind} if kind not in (None, "text") else None


def _tools(tools: Any) -> list[Item] | None:
    if not tools:
        return None
    if not isinstance(tools, list):
        raise BadRequest("'tools' must be an array.", "tools")
    return [_tool(tool, f"tools[{index}]") for index, tool in enumerate(tools)]


def _tool(tool: Any, param: str) -> Item:
    kind = _kind(_object(tool, param), param)
    if kind in READERS:
        return dict(tool)
    if kind not in ("function", "custom"):
        raise BadRequest(f"'{param}.type' '{kind}' is not supported for this model.", f"{param}.type")
    return {"type": kind, kind: {name: value for name, value in tool.items() if name != "type" and value is not None}}


def _tool_choice(choice: Any) -> Any:
    if not isinstance(choice, dict):
        return choice
    kind = _kind(choice, "tool_choice")
    if kind in READERS:
        return "auto"
    if kind not in ("function", "custom"):
        raise BadRequest(f"'tool_choice.type' '{kind}' is not supported for this model.", "tool_choice.type")
    return {"type": kind, kind: {"name": choice.get("name")}}


def messages_of(instructions: Any, given: Any) -> list[Item]:
    """The conversation as chat messages. Raises BadRequest naming the item."""
    messages: list[Item] = []
    if isinstance(instructions, str) and instructions.strip():
        messages.append({"role": "system", "content": instructions})
    elif instructions is not None and not isinstance(instructions, str):
        raise BadRequest("'instructions' must be a string.", "instructions")
    if isinstance(given, str):
        return [*messages, {"role": "user", "content": given}]
    if not isinstance(given, list) or not given:
        raise BadRequest("'input' must be a string or an array that is not empty.", "input")
    for index, item in enumerate(given):
        _add(messages, _object(item, f"input[{index}]"), f"input[{index}]")
    return messages


def _add(messages: list[Item], item: Item, param: str) -> None:
    kind = _kind({"type": "message", **item}, param)
    adders: Mapping[str, Callable[[list[Item], Item, str], None]] = {
        "message": _add_message,
        "function_call": _add_call,
        "custom_tool_call": _add_call,
        "function_call_output": _add_output,
        "custom_tool_call_output": _add_output,
        "reasoning": lambda *_: None,
    }
    if kind not in adders:
        raise BadRequest(f"'{param}.type' '{kind}' is not supported for this model.", f"{param}.type")
    adders[kind](messages, item, param)


def _add_message(messages: list[Item], item: Item, param: str) -> None:
    role = item.get("role")
    if not isinstance(role, str):
        raise BadRequest(f"'{param}.role' is missing.", f"{param}.role")
    messages.append({"role": role, "content": _content(item.get("content"), f"{param}.content")})


def _content(content: Any, param: str) -> Any:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise BadRequest(f"'{param}' must be a string or an array.", param)
    parts = [_part(_object(part, f"{param}[{i}]"), f"{param}[{i}]") for i, part in enumerate(content)]
    return parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts


def _part(part: Item, param: str) -> Item:
    match part.get("type"):
        case "input_text" | "output_text" | "text":
            return {"type": "text", "text": _text(part, "text", param)}
        case "refusal":
            return {"type": "refusal", "refusal": _text(part, "refusal", param)}
        case "input_image" if isinstance(part.get("image_url"), str):
            detail = {"detail": part["detail"]} if part.get("detail") else {}
            return {"type": "image_url", "image_url": {"url": part["image_url"], **detail}}
        case "input_file":
            names = ("file_data", "file_id", "filename")
            return {"type": "file", "file": {name: part[name] for name in names if part.get(name)}}
        case "input_audio":
            return {"type": "input_audio", "input_audio": part.get("input_audio")}
    raise BadRequest(f"'{param}.type' '{part.get('type')}' is not supported for this model.", f"{param}.type")


def _text(part: Item, name: str, param: str) -> str:
    text = part.get(name, "")
    if not isinstance(text, str):
        raise BadRequest(f"'{param}.{name}' must be a string.", f"{param}.{name}")
    return text


def _add_call(messages: list[Item], item: Item, _: str) -> None:
    """Calls of one turn stand in one assistant message."""
    if item["type"] == "function_call":
        kind, body = "function", {"name": item.get("name"), "arguments": item.get("arguments", "")}
    else:
        kind, body = "custom", {"name": item.get("name"), "input": item.get("input", "")}
    call = {"id": item.get("call_id"), "type": kind, kind: body}
    if messages and messages[-1]["role"] == "assistant":
        messages[-1].setdefault("tool_calls", []).append(call)
    else:
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})


def _add_output(messages: list[Item], item: Item, param: str) -> None:
    output = item.get("output")
    content = output if isinstance(output, str) else _content(output, f"{param}.output")
    messages.append({"role": "tool", "tool_call_id": item.get("call_id"), "content": content})
