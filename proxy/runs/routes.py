"""`/v1/maestro/runs` and `/studio/v1/maestro/runs`: create, find, list, cancel, delete."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import msgspec

from proxy.assembly import Rooms
from proxy.control.task import read_task
from proxy.exchange import Answer, Exchange
from proxy.house import House
from proxy.profiles.clothe import clothe
from proxy.runs.asked import Asked, encode_asked, encode_caller, read_hook, read_once
from proxy.runs.carrier import SHOWN
from proxy.runs.desk import may_see, not_found
from proxy.runs.events import stream_events
from proxy.studio.body import chat_body, decode_object
from router.errors import BadRequest, Conflict
from router.ledger.ledger import Account
from router.runs.ticket import Page, Status, Ticket

STATUSES: Mapping[str, Status] = {
    "in_progress": "open",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
}
LONGEST_PAGE = 100


class RunRoutes:
    """The handlers."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def create(self, exchange: Exchange, rooms: Rooms) -> Answer | None:
        """Starts a run, and answers at once or with its events. Raises BadRequest before anything is spent."""
        desk, said = self._house.desk, decode_object(exchange.body)
        hook = read_hook(said.get("webhook"), desk.hook_secret)
        once = read_once(exchange.headers, exchange.path, exchange.body)
        body = msgspec.json.encode(chat_body(said, rooms.settings.aliases))
        dressed = await clothe(exchange.caller, body, desk.configs, rooms.settings.aliases)
        caller, body = dressed.caller, dressed.body
        task = read_task(exchange.headers, body, caller, rooms.settings)
        road = rooms.dispatcher.choose(task, caller)
        asked = Asked(body.decode(), _ours(exchange.headers), hook)
        ticket = new_ticket(road.run_id, exchange.caller.team, caller.key_id, rooms.settings.runs.keep_hours)
        ticket = replace(ticket, owner=desk.tickets.owner, request=encode_asked(asked), caller=encode_caller(caller))
        kept = msgspec.structs.replace(asked, body=None) if not desk.run_carrier.resumes else asked
        stored = await desk.tickets.put(replace(ticket, request=encode_asked(kept)), once)
        if stored.id == ticket.id:
            desk.tickets.tell(ticket.id, "run.created", {})
            desk.keeper.begin(ticket)
        if said.get("stream") is True:
            await stream_events(exchange, self._house, stored.id, 0)
            return None
        return Answer(msgspec.json.encode(stored.shown), headers={"x-maestro-run-id": stored.id})

    async def find(self, exchange: Exchange, rooms: Rooms) -> Answer:
        """A run of either kind with its tree and what was said of it. Raises NotFound."""
        return Answer(msgspec.json.encode(await self._find(run_id_in(exchange), exchange, rooms)))

    async def list_all(self, exchange: Exchange, _: Rooms) -> Answer:
        """A page of this team's runs, newest first. Raises BadRequest."""
        page = read_page(exchange)
        found = await self._house.desk.tickets.list_page(replace(page, limit=page.limit + 1))
        return Answer(msgspec.json.encode(list_object([ticket.shown for ticket in found], page.limit)))

    async def cancel(self, exchange: Exchange, _: Rooms) -> Answer:
        """Ends a run; what it spent is settled. One that has ended stays as it is. Raises NotFound."""
        desk = self._house.desk
        ticket = await desk.find("run", run_id_in(exchange), exchange.caller)
        if ticket.status == "open":
            ticket = await desk.keeper.cancel(ticket.id) or ticket
        return Answer(msgspec.json.encode(ticket.shown))

    async def delete(self, exchange: Exchange, _: Rooms) -> Answer:
        """Forgets a run that has ended. Raises NotFound, Conflict."""
        desk = self._house.desk
        ticket = await desk.find("run", run_id_in(exchange), exchange.caller)
        if ticket.status == "open":
            raise Conflict("The run is in progress: cancel it first.", "run_id")
        await desk.tickets.delete(ticket.id)
        return Answer(msgspec.json.encode({"id": ticket.id, "object": "maestro.run.deleted", "deleted": True}))

    async def events(self, exchange: Exchange, _: Rooms) -> None:
        """What happens in a run, from its beginning or after `Last-Event-ID`. Raises NotFound, BadRequest."""
        ticket = await self._house.desk.find("run", run_id_in(exchange), exchange.caller)
        await stream_events(exchange, self._house, ticket.id, last_event(exchange))

    async def _find(self, run_id: str, exchange: Exchange, rooms: Rooms) -> dict[str, Any]:
        desk = self._house.desk
        ticket = await desk.tickets.find(run_id) if run_id else None
        if ticket is not None and ticket.status == "open" and may_see(exchange.caller, ticket.account.team):
            return {**dict.fromkeys(SHOWN), **ticket.shown}
        trace = await rooms.ledger.find_run(run_id) if run_id else None
        shown = {} if ticket is None or ticket.kind != "run" else ticket.shown
        team = ticket.account.team if ticket is not None else str((trace or {}).get("team"))
        if (not shown and trace is None) or not may_see(exchange.caller, team):
            raise not_found("run", run_id)
        words = await desk.words.of_run(run_id)
        return {**dict.fromkeys(SHOWN), **(trace or {}), **shown, "feedback": list(words)}


def new_ticket(run_id: str, team: str, key_id: str, keep_hours: float) -> Ticket:
    """A run's ticket, as its client sees it at first."""
    now = time.time()
    expires = now + keep_hours * 3600
    shown: dict[str, Any] = dict.fromkeys(SHOWN)
    shown |= {"id": run_id, "object": "maestro.run", "status": "in_progress"}
    shown |= {"created_at": int(now), "expires_at": int(expires)}
    return Ticket(run_id, "run", Account(team, key_id), now, expires, shown=shown)


def run_id_in(exchange: Exchange) -> str:
    """The id in the path."""
    return exchange.path.partition("/maestro/runs/")[2].strip("/").partition("/")[0]


def read_page(exchange: Exchange) -> Page:
    """`limit` (1 to 100), `after`, `order`, `status`. Raises BadRequest naming the one that is wrong."""
    said = query_of(exchange)
    limit, order, status = said.get("limit", "20"), said.get("order", "desc"), said.get("status")
    if not limit.isdecimal() or not 1 <= int(limit) <= LONGEST_PAGE:
        raise BadRequest(f"'limit' must be a whole number from 1 to {LONGEST_PAGE}.", "limit")
    if order not in ("asc", "desc"):
        raise BadRequest("'order' must be asc or desc.", "order")
    if status is not None and status not in STATUSES:
        raise BadRequest(f"'status' must be one of {', '.join(STATUSES)}.", "status")
    team = None if exchange.caller.is_operator else exchange.caller.team
    return Page("run", team, said.get("after"), int(limit), order == "asc", STATUSES[status] if status else None)


def query_of(exchange: Exchange) -> dict[str, str]:
    """The query's parameters; of one named twice the last."""
    return {name: values[-1] for name, values in parse_qs(exchange.scope["query_string"].decode("latin-1")).items()}


def last_event(exchange: Exchange) -> int:
    """The header `Last-Event-ID`, or `after` in the query; 0 without. Raises BadRequest."""
    said = exchange.headers.get("last-event-id") or query_of(exchange).get("after") or "0"
    if not said.isdecimal():
        raise BadRequest("'Last-Event-ID' must be the id of an event: a whole number.", "Last-Event-ID")
    return int(said)


def list_object(shown: list[Mapping[str, Any]], limit: int) -> dict[str, Any]:
    """OpenAI's list; one more than the limit says that there are more."""
    data = shown[:limit]
    ends = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    return {
        "object": "list",
        "data": data,
        "first_id": ends[0],
        "last_id": ends[1],
        "has_more": len(shown) > limit,
    }


def _ours(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that say what is wanted; no secret is among them."""
    return {name: value for name, value in headers.items() if name.startswith("x-maestro-")}
