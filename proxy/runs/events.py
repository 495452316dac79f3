"""The events of a run as a stream that a client may leave and take up again."""

import asyncio
from typing import Any

import msgspec

from proxy.answers.sse import DONE, KEEP_ALIVE
from proxy.exchange import Exchange
from proxy.house import House
from router.runs.ticket import Told

LOOK_SECONDS = 0.1
ENDS = frozenset({"run.completed", "run.failed", "run.cancelled", "run.expired"})


async def stream_events(exchange: Exchange, house: House, run_id: str, after: int) -> None:
    """Every event after `after`, until the run has ended, the client leaves or the server drains. Whatever process
    carries the run out: what it tells is read from the ledger."""
    tickets = house.desk.tickets
    await exchange.start_stream({"x-maestro-run-id": run_id})
    async with exchange.pulse(KEEP_ALIVE, house.settings.server.keep_alive_seconds):
        while not house.gate.is_draining:
            news = await tickets.read_log(run_id, after)
            for told in news:
                after = told.number
                await exchange.write(await _event(house, run_id, told))
                if told.kind in ENDS:
                    await exchange.write(DONE)
                    await exchange.end()
                    return
            if not news:
                ticket = await tickets.find(run_id)
                if ticket is None or (ticket.status != "open" and not await tickets.read_log(run_id, after)):
                    await exchange.write(DONE)
                    break
                await asyncio.sleep(LOOK_SECONDS)
    await exchange.end()


async def _event(house: House, run_id: str, told: Told) -> bytes:
    data: dict[str, Any] = {
        "type": told.kind,
        "run_id": run_id,
        "sequence_number": told.number,
        "created_at": told.at,
        **told.data,
    }
    if told.kind in ENDS:
        ticket = await house.desk.tickets.find(run_id)
        data["run"] = None if ticket is None else ticket.shown
    return f"id: {told.number}\nevent: {told.kind}\n".encode() + b"data: " + msgspec.json.encode(data) + b"\n\n"
