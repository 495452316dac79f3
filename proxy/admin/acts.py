"""What an admin may do with teams, keys and budgets: the same functions for `/admin/…` and the command line."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, TypeVar

from msgspec.structs import asdict
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from action_model.prices import to_nanodollars
from proxy.control.requirements import Size, read_requirements
from proxy.terms import RunDefaults, TeamSettings, Usd, Window
from router.checks.compiler import compile_requirement
from router.errors import BadRequest
from router.ledger.accounts import KeyScopes, NewKey, Scope, StoredBudget, Team
from router.ledger.registry import Registry
from router.task import Requirement
from router.tools.guard import Blocked, check_url

MONEY = frozenset({"budget_usd", "window", "soft_limit"})
OF_KEYS = frozenset({"team", "name", "teams", "models", "operator", "expires_at", "max_run_usd"})
RATES = frozenset({"requests_per_minute", "tokens_per_minute"})
M = TypeVar("M", bound=BaseModel)


class TeamBody(TeamSettings):
    """A team to create or change."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class BudgetBody(BaseModel):
    """A limit over a window; `budget_usd` null = unlimited."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    budget_usd: Usd | None = None
    window: Window = "total"
    soft_limit: Annotated[float, Field(gt=0, le=1)] | None = None


class KeyBody(RunDefaults):
    """A key to make. Times in unix seconds."""

    team: str
    name: Annotated[str, Field(max_length=200)] = ""
    budget_usd: Usd | None = None
    window: Window = "total"
    soft_limit: Annotated[float, Field(gt=0, le=1)] | None = None
    teams: tuple[str, ...] = ()
    operator: bool = False
    expires_at: float | None = None


def team_of(name: str, said: TeamSettings) -> Team:
    """A team as it is stored. Raises BadRequest for a requirement, check or webhook that cannot work."""
    defaults = _told(said, MONEY)
    if said.webhook_url is not None:
        try:
            check_url(said.webhook_url)
        except Blocked as error:
            raise BadRequest(f"'webhook_url': {error}.", "webhook_url") from None
    return Team(name, _nanodollars(said.budget_usd), said.window, said.soft_limit, defaults)


def scopes_of(said: KeyBody) -> KeyScopes:
    """A key's scopes as they are stored. Raises BadRequest as above."""
    return KeyScopes(
        teams=said.teams,
        models=said.models,
        max_usd=said.max_run_usd,
        nanodollars=_nanodollars(said.budget_usd),
        window=said.window,
        is_operator=said.operator,
        name=said.name,
        expires_at=said.expires_at,
        defaults=_told(said, MONEY | OF_KEYS | RATES),
        soft_limit=said.soft_limit,
        requests_per_minute=said.requests_per_minute,
        tokens_per_minute=said.tokens_per_minute,
    )


async def put_team(registry: Registry, body: TeamBody, actor: str) -> None:
    """Creates a team, or sets all of it anew."""
    said = TeamSettings.model_validate(body.model_dump(exclude={"name"}, exclude_none=True))
    await registry.put_team(team_of(body.name, said), actor)


async def change_team(registry: Registry, name: str, changes: Mapping[str, Any], actor: str) -> TeamBody:
    """Creates a team, or changes what is said and keeps the rest; None takes a value away. Raises BadRequest."""
    body = read(TeamBody, {**await _team_now(registry, name), **changes, "name": name})
    await put_team(registry, body, actor)
    return body


async def create_key(registry: Registry, body: KeyBody, actor: str) -> NewKey:
    """Makes a key. Raises BadRequest for an unknown team."""
    return await registry.create_key(body.team, scopes_of(body), actor)


async def put_budget(registry: Registry, scope: Scope, name: str, body: BudgetBody, actor: str) -> StoredBudget:
    """Sets a team's or key's budget. Raises BadRequest if there is no such team or key."""
    budget = StoredBudget(scope, name, _nanodollars(body.budget_usd), body.window, body.soft_limit)
    await registry.put_budget(budget, actor)
    return budget


async def change_budget(
    registry: Registry, scope: Scope, name: str, changes: Mapping[str, Any], actor: str
) -> BudgetBody:
    """Changes what is said of a budget and keeps the rest. Raises BadRequest."""
    body = read(BudgetBody, {**await _budget_now(registry, scope, name), **changes})
    await put_budget(registry, scope, name, body, actor)
    return body


def read(kind: Callable[..., M], said: Mapping[str, Any]) -> M:
    """A body from values. Raises BadRequest naming the first that is wrong."""
    try:
        return kind(**{name: value for name, value in said.items() if value is not None})
    except ValidationError as error:
        problem = error.errors()[0]
        param = ".".join(str(part) for part in problem["loc"]) or None
        raise BadRequest(f"'{param}': {problem['msg']}.", param) from None


async def _team_now(registry: Registry, name: str) -> dict[str, Any]:
    defaults = await registry.find_team(name)
    if defaults is None:
        return {}
    return {**defaults, **await _budget_now(registry, "team", name)}


async def _budget_now(registry: Registry, scope: Literal["team", "key"], name: str) -> dict[str, Any]:
    budget = await registry.find_budget(scope, name)
    if budget is None:
        return {}
    usd = None if budget.nanodollars is None else budget.nanodollars / 1e9
    return {"budget_usd": usd, "window": budget.window, "soft_limit": budget.soft_limit}


def _told(said: RunDefaults, without: frozenset[str]) -> dict[str, Any]:
    """What is said besides, with every requirement read and tried: a bad one is refused now, not at each request."""
    told = said.model_dump(mode="json", exclude=set(without), exclude_none=True, exclude_defaults=True)
    if said.requirements:
        requirements = read_requirements(list(said.requirements), "requirements", Size())
        for requirement in requirements:
            compile_requirement(requirement)
        told["requirements"] = [_shortest(requirement) for requirement in requirements]
    return told


def _shortest(requirement: Requirement) -> dict[str, Any]:
    plain = asdict(Requirement("", ""))
    return {name: value for name, value in asdict(requirement).items() if value != plain[name]}


def _nanodollars(usd: float | None) -> int | None:
    return None if usd is None else to_nanodollars(usd)
