"""Chat chunks as the events of a streamed response: items open, grow and close in order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from proxy.responses.answer import Frame, call_item, finished, message_item, new_id, text_part

Event = dict[str, Any]


def encode(event: Event) -> bytes:
    """One event as OpenAI frames it."""
    return b"event: " + str(event["type"]).encode() + b"\ndata: " + msgspec.json.encode(event) + b"\n\n"


@dataclass
class OpenItem:
    """An item of the output that is still growing."""

    id: str
    index: int
    text: str = ""
    refusal: str = ""
    logprobs: list[Any] = field(default_factory=list)
    annotations: list[Any] = field(default_factory=list)
    call: dict[str, Any] = field(default_factory=dict)


class Writer:
    """Feed chunks of one choice; events come out. One writer serves one response."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._number = 0
        self._model = ""
        self._output: list[Event] = []
        self._message: OpenItem | None = None
        self._calls: dict[int, OpenItem] = {}
        self._finish_reason: str | None = None
        self._annotations: list[Any] = []

    def start(self) -> Iterator[Event]:
        """The response begins."""
        for kind in ("response.created", "response.in_progress"):
            yield self._event(kind, response=self._frame.response("in_progress", self._model, []))

    def chunk(self, chunk: Mapping[str, Any]) -> Iterator[Event]:
        """What one chat chunk adds; choices after the first do not exist here."""
        self._model = chunk.get("model") or self._model
        for choice in chunk.get("choices") or ():
            if choice.get("index", 0):
                continue
            delta = choice.get("delta") or {}
            self._annotations += delta.get("annotations") or ()
            if delta.get("content"):
                yield from self._say(delta["content"], (choice.get("logprobs") or {}).get("content"))
            if delta.get("refusal"):
                yield from self._refuse(delta["refusal"])
            for call in delta.get("tool_calls") or ():
                yield from self._call(call)
            self._finish_reason = choice.get("finish_reason") or self._finish_reason

    def finish(self, ours: Mapping[str, Any], usage: Mapping[str, Any]) -> Iterator[Event]:
        """Open items close, and the response is there."""
        yield from self._close_message()
        for index in sorted(self._calls):
            yield from self._close_call(self._calls[index])
        response = finished(self._frame, self._model, self._output, self._finish_reason, ours, usage)
        yield self._event(f"response.{response['status']}", response=response)

    def failure(self, error: Mapping[str, Any]) -> Event:
        """The response failed on its way. The official client raises only for an `error` inside, so both are there."""
        told = {"code": error.get("code") or "server_error", "message": error["message"], "param": error.get("param")}
        return self._event("error", **told, error=dict(error))

    def _event(self, kind: str, **fields: Any) -> Event:
        self._number += 1
        return {"type": kind, "sequence_number": self._number - 1, **fields}

    def _open(self) -> OpenItem:
        """Places keep the order in which items opened."""
        self._output.append({})
        return OpenItem(new_id("item"), len(self._output) - 1)

    def _open_message(self) -> Iterator[Event]:
        if self._message is None:
            self._message = self._open()
            item = message_item(self._message.id, "in_progress", [])
            yield self._event("response.output_item.added", output_index=self._message.index, item=item)

    def _say(self, text: str, logprobs: list[Any] | None) -> Iterator[Event]:
        yield from self._open_message()
        message = self._message
        assert message is not None
        where = {"item_id": message.id, "output_index": message.index, "content_index": 0}
        if not message.text:
            yield self._event("response.content_part.added", **where, part=text_part(""))
        message.text += text
        message.logprobs += logprobs or []
        yield self._event("response.output_text.delta", **where, delta=text, logprobs=logprobs or [])

    def _refuse(self, text: str) -> Iterator[Event]:
        yield from self._open_message()
        message = self._message
        assert message is not None
        where = {"item_id": message.id, "output_index": message.index, "content_index": int(bool(message.text))}
        if not message.refusal:
            yield self._event("response.content_part.added", **where, part={"type": "refusal", "refusal": ""})
        message.refusal += text
        yield self._event("response.refusal.delta", **where, delta=text)

    def _close_message(self) -> Iterator[Event]:
        message, self._message = self._message, None
        if message is None:
            return
        where = {"item_id": message.id, "output_index": message.index, "content_index": 0}
        content = []
        if message.text:
            content.append(text_part(message.text, message.logprobs, self._annotations))
            for place, note in enumerate(content[-1]["annotations"]):
                kind = "response.output_text.annotation.added"
                yield self._event(kind, **where, annotation_index=place, annotation=note)
            yield self._event("response.output_text.done", **where, text=message.text, logprobs=message.logprobs)
            yield self._event("response.content_part.done", **where, part=content[-1])
        if message.refusal:
            where["content_index"] = len(content)
            content.append({"type": "refusal", "refusal": message.refusal})
            yield self._event("response.refusal.done", **where, refusal=message.refusal)
            yield self._event("response.content_part.done", **where, part=content[-1])
        yield self._done(message.index, message_item(message.id, "completed", content))

    def _call(self, delta: Mapping[str, Any]) -> Iterator[Event]:
        index = delta.get("index", 0)
        if index not in self._calls:
            yield from self._close_message()
            opened = self._calls[index] = self._open()
            kind = delta.get("type") or "function"
            opened.call = {"id": delta.get("id"), "type": kind, kind: {"name": "", _argument(kind): ""}}
            opened.call[kind]["name"] = (delta.get(kind) or {}).get("name") or ""
            item = call_item(opened.call, opened.id, "in_progress")
            yield self._event("response.output_item.added", output_index=opened.index, item=item)
        call = self._calls[index]
        kind = call.call["type"]
        more = (delta.get(kind) or {}).get(_argument(kind))
        if more:
            call.call[kind][_argument(kind)] += more
            yield self._event(f"{_event_name(kind)}.delta", item_id=call.id, output_index=call.index, delta=more)

    def _close_call(self, call: OpenItem) -> Iterator[Event]:
        kind = call.call["type"]
        whole = {_argument(kind): call.call[kind][_argument(kind)]}
        if kind == "function":
            whole["name"] = call.call[kind]["name"]
        yield self._event(f"{_event_name(kind)}.done", item_id=call.id, output_index=call.index, **whole)
        yield self._done(call.index, call_item(call.call, call.id, "completed"))

    def _done(self, index: int, item: Event) -> Event:
        self._output[index] = item
        return self._event("response.output_item.done", output_index=index, item=item)


def _argument(kind: str) -> str:
    return "input" if kind == "custom" else "arguments"


def _event_name(kind: str) -> str:
    return "response.custom_tool_call_input" if kind == "custom" else "response.function_call_arguments"
