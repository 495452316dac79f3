"""Teams, keys and budgets: the values that every backend stores, and what a backend does with them."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from router.ledger.ledger import Window

Scope = Literal["team", "key"]


@dataclass(frozen=True, slots=True)
class Team:
    """A team as its admin set it. Money in nanodollars, None = unlimited.

    `defaults` are as in the settings file; None keeps those, and the soft limit, that a team has already.
    """

    id: str
    nanodollars: int | None = None
    window: Window = "month"
    soft_limit: float | None = None
    defaults: Mapping[str, Any] | None = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeyScopes:
    """What a key may do: other teams it may name, models, the most one run may spend, its own budget, its defaults."""

    teams: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    max_usd: float | None = None
    nanodollars: int | None = None
    window: Window = "total"
    is_operator: bool = False
    name: str = ""
    expires_at: float | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    soft_limit: float | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None

    def stored(self) -> dict[str, Any]:
        """The scopes as they are stored (JSON); name, expiry and budget have places of their own."""
        return {
            "teams": list(self.teams),
            "models": list(self.models),
            "max_usd": self.max_usd,
            "is_operator": self.is_operator,
            "requests_per_minute": self.requests_per_minute,
            "tokens_per_minute": self.tokens_per_minute,
            "defaults": dict(self.defaults),
        }


@dataclass(frozen=True, slots=True)
class StoredBudget:
    """A limit on a team or key over a window; nanodollars None = unlimited."""

    scope: Scope
    id: str
    nanodollars: int | None
    window: Window
    soft_limit: float | None = None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. `secret` is shown this once."""

    id: str
    team: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as it is stored, with its team's defaults. Times in unix seconds."""

    id: str
    hash: str = field(repr=False)
    team: str
    expires_at: float | None
    revoked_at: float | None
    scopes: Mapping[str, Any]
    team_defaults: Mapping[str, Any]


class Accounts(Protocol):
    """Where teams, keys and budgets are stored. Every change is in the audit log, in the same transaction.

    All raise Unavailable where the store cannot be reached.
    """

    async def find_key(self, hashed: str) -> StoredKey | None:
        """A key by its hash. A read: it never waits for writers."""
        ...

    async def find_team(self, team: str) -> Mapping[str, Any] | None:
        """A team's defaults, or None if there is no such team. A read."""
        ...

    async def find_budget(self, scope: Scope, name: str) -> StoredBudget | None:
        """A team's or key's budget, or None. A read."""
        ...

    async def has_keys(self) -> bool:
        """Is any key there?"""
        ...

    async def put_team(self, team: Team, actor: str) -> None:
        """Creates or changes a team and its budget; what it already spent in the window counts."""
        ...

    async def delete_team(self, team: str, actor: str) -> int:
        """Forgets a team and its budget, and ends its keys: how many. What it spent stays in the books.

        Raises BadRequest if there is no such team.
        """
        ...

    async def put_budget(self, budget: StoredBudget, actor: str) -> None:
        """Sets a team's or key's budget. Raises BadRequest if there is no such team or key."""
        ...

    async def insert_key(self, new: NewKey, scopes: KeyScopes, actor: str) -> None:
        """Stores a key's hash. Raises BadRequest for an unknown team."""
        ...

    async def revoke_key(self, key_id: str, actor: str) -> None:
        """Ends a key. Raises BadRequest if there is no active one."""
        ...

    async def rotate_key(self, key_id: str, secret: str, actor: str) -> NewKey:
        """Gives a key a new secret. Raises BadRequest if there is no active one."""
        ...

    async def list_teams(self) -> Sequence[Mapping[str, Any]]:
        """Rows of `team_row`, by name."""
        ...

    async def list_keys(self, team: str | None = None) -> Sequence[Mapping[str, Any]]:
        """Rows {id, team, name, created_at, expires_at, revoked_at, scopes}, oldest first, without secrets."""
        ...

    async def list_budgets(self) -> Sequence[Mapping[str, Any]]:
        """Rows of `budget_row`, teams first, by name."""
        ...

    async def read_audit(self, limit: int = 200) -> Sequence[Mapping[str, Any]]:
        """The latest acts of admins {at, actor, act, subject, detail}, newest first."""
        ...


def new_secret() -> str:
    """256 random bits."""
    return "mk-" + secrets.token_urlsafe(32)


def hash_key(token: str) -> str:
    """How a key is stored and looked up."""
    return hashlib.sha256(token.encode()).hexdigest()


def money_row(limit: int | None, spent: int, reserved: int) -> dict[str, Any]:
    """Money as it is shown, in dollars."""
    return {
        "limit_usd": None if limit is None else limit / 1e9,
        "spent_usd": spent / 1e9,
        "reserved_usd": reserved / 1e9,
        "remaining_usd": None if limit is None else max(0, limit - spent - reserved) / 1e9,
    }


def team_row(
    budget: StoredBudget | None, team: str, counted: tuple[int, int], defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """A team as it is shown. `counted` is what was spent and is reserved in the window now."""
    limit, window, soft = (None, None, None) if budget is None else _terms(budget)
    return {
        "team": team,
        "window": window,
        **money_row(limit, *counted),
        "soft_limit": soft,
        "defaults": dict(defaults),
    }


def budget_row(budget: StoredBudget, counted: tuple[int, int], resets_at: float | None) -> dict[str, Any]:
    """A budget as it is shown."""
    return {
        "scope": budget.scope,
        "id": budget.id,
        "window": budget.window,
        **money_row(budget.nanodollars, *counted),
        "soft_limit": budget.soft_limit,
        "resets_at": resets_at,
    }


def _terms(budget: StoredBudget) -> tuple[int | None, Window, float | None]:
    return budget.nanodollars, budget.window, budget.soft_limit
