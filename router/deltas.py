"""Puts the chunks of a stream together into the completion they are pieces of. Unknown fields are kept."""

from typing import Any

import msgspec

from router.upstreams.sse import data_of

REPLACED = frozenset({"index", "type", "id", "role", "object", "created", "model", "finish_reason"})
"""Fields of a chunk that say the whole each time; of all others, strings and lists are pieces to be joined."""


class Assembly:
    """Feed events in order; `text` is what the first choice says so far, `completion` the whole as JSON."""

    def __init__(self) -> None:
        self._frame: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}
        self._pieces: list[str] = []

    @property
    def text(self) -> str:
        """The first choice's text so far."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    @property
    def has_output(self) -> bool:
        """Has the first choice said anything?"""
        return bool(self._pieces)

    def feed(self, event: bytes) -> bool:
        """Takes one event; True if the first choice's text grew."""
        data = data_of(event)
        if data is None or data.strip() == b"[DONE]":
            return False
        chunk = msgspec.json.decode(data)
        if not isinstance(chunk, dict):
            return False
        before = len(self._pieces)
        for choice in chunk.pop("choices", None) or ():
            self._add(choice)
        self._frame.update({name: value for name, value in chunk.items() if value is not None})
        return len(self._pieces) > before

    def completion(self, cut_reason: str | None = None) -> bytes:
        """The whole completion; choices that have not ended get `cut_reason` as their finish reason."""
        choices = [_finished(choice, cut_reason) for _, choice in sorted(self._choices.items())]
        return msgspec.json.encode({**self._frame, "object": "chat.completion", "choices": choices})

    def _add(self, piece: dict[str, Any]) -> None:
        index = piece.get("index") or 0
        delta = piece.pop("delta", None) or {}
        choice = self._choices.setdefault(index, {"index": index, "message": {"role": "assistant", "content": None}})
        content = delta.get("content")
        if index == 0 and isinstance(content, str) and content:
            self._pieces.append(content)
        merge(choice["message"], delta)
        merge(choice, piece)


def merge(whole: dict[str, Any], piece: dict[str, Any]) -> None:
    """Adds a piece: strings and lists are joined, items that carry an `index` each to their own, objects merged."""
    for name, value in piece.items():
        known = whole.get(name)
        if value is None and name in whole:
            continue
        if known is None or name in REPLACED:
            kept = known if value == "" and known is not None else value
            whole[name] = _joined([], kept) if isinstance(kept, list) else kept
        elif isinstance(known, str) and isinstance(value, str):
            whole[name] = known + value
        elif isinstance(known, dict) and isinstance(value, dict):
            merge(known, value)
        elif isinstance(known, list) and isinstance(value, list):
            whole[name] = _joined(known, value)
        else:
            whole[name] = value


def _joined(known: list[Any], pieces: list[Any]) -> list[Any]:
    for piece in pieces:
        if isinstance(piece, dict) and isinstance(piece.get("index"), int):
            place = next((item for item in known if item.get("index") == piece["index"]), None)
            if place is None:
                known.append(dict(piece))
            else:
                merge(place, piece)
        else:
            known.append(piece)
    return known


def _finished(choice: dict[str, Any], cut_reason: str | None) -> dict[str, Any]:
    message = dict(choice["message"])
    if isinstance(message.get("tool_calls"), list):
        message["tool_calls"] = [
            {name: value for name, value in call.items() if name != "index"} if isinstance(call, dict) else call
            for call in message["tool_calls"]
        ]
    return {**choice, "message": message, "finish_reason": choice.get("finish_reason") or cut_reason}
