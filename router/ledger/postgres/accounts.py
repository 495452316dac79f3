"""Teams, keys and budgets on PostgreSQL: each act of an admin is one transaction with its entry in the audit log."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString

from psycopg import AsyncConnection

from router.errors import BadRequest
from router.ledger.accounts import (
    KeyScopes,
    NewKey,
    Scope,
    StoredBudget,
    StoredKey,
    Team,
    budget_row,
    hash_key,
    team_row,
)
from router.ledger.postgres.session import Pool, borrowed
from router.ledger.windows import current_end

_KEY = ("id", "team", "name", "created_at", "expires_at", "revoked_at")

_TEAM_IS_THERE: LiteralString = "select 1 from teams where id = %s"
_KEY_IS_THERE: LiteralString = "select 1 from keys where id = %s"


class PostgresAccounts:
    """The `Accounts` of one PostgreSQL database."""

    def __init__(self, pool: Pool, now: Callable[[], float] | None) -> None:
        self._pool = pool
        self._said_now = now

    async def find_key(self, hashed: str) -> StoredKey | None:
        """A key by its hash."""
        async with borrowed(self._pool) as db:
            cursor = await db.execute(
                """select keys.id, keys.hash, keys.team, keys.expires_at, keys.revoked_at, keys.scopes, teams.defaults
                   from keys left join teams on teams.id = keys.team where keys.hash = %s""",
                (hashed,),
            )
            row = await cursor.fetchone()
        if row is None:
            return None
        key_id, stored, team, expires_at, revoked_at, scopes, defaults = row
        return StoredKey(key_id, stored, team, expires_at, revoked_at, json.loads(scopes), json.loads(defaults or "{}"))

    async def find_team(self, team: str) -> Mapping[str, Any] | None:
        """A team's defaults, or None."""
        async with borrowed(self._pool) as db:
            return await _find_team(db, team)

    async def find_budget(self, scope: Scope, name: str) -> StoredBudget | None:
        """A team's or key's budget, or None."""
        async with borrowed(self._pool) as db:
            return await _find_budget(db, scope, name)

    async def has_keys(self) -> bool:
        """Is any key there?"""
        async with borrowed(self._pool) as db:
            return await (await db.execute("select 1 from keys limit 1")).fetchone() is not None

    async def put_team(self, team: Team, actor: str) -> None:
        """Creates or changes a team and its budget; what it already spent in the window counts. No change, no entry."""
        async with self._act() as (db, now):
            old = await _find_team(db, team.id), await _find_budget(db, "team", team.id)
            said = None if team.defaults is None else json.dumps(dict(team.defaults))
            await db.execute(
                """insert into teams values (%s, %s, coalesce(%s, '{}'))
                   on conflict (id) do update set defaults = coalesce(%s, teams.defaults)""",
                (team.id, now, said, said),
            )
            soft = team.soft_limit
            if team.defaults is None:
                soft = old[1].soft_limit if old[1] else None
            budget = StoredBudget("team", team.id, team.nanodollars, team.window, soft)
            await _put_budget(db, budget, old[1], now)
            if old != (await _find_team(db, team.id), budget):
                detail = {"nanodollars": team.nanodollars, "window": team.window, "soft_limit": soft}
                await _audit(db, now, (actor, "put_team", team.id), {**detail, "defaults": team.defaults})

    async def delete_team(self, team: str, actor: str) -> int:
        """Forgets a team and its budget, and ends its keys: how many. Raises BadRequest if there is no such team."""
        async with self._act() as (db, now):
            if not (await db.execute("delete from teams where id = %s", (team,))).rowcount:
                raise BadRequest(f"There is no team '{team}'.", "team")
            old = await _find_budget(db, "team", team)
            await _put_budget(db, StoredBudget("team", team, None, "total"), old, now)
            await db.execute("delete from budgets where scope = 'team' and id = %s", (team,))
            ended = await db.execute(
                "update keys set revoked_at = %s where team = %s and revoked_at is null", (now, team)
            )
            await _audit(db, now, (actor, "delete_team", team), {"keys_ended": ended.rowcount})
        return ended.rowcount

    async def put_budget(self, budget: StoredBudget, actor: str) -> None:
        """Sets a team's or key's budget. Raises BadRequest if there is no such team or key."""
        async with self._act() as (db, now):
            there = (
                "select 1 from teams where id = %s" if budget.scope == "team" else "select 1 from keys where id = %s"
            )
            if await (await db.execute(there, (budget.id,))).fetchone() is None:
                raise BadRequest(f"There is no {budget.scope} '{budget.id}'.", budget.scope)
            await _put_budget(db, budget, await _find_budget(db, budget.scope, budget.id), now)
            detail = {"nanodollars": budget.nanodollars, "window": budget.window, "soft_limit": budget.soft_limit}
            await _audit(db, now, (actor, "put_budget", f"{budget.scope}:{budget.id}"), detail)

    async def insert_key(self, new: NewKey, scopes: KeyScopes, actor: str) -> None:
        """Stores a key's hash. Raises BadRequest for an unknown team."""
        async with self._act() as (db, now):
            if await _find_team(db, new.team) is None:
                raise BadRequest(f"There is no team '{new.team}'.", "team")
            row = (new.id, hash_key(new.secret), new.team, scopes.name, now, scopes.expires_at)
            await db.execute(
                "insert into keys values (%s, %s, %s, %s, %s, %s, null, %s)", (*row, json.dumps(scopes.stored()))
            )
            if scopes.nanodollars is not None:
                budget = StoredBudget("key", new.id, scopes.nanodollars, scopes.window, scopes.soft_limit)
                await _put_budget(db, budget, None, now)
            await _audit(db, now, (actor, "create_key", new.id), {"team": new.team})

    async def revoke_key(self, key_id: str, actor: str) -> None:
        """Ends a key. Raises BadRequest if there is no active one."""
        async with self._act() as (db, now):
            cursor = await db.execute(
                "update keys set revoked_at = %s where id = %s and revoked_at is null", (now, key_id)
            )
            if not cursor.rowcount:
                raise BadRequest(f"There is no active key '{key_id}'.", "key")
            await _audit(db, now, (actor, "revoke_key", key_id), {})

    async def rotate_key(self, key_id: str, secret: str, actor: str) -> NewKey:
        """Gives a key a new secret. Raises BadRequest if there is no active one."""
        async with self._act() as (db, now):
            cursor = await db.execute(
                "update keys set hash = %s where id = %s and revoked_at is null returning team",
                (hash_key(secret), key_id),
            )
            row = await cursor.fetchone()
            if row is None:
                raise BadRequest(f"There is no active key '{key_id}'.", "key")
            await _audit(db, now, (actor, "rotate_key", key_id), {})
        return NewKey(key_id, row[0], secret)

    async def list_teams(self) -> Sequence[Mapping[str, Any]]:
        """All teams with their money in the window now."""
        async with self._act() as (db, now):
            cursor = await db.execute(
                """select t.id, t.defaults, b.scope, b.id, b.nanodollars, b."window", b.soft_limit,
                       coalesce(c.spent, 0), coalesce(c.reserved, 0)
                   from teams t left join budgets b on b.scope = 'team' and b.id = t.id
                   left join counters c on c.scope = 'team' and c.id = t.id
                       and c.window_start = maestro_window_start(b."window", %s) order by t.id collate "C\"""",
                (now,),
            )
            rows = await cursor.fetchall()
        return [
            team_row(StoredBudget(*budget) if budget[0] else None, name, (spent, reserved), json.loads(defaults))
            for name, defaults, *budget, spent, reserved in rows
        ]

    async def list_keys(self, team: str | None = None) -> Sequence[Mapping[str, Any]]:
        """All keys of a team or of all, without their secrets."""
        async with borrowed(self._pool) as db:
            cursor = await db.execute(
                """select id, team, name, created_at, expires_at, revoked_at, scopes from keys
                   where %(team)s::text is null or team = %(team)s order by created_at""",
                {"team": team},
            )
            rows = await cursor.fetchall()
        return [{**dict(zip(_KEY, row, strict=False)), "scopes": json.loads(row[-1])} for row in rows]

    async def list_budgets(self) -> Sequence[Mapping[str, Any]]:
        """All budgets with their money in the window now."""
        async with self._act() as (db, now):
            cursor = await db.execute(
                """select b.scope, b.id, b.nanodollars, b."window", b.soft_limit, coalesce(c.spent, 0),
                       coalesce(c.reserved, 0) from budgets b left join counters c on c.scope = b.scope and c.id = b.id
                       and c.window_start = maestro_window_start(b."window", %s)
                   order by b.scope desc, b.id collate "C\"""",
                (now,),
            )
            rows = await cursor.fetchall()
        shown = []
        for *said, spent, reserved in rows:
            budget = StoredBudget(*said)
            shown.append(budget_row(budget, (spent, reserved), current_end(budget.window, now)))
        return shown

    async def read_audit(self, limit: int = 200) -> Sequence[Mapping[str, Any]]:
        """The latest acts of admins, newest first."""
        async with borrowed(self._pool) as db:
            cursor = await db.execute(
                "select at, actor, act, subject, detail from audit order by number desc limit %s", (limit,)
            )
            rows = await cursor.fetchall()
        return [
            {"at": at, "actor": actor, "act": act, "subject": subject, "detail": json.loads(detail or "{}")}
            for at, actor, act, subject, detail in rows
        ]

    @asynccontextmanager
    async def _act(self) -> AsyncIterator[tuple[AsyncConnection, float]]:
        """One transaction, and the time."""
        async with borrowed(self._pool) as db, db.transaction():
            said = self._said_now() if self._said_now else None
            row = await (await db.execute("select maestro_now(%s)", (said,))).fetchone()
            yield db, float(row[0]) if row else 0.0


async def _find_team(db: AsyncConnection, team: str) -> dict[str, Any] | None:
    row = await (await db.execute("select defaults from teams where id = %s", (team,))).fetchone()
    return None if row is None else dict(json.loads(row[0]))


async def _find_budget(db: AsyncConnection, scope: Scope, name: str) -> StoredBudget | None:
    cursor = await db.execute(
        'select scope, id, nanodollars, "window", soft_limit from budgets where scope = %s and id = %s', (scope, name)
    )
    row = await cursor.fetchone()
    return None if row is None else StoredBudget(*row)


async def _put_budget(db: AsyncConnection, budget: StoredBudget, old: StoredBudget | None, now: float) -> None:
    """Unchanged, it is left alone; changed, its notices may be told again."""
    if old == budget:
        return
    if old is not None:
        await db.execute("delete from notices where scope = %s and id = %s", (budget.scope, budget.id))
    await db.execute(
        "select maestro_put_budget(%s, %s, %s, %s, %s, %s)",
        (budget.scope, budget.id, budget.window, budget.nanodollars, budget.soft_limit, now),
    )


async def _audit(db: AsyncConnection, now: float, what: tuple[str, str, str], detail: Mapping[str, Any]) -> None:
    """Says who (actor) did what (act) to whom (subject)."""
    await db.execute(
        "insert into audit (at, actor, act, subject, detail) values (%s, %s, %s, %s, %s)",
        (now, *what, json.dumps(dict(detail))),
    )
