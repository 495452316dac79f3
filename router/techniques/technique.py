"""What a technique is: how an answer is made from the task and from earlier candidates."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from action_model.actions import Action
from router.task import Candidate, Requirement, Task


class Technique(Protocol):
    """Turns a task and its parents into the body of one call. Pure. Others register under `maestro.techniques`."""

    @property
    def name(self) -> str:
        """As in `Action.technique`."""
        ...

    def body(self, task: Task, action: Action, parents: Sequence[Candidate]) -> bytes:
        """The request body; the upstream sets `model`. Messages of the client stay as they came."""
        ...


def messages_of(task: Task) -> list[msgspec.Raw]:
    """The client's messages, each as the bytes that came."""
    raw = task.payload.fields.get("messages")
    return msgspec.json.decode(raw, type=list[msgspec.Raw]) if raw is not None else []


def requirement_note(requirements: Sequence[Requirement], language: str | None) -> str:
    """What the generator is told must hold; `check_only` requirements are kept from it."""
    lines = [f"- {r.description}" for r in requirements if not r.check_only]
    if language:
        lines.append(f"- Respond in {language}.")
    if not lines:
        return ""
    return "Your answer must satisfy all of these requirements:\n" + "\n".join(lines)


def with_system_text(messages: list[msgspec.Raw], text: str) -> list[msgspec.Raw]:
    """Adds text to the first system or developer message, or a system message before all others."""
    if not text:
        return messages
    first = msgspec.json.decode(messages[0], type=dict[str, Any]) if messages else {}
    if first.get("role") in ("system", "developer"):
        content = first.get("content")
        if isinstance(content, str):
            first["content"] = f"{content}\n\n{text}" if content.strip() else text
        else:
            first["content"] = [*(content or []), {"type": "text", "text": text}]
        return [raw(first), *messages[1:]]
    return [raw({"role": "system", "content": text}), *messages]


def raw(value: Any) -> msgspec.Raw:
    """A value as raw JSON."""
    return msgspec.Raw(msgspec.json.encode(value))


def encode(task: Task, action: Action, messages: Sequence[msgspec.Raw]) -> bytes:
    """The client's body with these messages, answered whole, at the action's temperature if it has one."""
    changes: dict[str, Any] = {"messages": list(messages), "stream": None, "stream_options": None}
    if action.temperature is not None:
        changes["temperature"] = action.temperature
    return task.payload.encode(**changes)
