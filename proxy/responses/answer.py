"""A chat completion as an object of `/v1/responses`."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from proxy.answers.citing import of_response
from router.errors import BadRequest

Item = dict[str, Any]
ECHOED: Mapping[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "service_tier": None,
    "store": False,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}
INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
LONGEST_METADATA = 512


def new_id(prefix: str) -> str:
    """A random id, as `resp_…`, `msg_…`."""
    return f"{prefix}_{os.urandom(16).hex()}"


@dataclass(frozen=True)
class Frame:
    """What is the same in every state of one response: id, time, and the request's own fields."""

    echoed: Mapping[str, Any]
    id: str = field(default_factory=lambda: new_id("resp"))
    created_at: int = field(default_factory=lambda: int(time.time()))

    def response(self, status: str, model: str, output: list[Item], **more: Any) -> Item:
        """The response object in one state."""
        return {
            "id": self.id,
            "object": "response",
            "created_at": self.created_at,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": None,
            "model": model,
            "output": output,
            "usage": None,
            **self.echoed,
            **more,
        }


def frame_of(fields: Mapping[str, msgspec.Raw]) -> Frame:
    """The frame of a request. Raises BadRequest for metadata that are no object: they come back with ours."""
    said = {name: msgspec.json.decode(fields[name]) for name in ECHOED if name in fields}
    metadata = said.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise BadRequest("'metadata' must be an object.", "metadata")
    said["metadata"] = {name: value for name, value in (metadata or {}).items() if not name.startswith("maestro_")}
    return Frame({**ECHOED, **{name: value for name, value in said.items() if value is not None}})


def response_of(frame: Frame, completion: bytes, ours: Mapping[str, Any], usage: Mapping[str, Any]) -> Item:
    """The finished response. `ours` are `requirements_result` and `maestro`; a short form of them is in `metadata`."""
    answer = msgspec.json.decode(completion)
    choice = (answer.get("choices") or [{}])[0]
    output = list(output_items(choice.get("message") or {}, choice.get("logprobs")))
    return finished(frame, str(answer.get("model", "")), output, choice.get("finish_reason"), ours, usage)


def finished(
    frame: Frame,
    model: str,
    output: list[Item],
    finish_reason: str | None,
    ours: Mapping[str, Any],
    usage: Mapping[str, Any],
) -> Item:
    """The response at its end: completed, or incomplete with the reason."""
    reason = INCOMPLETE.get(finish_reason or "")
    more: Item = {"usage": {**usage_of(usage), **ours}, "metadata": {**frame.echoed["metadata"], **metadata_of(ours)}}
    if reason is not None:
        more["incomplete_details"] = {"reason": reason}
    return frame.response("incomplete" if reason else "completed", model, output, **more, **ours)


def output_items(message: Mapping[str, Any], logprobs: Any) -> Iterator[Item]:
    """Reasoning, text, refusal and calls of a chat message, as items."""
    thought = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(thought, str) and thought:
        yield {"type": "reasoning", "id": new_id("rs"), "summary": [{"type": "summary_text", "text": thought}]}
    content = list(_content(message, logprobs))
    if content:
        yield message_item(new_id("msg"), "completed", content)
    for call in message.get("tool_calls") or ():
        yield call_item(call, new_id("fc"), "completed")


def message_item(name: str, status: str, content: list[Item]) -> Item:
    """An assistant's message."""
    return {"type": "message", "id": name, "status": status, "role": "assistant", "content": content}


def call_item(call: Mapping[str, Any], name: str, status: str) -> Item:
    """A tool call of chat as an item."""
    if call.get("type") == "custom":
        custom = call.get("custom") or {}
        said = {"name": custom.get("name", ""), "input": custom.get("input", "")}
        return {"type": "custom_tool_call", "id": name, "call_id": call.get("id") or "", **said}
    function = call.get("function") or {}
    said = {"name": function.get("name", ""), "arguments": function.get("arguments", "")}
    return {"type": "function_call", "id": name, "call_id": call.get("id") or "", **said, "status": status}


def text_part(text: str, logprobs: list[Item] | None = None, annotations: Iterable[Any] | None = None) -> Item:
    """A piece of text in a message, with the annotations of a chat message."""
    noted = [note for note in map(of_response, annotations or ()) if note is not None]
    return {"type": "output_text", "text": text, "annotations": noted, "logprobs": logprobs or []}


def _content(message: Mapping[str, Any], logprobs: Any) -> Iterator[Item]:
    if message.get("content"):
        yield text_part(str(message["content"]), (logprobs or {}).get("content"), message.get("annotations"))
    if message.get("refusal"):
        yield {"type": "refusal", "refusal": str(message["refusal"])}


def usage_of(usage: Mapping[str, Any]) -> Item:
    """Tokens of chat in the shape of responses."""
    asked, answered = usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)
    inputs, outputs = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
    return {
        "input_tokens": asked,
        "input_tokens_details": {
            "cached_tokens": inputs.get("cached_tokens") or 0,
            "cache_write_tokens": inputs.get("cache_write_tokens") or 0,
        },
        "output_tokens": answered,
        "output_tokens_details": {"reasoning_tokens": outputs.get("reasoning_tokens") or 0},
        "total_tokens": asked + answered,
    }


def metadata_of(ours: Mapping[str, Any]) -> dict[str, str]:
    """The scores as the small texts that `metadata` may hold."""
    result, block = ours.get("requirements_result") or {}, ours.get("maestro") or {}
    scores = {item["name"]: item["score"] for item in result.get("requirements", ())}
    said = {
        "maestro_run_id": block.get("run_id"),
        "maestro_score": result.get("score"),
        "maestro_finish_reason": result.get("finish_reason"),
        "maestro_usd": block.get("usd"),
        "maestro_requirements": msgspec.json.encode(scores).decode() if scores else None,
    }
    return {name: str(value)[:LONGEST_METADATA] for name, value in said.items() if value is not None}
