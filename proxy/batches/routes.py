"""`/v1/batches`: create, find, list, cancel, in OpenAI's shapes."""

import re
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from proxy.assembly import Rooms
from proxy.batches.carrier import shown_at_first
from proxy.batches.inside import HANDLERS
from proxy.exchange import Answer, Exchange
from proxy.house import House
from proxy.runs.asked import encode_caller, read_once
from proxy.runs.routes import list_object, read_page
from proxy.studio.body import decode_object
from router.errors import BadRequest, Conflict
from router.ids import new_id
from router.ledger.ledger import Account
from router.runs.ticket import Ticket

KNOWN = ("input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after")
WINDOW = re.compile(r"([1-9][0-9]{0,2})([hd])")
MOST_PAIRS = 16
LONGEST_WINDOW_SECONDS = 14 * 86_400


class BatchRoutes:
    """The handlers."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def create(self, exchange: Exchange, rooms: Rooms) -> Answer:
        """Begins a batch; its file is read and checked afterwards. Raises BadRequest naming the parameter."""
        desk, caller, said = self._house.desk, exchange.caller, decode_object(exchange.body)
        seconds = _read(said)
        once = read_once(exchange.headers, exchange.path, exchange.body)
        file = await desk.files.find_file(caller.team, said["input_file_id"])
        if file is None:
            raise BadRequest(f"No file found with id '{said['input_file_id'][:80]}'.", "input_file_id")
        if file.purpose != "batch":
            raise BadRequest("The input file's purpose must be 'batch'.", "input_file_id")
        batch_id, now = f"batch_{new_id()}", time.time()
        ticket = Ticket(
            id=batch_id,
            kind="batch",
            account=Account(caller.team, caller.key_id),
            created_at=now,
            expires_at=now + seconds + rooms.settings.runs.keep_hours * 3600,
            owner=desk.tickets.owner,
            caller=encode_caller(caller),
            shown=shown_at_first(batch_id, said, seconds),
        )
        stored = await desk.tickets.put(ticket, once)
        if stored.id == ticket.id:
            desk.keeper.begin(ticket)
        return Answer(msgspec.json.encode(shown(stored)))

    async def find(self, exchange: Exchange, _: Rooms) -> Answer:
        """One batch. Raises NotFound."""
        ticket = await self._house.desk.find("batch", _batch_id(exchange), exchange.caller)
        return Answer(msgspec.json.encode(shown(ticket)))

    async def list_all(self, exchange: Exchange, _: Rooms) -> Answer:
        """A page of the team's batches, newest first."""
        page = replace(read_page(exchange), kind="batch", status=None)
        found = await self._house.desk.tickets.list_page(replace(page, limit=page.limit + 1))
        return Answer(msgspec.json.encode(list_object([shown(ticket) for ticket in found], page.limit)))

    async def cancel(self, exchange: Exchange, _: Rooms) -> Answer:
        """Begins to end a batch; what was answered is kept. Raises NotFound, Conflict."""
        desk = self._house.desk
        ticket = await desk.find("batch", _batch_id(exchange), exchange.caller)
        if ticket.status != "open":
            raise Conflict(f"Cannot cancel a batch with status '{ticket.shown['status']}'.", "batch_id")
        ticket = await desk.keeper.cancel(ticket.id, patience_seconds=0.0) or ticket
        return Answer(msgspec.json.encode(shown(ticket)))


def shown(ticket: Ticket) -> dict[str, Any]:
    """A batch as its client sees it."""
    if ticket.status == "open" and ticket.cancel_at is not None:
        return {**ticket.shown, "status": "cancelling", "cancelling_at": int(ticket.cancel_at)}
    return dict(ticket.shown)


def _read(said: Mapping[str, Any]) -> int:
    """The window in seconds. Raises BadRequest naming what is missing, unknown or wrong."""
    unknown = next((name for name in said if name not in KNOWN), None)
    if unknown is not None:
        raise BadRequest(f"Unknown parameter: '{unknown}'.", unknown, "unknown_parameter")
    for name in ("input_file_id", "endpoint", "completion_window"):
        if not isinstance(said.get(name), str):
            raise BadRequest(f"You must provide the parameter '{name}'.", name, "missing_required_parameter")
    if said["endpoint"] not in HANDLERS:
        raise BadRequest(f"'endpoint' must be one of {', '.join(HANDLERS)}.", "endpoint")
    metadata = said.get("metadata")
    if metadata is not None and (
        not isinstance(metadata, dict)
        or len(metadata) > MOST_PAIRS
        or not all(isinstance(value, str) for value in metadata.values())
    ):
        raise BadRequest(f"'metadata' must be an object of at most {MOST_PAIRS} strings.", "metadata")
    return _window(said["completion_window"])


def _window(text: str) -> int:
    found = WINDOW.fullmatch(text)
    seconds = 0 if found is None else int(found[1]) * (3600 if found[2] == "h" else 86_400)
    if not 0 < seconds <= LONGEST_WINDOW_SECONDS:
        raise BadRequest("'completion_window' must be like 24h, at most 14d.", "completion_window")
    return seconds


def _batch_id(exchange: Exchange) -> str:
    return exchange.path.partition("/batches/")[2].strip("/").partition("/")[0]
