"""Sums over outcomes and runs for the visualiser: what actions really did, and what was predicted of runs."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from router.ledger.ledger import OutcomeQuery, Topic

_TOPIC = """(json_extract({said}, '$.demand[0]') > 0) + 2 * (json_extract({said}, '$.demand[1]') > 0)
           + 4 * (json_extract({said}, '$.demand[2]') > 0)"""
"""As `action_model.online.cluster_of` has it; null where no demand was kept."""
_KIND = """case when json_array_length(row, '$.kinds') = 0 then 'free'
           when exists (select 1 from json_each(row, '$.kinds') where value = 'judge') then 'judged'
           else 'checked' end"""
_SUMS = (
    *("action", "model", "technique", "cluster", "tries", "validated", "satisfied", "usd", "usd_squares"),
    *("seconds", "seconds_squares"),
)
PLAN_SUMS = (
    *("usd_value", "seconds_value", "cluster", "basis", "topic", "tries", "validated", "satisfied"),
    *("usd", "usd_squares", "seconds", "seconds_squares"),
)
_PREDICTION = (
    *("created_at", "team", "model", "score", "usd", "seconds"),
    *("success", "usd_predicted", "seconds_predicted"),
)


def outcome_sums(db: sqlite3.Connection, team: str | None, topic: Topic | None, limit: int) -> list[dict[str, Any]]:
    """Per action and cluster of tasks: tries, how many were validated and satisfied, sums and squares of usd, seconds.

    Over the latest `limit` outcomes. Clusters: `free` (nothing required), `checked` (by code alone), `judged`.
    """
    rows = db.execute(
        f"""select action, json_extract(row, '$.model') as model, json_extract(row, '$.technique') as technique,
            {_KIND} as cluster, count(*), count(success), coalesce(sum(success), 0),
            sum(json_extract(row, '$.usd')), sum(json_extract(row, '$.usd') * json_extract(row, '$.usd')),
            sum(seconds), sum(seconds * seconds)
            from (select * from outcomes order by id desc limit :limit)
            where (:team is null or exists (select 1 from runs where runs.id = run_id and runs.team = :team))
            and (:basis is null or run_id in (select id from (select id, json_extract(trace, '$.request') as said
                from runs order by created_at desc limit 10000)
                where json_extract(said, '$.basis') = :basis and {_TOPIC.format(said="said")} = :topic))
            group by 1, 2, 3, 4 order by 1, 4""",
        {"team": team, "limit": limit, "basis": topic and topic.basis, "topic": topic and topic.number},
    ).fetchall()
    return [dict(zip(_SUMS, row, strict=True)) for row in rows]


def plan_sums(db: sqlite3.Connection, team: str | None, limit: int) -> list[dict[str, Any]]:
    """Of the latest runs that say what money and time were worth to them: sums and squares per operating point, cluster
    and topic."""
    rows = db.execute(
        f"""select json_extract(said, '$.usd_value'), json_extract(said, '$.seconds_value'),
            {_KIND.replace("row", "said")} as cluster, json_extract(said, '$.basis'), {_TOPIC.format(said="said")},
            count(*), count(score), coalesce(sum(score >= 1.0), 0), sum(usd), sum(usd * usd), sum(seconds),
            sum(seconds * seconds)
            from (select score, coalesce(nanodollars, 0) / 1e9 as usd, coalesce(seconds, 0.0) as seconds,
                  json_extract(trace, '$.request') as said from runs
                  where :team is null or team = :team order by created_at desc limit :limit)
            where json_extract(said, '$.usd_value') is not null and json_extract(said, '$.seconds_value') is not null
            group by 1, 2, 3, 4, 5 order by 1 desc, 2 desc""",
        {"team": team, "limit": limit},
    ).fetchall()
    return [dict(zip(PLAN_SUMS, row, strict=True)) for row in rows]


def outcomes(db: sqlite3.Connection, query: OutcomeQuery) -> list[dict[str, Any]]:
    """Outcomes with what their runs keep, oldest first."""
    order = "desc" if query.newest else "asc"
    rows = db.execute(
        f"""select o.id, o.created_at, coalesce(r.team, ''), json_extract(r.trace, '$.request'),
            json_extract(r.trace, '$.waves[0].alternatives'), o.row
            from outcomes o left join runs r on r.id = o.run_id where o.id > :after
            and (:since is null or o.created_at >= :since) and (:team is null or r.team = :team)
            order by o.id {order} limit :limit""",
        {"after": query.after, "since": query.since, "team": query.team, "limit": query.limit},
    ).fetchall()
    return sorted(map(outcome_of, rows), key=lambda row: int(row["id"]))


def outcome_of(row: Sequence[Any]) -> dict[str, Any]:
    """A row of (id, created_at, team, request, alternatives, row), the last three as JSON."""
    number, created_at, team, request, alternatives, said = row
    kept = {"request": json.loads(request or "{}"), "alternatives": json.loads(alternatives or "[]")}
    return {**json.loads(said), **kept, "id": number, "created_at": created_at, "team": team}


def predictions(db: sqlite3.Connection, team: str | None, limit: int) -> list[dict[str, Any]]:
    """What was predicted of the latest runs, and what came of them."""
    rows = db.execute(
        """select created_at, team, model, score, nanodollars / 1e9, seconds,
           json_extract(trace, '$.predicted.success'),
           json_extract(trace, '$.predicted.usd'), json_extract(trace, '$.predicted.seconds') from runs
           where :team is null or team = :team order by created_at desc limit :limit""",
        {"team": team, "limit": limit},
    ).fetchall()
    return [dict(zip(_PREDICTION, row, strict=True)) for row in rows]
