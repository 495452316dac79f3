"""Sums over outcomes and runs for the visualiser: what actions really did, and what was predicted of runs."""

import sqlite3
from typing import Any

_KIND = """case when json_array_length(row, '$.kinds') = 0 then 'free'
           when exists (select 1 from json_each(row, '$.kinds') where value = 'judge') then 'judged'
           else 'checked' end"""
_SUMS = (
    *("action", "model", "technique", "cluster", "tries", "validated", "satisfied", "usd", "usd_squares"),
    *("seconds", "seconds_squares"),
)
_PREDICTION = (
    *("created_at", "team", "model", "score", "usd", "seconds"),
    *("success", "usd_predicted", "seconds_predicted"),
)


def outcome_sums(db: sqlite3.Connection, team: str | None, limit: int) -> list[dict[str, Any]]:
    """Per action and cluster of tasks: tries, how many were validated and satisfied, sums and squares of usd, seconds.

    Over the latest `limit` outcomes. Clusters: `free` (nothing required), `checked` (by code alone), `judged`.
    """
    rows = db.execute(
        f"""select action, json_extract(row, '$.model') as model, json_extract(row, '$.technique') as technique,
            {_KIND} as cluster, count(*), count(success), coalesce(sum(success), 0),
            sum(json_extract(row, '$.usd')), sum(json_extract(row, '$.usd') * json_extract(row, '$.usd')),
            sum(seconds), sum(seconds * seconds)
            from (select * from outcomes order by id desc limit :limit)
            where :team is null or exists (select 1 from runs where runs.id = run_id and runs.team = :team)
            group by 1, 2, 3, 4 order by 1, 4""",
        {"team": team, "limit": limit},
    ).fetchall()
    return [dict(zip(_SUMS, row, strict=True)) for row in rows]


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
