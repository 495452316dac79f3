"""`/admin/…`: teams, keys, spend, the books and the audit log, for the admin key only."""

import csv
import hmac
import io
from typing import Annotated, Any, Literal

from litestar import Request, Response, Router, delete, get, post
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.status_codes import HTTP_200_OK
from pydantic import BaseModel, ConfigDict, Field

from action_model.prices import to_nanodollars
from proxy.auth import bearer_token
from proxy.house import House
from proxy.settings import read_secret
from router.errors import Forbidden, Unauthenticated
from router.ledger.accounts import KeyScopes, Team
from router.ledger.ledger import Spend

Window = Literal["day", "week", "month", "total"]
ACTOR = "admin"


class TeamBody(BaseModel):
    """A team to create or change."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    budget_usd: Annotated[float, Field(ge=0)] | None = None
    window: Window = "month"
    soft_limit: Annotated[float, Field(gt=0, le=1)] | None = None
    effort: Literal["low", "medium", "high"] | None = None
    quality_threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    models: list[str] = []
    requirements: list[str] = []
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    tokens_per_minute: Annotated[int, Field(ge=1)] | None = None


class KeyBody(BaseModel):
    """A key to make."""

    model_config = ConfigDict(extra="forbid")

    team: str
    name: str = ""
    budget_usd: Annotated[float, Field(ge=0)] | None = None
    window: Window = "total"
    max_run_usd: Annotated[float, Field(ge=0)] | None = None
    models: list[str] = []
    teams: list[str] = []
    operator: bool = False
    expires_at: float | None = None


def admin_router(house: House) -> Router:
    """The routes. Without an admin key in the environment they answer 403."""

    def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        secret = read_secret(house.settings.server.admin_key_env)
        if not secret:
            raise Forbidden(f"No admin key is configured: set {house.settings.server.admin_key_env}.")
        token = bearer_token({name.lower(): value for name, value in connection.headers.items()})
        if token is None or not hmac.compare_digest(token.encode(), secret.encode()):
            raise Unauthenticated("Incorrect admin key provided.")

    handlers = [*_team_routes(house), *_key_routes(house), *_book_routes(house)]
    return Router("/admin", route_handlers=handlers, guards=[guard], tags=["admin"])


def _team_routes(house: House) -> list[Any]:
    @get("/teams")
    async def list_teams() -> list[dict[str, Any]]:
        """All teams with their money in the window now."""
        return [dict(row) for row in await house.rooms.registry.list_teams()]

    @post("/teams", status_code=HTTP_200_OK)
    async def put_team(data: JSONBody[TeamBody]) -> dict[str, Any]:
        """Create a team, or change it."""
        defaults = data.model_dump(exclude={"name", "budget_usd", "window", "soft_limit"}, exclude_none=True)
        nanodollars = None if data.budget_usd is None else to_nanodollars(data.budget_usd)
        team = Team(data.name, nanodollars, data.window, data.soft_limit, defaults)
        await house.rooms.registry.put_team(team, ACTOR)
        return data.model_dump(exclude_none=True)

    return [list_teams, put_team]


def _key_routes(house: House) -> list[Any]:
    @get("/keys")
    async def list_keys(team: FromQuery[str | None] = None) -> list[dict[str, Any]]:
        """Keys, without their secrets."""
        return [dict(row) for row in await house.rooms.registry.list_keys(team)]

    @post("/keys", status_code=HTTP_200_OK)
    async def create_key(data: JSONBody[KeyBody]) -> dict[str, Any]:
        """Make a key; its secret is told this once."""
        scopes = KeyScopes(
            teams=tuple(data.teams),
            models=tuple(data.models),
            max_usd=data.max_run_usd,
            nanodollars=None if data.budget_usd is None else to_nanodollars(data.budget_usd),
            window=data.window,
            is_operator=data.operator,
            name=data.name,
            expires_at=data.expires_at,
        )
        new = await house.rooms.registry.create_key(data.team, scopes, ACTOR)
        return {"key": new.secret, "id": new.id, "team": new.team}

    @post("/keys/{key_id:str}/rotate", status_code=HTTP_200_OK)
    async def rotate_key(key_id: FromPath[str]) -> dict[str, Any]:
        """A new secret for the same key; the old one ends within a second."""
        new = await house.rooms.registry.rotate_key(key_id, ACTOR)
        return {"key": new.secret, "id": new.id, "team": new.team}

    @delete("/keys/{key_id:str}", status_code=HTTP_200_OK)
    async def revoke_key(key_id: FromPath[str]) -> dict[str, Any]:
        """End a key, on every worker within a second."""
        await house.rooms.registry.revoke_key(key_id, ACTOR)
        return {"revoked": key_id}

    return [list_keys, create_key, rotate_key, revoke_key]


def _book_routes(house: House) -> list[Any]:
    @get("/spend")
    async def spend(
        request: Request[Any, Any, Any],
        by: FromQuery[str] = "team",
        since: FromQuery[str | None] = None,
        team: FromQuery[str | None] = None,
    ) -> Response[Any]:
        """Calls, tokens and dollars by team, key, model, purpose, technique, day; CSV for `Accept: text/csv`."""
        names = tuple(name.strip() for name in by.split(","))
        rows = [dict(row) for row in await house.rooms.ledger.spend(Spend(names, since, team=team))]
        if "text/csv" in request.headers.get("accept", ""):
            return Response(as_csv(rows), media_type="text/csv")
        return Response(rows)

    @get("/ledger/totals")
    async def totals() -> dict[str, Any]:
        """Sums over all charges."""
        return dict(await house.rooms.ledger.totals())

    @get("/ledger/check")
    async def check() -> dict[str, Any]:
        """Do the books balance?"""
        found = await house.rooms.ledger.check()
        return {"balanced": not found, "discrepancies": [repr(row) for row in found]}

    @get("/audit")
    async def audit(limit: FromQuery[int] = 200) -> list[dict[str, Any]]:
        """Who did what, newest first."""
        return [dict(row) for row in await house.rooms.registry.read_audit(min(max(limit, 1), 10_000))]

    return [spend, totals, check, audit]


def as_csv(rows: list[dict[str, Any]]) -> str:
    """Rows as CSV with a header."""
    if not rows:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
