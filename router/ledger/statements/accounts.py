"""The statements behind teams, keys and budgets, each inside the writer's transaction or on a reader."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from router.errors import BadRequest
from router.ledger.accounts import (
    KeyScopes,
    NewKey,
    StoredBudget,
    StoredKey,
    Team,
    budget_row,
    hash_key,
    team_row,
)
from router.ledger.windows import current_end, window_start


def put_team(db: sqlite3.Connection, team: Team, now: float, actor: str) -> None:
    """Creates or changes a team and its budget; what it already spent in the window counts. No change, no entry."""
    old = find_team(db, team.id), find_budget(db, "team", team.id)
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
    budget = StoredBudget("team", team.id, team.nanodollars, team.window, soft)
    put_budget(db, budget, now)
    if old != (find_team(db, team.id), budget):
        detail = {"nanodollars": team.nanodollars, "window": team.window, "soft_limit": soft, "defaults": team.defaults}
        write_audit(db, now, actor, "put_team", team.id, detail)


def delete_team(db: sqlite3.Connection, team: str, now: float, actor: str) -> int:
    """Forgets a team and its budget, and ends its keys: how many. What it spent is counted in one window for ever."""
    if not db.execute("delete from teams where id = ?", (team,)).rowcount:
        raise BadRequest(f"There is no team '{team}'.", "team")
    put_budget(db, StoredBudget("team", team, None, "total"), now)
    db.execute("delete from budgets where scope = 'team' and id = ?", (team,))
    ended = db.execute("update keys set revoked_at = ? where team = ? and revoked_at is null", (now, team)).rowcount
    write_audit(db, now, actor, "delete_team", team, {"keys_ended": ended})
    return ended


def put_budget(db: sqlite3.Connection, budget: StoredBudget, now: float) -> None:
    """Sets a budget. A new window's counter is made from the charges: it is neither empty nor full by mistake."""
    scope, name, window = budget.scope, budget.id, budget.window
    old = db.execute(
        "select window, nanodollars, soft_limit from budgets where scope = ? and id = ?", (scope, name)
    ).fetchone()
    db.execute(
        """insert into budgets values (?, ?, ?, ?, ?) on conflict do update
           set window = excluded.window, nanodollars = excluded.nanodollars, soft_limit = excluded.soft_limit""",
        (scope, name, window, budget.nanodollars, budget.soft_limit),
    )
    if old is not None and old != (window, budget.nanodollars, budget.soft_limit):
        db.execute("delete from notices where scope = ? and id = ?", (scope, name))
    if (old or ("total",))[0] != window:
        _recount(db, scope, name, window_start(window, now))


def insert_key(db: sqlite3.Connection, new: NewKey, scopes: KeyScopes, now: float, actor: str) -> None:
    """Stores a key's hash. Raises BadRequest for an unknown team."""
    if db.execute("select 1 from teams where id = ?", (new.team,)).fetchone() is None:
        raise BadRequest(f"There is no team '{new.team}'.", "team")
    row = (new.id, hash_key(new.secret), new.team, scopes.name, now, scopes.expires_at, None)
    db.execute("insert into keys values (?, ?, ?, ?, ?, ?, ?, ?)", (*row, json.dumps(scopes.stored())))
    if scopes.nanodollars is not None:
        put_budget(db, StoredBudget("key", new.id, scopes.nanodollars, scopes.window, scopes.soft_limit), now)
    detail = {"team": new.team, "nanodollars": scopes.nanodollars, "window": scopes.window, **scopes.stored()}
    write_audit(db, now, actor, "create_key", new.id, detail)


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


def set_budget(db: sqlite3.Connection, budget: StoredBudget, now: float, actor: str) -> None:
    """Sets the budget of a team or key that is there. Raises BadRequest if it is not."""
    table = "teams" if budget.scope == "team" else "keys"
    if db.execute(f"select 1 from {table} where id = ?", (budget.id,)).fetchone() is None:
        raise BadRequest(f"There is no {budget.scope} '{budget.id}'.", budget.scope)
    put_budget(db, budget, now)
    detail = {"nanodollars": budget.nanodollars, "window": budget.window, "soft_limit": budget.soft_limit}
    write_audit(db, now, actor, "put_budget", f"{budget.scope}:{budget.id}", detail)


def list_teams(db: sqlite3.Connection, now: float) -> list[dict[str, Any]]:
    """All teams with their money in the window now."""
    rows = db.execute("select id, defaults from teams order by id").fetchall()
    shown = []
    for name, defaults in rows:
        budget = find_budget(db, "team", name)
        start = window_start(budget.window if budget else "total", now)
        shown.append(team_row(budget, name, _counted(db, "team", name, start), json.loads(defaults)))
    return shown


def list_budgets(db: sqlite3.Connection, now: float) -> list[dict[str, Any]]:
    """All budgets with what is spent in their windows now, teams first."""
    rows = db.execute(
        "select scope, id, nanodollars, window, soft_limit from budgets order by scope desc, id"
    ).fetchall()
    shown = []
    for row in rows:
        budget = StoredBudget(*row)
        counted = _counted(db, budget.scope, budget.id, window_start(budget.window, now))
        shown.append(budget_row(budget, counted, current_end(budget.window, now)))
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


def read_audit(db: sqlite3.Connection, limit: int = 200) -> list[dict[str, Any]]:
    """The latest acts of admins, newest first."""
    rows = db.execute(
        "select at, actor, act, subject, detail from audit order by at desc, rowid desc limit ?", (limit,)
    ).fetchall()
    return [
        {"at": at, "actor": actor, "act": act, "subject": subject, "detail": json.loads(detail or "{}")}
        for at, actor, act, subject, detail in rows
    ]


def find_key(db: sqlite3.Connection, hashed: str) -> StoredKey | None:
    """A key with its team's defaults, or None."""
    row = db.execute(
        """select keys.id, keys.hash, keys.team, keys.expires_at, keys.revoked_at, keys.scopes, teams.defaults
           from keys left join teams on teams.id = keys.team where keys.hash = ?""",
        (hashed,),
    ).fetchone()
    return None if row is None else _stored(row)


def _stored(row: Sequence[Any]) -> StoredKey:
    key_id, hashed, team, expires_at, revoked_at, scopes, defaults = row
    return StoredKey(key_id, hashed, team, expires_at, revoked_at, json.loads(scopes), json.loads(defaults or "{}"))


def find_team(db: sqlite3.Connection, team: str) -> dict[str, Any] | None:
    """A team's defaults, or None."""
    row = db.execute("select defaults from teams where id = ?", (team,)).fetchone()
    return None if row is None else dict(json.loads(row[0]))


def find_budget(db: sqlite3.Connection, scope: str, name: str) -> StoredBudget | None:
    """A team's or key's budget, or None."""
    row = db.execute(
        "select scope, id, nanodollars, window, soft_limit from budgets where scope = ? and id = ?", (scope, name)
    ).fetchone()
    return None if row is None else StoredBudget(*row)


def _counted(db: sqlite3.Connection, scope: str, name: str, start: int) -> tuple[int, int]:
    row = db.execute(
        "select spent, reserved from counters where scope = ? and id = ? and window_start = ?", (scope, name, start)
    ).fetchone()
    return (0, 0) if row is None else (row[0], row[1])


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
