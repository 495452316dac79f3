"""The playground: one request as a client would make it, its run told live as server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
from litestar import Response
from litestar.response import Stream
from msgspec.structs import asdict

from proxy.answers.scores import requirements_result, run_block
from proxy.answers.sse import KEEP_ALIVE, event
from proxy.assembly import Rooms
from proxy.control.task import read_task
from proxy.dashboard.frame import HEADERS
from proxy.dashboard.viewer import Viewer
from proxy.errors import error_object
from proxy.house import House
from router.dispatcher import Road
from router.errors import BadRequest, MaestroError
from router.events import RunEvent
from router.ledger.ledger import Account
from router.task import Caller, Run, Task

MOST_BYTES = 200_000
PATIENCE_SECONDS = 10.0


class Asking(msgspec.Struct, forbid_unknown_fields=True):
    """What the page sends: a request body as a client would send it, and the team that pays (an admin's choice)."""

    request: msgspec.Raw
    team: str = ""


class Playground:
    """Runs what is asked, as the viewer."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def answer(self, viewer: Viewer, body: bytes) -> Response[Any]:
        """A stream of events; a wrong request is refused before it. Raises BadRequest, RateLimited, UnknownModel."""
        if len(body) > MOST_BYTES:
            raise BadRequest(f"A playground request has at most {MOST_BYTES} bytes.")
        try:
            asking = msgspec.json.decode(body, type=Asking)
        except msgspec.MsgspecError as error:
            raise BadRequest(f"The request is malformed: {error}") from None
        caller = viewer.asking_for(asking.team)
        self._house.rate(caller)
        rooms = self._house.rooms
        task = read_task({}, bytes(asking.request), caller, self._house.settings)
        road = rooms.dispatcher.choose(task, caller)
        return Stream(self._told(rooms, task, caller, road), media_type="text/event-stream", headers=HEADERS)

    async def _told(self, rooms: Rooms, task: Task, caller: Caller, road: Road) -> AsyncIterator[bytes]:
        """Events until the run ends; whoever leaves ends the run."""
        said: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue()
        with self._house.gate.enter():
            running = asyncio.create_task(_carry_out(rooms, task, caller, road, said))
            yield event({"kind": "Road", "road": road.kind, "run_id": road.run_id})
            try:
                while not running.done() or not said.empty():
                    try:
                        async with asyncio.timeout(PATIENCE_SECONDS):
                            told = await said.get()
                    except TimeoutError:
                        yield KEEP_ALIVE
                        continue
                    if told is None:
                        break
                    yield event(told)
            finally:
                running.cancel()
                await asyncio.wait((running,))


async def _carry_out(
    rooms: Rooms, task: Task, caller: Caller, road: Road, said: asyncio.Queue[Mapping[str, Any] | None]
) -> None:
    def watch(told: RunEvent) -> None:
        said.put_nowait({"kind": type(told).__name__, **asdict(told)})

    try:
        if road.kind == "relay":
            reply = await rooms.dispatcher.relay(task, caller, road)
            shown = {"road": "relay", "model": reply.model.id, "seconds": reply.seconds, "run_id": road.run_id}
            said.put_nowait({"kind": "Done", "text": _text(reply.body), **shown})
        else:
            run = await rooms.dispatcher.run(task, caller, road, watch)
            said.put_nowait(await _done(rooms, task, caller, run))
    except MaestroError as error:
        said.put_nowait({"kind": "Failed", "error": error_object(error)})
    finally:
        said.put_nowait(None)


async def _done(rooms: Rooms, task: Task, caller: Caller, run: Run) -> Mapping[str, Any]:
    standings = await rooms.ledger.standings(Account(caller.team, caller.key_id))
    block = run_block(task, run, standings)
    text = run.chosen.text if run.chosen else ""
    return {"kind": "Done", "text": text, "result": requirements_result(task, run), "maestro": block, "run_id": run.id}


def _text(body: bytes) -> str:
    try:
        choices = msgspec.json.decode(body).get("choices") or [{}]
    except (msgspec.DecodeError, AttributeError):
        return ""
    message = choices[0].get("message") or {}
    return str(message.get("content") or "")
