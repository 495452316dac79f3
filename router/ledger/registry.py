"""Teams and keys: who may spend, what a key allows, and the acts of an admin, each in the audit log.

A key is 256 random bits, shown once and stored as its SHA-256: nothing guessable, so a slow hash would add time and no
safety. It is looked up by its hash and compared in constant time.
"""

import hmac
import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cachetools import TTLCache

from router.errors import Forbidden, Unauthenticated
from router.ledger import accounts
from router.ledger.accounts import KeyScopes, NewKey, Team, hash_key, new_secret
from router.ledger.writer import Writer
from router.task import Budget, Caller, Defaults, Requirement

FRESH_SECONDS = 0.9
"""How long a key that was looked up is believed: revocation is seen within a second."""


class Registry:
    """Teams and keys, behind the ledger's writer."""

    def __init__(self, writer: Writer, now: Callable[[], float] = time.time) -> None:
        self._writer = writer
        self._now = now
        self._known: TTLCache[str, tuple[Caller, float | None, bool]] = TTLCache(100_000, FRESH_SECONDS)

    async def authenticate(self, token: str, team: str | None = None) -> Caller:
        """The caller of a key. Raises Unauthenticated; Forbidden if it names a team it may not name."""
        hashed = hash_key(token)
        known = self._known.get(hashed)
        if known is None:
            row = await self._writer.do(lambda db: accounts.find_key(db, hashed))
            if row is None:
                raise Unauthenticated("Incorrect API key provided.")
            known = self._known[hashed] = (self._caller(row, hashed), row[3], bool(json.loads(row[5]).get("models")))
        caller, expires_at, has_own_models = known
        if expires_at is not None and expires_at <= self._now():
            raise Unauthenticated("The API key has expired.")
        if team is None or team == caller.team:
            return caller
        if team not in caller.teams:
            raise Forbidden(f"This key may not name the team '{team}'.")
        return await self._named(caller, team, has_own_models)

    async def has_keys(self) -> bool:
        """Is any key there? Without one the proxy serves loopback only."""
        row = await self._writer.do(lambda db: db.execute("select 1 from keys limit 1").fetchone())
        return row is not None

    async def put_team(self, team: Team, actor: str = "settings") -> None:
        """Creates or changes a team."""
        await self._writer.do(lambda db: accounts.put_team(db, team, self._now(), actor))

    async def create_key(self, team: str, scopes: KeyScopes, actor: str) -> NewKey:
        """Makes a key. Raises BadRequest for an unknown team."""
        new = NewKey(uuid.uuid4().hex[:12], team, new_secret())
        await self._writer.do(lambda db: accounts.insert_key(db, new, scopes, self._now(), actor))
        return new

    async def revoke_key(self, key_id: str, actor: str) -> None:
        """Ends a key, on every worker within a second. Raises BadRequest if there is none."""
        await self._writer.do(lambda db: accounts.revoke_key(db, key_id, self._now(), actor))
        self._known.clear()

    async def rotate_key(self, key_id: str, actor: str) -> NewKey:
        """A new secret for the same key; the old one ends on every worker within a second. Raises BadRequest."""
        secret = new_secret()
        new = await self._writer.do(lambda db: accounts.rotate_key(db, key_id, secret, self._now(), actor))
        self._known.clear()
        return new

    async def list_teams(self) -> Sequence[Mapping[str, Any]]:
        """All teams with their money in the window now."""
        return await self._writer.do(lambda db: accounts.list_teams(db, self._now()))

    async def list_keys(self, team: str | None = None) -> Sequence[Mapping[str, Any]]:
        """All keys of a team or of all, without their secrets."""
        return await self._writer.do(lambda db: accounts.list_keys(db, team))

    def _caller(self, row: Sequence[Any], hashed: str) -> Caller:
        key_id, stored, team, _, revoked_at, scopes, team_defaults = row
        if not hmac.compare_digest(stored, hashed) or revoked_at is not None:
            raise Unauthenticated("Incorrect API key provided.")
        said = json.loads(scopes)
        return Caller(
            team=team,
            key_id=key_id,
            is_operator=bool(said.get("is_operator")),
            teams=tuple(said.get("teams", ())),
            models=tuple(said.get("models") or json.loads(team_defaults or "{}").get("models", ())),
            max_usd=said.get("max_usd"),
            rate=rate_of(json.loads(team_defaults or "{}")),
            defaults=defaults_of({**json.loads(team_defaults or "{}"), **said.get("defaults", {})}),
        )

    async def _named(self, caller: Caller, team: str, has_own_models: bool) -> Caller:
        """The caller spending for another team: that team's models hold unless the key names its own."""
        row = await self._writer.do(
            lambda db: db.execute("select defaults from teams where id = ?", (team,)).fetchone()
        )
        if row is None:
            raise Forbidden(f"There is no team '{team}'.")
        said = json.loads(row[0])
        models = caller.models if has_own_models else tuple(said.get("models") or ())
        return replace(caller, team=team, models=models, defaults=defaults_of(said), rate=rate_of(said))


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
