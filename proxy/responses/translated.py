"""A response by way of chat: by relay or by waves, whole or streamed."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from proxy.answers.replay import replay
from proxy.answers.scores import relay_block, unvalidated, usage_object
from proxy.answers.sse import KEEP_ALIVE
from proxy.assembly import Rooms
from proxy.errors import error_object
from proxy.exchange import Answer, Exchange
from proxy.relay import account_of, relayed, relayed_stream, stream_headers, whole_headers
from proxy.responses.answer import Frame, response_of
from proxy.responses.events import Writer, encode
from proxy.waves import Finished, stream_run, whole_run
from router.dispatcher import Road
from router.errors import MaestroError
from router.task import Task
from router.upstreams.sse import data_of
from router.upstreams.upstream import ReplyStream


class ResponseVoice:
    """A run told as the events of a response."""

    def __init__(self, frame: Frame) -> None:
        self._writer = Writer(frame)

    def start(self) -> Iterator[bytes]:
        """The response is created."""
        return map(encode, self._writer.start())

    def tell(self, finished: Finished) -> Iterator[bytes]:
        """The winner's items, and the finished response."""
        for chunk in replay(finished.completion):
            yield from map(encode, self._writer.chunk(chunk))
        yield from map(encode, self._writer.finish(finished.ours, finished.usage))

    def failure(self, error: MaestroError) -> bytes:
        """An error event."""
        return encode(self._writer.failure(error_object(error)))


async def answer_translated(exchange: Exchange, rooms: Rooms, task: Task, frame: Frame) -> Answer | None:
    """Answers a chat task as a response; None when it was streamed."""
    road = rooms.dispatcher.choose(task, exchange.caller)
    if road.kind == "waves" and task.stream:
        await stream_run(exchange, rooms, task, road, ResponseVoice(frame))
        return None
    if task.stream:
        await _stream_relay(exchange, rooms, task, road, frame)
        return None
    if road.kind == "waves":
        finished = await whole_run(exchange, rooms, task, road)
    else:
        finished = await _whole_relay(exchange, rooms, task, road)
    ours = finished.ours if finished.block else {}
    body = response_of(frame, finished.completion, ours, finished.usage)
    return Answer(msgspec.json.encode(body), headers=finished.headers)


async def _whole_relay(exchange: Exchange, rooms: Rooms, task: Task, road: Road) -> Finished:
    reply = await rooms.dispatcher.relay(task, exchange.caller, road)
    standings = await rooms.ledger.standings(account_of(exchange.caller))
    headers = whole_headers(reply, road, standings)
    block = relay_block(task, relayed(road, reply), standings) if task.is_virtual else {}
    return Finished(reply.body, unvalidated(), block, usage_object(reply.usage), headers)


async def _stream_relay(exchange: Exchange, rooms: Rooms, task: Task, road: Road, frame: Frame) -> None:
    """Chunks of chat become events as they come."""
    writer, clock = Writer(frame), asyncio.get_running_loop().time
    started = clock()
    standings = await rooms.ledger.standings(account_of(exchange.caller))
    async with rooms.dispatcher.open_relay(task, exchange.caller, road) as stream:
        await exchange.start_stream(stream_headers(stream, road, standings))
        try:
            async with exchange.pulse(KEEP_ALIVE, rooms.settings.server.keep_alive_seconds):
                await _write_events(exchange, writer, stream)
        except MaestroError as error:
            await exchange.write(encode(writer.failure(error_object(error))))
        else:
            ours: Mapping[str, Any] = {}
            if task.is_virtual:
                block = relay_block(task, relayed_stream(road, stream, clock() - started), standings)
                ours = {"requirements_result": unvalidated(), "maestro": block}
            for event in writer.finish(ours, usage_object(stream.usage)):
                await exchange.write(encode(event))
    await exchange.end()


async def _write_events(exchange: Exchange, writer: Writer, stream: ReplyStream) -> None:
    for event in writer.start():
        await exchange.write(encode(event))
    async for piece in stream.events():
        data = data_of(piece)
        if data is not None and data.strip() != b"[DONE]":
            for event in writer.chunk(msgspec.json.decode(data)):
                await exchange.write(encode(event))
