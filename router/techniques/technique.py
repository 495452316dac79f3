"""What a technique is: how an answer is made from the task and from earlier candidates."""

from collections.abc import Generator, Sequence
from typing import Any, Protocol

import msgspec

from action_model.actions import Action
from router.task import Candidate, Requirement, Task
from router.techniques.offered_tools import limited


class Step(msgspec.Struct, frozen=True):
    """Bodies of calls that run at the same time. The final step has one: its completion is the candidate.

    A step with `queries` and no bodies searches instead; it is sent one `Findings` as JSON.
    """

    bodies: tuple[bytes, ...]
    is_final: bool = True
    queries: tuple[str, ...] = ()


Steps = Generator[Step, tuple[bytes, ...], None]
"""Yields steps and is sent their completions, in the order of the bodies; ends after the final step."""


class Technique(Protocol):
    """Turns a task and its parents into calls of one model. Pure. Others register under `maestro.techniques`."""

    @property
    def name(self) -> str:
        """As in `Action.technique`."""
        ...

    def steps(self, task: Task, action: Action, parents: Sequence[Candidate]) -> Steps:
        """The calls; each body is whole but for `model`, which the upstream sets. The client's messages stay as is."""
        ...


def messages_of(task: Task) -> list[msgspec.Raw]:
    """The client's messages, each as the bytes that came; what was found for the task stands in the user's last."""
    raw_messages = task.payload.fields.get("messages")
    messages = msgspec.json.decode(raw_messages, type=list[msgspec.Raw]) if raw_messages is not None else []
    return messages if task.gathered is None else with_material(messages, task.gathered.text)


def requirement_note(requirements: Sequence[Requirement], language: str | None) -> str:
    """What the generator is told must hold; `check_only` requirements are kept from it."""
    lines = [f"- {r.description}" for r in requirements if not r.check_only]
    if language:
        lines.append(f"- Respond in {language}.")
    if not lines:
        return ""
    return "Your answer must satisfy all of these requirements:\n" + "\n".join(lines)


def noted_messages(task: Task, extra: str = "") -> list[msgspec.Raw]:
    """The client's messages, told of the requirements.

    The note stands at the end of the system message: what comes before it is the same for all requests of an
    application, what is in it the same for all actions of a run, so that upstreams can cache the prefix. `extra` comes
    last of all in it.
    """
    note = requirement_note(task.requirements, task.response_language)
    return with_system_text(messages_of(task), "\n\n".join(part for part in (note, extra) if part))


def with_system_text(messages: list[msgspec.Raw], text: str) -> list[msgspec.Raw]:
    """Adds text to the first system or developer message, or a system message before all others."""
    if not text:
        return messages
    first = msgspec.json.decode(messages[0]) if messages else {}
    if not isinstance(first, dict) or first.get("role") not in ("system", "developer"):
        return [raw({"role": "system", "content": text}), *messages]
    content = first.get("content")
    if isinstance(content, list):
        first["content"] = [*content, {"type": "text", "text": text}]
    else:
        first["content"] = f"{content}\n\n{text}" if isinstance(content, str) and content.strip() else text
    return [raw(first), *messages[1:]]


def with_material(messages: list[msgspec.Raw], material: str) -> list[msgspec.Raw]:
    """Puts what was found, fenced as data, before the last user message's own text; never into a system message."""
    if not material:
        return messages
    for place in range(len(messages) - 1, -1, -1):
        message = msgspec.json.decode(messages[place])
        if message.get("role") == "user":
            content = message.get("content")
            told = f"{material}\n\n"
            text = {"type": "text", "text": told}
            parts = [text, *content] if isinstance(content, list) else f"{told}{content or ''}"
            return [*messages[:place], raw({**message, "content": parts}), *messages[place + 1 :]]
    return [*messages, turn("user", material)]


def turn(role: str, content: str) -> msgspec.Raw:
    """One message of our own."""
    return raw({"role": role, "content": content})


def raw(value: Any) -> msgspec.Raw:
    """A value as raw JSON."""
    return msgspec.Raw(msgspec.json.encode(value))


def encode(task: Task, action: Action, messages: Sequence[msgspec.Raw], **changes: Any) -> bytes:
    """The client's body with these messages, answered whole, at the action's temperature if it has one."""
    ours = {"messages": list(messages), "stream": None, "stream_options": None, **settings_of(task, action), **changes}
    return task.payload.encode(**ours)


def settings_of(task: Task, action: Action) -> dict[str, Any]:
    """The fields beside the messages that an action sets: its temperature, and the tools that it offers."""
    ours: dict[str, Any] = {} if action.temperature is None else {"temperature": action.temperature}
    fewer = None if action.tool_limit is None else limited(task, action.tool_limit)
    found = () if task.gathered is None else tuple(function.definition for function in task.gathered.functions)
    if fewer is not None or found:
        own = fewer if fewer is not None else task.payload.read("tools") or ()
        ours["tools"] = [*own, *found] or None
        ours |= {} if ours["tools"] else {"tool_choice": None, "parallel_tool_calls": None}
    return ours
