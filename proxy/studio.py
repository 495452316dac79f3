"""AI21's own API: `POST …/maestro/runs` starts a run and answers at once; a `GET` of it tells how it stands."""

import asyncio
import logging
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from proxy.answers.scores import requirements_result
from proxy.assembly import Rooms
from proxy.control.task import read_task
from proxy.exchange import Answer, Exchange
from router.errors import BadRequest, MaestroError
from router.judging.reading import reply_text
from router.ledger.ledger import Account
from router.ledger.owners import is_gone, own_name
from router.task import Caller, Task

log = logging.getLogger("maestro.studio")
PASSED_ON = ("requirements", "budget", "include", "models", "response_language", "quality_threshold", "metadata")
UNSUPPORTED = ("tools", "tool_resources")
SHOWN = ("id", "status", "result", "data_sources", "requirements_result", "error", "maestro")


class BackgroundRuns:
    """Runs that outlive their request. Whoever builds it closes it: what still runs is then stored as failed."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self.owner = own_name()

    def start(self, rooms: Rooms, task: Task, caller: Caller, stored: dict[str, Any]) -> None:
        """Begins a run; its end is stored."""
        running = asyncio.create_task(_carry_out(rooms, task, caller, stored))
        self._tasks.add(running)
        running.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Cancels what still runs, and waits until that is stored."""
        for running in self._tasks:
            running.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Studio:
    """The handlers of the two routes."""

    def __init__(self, runs: BackgroundRuns) -> None:
        self._runs = runs

    async def create(self, exchange: Exchange, rooms: Rooms) -> Answer:
        """Starts a run. Raises BadRequest, naming the parameter, before anything is spent."""
        body = msgspec.json.encode(chat_body(exchange.body))
        task = read_task(exchange.headers, body, exchange.caller, rooms.settings)
        rooms.dispatcher.choose(task, exchange.caller)
        stored: dict[str, Any] = {
            "id": f"run-{uuid.uuid4().hex}",
            "status": "in_progress",
            "result": None,
            "data_sources": None,
            "requirements_result": None,
            "error": None,
            "owner": self._runs.owner,
        }
        await rooms.ledger.record_run(stored["id"], _account(exchange.caller), stored)
        self._runs.start(rooms, task, exchange.caller, dict(stored))
        return Answer(msgspec.json.encode(shown(stored)))


def chat_body(raw: bytes) -> dict[str, Any]:
    """A create-run body as a chat body for `maestro`. Raises BadRequest naming the parameter."""
    try:
        said = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("The body is not valid JSON.") from None
    if not isinstance(said, dict):
        raise BadRequest("The body must be a JSON object.")
    for name in UNSUPPORTED:
        if said.get(name):
            raise BadRequest(f"'{name}' is not supported yet.", name, "unsupported_parameter")
    body: dict[str, Any] = {"model": "maestro", "messages": _messages(said)}
    body |= {name: said[name] for name in PASSED_ON if said.get(name) is not None}
    return body


def _messages(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    given, system = said.get("input"), said.get("system_prompt")
    if system is not None and not isinstance(system, str):
        raise BadRequest("'system_prompt' must be a string.", "system_prompt")
    head = [{"role": "system", "content": system}] if system else []
    if isinstance(given, str) and given:
        return [*head, {"role": "user", "content": given}]
    if not isinstance(given, list) or not given:
        raise BadRequest("'input' must be a string or a list of messages.", "input")
    for i, message in enumerate(given):
        if not isinstance(message, dict) or message.get("role") not in ("user", "assistant", "system"):
            raise BadRequest("Each message needs a role of user or assistant.", f"input[{i}].role")
        if not isinstance(message.get("content"), str):
            raise BadRequest("Each message needs a content.", f"input[{i}].content")
    return [*head, *given]


def shown(stored: Mapping[str, Any]) -> dict[str, Any]:
    """A stored run as AI21's clients read it; one whose process has ended without a word has failed."""
    run = {name: stored.get(name) for name in SHOWN}
    if run["status"] == "in_progress" and is_gone(str(stored.get("owner")), float(stored.get("created_at") or "inf")):
        run |= {"status": "failed", "error": {"message": "The run was interrupted by a restart; its spend is settled."}}
    return run


async def _carry_out(rooms: Rooms, task: Task, caller: Caller, stored: dict[str, Any]) -> None:
    """Runs the task and stores how it ended; the outermost edge of a run that nobody waits for."""
    stored |= {"status": "failed", "error": {"message": "The run was interrupted; its spend is settled."}}
    try:
        stored |= await _result(rooms, task, caller)
    except MaestroError as error:
        stored["error"] = {"message": error.message}
    except Exception:
        log.exception("run %s failed", stored["id"])
        stored["error"] = {"message": "The server had an error while carrying out this run."}
    finally:
        await rooms.ledger.record_run(stored["id"], _account(caller), stored)


async def _result(rooms: Rooms, task: Task, caller: Caller) -> dict[str, Any]:
    road = rooms.dispatcher.choose(task, caller)
    done: dict[str, Any] = {"status": "completed", "error": None, "maestro": {"run_id": road.run_id}}
    if road.kind == "relay":
        reply = await rooms.dispatcher.relay(task, caller, road)
        return {**done, "result": reply_text(reply.body)}
    run = await rooms.dispatcher.run(task, caller, road, lambda _: None)
    if "requirements_result" in task.include:
        done["requirements_result"] = requirements_result(task, run)
    return {**done, "result": run.chosen.text if run.chosen else None}


def _account(caller: Caller) -> Account:
    return Account(caller.team, caller.key_id)
