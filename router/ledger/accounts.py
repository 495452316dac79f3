"""Teams, keys and budgets as rows: the statements behind the registry, each inside the writer's transaction."""

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from router.errors import BadRequest
from router.ledger.ledger import Window
from router.ledger.windows import window_start


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


@dataclass(frozen=True, slots=True)
class StoredBudget:
    """A limit on a team or key over a window; nanodollars None = unlimited."""

    scope: Literal["team", "key"]
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


def new_secret() -> str:
    """256 random bits."""
    return "mk-" + secrets.token_urlsafe(32)


def hash_key(token: str) -> str:
    """How a key is stored and looked up."""
    return hashlib.sha256(token.encode()).hexdigest()


def put_team(db: sqlite3.Connection, team: Team, now: float, actor: str) -> None:
    """Creates or changes a team and its budget; what it already spent in the window counts."""
    said = None if team.defaults is None else json.dumps(dict(team.defaults))
    db.execute(
        """insert into teams values (?, ?, coalesce(?, '{}'))
           on conflict do update set defaults = coalesce(?, teams.defaults)""",
        (team.id, now, said, said),
    )
    soft = team.soft_limit
    if team.defaults is None:
        row = db.execute("select soft_limit from budgets where scope = 'team' and id = ?", (team.id,)).fetchone()
        soft = row[0] if row else None
    put_budget(db, StoredBudget("team", team.id, team.nanodollars, team.window, soft), now)
    write_audit(db, now, actor, "put_team", team.id, {"nanodollars": team.nanodollars, "window": team.window})


def put_budget(db: sqlite3.Connection, budget: StoredBudget, now: float) -> None:
    """Sets a budget. A new window's counter is made from the charges: it is neither empty nor full by mistake."""
    scope, name, window = budget.scope, budget.id, budget.window
    old = db.execute("select window from budgets where scope = ? and id = ?", (scope, name)).fetchone()
    db.execute(
        """insert into budgets values (?, ?, ?, ?, ?) on conflict do update
           set window = excluded.window, nanodollars = excluded.nanodollars, soft_limit = excluded.soft_limit""",
        (scope, name, window, budget.nanodollars, budget.soft_limit),
    )
    if (old or ("total",))[0] != window:
        _recount(db, scope, name, window_start(window, now))


def insert_key(db: sqlite3.Connection, new: NewKey, scopes: KeyScopes, now: float, actor: str) -> None:
    """Stores a key's hash. Raises BadRequest for an unknown team."""
    if db.execute("select 1 from teams where id = ?", (new.team,)).fetchone() is None:
        raise BadRequest(f"There is no team '{new.team}'.", "team")
    said = {
        "teams": scopes.teams,
        "models": scopes.models,
        "max_usd": scopes.max_usd,
        "is_operator": scopes.is_operator,
    }
    row = (new.id, hash_key(new.secret), new.team, scopes.name, now, scopes.expires_at, None)
    db.execute(
        "insert into keys values (?, ?, ?, ?, ?, ?, ?, ?)",
        (*row, json.dumps({**said, "defaults": dict(scopes.defaults)})),
    )
    if scopes.nanodollars is not None:
        put_budget(db, StoredBudget("key", new.id, scopes.nanodollars, scopes.window), now)
    write_audit(db, now, actor, "create_key", new.id, {"team": new.team})


def revoke_key(db: sqlite3.Connection, key_id: str, now: float, actor: str) -> None:
    """Ends a key. Raises BadRequest if there is none."""
    if not db.execute("update keys set revoked_at = ? where id = ? and revoked_at is null", (now, key_id)).rowcount:
        raise BadRequest(f"There is no active key '{key_id}'.", "key")
    write_audit(db, now, actor, "revoke_key", key_id, {})


def rotate_key(db: sqlite3.Connection, key_id: str, secret: str, now: float, actor: str) -> NewKey:
    """Gives a key a new secret. Raises BadRequest if there is no active one."""
    row = db.execute("select team from keys where id = ? and revoked_at is null", (key_id,)).fetchone()
    if row is None:
        raise BadRequest(f"There is no active key '{key_id}'.", "key")
    db.execute("update keys set hash = ? where id = ?", (hash_key(secret), key_id))
    write_audit(db, now, actor, "rotate_key", key_id, {})
    return NewKey(key_id, row[0], secret)


def list_teams(db: sqlite3.Connection, now: float) -> list[dict[str, Any]]:
    """All teams with their money in the window now."""
    shown = []
    rows = db.execute(
        """select teams.id, budgets.nanodollars, budgets.window, teams.defaults from teams
           left join budgets on budgets.scope = 'team' and budgets.id = teams.id order by teams.id"""
    ).fetchall()
    for name, limit, window, defaults in rows:
        counted = db.execute(
            "select spent, reserved from counters where scope = 'team' and id = ? and window_start = ?",
            (name, window_start(window or "total", now)),
        ).fetchone() or (0, 0)
        money = {
            "limit_usd": None if limit is None else limit / 1e9,
            "spent_usd": counted[0] / 1e9,
            "reserved_usd": counted[1] / 1e9,
        }
        shown.append({"team": name, "window": window, **money, "defaults": json.loads(defaults)})
    return shown


def list_keys(db: sqlite3.Connection, team: str | None) -> list[dict[str, Any]]:
    """Keys without their secrets."""
    names = ("id", "team", "name", "created_at", "expires_at", "revoked_at")
    rows = db.execute(
        f"select {', '.join(names)}, scopes from keys where ? is null or team = ? order by created_at", (team, team)
    ).fetchall()
    return [{**dict(zip(names, row, strict=False)), "scopes": json.loads(row[-1])} for row in rows]


def write_audit(
    db: sqlite3.Connection, now: float, actor: str, act: str, subject: str, detail: Mapping[str, Any]
) -> None:
    """Says who did what."""
    db.execute("insert into audit values (?, ?, ?, ?, ?)", (now, actor, act, subject, json.dumps(dict(detail))))


def find_key(db: sqlite3.Connection, hashed: str) -> tuple[Any, ...] | None:
    """A key with its team's defaults, or None."""
    row: tuple[Any, ...] | None = db.execute(
        """select keys.id, keys.hash, keys.team, keys.expires_at, keys.revoked_at, keys.scopes, teams.defaults
           from keys left join teams on teams.id = keys.team where keys.hash = ?""",
        (hashed,),
    ).fetchone()
    return row


def _recount(db: sqlite3.Connection, scope: str, name: str, start: int) -> None:
    """Moves open holds, and what was charged from `start` on, to that window; makes all its counters from the rows."""
    column, window = ("team", "team_window") if scope == "team" else ("key_id", "key_window")
    db.execute(
        f"update lines set {window} = ? where {column} = ? and (state = 'open' or settled_at >= ?)",
        (start, name, start),
    )
    db.execute(
        f"update archive set {window} = ? where {column} = ? and day >= date(?, 'unixepoch')", (start, name, start)
    )
    db.execute("delete from counters where scope = ? and id = ?", (scope, name))
    db.execute(
        f"""insert into counters select ?, ?, begun, sum(spent), sum(held) from (
            select {window} as begun, iif(state = 'settled', nanodollars, 0) as spent,
                iif(state = 'open', held, 0) as held from lines where {column} = ?
            union all select {window}, nanodollars, 0 from archive where {column} = ?
        ) where begun is not null group by begun""",
        (scope, name, name, name),
    )
