"""`POST /v1/chat/completions`: reads the task, and answers by relay or by waves, whole or streamed."""

import msgspec

from proxy.assembly import Rooms
from proxy.control.task import read_task
from proxy.exchange import Answer, Exchange
from proxy.relay import relay
from proxy.waves import answer_by_waves


async def chat(exchange: Exchange, rooms: Rooms) -> Answer | None:
    """Answers one chat completion; None when the answer was streamed."""
    task = read_task(exchange.headers, exchange.body, exchange.caller, rooms.settings)
    if task.dry_run:
        return Answer(msgspec.json.encode(await rooms.dispatcher.explain(task, exchange.caller)))
    road = rooms.dispatcher.choose(task, exchange.caller)
    if road.kind == "relay":
        return await relay(exchange, rooms, task, road)
    return await answer_by_waves(exchange, rooms, task, road)
