"""Sums over outcomes and runs for the visualiser, as SQLite's `statements/figures.py` has them."""

from typing import Any, LiteralString

from psycopg import AsyncConnection

from router.ledger.ledger import OutcomeQuery, Topic
from router.ledger.statements.figures import PLAN_SUMS, outcome_of

_SUMS = (
    *("action", "model", "technique", "cluster", "tries", "validated", "satisfied", "usd", "usd_squares"),
    *("seconds", "seconds_squares"),
)
_PREDICTION = (
    "created_at",
    "team",
    "model",
    "score",
    "usd",
    "seconds",
    "success",
    "usd_predicted",
    "seconds_predicted",
)
_OUTCOMES: LiteralString = """select o.id, o.created_at, coalesce(r.team, ''), (r.trace::jsonb -> 'request')::text,
    (r.trace::jsonb #> '{waves,0,alternatives}')::text, o."row"
    from outcomes o left join runs r on r.id = o.run_id where o.id > %(after)s
    and (%(since)s::float8 is null or o.created_at >= %(since)s) and (%(team)s::text is null or r.team = %(team)s)"""
_NEWEST: LiteralString = " order by o.id desc limit %(limit)s"
_OLDEST: LiteralString = " order by o.id limit %(limit)s"


async def outcome_sums(
    db: AsyncConnection[Any], team: str | None, topic: Topic | None, limit: int
) -> list[dict[str, Any]]:
    """Per action and cluster of tasks: tries, validated, satisfied, sums and squares of usd and seconds."""
    cursor = await db.execute(
        """with latest as (
               select action, success, seconds, run_id, "row"::jsonb as said from outcomes
               order by id desc limit %(limit)s
           ), told as (
               select *, (said->>'usd')::float8 as usd,
               case when jsonb_array_length(coalesce(said->'kinds', '[]')) = 0 then 'free'
                    when said->'kinds' ? 'judge' then 'judged' else 'checked' end as cluster
               from latest where (%(team)s::text is null
               or exists (select 1 from runs where runs.id = run_id and runs.team = %(team)s))
               and (%(basis)s::text is null or run_id in (
                   select id from (
                       select id, trace::jsonb->'request' as asked from runs order by created_at desc limit 10000
                   ) as newest where asked->>'basis' = %(basis)s
                   and ((asked#>>'{demand,0}')::float8 > 0)::int + 2 * ((asked#>>'{demand,1}')::float8 > 0)::int
                   + 4 * ((asked#>>'{demand,2}')::float8 > 0)::int = %(topic)s))
           )
           select action, said->>'model', said->>'technique', cluster, count(*), count(success),
           coalesce(sum(success), 0), sum(usd), sum(usd * usd), sum(seconds), sum(seconds * seconds)
           from told group by 1, 2, 3, 4 order by 1, 4""",
        {"team": team, "limit": limit, "basis": topic and topic.basis, "topic": topic and topic.number},
    )
    return [dict(zip(_SUMS, row, strict=True)) for row in await cursor.fetchall()]


async def plan_sums(db: AsyncConnection[Any], team: str | None, limit: int) -> list[dict[str, Any]]:
    """What whole runs came to, per operating point, cluster and topic."""
    cursor = await db.execute(
        """with latest as (
               select score, coalesce(nanodollars, 0) / 1e9::float8 as usd, coalesce(seconds, 0)::float8 as seconds,
               trace::jsonb->'request' as said from runs
               where %(team)s::text is null or team = %(team)s order by created_at desc limit %(limit)s
           )
           select (said->>'usd_value')::float8, (said->>'seconds_value')::float8,
           case when jsonb_array_length(coalesce(said->'kinds', '[]')) = 0 then 'free'
                when said->'kinds' ? 'judge' then 'judged' else 'checked' end,
           said->>'basis',
           ((said#>>'{demand,0}')::float8 > 0)::int + 2 * ((said#>>'{demand,1}')::float8 > 0)::int
           + 4 * ((said#>>'{demand,2}')::float8 > 0)::int,
           count(*), count(score), count(*) filter (where score >= 1.0), sum(usd), sum(usd * usd), sum(seconds),
           sum(seconds * seconds)
           from latest where said->>'usd_value' is not null and said->>'seconds_value' is not null
           group by 1, 2, 3, 4, 5 order by 1 desc, 2 desc""",
        {"team": team, "limit": limit},
    )
    return [dict(zip(PLAN_SUMS, row, strict=True)) for row in await cursor.fetchall()]


async def outcomes(db: AsyncConnection[Any], query: OutcomeQuery) -> list[dict[str, Any]]:
    """Outcomes with what their runs keep, oldest first."""
    bounds = {"after": query.after, "since": query.since, "team": query.team, "limit": query.limit}
    cursor = await db.execute(_OUTCOMES + (_NEWEST if query.newest else _OLDEST), bounds)
    return sorted(map(outcome_of, await cursor.fetchall()), key=lambda row: int(row["id"]))


async def predictions(db: AsyncConnection[Any], team: str | None, limit: int) -> list[dict[str, Any]]:
    """What was predicted of the latest runs, and what came of them."""
    cursor = await db.execute(
        """select created_at, team, model, score, nanodollars / 1e9::float8, seconds,
           (trace::jsonb #>> '{predicted,success}')::float8, (trace::jsonb #>> '{predicted,usd}')::float8,
           (trace::jsonb #>> '{predicted,seconds}')::float8 from runs
           where %(team)s::text is null or team = %(team)s order by created_at desc limit %(limit)s""",
        {"team": team, "limit": limit},
    )
    return [dict(zip(_PREDICTION, row, strict=True)) for row in await cursor.fetchall()]
