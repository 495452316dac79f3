"""`GET /v1/maestro/runs/{id}`: a stored run."""

import msgspec

from proxy.assembly import Rooms
from proxy.errors import simple_error
from proxy.exchange import Answer, Exchange
from proxy.studio import shown


async def find_run(exchange: Exchange, rooms: Rooms) -> Answer:
    """The run's tree; 404 if there is none, or if it is another team's."""
    run_id = exchange.path.partition("/maestro/runs/")[2].strip("/")
    run = await rooms.ledger.find_run(run_id) if run_id else None
    if run is None or not (exchange.caller.is_operator or run.get("team") == exchange.caller.team):
        missing = simple_error(404, f"No run found with id '{run_id[:80]}'.", "run_not_found", "run_id")
        return Answer(missing.body, missing.status)
    return Answer(msgspec.json.encode(shown(run) if "owner" in run else {"result": None, **run}))
