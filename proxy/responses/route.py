"""`POST /v1/responses`: passed through where the upstream has it and nothing must hold, else by way of chat."""

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from proxy.assembly import Rooms
from proxy.control.block import peek_items, take_blocks, take_from_text
from proxy.control.fields import INCLUDES, read_body, read_strings
from proxy.control.requirements import Size
from proxy.control.task import Fields, size_limits, task_of
from proxy.control.wishes import Wishes, strongest
from proxy.exchange import Answer, Exchange
from proxy.relay import relay
from proxy.responses.answer import frame_of
from proxy.responses.request import chat_fields
from proxy.responses.translated import answer_translated
from proxy.settings import Settings
from router.task import Payload, Task

PATH = "/responses"
HOSTED = ("tools", "tool_choice", "parallel_tool_calls")
"""What goes as it came to an upstream that has this route, and tools of its own."""


async def responses(exchange: Exchange, rooms: Rooms) -> Answer | None:
    """Answers one response; None when it was streamed."""
    fields, settings, caller = read_body(exchange.body), rooms.settings, exchange.caller
    block = take_response_blocks(fields, size_limits(settings))
    theirs = take_include(fields)
    task = task_of(exchange.headers, dict(fields), caller, settings, block)
    if not task.dry_run and _passes(task, rooms):
        hosted = {name: fields[name] for name in HOSTED if name in fields}
        task = replace(task, payload=Payload({**task.payload.fields, **hosted, **theirs}), tools=())
        return await relay(exchange, rooms, task, rooms.dispatcher.choose(task, caller), PATH)
    frame = frame_of(fields)
    task = task_of(exchange.headers, chat_fields({**fields, **theirs}), caller, settings, block)
    task = replace(task, include=task_includes(fields))
    if task.dry_run:
        return Answer(msgspec.json.encode(await rooms.dispatcher.explain(task, caller)))
    return await answer_translated(exchange, rooms, task, frame)


def _passes(task: Task, rooms: Rooms) -> bool:
    """Is it one model, with nothing that must hold, at an upstream that has this route?"""
    if task.is_virtual or task.requirements or task.named_action is not None:
        return False
    return rooms.upstreams.find(task.model).upstream in with_responses(rooms.settings)


def with_responses(settings: Settings) -> frozenset[str]:
    """The upstreams that have `/responses`."""
    return frozenset(upstream.name for upstream in settings.upstream if upstream.responses)


def take_response_blocks(fields: Fields, size: Size) -> Wishes:
    """Takes the blocks out of `instructions` and of system and developer items of `input`."""
    said: list[Wishes] = []
    if "input" in fields:
        raw = bytes(fields["input"])
        left, wishes = take_blocks(raw, peek_items(raw), size, "input")
        fields["input"] = msgspec.Raw(left)
        said.append(wishes)
    instructions = msgspec.json.decode(fields.get("instructions", b"null"))
    if isinstance(instructions, str):
        text, found = take_from_text(instructions, "instructions", size)
        if found:
            fields["instructions"] = msgspec.Raw(msgspec.json.encode(text))
            said += reversed(found)
    return strongest(said) if said else Wishes()


def take_include(fields: Fields) -> Mapping[str, msgspec.Raw]:
    """Leaves our own items in `include`; the others, which are OpenAI's, come back to be passed on."""
    asked = read_strings(fields, "include")
    theirs = [item for item in asked if item not in INCLUDES]
    fields.pop("include", None)
    ours = [item for item in asked if item in INCLUDES]
    if ours:
        fields["include"] = msgspec.Raw(msgspec.json.encode(ours))
    return {"include": msgspec.Raw(msgspec.json.encode(theirs))} if theirs else {}


def task_includes(fields: Fields) -> frozenset[str]:
    """What of ours the client wants besides."""
    return frozenset(read_strings(fields, "include"))
