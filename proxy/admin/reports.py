"""What was spent, by whom and on what; whether the books balance; who did what. JSON, or CSV for `Accept: text/csv`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromQuery, JSONBody
from litestar.status_codes import HTTP_200_OK
from pydantic import BaseModel, ConfigDict, Field

from proxy.admin.tables import as_csv
from proxy.house import House
from proxy.reload import reload_house, tell_other_workers
from proxy.settings import SettingsError
from router.errors import BadRequest
from router.ledger.ledger import RunQuery, Spend

Asked = Request[Any, Any, Any]
MOST_ROWS = 100_000


class PruneBody(BaseModel):
    """How many days of charges, runs, outcomes and audit entries to keep one by one."""

    model_config = ConfigDict(extra="forbid")

    keep_days: Annotated[int, Field(ge=0)] = 90


def answer_rows(request: Asked, rows: Sequence[Mapping[str, Any]]) -> Response[Any]:
    """Rows as JSON, or as CSV where the client asks for it by `Accept: text/csv` or `?format=csv`."""
    if "text/csv" in request.headers.get("accept", "") or request.query_params.get("format") == "csv":
        return Response(as_csv(rows), media_type="text/csv")
    return Response([dict(row) for row in rows])


def book_routes(house: House) -> list[Any]:
    """The routes of the books."""
    return [*_spend_routes(house), *_ledger_routes(house)]


def _spend_routes(house: House) -> list[Any]:
    @get("/spend")
    async def spend(
        request: Asked,
        by: FromQuery[str] = "team",
        since: FromQuery[str | None] = None,
        until: FromQuery[str | None] = None,
        team: FromQuery[str | None] = None,
        key: FromQuery[str | None] = None,
    ) -> Response[Any]:
        """Calls, tokens and dollars by team, key, model, purpose, technique, day, between two UTC days."""
        names = tuple(name.strip() for name in by.split(","))
        return answer_rows(request, await house.rooms.ledger.spend(Spend(names, since, until, team, key)))

    @get("/charges")
    async def charges(
        request: Asked,
        since: FromQuery[str | None] = None,
        until: FromQuery[str | None] = None,
        team: FromQuery[str | None] = None,
        key: FromQuery[str | None] = None,
        limit: FromQuery[int] = 1000,
    ) -> Response[Any]:
        """The charges one by one with tokens and the price used, newest first."""
        query = Spend((), since, until, team, key)
        return answer_rows(request, await house.rooms.ledger.list_charges(query, _bounded(limit)))

    @get("/runs")
    async def runs(request: Asked) -> Response[Any]:
        """Stored runs without their trees, newest first; by `team`, `key_id`, `model`, `since`, `before` (unix s)."""
        return answer_rows(request, await house.rooms.ledger.list_runs(_run_query(request)))

    return [spend, charges, runs]


def _ledger_routes(house: House) -> list[Any]:
    @get("/ledger/totals")
    async def totals() -> dict[str, Any]:
        """Sums over all charges."""
        return dict(await house.rooms.ledger.totals())

    @get("/ledger/check")
    async def check() -> dict[str, Any]:
        """Do the books balance?"""
        found = await house.rooms.ledger.check()
        return {"balanced": not found, "discrepancies": [repr(row) for row in found]}

    @post("/ledger/prune", status_code=HTTP_200_OK)
    async def prune(data: JSONBody[PruneBody]) -> dict[str, Any]:
        """Archive old charges as daily sums, and forget old runs, outcomes and audit entries."""
        return dict(await house.rooms.ledger.prune(data.keep_days))

    @post("/ledger/vacuum", status_code=HTTP_200_OK)
    async def vacuum() -> dict[str, Any]:
        """Give the space of what was forgotten back."""
        await house.rooms.ledger.vacuum()
        return {"vacuumed": True}

    @get("/audit")
    async def audit(request: Asked, limit: FromQuery[int] = 200) -> Response[Any]:
        """Who did what, newest first."""
        return answer_rows(request, await house.rooms.registry.read_audit(_bounded(limit)))

    @post("/reload", status_code=HTTP_200_OK)
    async def reload() -> dict[str, Any]:
        """Read models, prices and teams of the settings file again, in every worker."""
        try:
            told = await reload_house(house)
        except SettingsError as error:
            raise BadRequest(str(error)) from None
        tell_other_workers()
        return dict(told)

    return [totals, check, prune, vacuum, audit, reload]


def _run_query(request: Asked) -> RunQuery:
    said = {name: value for name, value in request.query_params.items() if name != "format"}
    try:
        query = msgspec.convert(said, RunQuery, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(f"The query is malformed: {error}.") from None
    return replace(query, limit=_bounded(query.limit))


def _bounded(limit: int) -> int:
    return min(max(limit, 1), MOST_ROWS)
