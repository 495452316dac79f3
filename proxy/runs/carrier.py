"""Carries out a run that nobody waits for, and shows how it ended as AI21's clients read it."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from proxy.answers.scores import (
    Relayed,
    relay_block,
    requirements_result,
    run_block,
    unvalidated,
    usage_object,
)
from proxy.assembly import Rooms
from proxy.control.task import read_task
from proxy.runs.asked import decode_asked, decode_caller
from router.dispatcher import Road
from router.errors import Unauthenticated
from router.events import CandidateChecked, CandidateFinished, RunEvent, WaveStarted
from router.judging.reading import reply_text
from router.runs.ticket import End, Hook, Status, Ticket, Tickets
from router.task import Budget, Caller, Run, Task
from router.tools.passages import data_sources

CANCELLED = "The run was cancelled; its spend is settled."
SHOWN = ("id", "status", "result", "data_sources", "requirements_result", "error")


class RunCarrier:
    """Runs. `resumes`: may requests be stored while they run, so that another process can begin them anew?"""

    def __init__(self, rooms: Rooms, tickets: Tickets, resumes: bool) -> None:
        self._rooms = rooms
        self._tickets = tickets
        self.resumes = resumes

    async def carry(self, ticket: Ticket) -> End:
        """To its end; what an earlier try spent counts."""
        asked, caller = decode_asked(ticket.request), decode_caller(ticket.caller)
        if ticket.tries > 1:
            await self._check_key(caller)
        task = read_task(asked.headers, (asked.body or "").encode(), caller, self._rooms.settings)
        if ticket.tries > 1:
            task = await self._what_is_left(ticket, task)
        road = replace(self._rooms.dispatcher.choose(task, caller), run_id=ticket.id)
        return self._end(ticket, "completed", await self._result(ticket, task, caller, road))

    def failed(self, ticket: Ticket, message: str) -> End:
        """How it is shown that it failed."""
        return self._end(ticket, "failed", {"error": {"message": message}})

    async def cancelled(self, ticket: Ticket) -> End:
        """AI21 has no status for it: it has failed, and `error.code` says why."""
        return self._end(ticket, "cancelled", {"error": {"message": CANCELLED, "code": "cancelled"}})

    def can_resume(self, ticket: Ticket) -> bool:
        """Only with its request at hand."""
        return self.resumes and decode_asked(ticket.request).body is not None

    async def _result(self, ticket: Ticket, task: Task, caller: Caller, road: Road) -> dict[str, Any]:
        dispatcher, ledger = self._rooms.dispatcher, self._rooms.ledger
        if road.kind == "relay":
            reply = await dispatcher.relay(task, caller, road)
            told = Relayed.by(road, reply.model, reply.usage, reply.seconds)
            standings = await ledger.standings(ticket.account)
            usage = usage_object(reply.usage)
            answer = {"result": reply_text(reply.body), "usage": usage, "maestro": relay_block(task, told, standings)}
            asked = "requirements_result" in task.include
            return {**answer, "requirements_result": known_scores(unvalidated())} if asked else answer
        run = await dispatcher.run(task, caller, road, lambda told: self._tell(ticket, told))
        block = run_block(task, run, await ledger.standings(ticket.account))
        return {**_answer(task, run), "usage": usage_object(run.usage), "maestro": block}

    def _tell(self, ticket: Ticket, told: RunEvent) -> None:
        kind, data = event_of(told)
        self._tickets.tell(ticket.id, kind, data)

    async def _check_key(self, caller: Caller) -> None:
        """A key that was revoked meanwhile begins nothing anew. Raises Unauthenticated."""
        if not caller.key_id:
            return
        keys = await self._rooms.registry.list_keys()
        if not any(key["id"] == caller.key_id and key["revoked_at"] is None for key in keys):
            raise Unauthenticated("The key that started this was revoked.")

    async def _what_is_left(self, ticket: Ticket, task: Task) -> Task:
        """The task with the budget that earlier tries left."""
        spent, calls = await self._tickets.spent(ticket.id)
        budget = task.budget
        usd = None if budget.usd is None else max(0.0, budget.usd - spent / 1e9)
        left = None if budget.calls is None else max(1, budget.calls - calls)
        return replace(task, budget=Budget(usd, budget.seconds, left, budget.effort))

    def _end(self, ticket: Ticket, status: Status, more: Mapping[str, Any]) -> End:
        state = "failed" if status == "cancelled" else status
        shown = msgspec.json.decode(msgspec.json.encode({**ticket.shown, "status": state, **more}))
        hook = decode_asked(ticket.request).hook
        if hook is None:
            return End(status, shown)
        return End(status, shown, Hook(f"msg_{ticket.id}", hook.url, hook.secret, f"maestro.run.{status}", shown))


def _answer(task: Task, run: Run) -> dict[str, Any]:
    """The result, and what was asked to be told with it."""
    told: dict[str, Any] = {"result": run.chosen.text if run.chosen else None}
    if "data_sources" in task.include:
        told["data_sources"] = data_sources(run.sources, run.tool_calls)
    if "requirements_result" in task.include:
        told["requirements_result"] = known_scores(requirements_result(task, run))
    return told


def known_scores(result: Mapping[str, Any]) -> dict[str, Any]:
    """AI21's clients take a number for a score or none at all: what was not validated has no `score`, never 0 or 1."""
    listed = [_without_null(item) for item in result["requirements"]]
    return _without_null({**result, "requirements": listed})


def _without_null(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name != "score" or value is not None}


def event_of(told: RunEvent) -> tuple[str, dict[str, Any]]:
    """A run's event as its log keeps it."""
    match told:
        case WaveStarted():
            return "wave.started", {"wave": told.wave, "actions": list(told.actions)}
        case CandidateFinished():
            return "candidate.finished", {
                "candidate": told.candidate,
                "action": told.action,
                "seconds": round(told.seconds, 4),
            }
        case CandidateChecked():
            return "candidate.checked", {
                "candidate": told.candidate,
                "score": told.score,
                "failed": list(told.failed),
            }
