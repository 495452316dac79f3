"""Teams and keys: who may spend, what a key allows, and the acts of an admin, each in the audit log.

A key is 256 random bits, shown once and stored as its SHA-256: nothing guessable, so a slow hash would add time and no
safety. It is looked up by its hash and compared in constant time.
"""

import asyncio
import contextlib
import hmac
import time
import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

from cachetools import TTLCache

from router.errors import BadRequest, Forbidden, MaestroError, Unauthenticated, Unavailable
from router.ledger.accounts import (
    Accounts,
    KeyScopes,
    NewKey,
    Scope,
    StoredBudget,
    StoredKey,
    Team,
    hash_key,
    new_secret,
)
from router.ledger.fresh import Fresh
from router.task import Budget, Caller, Defaults, OperatingPoint, Requirement

T = TypeVar("T")
FRESH_SECONDS = 0.9
"""How long a key that was looked up is believed: revocation is seen within a second."""
OUTAGE_SECONDS = 3600.0
"""How long before an outage a key must have been read to be believed in it, and so how long one can last."""

SERVER = "*"
"""Where the defaults of the whole server are kept among the teams: no team can have this name."""


class Registry:
    """Teams and keys, cached for less than a second over any backend's `Accounts`.

    `outlives_outage`: while the store is away, what was read of a key or team within the last hour still holds.
    """

    def __init__(self, accounts: Accounts, now: Callable[[], float] = time.time, outlives_outage: bool = False) -> None:
        self._accounts = accounts
        self._now = now
        self._reading: dict[str, asyncio.Task[tuple[StoredKey, Caller]]] = {}
        self._known: Fresh[str, tuple[StoredKey, Caller]] = Fresh(100_000, FRESH_SECONDS)
        self._unknown: TTLCache[str, bool] = TTLCache(10_000, FRESH_SECONDS)
        self._named: TTLCache[tuple[str, str], Caller] = TTLCache(100_000, FRESH_SECONDS)
        self._points: TTLCache[str, OperatingPoint | None] = TTLCache(10_000, FRESH_SECONDS)
        self._last: TTLCache[Any, Any] = TTLCache(100_000 if outlives_outage else 0, OUTAGE_SECONDS)

    async def authenticate(self, token: str, team: str | None = None) -> Caller:
        """The caller of a key. Raises Unauthenticated; Forbidden if it names a team it may not name."""
        return await self.recognise(hash_key(token), team)

    async def recognise(self, hashed: str, team: str | None = None) -> Caller:
        """The same by a key's hash, for a session that began with the key: it ends when the key does."""
        key, caller = self._known.get(hashed) or await self._look_up(hashed)
        if key.expires_at is not None and key.expires_at <= self._now():
            raise Unauthenticated("The API key has expired.")
        if team is None or team == caller.team:
            return caller
        if team not in caller.teams:
            raise Forbidden(f"This key may not name the team '{team}'.")
        return self._named.get((hashed, team)) or await self._name(key, team)

    async def has_keys(self) -> bool:
        """Is any key there? Without one the proxy serves loopback only."""
        return await self._accounts.has_keys()

    async def put_team(self, team: Team, actor: str = "settings") -> None:
        """Creates or changes a team."""
        await self._accounts.put_team(team, actor)
        self._forget()

    async def declare_team(self, team: Team) -> None:
        """As the settings file has it; an operating point that an admin set since stays, unless the file says one."""
        stored = (await self.find_team(team.id) or {}).get("operating_point")
        said = dict(team.defaults or {})
        kept = {"operating_point": stored, **said} if stored else said
        await self.put_team(replace(team, defaults=kept))

    async def delete_team(self, team: str, actor: str) -> int:
        """Forgets a team; its keys end within a second: how many. Raises BadRequest if there is none."""
        if team == SERVER:
            raise BadRequest("There is no team '*'.", "team")
        ended = await self._accounts.delete_team(team, actor)
        self._forget()
        return ended

    async def find_team(self, team: str) -> Mapping[str, Any] | None:
        """A team's defaults as they are stored, or None."""
        return await self._accounts.find_team(team)

    async def find_budget(self, scope: Scope, name: str) -> StoredBudget | None:
        """A team's or key's budget, or None."""
        return await self._accounts.find_budget(scope, name)

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

    async def _look_up(self, hashed: str) -> tuple[StoredKey, Caller]:
        """One read for all who ask at once, as many do whenever what was known has aged; its end is everybody's."""
        reading = self._reading.get(hashed)
        if reading is None:
            reading = self._reading[hashed] = asyncio.create_task(self._read(hashed, self._read_key(hashed)))
            reading.add_done_callback(lambda task: self._has_read(hashed, task))
        return await asyncio.shield(reading)

    def _has_read(self, hashed: str, task: asyncio.Task[tuple[StoredKey, Caller]]) -> None:
        is_current = self._reading.get(hashed) is task
        if is_current:
            del self._reading[hashed]
        if not task.cancelled() and task.exception() is None and is_current:
            self._known.put(hashed, task.result())

    async def _read_key(self, hashed: str) -> tuple[StoredKey, Caller]:
        """One read; a key that is not there is remembered too, so that guessing costs a read a second at most."""
        key = None if hashed in self._unknown else await self._accounts.find_key(hashed)
        if key is None or not hmac.compare_digest(key.hash, hashed) or key.revoked_at is not None:
            self._unknown[hashed] = True
            raise Unauthenticated("Incorrect API key provided.")
        caller = caller_of(key, key.team, key.team_defaults)
        return key, replace(caller, defaults=await self._led(caller.defaults))

    async def _name(self, key: StoredKey, team: str) -> Caller:
        """The caller spending for another team, whose models, rates, defaults and run limit hold."""
        caller = self._named[key.hash, team] = await self._read((key.hash, team), self._read_named(key, team))
        return caller

    async def _read_named(self, key: StoredKey, team: str) -> Caller:
        said = await self._accounts.find_team(team)
        if said is None:
            raise Forbidden(f"There is no team '{team}'.")
        caller = caller_of(key, team, said)
        return replace(caller, defaults=await self._led(caller.defaults))

    async def point_of(self, team: str) -> OperatingPoint | None:
        """The operating point of a team, else of the server, where there are no keys: seen within a second."""
        with contextlib.suppress(KeyError):  # looked up once: it may age between two looks
            return self._points[team]
        point = self._points[team] = await self._read(("point", team), self._read_point(team))
        return point

    async def _read_point(self, team: str) -> OperatingPoint | None:
        said = defaults_of(await self._accounts.find_team(team) or {})
        return (await self._led(said)).operating_point

    async def _led(self, defaults: Defaults) -> Defaults:
        """With the server's operating point where neither a point nor an effort is said."""
        if defaults.operating_point is not None or (defaults.budget is not None and defaults.says_effort):
            return defaults
        point = defaults_of(await self._accounts.find_team(SERVER) or {}).operating_point
        return defaults if point is None else replace(defaults, operating_point=point)

    async def _read(self, name: Any, read: Coroutine[Any, Any, T]) -> T:
        """What is read now. Raises what reading raises, but Unavailable only where nothing may outlive an outage."""
        try:
            value = await read
        except Unavailable:
            with contextlib.suppress(KeyError):
                return cast(T, self._last[name])
            raise
        except MaestroError:
            self._last.pop(name, None)
            raise
        if self._last.maxsize:
            self._last[name] = value
        return value

    def _forget(self) -> None:
        """What this process changed, it sees at once."""
        self._known.clear()
        for known in (self._named, self._points, self._last, self._reading):
            known.clear()


def caller_of(key: StoredKey, team: str, of_team: Mapping[str, Any]) -> Caller:
    """What a key allows within what its team does, and what holds where a request says nothing: its word first."""
    said = key.scopes
    models, team_models = tuple(said.get("models") or ()), tuple(of_team.get("models") or ())
    return Caller(
        team=team,
        key_id=key.id,
        is_operator=bool(said.get("is_operator")),
        teams=tuple(said.get("teams", ())),
        models=models or team_models,
        team_models=team_models if models else (),
        max_usd=least(said.get("max_usd"), of_team.get("max_run_usd")),
        rate=rate_of(of_team),
        key_rate=rate_of(said),
        defaults=defaults_of({**of_team, **said.get("defaults", {})}),
    )


def rate_of(said: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Requests and tokens a minute of a team or key from their stored form."""
    return said.get("requests_per_minute"), said.get("tokens_per_minute")


def defaults_of(said: Mapping[str, Any]) -> Defaults:
    """A team's or key's defaults from their stored form."""
    limits = (said.get("run_usd"), said.get("run_seconds"), said.get("run_calls"))
    effort = said.get("effort")
    point = said.get("operating_point")
    return Defaults(
        budget=None if effort is None and limits == (None, None, None) else Budget(*limits, effort or "low"),
        quality_threshold=said.get("quality_threshold"),
        requirements=tuple(map(_requirement, said.get("requirements") or ())),
        response_language=said.get("response_language"),
        operating_point=None if not point else OperatingPoint(point["usd"], point["seconds"]),
        says_effort=effort is not None,
    )


def least(*limits: float | None) -> float | None:
    """The tightest of some limits; None = no limit."""
    return min((limit for limit in limits if limit is not None), default=None)


def _requirement(said: str | Mapping[str, Any]) -> Requirement:
    """A text, or the fields of a requirement."""
    if isinstance(said, str):
        return Requirement(said[:60], said)
    text = said["description"]
    return Requirement(
        name=said.get("name") or text[:60],
        description=text,
        is_mandatory=bool(said.get("is_mandatory")),
        weight=float(said.get("weight", 1.0)),
        check=said.get("check"),
        check_only=bool(said.get("check_only")),
    )
