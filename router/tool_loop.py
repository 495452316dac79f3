"""The calls a model makes of our functions: carried out, told to it, until it answers. The client's are left to it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio
import msgspec

from action_model.prices import to_usd
from router.candidates import tool_calls_of
from router.job import Job
from router.techniques.research import Findings
from router.tools.bench import Bench
from router.upstreams.upstream import Reply

Send = Callable[[bytes], Awaitable[Reply]]


async def with_tools(body: bytes, reply: Reply, bench: Bench, send: Send) -> list[Reply]:
    """All replies in order, the last of which calls nothing of ours. Raises what `send` raises."""
    replies = [reply]
    for round_number in range(1, bench.rounds + 1):
        calls = tool_calls_of(replies[-1].body)
        ours = [call for call in calls if bench.owns(name_of(call))]
        if not ours:
            return replies
        if len(ours) < len(calls):
            return [*replies[:-1], _replaced(replies[-1], without(replies[-1].body, ours))]
        body = continued(body, replies[-1].body, await _carry_out(ours, bench), round_number == bench.rounds)
        replies.append(await send(body))
    last = [call for call in tool_calls_of(replies[-1].body) if bench.owns(name_of(call))]
    return [*replies[:-1], _replaced(replies[-1], without(replies[-1].body, last))] if last else replies


async def _carry_out(calls: Sequence[Any], bench: Bench) -> list[dict[str, Any]]:
    """The calls at the same time; their results as messages, in the order of the calls."""
    results: dict[int, str] = {}

    async def one(place: int, call: Any) -> None:
        results[place] = await bench.call(name_of(call), str((call.get("function") or {}).get("arguments") or ""))

    async with anyio.create_task_group() as group:
        for place, call in enumerate(calls):
            group.start_soon(one, place, call)
    return [{"role": "tool", "tool_call_id": c.get("id") or "", "content": results[i]} for i, c in enumerate(calls)]


def continued(body: bytes, completion: bytes, results: Sequence[dict[str, Any]], is_last: bool) -> bytes:
    """The request with the model's calls and their results; on the last round no more may be called."""
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    messages = msgspec.json.decode(fields["messages"], type=list[msgspec.Raw])
    said = msgspec.json.decode(completion)["choices"][0]["message"]
    changed: dict[str, Any] = {**fields, "messages": [*messages, said, *results]}
    if is_last:
        changed["tool_choice"] = "none"
    elif bytes(fields.get("tool_choice", b'"auto"')) != b'"auto"':
        changed["tool_choice"] = "auto"
    return msgspec.json.encode(changed)


def without(completion: bytes, calls: Sequence[Any]) -> bytes:
    """The completion without some of its calls."""
    answer = msgspec.json.decode(completion)
    choice = answer["choices"][0]
    left = [call for call in choice["message"].get("tool_calls") or () if call not in calls]
    choice["message"]["tool_calls"] = left
    if not left:
        del choice["message"]["tool_calls"]
        choice["finish_reason"] = "stop"
        choice["message"]["content"] = choice["message"].get("content") or ""
    return msgspec.json.encode(answer)


async def look_up(queries: Sequence[str], job: Job, replies: Sequence[Reply]) -> bytes:
    """Carries out a search step: `Findings` as JSON. Nothing is found where there is nothing to search."""
    bench = job.bench
    passages = await bench.search(queries) if bench is not None and bench.can_search else ()
    usd = sum(to_usd(reply.model.price.nanodollars(reply.usage, reply.seconds)) for reply in replies)
    seconds = sum(reply.seconds for reply in replies)
    return msgspec.json.encode(Findings(passages, usd, seconds, job.seconds_left))


def name_of(call: Any) -> str:
    """The function a call names."""
    function = call.get("function") if isinstance(call, dict) else None
    return str(function.get("name") or "") if isinstance(function, dict) else ""


def _replaced(reply: Reply, body: bytes) -> Reply:
    return Reply(reply.status, reply.headers, body, reply.model, reply.usage, reply.seconds, reply.usage_is_told)
