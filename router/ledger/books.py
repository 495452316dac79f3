"""The books: what was spent by whom, whether the counters agree with the rows, and what may be forgotten."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from router.errors import BadRequest

DIMENSIONS = ("team", "key", "model", "purpose", "technique", "day")
_COLUMNS = {"key": "key_id"}
_CHARGES = """
    select date(settled_at, 'unixepoch') as day, team, key_id, model, purpose, technique, 1 as calls,
           coalesce(input_tokens, 0) as input_tokens, coalesce(output_tokens, 0) as output_tokens, nanodollars,
           is_estimated as estimated_calls from lines where state = 'settled'
    union all
    select day, team, key_id, model, purpose, technique, calls, input_tokens, output_tokens, nanodollars,
           estimated_calls from archive"""
_SUMS = "sum(calls), sum(input_tokens), sum(output_tokens), sum(nanodollars), sum(estimated_calls)"


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A counter that does not agree with its rows, in nanodollars."""

    scope: str
    id: str
    window_start: int
    counted: tuple[int, int]
    summed: tuple[int, int]


def spend(
    db: sqlite3.Connection, by: Sequence[str], since: str | None = None, team: str | None = None
) -> list[dict[str, Any]]:
    """Calls, tokens and dollars, summed by these dimensions. Raises BadRequest for an unknown one."""
    unknown = [name for name in by if name not in DIMENSIONS]
    if unknown or not by:
        raise BadRequest(f"Spend is summed by {', '.join(DIMENSIONS)}, not by {unknown or 'nothing'}.", "by")
    columns = ", ".join(_COLUMNS.get(name, name) for name in by)
    rows = db.execute(
        f"""select {columns}, {_SUMS} from ({_CHARGES}) where (? is null or day >= ?) and (? is null or team = ?)
            group by {columns} order by {columns}""",
        (since, since, team, team),
    ).fetchall()
    names = (*by, "calls", "input_tokens", "output_tokens", "nanodollars", "estimated_calls")
    return [_with_usd(dict(zip(names, row, strict=True))) for row in rows]


def totals(db: sqlite3.Connection) -> Mapping[str, Any]:
    """Sums over all settled and estimated charges, and the same by team."""
    whole = db.execute(f"select {_SUMS} from ({_CHARGES})").fetchone()
    teams = db.execute(
        f"select team, {_SUMS} from ({_CHARGES}) where team != '' group by team order by team"
    ).fetchall()
    return {**_total(whole), "teams": {team: _total(sums) for team, *sums in teams}}


def check(db: sqlite3.Connection) -> list[Discrepancy]:
    """Every counter against the sum of its rows: spent = charges + archive, reserved = open holds."""
    found = []
    for scope, name, start, spent, reserved in db.execute("select * from counters").fetchall():
        column, window = ("team", "team_window") if scope == "team" else ("key_id", "key_window")
        charged, held = db.execute(
            f"""select coalesce(sum(case when state = 'settled' then nanodollars end), 0),
                coalesce(sum(case when state = 'open' then held end), 0)
                from lines where {column} = ? and {window} = ?""",
            (name, start),
        ).fetchone()
        archived = db.execute(
            f"select coalesce(sum(nanodollars), 0) from archive where {column} = ? and {window} = ?", (name, start)
        ).fetchone()[0]
        if (spent, reserved) != (charged + archived, held):
            found.append(Discrepancy(scope, name, start, (spent, reserved), (charged + archived, held)))
    return found


def prune(db: sqlite3.Connection, keep_days: int, now: float) -> Mapping[str, int]:
    """Archives charges, and forgets runs, outcomes and audit entries, older than `keep_days`; how many of each."""
    before = (datetime.fromtimestamp(now, UTC) - timedelta(days=keep_days)).timestamp()
    db.execute(
        """insert into archive select date(settled_at, 'unixepoch'), team, key_id, model, purpose, technique,
            team_window, key_window, count(*), coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0),
            sum(nanodollars), sum(is_estimated) from lines where state = 'settled' and settled_at < ?
            group by 1, 2, 3, 4, 5, 6, 7, 8""",
        (before,),
    )
    counts = {"lines": db.execute("delete from lines where state = 'settled' and settled_at < ?", (before,)).rowcount}
    for table in ("runs", "outcomes"):
        counts[table] = db.execute(f"delete from {table} where created_at < ?", (before,)).rowcount
    counts["audit"] = db.execute("delete from audit where at < ?", (before,)).rowcount
    return counts


def read_audit(db: sqlite3.Connection, limit: int = 200) -> list[dict[str, Any]]:
    """The latest acts of admins, newest first."""
    rows = db.execute("select at, actor, act, subject, detail from audit order by at desc limit ?", (limit,)).fetchall()
    return [dict(zip(("at", "actor", "act", "subject", "detail"), row, strict=True)) for row in rows]


def _with_usd(row: dict[str, Any]) -> dict[str, Any]:
    nanodollars = row.pop("nanodollars")
    return {**row, "usd": nanodollars / 1e9}


def _total(sums: Sequence[int | None]) -> dict[str, Any]:
    calls, asked, answered, nanodollars, estimated = (value or 0 for value in sums)
    return {
        "calls": calls,
        "input_tokens": asked,
        "output_tokens": answered,
        "usd": nanodollars / 1e9,
        "estimated_calls": estimated,
    }
