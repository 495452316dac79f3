"""One call passed through: the upstream's bytes as they came, and our headers; the block for a virtual model."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from proxy.answers.scores import Relayed, money_headers, relay_block, unvalidated, usd_text
from proxy.answers.splice import with_scores
from proxy.answers.sse import KEEP_ALIVE, event, with_block
from proxy.assembly import Rooms
from proxy.errors import error_object
from proxy.exchange import Answer, Exchange
from router.dispatcher import Road
from router.errors import MaestroError
from router.ledger.ledger import Account, Standing
from router.task import Caller, Task
from router.upstreams.upstream import Reply, ReplyStream

CHAT = "/chat/completions"


async def relay(exchange: Exchange, rooms: Rooms, task: Task, road: Road, path: str = CHAT) -> Answer | None:
    """Answers by one call; None when the answer was streamed."""
    if task.stream:
        await _stream(exchange, rooms, task, road, path)
        return None
    reply = await rooms.dispatcher.relay(task, exchange.caller, road, path)
    standings = await rooms.ledger.standings(account_of(exchange.caller))
    headers = whole_headers(reply, road, standings)
    body = reply.body
    if task.is_virtual and path == CHAT:
        body = with_scores(body, unvalidated(), relay_block(task, relayed(road, reply), standings))
        headers["x-maestro-finish-reason"] = "unvalidated"
    return Answer(body, reply.status, headers)


def whole_headers(reply: Reply, road: Road, standings: Sequence[Standing]) -> dict[str, str]:
    """The upstream's headers worth passing on, and ours."""
    return {
        **reply.headers,
        "x-maestro-run-id": road.run_id,
        "x-maestro-model": reply.model.id,
        "x-maestro-cost-usd": usd_text(reply.model.price.nanodollars(reply.usage, reply.seconds)),
        **money_headers(standings),
    }


def stream_headers(stream: ReplyStream, road: Road, standings: Sequence[Standing]) -> dict[str, str]:
    """The same for a stream, whose cost is not known yet."""
    told = {"x-maestro-run-id": road.run_id, "x-maestro-model": stream.model.id}
    return {**stream.headers, **told, **money_headers(standings)}


def account_of(caller: Caller) -> Account:
    """Who pays."""
    return Account(caller.team, caller.key_id)


def relayed(road: Road, reply: Reply) -> Relayed:
    """What a whole reply was."""
    return Relayed.by(road, reply.model, reply.usage, reply.seconds)


def relayed_stream(road: Road, stream: ReplyStream, seconds: float) -> Relayed:
    """What a stream was, once it has ended."""
    return Relayed.by(road, stream.model, stream.usage, seconds)


async def _stream(exchange: Exchange, rooms: Rooms, task: Task, road: Road, path: str) -> None:
    """Events as they come. A failure before the first event is raised; a later one is one error event."""
    standings = await rooms.ledger.standings(account_of(exchange.caller))
    async with rooms.dispatcher.open_relay(task, exchange.caller, road, path) as stream:
        await exchange.start_stream(stream_headers(stream, road, standings))
        async with exchange.pulse(KEEP_ALIVE, rooms.settings.server.keep_alive_seconds):
            if task.is_virtual and path == CHAT:
                await _write_with_block(exchange, task, road, stream, standings)
            else:
                await write_all(exchange, stream.blocks())
    await exchange.end()


async def _write_with_block(
    exchange: Exchange, task: Task, road: Road, stream: ReplyStream, standings: Sequence[Standing]
) -> None:
    clock = asyncio.get_running_loop().time
    started = clock()

    def tell() -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        return unvalidated(), relay_block(task, relayed_stream(road, stream, clock() - started), standings)

    async with aclosing(with_block(stream.blocks(), tell)) as events:
        await write_all(exchange, events)


async def write_all(exchange: Exchange, events: AsyncIterator[bytes]) -> None:
    """Writes every event; a failure on the way becomes one error event, never a clean end."""
    try:
        async for piece in events:
            await exchange.write(piece)
    except MaestroError as error:
        await exchange.write(event({"error": error_object(error)}))
