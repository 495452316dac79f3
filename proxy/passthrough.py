"""`POST /v1/completions` and `/v1/embeddings`: one model, passed through and metered."""

import msgspec

from proxy.assembly import Rooms
from proxy.control.task import read_task
from proxy.exchange import Answer, Exchange
from proxy.relay import relay
from router.errors import BadRequest


async def completions(exchange: Exchange, rooms: Rooms) -> Answer | None:
    """A legacy text completion."""
    return await _pass(exchange, rooms, "/completions", "prompt")


async def embeddings(exchange: Exchange, rooms: Rooms) -> Answer | None:
    """Embeddings."""
    return await _pass(exchange, rooms, "/embeddings", "input")


async def _pass(exchange: Exchange, rooms: Rooms, path: str, prompt_field: str) -> Answer | None:
    task = read_task(exchange.headers, exchange.body, exchange.caller, rooms.settings, prompt_field)
    if task.requirements:
        raise BadRequest(f"Requirements are for chat completions, not for {path}.", "requirements")
    if task.dry_run:
        return Answer(msgspec.json.encode(await rooms.dispatcher.explain(task, exchange.caller)))
    road = rooms.dispatcher.choose(task, exchange.caller)
    return await relay(exchange, rooms, task, road, path)
