"""The admin routes, for the admin key only."""

import hmac
from typing import Any

from litestar import Request, Response, Router, delete, get, patch, post, put
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.status_codes import HTTP_200_OK

from proxy.admin.acts import BudgetBody, KeyBody, TeamBody, change_team, create_key, put_budget, put_team
from proxy.admin.reports import answer_rows, book_routes
from proxy.auth import bearer_token
from proxy.house import House
from proxy.profiles.routes import profile_routes
from proxy.settings import read_secret
from router.errors import Forbidden, Unauthenticated
from router.ledger.accounts import NewKey, Scope

ACTOR = "admin"
Asked = Request[Any, Any, Any]


def admin_router(house: House) -> Router:
    """The routes. Without an admin key in the environment they answer 403."""

    def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        secret = read_secret(house.settings.server.admin_key_env)
        if not secret:
            raise Forbidden(f"No admin key is configured: set {house.settings.server.admin_key_env}.")
        token = bearer_token({name.lower(): value for name, value in connection.headers.items()})
        if token is None or not hmac.compare_digest(token.encode(), secret.encode()):
            raise Unauthenticated("Incorrect admin key provided.")

    handlers = [*_team_routes(house), *_key_routes(house), *_budget_routes(house), *book_routes(house)]
    handlers += profile_routes(house)
    return Router("/admin", route_handlers=handlers, guards=[guard], tags=["admin"])


def _team_routes(house: House) -> list[Any]:
    @get("/teams")
    async def list_teams(request: Asked) -> Response[Any]:
        """All teams with their money in the window now."""
        return answer_rows(request, await house.rooms.registry.list_teams())

    @post("/teams", status_code=HTTP_200_OK)
    async def create_team(data: JSONBody[TeamBody]) -> dict[str, Any]:
        """Create a team, or set all of it anew."""
        await put_team(house.rooms.registry, data, ACTOR)
        return data.model_dump(exclude_none=True)

    @patch("/teams/{name:str}")
    async def alter_team(name: FromPath[str], data: JSONBody[dict[str, Any]]) -> dict[str, Any]:
        """Change what is said of a team and keep the rest; null takes a value away."""
        body = await change_team(house.rooms.registry, name, data, ACTOR)
        return body.model_dump(exclude_none=True)

    @delete("/teams/{name:str}", status_code=HTTP_200_OK)
    async def delete_team(name: FromPath[str]) -> dict[str, Any]:
        """Forget a team and end its keys; what it spent stays in the books."""
        return {"team": name, "deleted": True, "keys_ended": await house.rooms.registry.delete_team(name, ACTOR)}

    return [list_teams, create_team, alter_team, delete_team]


def _key_routes(house: House) -> list[Any]:
    @get("/keys")
    async def list_keys(request: Asked, team: FromQuery[str | None] = None) -> Response[Any]:
        """Keys, without their secrets."""
        return answer_rows(request, await house.rooms.registry.list_keys(team))

    @post("/keys", status_code=HTTP_200_OK)
    async def make_key(data: JSONBody[KeyBody]) -> dict[str, Any]:
        """Make a key; its secret is told this once."""
        return _shown(await create_key(house.rooms.registry, data, ACTOR))

    @post("/keys/{key_id:str}/rotate", status_code=HTTP_200_OK)
    async def rotate_key(key_id: FromPath[str]) -> dict[str, Any]:
        """A new secret for the same key; the old one ends within a second."""
        return _shown(await house.rooms.registry.rotate_key(key_id, ACTOR))

    @delete("/keys/{key_id:str}", status_code=HTTP_200_OK)
    async def revoke_key(key_id: FromPath[str]) -> dict[str, Any]:
        """End a key, on every worker within a second."""
        await house.rooms.registry.revoke_key(key_id, ACTOR)
        return {"revoked": key_id}

    return [list_keys, make_key, rotate_key, revoke_key]


def _budget_routes(house: House) -> list[Any]:
    @get("/budgets")
    async def list_budgets(request: Asked) -> Response[Any]:
        """All budgets of teams and keys with what is spent, reserved and left in their windows now."""
        return answer_rows(request, await house.rooms.registry.list_budgets())

    @put("/budgets/{whose:str}/{name:str}")
    async def set_budget(whose: FromPath[Scope], name: FromPath[str], data: JSONBody[BudgetBody]) -> dict[str, Any]:
        """Set a team's or key's budget; what it already spent in the window counts."""
        await put_budget(house.rooms.registry, whose, name, data, ACTOR)
        return {"scope": whose, "id": name, **data.model_dump()}

    @delete("/budgets/{whose:str}/{name:str}", status_code=HTTP_200_OK)
    async def clear_budget(whose: FromPath[Scope], name: FromPath[str]) -> dict[str, Any]:
        """Take a team's or key's limit away; it is still counted."""
        await put_budget(house.rooms.registry, whose, name, BudgetBody(), ACTOR)
        return {"scope": whose, "id": name, "budget_usd": None}

    return [list_budgets, set_budget, clear_budget]


def _shown(new: NewKey) -> dict[str, Any]:
    return {"key": new.secret, "id": new.id, "team": new.team}
