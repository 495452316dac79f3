"""The books on PostgreSQL: what was spent by whom, whether counters agree with rows, and what may be forgotten."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import AsyncConnection, IsolationLevel, sql

from router.errors import BadRequest
from router.ledger.ledger import DIMENSIONS, Discrepancy, Spend
from router.ledger.sums import CHARGE, bounds, charge_row, total_of, with_usd

_COLUMNS = {"key": "key_id"}
_DAY = sql.SQL("to_char(to_timestamp(settled_at) at time zone 'UTC', 'YYYY-MM-DD')")
_CHARGES = sql.SQL(
    """select {} as day, team, key_id, model, purpose, technique, 1 as calls,
           coalesce(input_tokens, 0) as input_tokens, coalesce(output_tokens, 0) as output_tokens, nanodollars,
           is_estimated as estimated_calls from lines where state = 'settled'
    union all
    select day, team, key_id, model, purpose, technique, calls, input_tokens, output_tokens, nanodollars,
           estimated_calls from archive"""
).format(_DAY)
_WHERE = sql.SQL(
    """(%(since)s::text is null or day >= %(since)s) and (%(until)s::text is null or day <= %(until)s)
       and (%(team)s::text is null or team = %(team)s) and (%(key)s::text is null or key_id = %(key)s)"""
)
_SUMS = sql.SQL(
    """sum(calls)::bigint, sum(input_tokens)::bigint, sum(output_tokens)::bigint, sum(nanodollars)::bigint,
       sum(estimated_calls)::bigint"""
)
_DISAGREE = """
    with summed as (
        select scope, id, begun, sum(spent)::bigint as spent, sum(held)::bigint as held from (
            select 'team' as scope, team as id, team_window as begun,
                case when state = 'settled' then nanodollars else 0 end as spent,
                case when state = 'open' then held else 0 end as held from lines where team <> ''
            union all select 'key', key_id, key_window, case when state = 'settled' then nanodollars else 0 end,
                case when state = 'open' then held else 0 end from lines where key_id <> ''
            union all select 'team', team, team_window, nanodollars, 0 from archive where team <> ''
            union all select 'key', key_id, key_window, nanodollars, 0 from archive where key_id <> ''
        ) x where begun is not null group by scope, id, begun
    )
    select coalesce(c.scope, s.scope), coalesce(c.id, s.id), coalesce(c.window_start, s.begun),
        coalesce(c.spent, 0), coalesce(c.reserved, 0), coalesce(s.spent, 0), coalesce(s.held, 0)
    from counters c full join summed s on c.scope = s.scope and c.id = s.id and c.window_start = s.begun
    where coalesce(c.spent, 0) <> coalesce(s.spent, 0) or coalesce(c.reserved, 0) <> coalesce(s.held, 0)
    order by 1, 2, 3"""


async def spend(db: AsyncConnection, query: Spend) -> list[dict[str, Any]]:
    """Calls, tokens and dollars, summed by these dimensions. Raises BadRequest for an unknown one."""
    unknown = [name for name in query.by if name not in DIMENSIONS]
    if unknown or not query.by:
        raise BadRequest(f"Spend is summed by {', '.join(DIMENSIONS)}, not by {unknown or 'nothing'}.", "by")
    columns = sql.SQL(", ").join(sql.Identifier(_COLUMNS.get(name, name)) for name in query.by)
    statement = sql.SQL("select {}, {} from ({}) x where {} group by {} order by {}").format(
        columns, _SUMS, _CHARGES, _WHERE, columns, _ordered(query.by)
    )
    rows = await (await db.execute(statement, bounds(query))).fetchall()
    names = (*query.by, "calls", "input_tokens", "output_tokens", "nanodollars", "estimated_calls")
    return [with_usd(dict(zip(names, row, strict=True))) for row in rows]


async def list_charges(db: AsyncConnection, query: Spend, limit: int) -> list[dict[str, Any]]:
    """The settled lines, newest first."""
    names = sql.SQL(", ").join(map(sql.Identifier, CHARGE))
    statement = sql.SQL(
        "select {} from (select *, {} as day from lines where state = 'settled') x where {}"
        " order by settled_at desc limit %(limit)s"
    ).format(names, _DAY, _WHERE)
    rows = await (await db.execute(statement, {**bounds(query), "limit": limit})).fetchall()
    return [charge_row(row) for row in rows]


async def totals(db: AsyncConnection) -> Mapping[str, Any]:
    """Sums over all settled and estimated charges, and the same by team."""
    whole = await (await db.execute(sql.SQL("select {} from ({}) x").format(_SUMS, _CHARGES))).fetchone()
    by_team = sql.SQL("select team, {} from ({}) x where team <> '' group by team order by team")
    teams = await (await db.execute(by_team.format(_SUMS, _CHARGES))).fetchall()
    return {**total_of(whole or ()), "teams": {team: total_of(sums) for team, *sums in teams}}


async def check(db: AsyncConnection) -> list[Discrepancy]:
    """Every counter against the sum of its rows: spent = charges + archive, reserved = open holds; in one snapshot."""
    rows = await (await db.execute(_DISAGREE)).fetchall()
    return [
        Discrepancy(scope, name, start, (spent, reserved), (charged, held))
        for scope, name, start, spent, reserved, charged, held in rows
    ]


async def prune(db: AsyncConnection, keep_days: int, now: float) -> Mapping[str, int]:
    """Archives charges, and forgets runs, outcomes and audit entries, older than `keep_days`; how many of each."""
    before = (datetime.fromtimestamp(now, UTC) - timedelta(days=keep_days)).timestamp()
    counts: dict[str, int] = {}
    await db.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    async with db.transaction():
        await db.execute("lock table lines in share row exclusive mode")
        await db.execute(
            """insert into archive select to_char(to_timestamp(settled_at) at time zone 'UTC', 'YYYY-MM-DD'), team,
                key_id, model, purpose, technique, team_window, key_window, count(*),
                coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0), sum(nanodollars), sum(is_estimated)
                from lines where state = 'settled' and settled_at < %s group by 1, 2, 3, 4, 5, 6, 7, 8""",
            (before,),
        )
        cursor = await db.execute("delete from lines where state = 'settled' and settled_at < %s", (before,))
        counts["lines"] = cursor.rowcount
    async with db.transaction():
        counts["runs"] = (await db.execute("delete from runs where created_at < %s", (before,))).rowcount
        counts["outcomes"] = (await db.execute("delete from outcomes where created_at < %s", (before,))).rowcount
        counts["audit"] = (await db.execute("delete from audit where at < %s", (before,))).rowcount
    return counts


def _ordered(names: Sequence[str]) -> sql.Composed:
    """In order of bytes, as the embedded ledger's reports are."""
    return sql.SQL(", ").join(
        sql.SQL('{} collate "C"').format(sql.Identifier(_COLUMNS.get(name, name))) for name in names
    )
