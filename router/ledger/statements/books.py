"""The books: what was spent by whom, whether the counters agree with the rows, and what may be forgotten."""

import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from router.errors import BadRequest
from router.ledger.ledger import DIMENSIONS, Discrepancy, Spend
from router.ledger.sums import CHARGE, bounds, charge_row, total_of, with_usd

_COLUMNS = {"key": "key_id"}
_CHARGES = """
    select date(settled_at, 'unixepoch') as day, team, key_id, model, purpose, technique, 1 as calls,
           coalesce(input_tokens, 0) as input_tokens, coalesce(output_tokens, 0) as output_tokens, nanodollars,
           is_estimated as estimated_calls from lines where state = 'settled'
    union all
    select day, team, key_id, model, purpose, technique, calls, input_tokens, output_tokens, nanodollars,
           estimated_calls from archive"""
_WHERE = """(:since is null or day >= :since) and (:until is null or day <= :until)
            and (:team is null or team = :team) and (:key is null or key_id = :key)"""
_ROWS = " union all ".join(
    f"""select '{scope}', {column}, {window}, {money} from {table}
        where {column} != '' and {window} is not null group by {column}, {window}"""
    for scope, column, window in (("team", "team", "team_window"), ("key", "key_id", "key_window"))
    for table, money in (
        ("lines", "sum(iif(state = 'settled', nanodollars, 0)), sum(iif(state = 'open', held, 0))"),
        ("archive", "sum(nanodollars), 0"),
    )
)
_SUMS = "sum(calls), sum(input_tokens), sum(output_tokens), sum(nanodollars), sum(estimated_calls)"


def spend(db: sqlite3.Connection, query: Spend) -> list[dict[str, Any]]:
    """Calls, tokens and dollars, summed by these dimensions. Raises BadRequest for an unknown one."""
    unknown = [name for name in query.by if name not in DIMENSIONS]
    if unknown or not query.by:
        raise BadRequest(f"Spend is summed by {', '.join(DIMENSIONS)}, not by {unknown or 'nothing'}.", "by")
    columns = ", ".join(_COLUMNS.get(name, name) for name in query.by)
    rows = db.execute(
        f"select {columns}, {_SUMS} from ({_CHARGES}) where {_WHERE} group by {columns} order by {columns}",
        bounds(query),
    ).fetchall()
    names = (*query.by, "calls", "input_tokens", "output_tokens", "nanodollars", "estimated_calls")
    return [with_usd(dict(zip(names, row, strict=True))) for row in rows]


def list_charges(db: sqlite3.Connection, query: Spend, limit: int) -> list[dict[str, Any]]:
    """The settled lines, newest first."""
    rows = db.execute(
        f"""select {", ".join(CHARGE)} from (
            select *, date(settled_at, 'unixepoch') as day from lines where state = 'settled'
        ) where {_WHERE} order by settled_at desc limit :limit""",
        {**bounds(query), "limit": limit},
    ).fetchall()
    return [charge_row(row) for row in rows]


def totals(db: sqlite3.Connection) -> Mapping[str, Any]:
    """Sums over all settled and estimated charges, and the same by team."""
    whole = db.execute(f"select {_SUMS} from ({_CHARGES})").fetchone()
    teams = db.execute(
        f"select team, {_SUMS} from ({_CHARGES}) where team != '' group by team order by team"
    ).fetchall()
    return {**total_of(whole), "teams": {team: total_of(sums) for team, *sums in teams}}


def check(db: sqlite3.Connection) -> list[Discrepancy]:
    """Every counter against the sum of its rows: spent = charges + archive, reserved = open holds."""
    counted: dict[tuple[str, str, int], tuple[int, int]] = {
        (scope, name, start): (spent, reserved)
        for scope, name, start, spent, reserved in db.execute("select * from counters")
    }
    summed: dict[tuple[str, str, int], tuple[int, int]] = {}
    for scope, name, start, spent, reserved in db.execute(_ROWS):
        before = summed.get((scope, name, start), (0, 0))
        summed[scope, name, start] = (before[0] + spent, before[1] + reserved)
    nothing = (0, 0)
    return [
        Discrepancy(*place, counted.get(place, nothing), summed.get(place, nothing))
        for place in sorted(counted.keys() | summed.keys())
        if counted.get(place, nothing) != summed.get(place, nothing)
    ]


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
