"""Teams and keys: who may spend, what a key allows, and the acts of an admin, each in the audit log.

A key is 256 random bits, shown once and stored as its SHA-256: nothing guessable, so a slow hash would add time and no
safety. It is looked up by its hash and compared in constant time.
"""

import hmac
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cachetools import TTLCache

from router.errors import Forbidden, Unauthenticated
from router.ledger.accounts import Accounts, KeyScopes, NewKey, StoredBudget, StoredKey, Team, hash_key, new_secret
from router.task import Budget, Caller, Defaults, Requirement

FRESH_SECONDS = 0.9
"""How long a key that was looked up is believed: revocation is seen within a second."""


@dataclass(frozen=True, slots=True)
class Known:
    """A key that was looked up: its caller, when it expires, and whether it names models of its own."""

    caller: Caller
    expires_at: float | None
    has_own_models: bool


class Registry:
    """Teams and keys, cached for less than a second over any backend's `Accounts`."""

    def __init__(self, accounts: Accounts, now: Callable[[], float] = time.time) -> None:
        self._accounts = accounts
        self._now = now
        self._known: TTLCache[str, Known] = TTLCache(100_000, FRESH_SECONDS)
        self._unknown: TTLCache[str, bool] = TTLCache(10_000, FRESH_SECONDS)
        self._named: TTLCache[tuple[str, str], Caller] = TTLCache(100_000, FRESH_SECONDS)

    async def authenticate(self, token: str, team: str | None = None) -> Caller:
        """The caller of a key. Raises Unauthenticated; Forbidden if it names a team it may not name."""
        hashed = hash_key(token)
        known = self._known.get(hashed) or await self._look_up(hashed)
        if known.expires_at is not None and known.expires_at <= self._now():
            raise Unauthenticated("The API key has expired.")
        caller = known.caller
        if team is None or team == caller.team:
            return caller
        if team not in caller.teams:
            raise Forbidden(f"This key may not name the team '{team}'.")
        return self._named.get((hashed, team)) or await self._name(hashed, known, team)

    async def has_keys(self) -> bool:
        """Is any key there? Without one the proxy serves loopback only."""
        return await self._accounts.has_keys()

    async def put_team(self, team: Team, actor: str = "settings") -> None:
        """Creates or changes a team."""
        await self._accounts.put_team(team, actor)
        self._forget()

    async def put_budget(self, budget: StoredBudget, actor: str) -> None:
        """Sets a team's or key's budget. Raises BadRequest if there is no such team or key."""
        await self._accounts.put_budget(budget, actor)

    async def create_key(self, team: str, scopes: KeyScopes, actor: str) -> NewKey:
        """Makes a key. Raises BadRequest for an unknown team."""
        new = NewKey(uuid.uuid4().hex[:12], team, new_secret())
        await self._accounts.insert_key(new, scopes, actor)
        return new

    async def revoke_key(self, key_id: str, actor: str) -> None:
        """Ends a key, on every worker within a second. Raises BadRequest if there is none."""
        await self._accounts.revoke_key(key_id, actor)
        self._forget()

    async def rotate_key(self, key_id: str, actor: str) -> NewKey:
        """A new secret for the same key; the old one ends on every worker within a second. Raises BadRequest."""
        new = await self._accounts.rotate_key(key_id, new_secret(), actor)
        self._forget()
        return new

    async def list_teams(self) -> Sequence[Mapping[str, Any]]:
        """All teams with their money in the window now."""
        return await self._accounts.list_teams()

    async def list_keys(self, team: str | None = None) -> Sequence[Mapping[str, Any]]:
        """All keys of a team or of all, without their secrets."""
        return await self._accounts.list_keys(team)

    async def list_budgets(self) -> Sequence[Mapping[str, Any]]:
        """All budgets with their money in the window now."""
        return await self._accounts.list_budgets()

    async def read_audit(self, limit: int = 200) -> Sequence[Mapping[str, Any]]:
        """The latest acts of admins, newest first."""
        return await self._accounts.read_audit(limit)

    async def _look_up(self, hashed: str) -> Known:
        """One read; a key that is not there is remembered too, so that guessing costs a read a second at most."""
        key = None if hashed in self._unknown else await self._accounts.find_key(hashed)
        if key is None or not hmac.compare_digest(key.hash, hashed) or key.revoked_at is not None:
            self._unknown[hashed] = True
            raise Unauthenticated("Incorrect API key provided.")
        known = self._known[hashed] = Known(caller_of(key), key.expires_at, bool(key.scopes.get("models")))
        return known

    async def _name(self, hashed: str, known: Known, team: str) -> Caller:
        """The caller spending for another team: that team's models hold unless the key names its own."""
        said = await self._accounts.find_team(team)
        if said is None:
            raise Forbidden(f"There is no team '{team}'.")
        models = known.caller.models if known.has_own_models else tuple(said.get("models") or ())
        caller = replace(known.caller, team=team, models=models, defaults=defaults_of(said), rate=rate_of(said))
        self._named[hashed, team] = caller
        return caller

    def _forget(self) -> None:
        """What this process changed, it sees at once."""
        self._known.clear()
        self._named.clear()


def caller_of(key: StoredKey) -> Caller:
    """What a key allows and what holds where its requests say nothing: its own word over its team's."""
    said, team = key.scopes, key.team_defaults
    return Caller(
        team=key.team,
        key_id=key.id,
        is_operator=bool(said.get("is_operator")),
        teams=tuple(said.get("teams", ())),
        models=tuple(said.get("models") or team.get("models", ())),
        max_usd=said.get("max_usd"),
        rate=rate_of(team),
        defaults=defaults_of({**team, **said.get("defaults", {})}),
    )


def rate_of(said: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """A team's requests and tokens a minute from their stored form."""
    return said.get("requests_per_minute"), said.get("tokens_per_minute")


def defaults_of(said: Mapping[str, Any]) -> Defaults:
    """A team's or key's defaults from their stored form."""
    names = ("run_usd", "budget_seconds", "budget_calls", "effort")
    budget = None
    if any(said.get(name) is not None for name in names):
        budget = Budget(
            said.get("run_usd"), said.get("budget_seconds"), said.get("budget_calls"), said.get("effort") or "low"
        )
    texts = tuple(said.get("requirements") or ())
    requirements = tuple(Requirement(text[:60], text) for text in texts)
    return Defaults(budget, said.get("quality_threshold"), requirements, tuple(said.get("models") or ()))
