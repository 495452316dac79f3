"""Stored runs, outcomes, notices and judges' labels on PostgreSQL."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import msgspec
from psycopg import AsyncConnection

from router.ledger.ledger import Account, Notice, RunQuery

_encode = msgspec.json.Encoder(enc_hook=float).encode
"""`enc_hook`: what is left are numpy's numbers."""
_OUTCOME = ("run_id", "action", "propensity", "success", "score", "output_tokens", "seconds")
_RUN = ("id", "team", "key_id", "created_at", "finish_reason", "model", "score", "nanodollars", "seconds")
_LABEL = ("judge", "version", "kind", "place", "truth", "source", "labels")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row to write."""

    statement: LiteralString
    values: tuple[Any, ...] = ()


NOTHING = Entry("select 1")
_INSERT_RUN: LiteralString = """insert into runs (id, team, key_id, created_at, finish_reason, model, score,
    nanodollars, seconds, trace) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict (id) do update set
    team = excluded.team, key_id = excluded.key_id, created_at = excluded.created_at,
    finish_reason = excluded.finish_reason, model = excluded.model, score = excluded.score,
    nanodollars = excluded.nanodollars, seconds = excluded.seconds, trace = excluded.trace"""
_INSERT_OUTCOME: LiteralString = """insert into outcomes (run_id, action, propensity, success, score, output_tokens,
    seconds, created_at, "row") values (%s, %s, %s, %s, %s, %s, %s, %s, %s)"""
_ADD_LABEL: LiteralString = """insert into judge_labels (judge, version, kind, place, truth, source, labels)
    values (%s, %s, %s, %s, %s, %s, %s) on conflict (judge, version, kind, place, truth, source)
    do update set labels = judge_labels.labels + excluded.labels"""


async def write_entries(db: AsyncConnection, entries: Sequence[Entry]) -> Sequence[Any]:
    """All in one transaction and one round trip."""
    async with db.pipeline(), db.transaction():
        for entry in entries:
            await db.execute(entry.statement, entry.values)
    return [None] * len(entries)


def run_entry(run_id: str, account: Account, trace: Mapping[str, Any], now: float) -> Entry:
    """A run's tree; a later word on the same run takes its place."""
    chosen = trace.get("chosen") or {}
    summary = (trace.get("finish_reason"), chosen.get("model"), trace.get("score"), trace.get("nanodollars"))
    values = (run_id, account.team, account.key_id, now, *summary, trace.get("seconds"), _as_json(trace))
    return Entry(_INSERT_RUN, tuple(map(_storable, values)))


def outcome_entry(row: Mapping[str, Any], now: float) -> Entry:
    """A row to learn from."""
    values = (*(row.get(name) for name in _OUTCOME), now, _as_json(row))
    return Entry(_INSERT_OUTCOME, tuple(map(_storable, values)))


def label_entry(row: Mapping[str, Any]) -> Entry:
    """A count of labelled verdicts, to be added to the one that is there."""
    return Entry(_ADD_LABEL, tuple(_storable(row[name]) for name in _LABEL))


async def find_run(db: AsyncConnection, run_id: str) -> dict[str, Any] | None:
    """A stored run's tree with its team and key, or None."""
    cursor = await db.execute("select team, key_id, created_at, trace from runs where id = %s", (_storable(run_id),))
    row = await cursor.fetchone()
    if row is None:
        return None
    return {"team": row[0], "key_id": row[1], "created_at": row[2], **json.loads(row[3])}


async def list_runs(db: AsyncConnection, query: RunQuery) -> list[dict[str, Any]]:
    """Runs without their trees, newest first."""
    cursor = await db.execute(
        """select id, team, key_id, created_at, finish_reason, model, score, nanodollars, seconds from runs
            where (%(team)s::text is null or team = %(team)s) and (%(key)s::text is null or key_id = %(key)s)
            and (%(model)s::text is null or model = %(model)s)
            and (%(since)s::float8 is null or created_at >= %(since)s)
            and (%(before)s::float8 is null or created_at < %(before)s) order by created_at desc limit %(limit)s""",
        {
            "team": query.team,
            "key": query.key_id,
            "model": query.model,
            "since": query.since,
            "before": query.before,
            "limit": query.limit,
        },
    )
    return [_shown(row) for row in await cursor.fetchall()]


async def claim_notice(db: AsyncConnection, notice: Notice, patience_seconds: float, now: float) -> bool:
    """Takes it if nobody has, or if who did has said nothing for so long."""
    cursor = await db.execute(
        """insert into notices as n (scope, id, window_start, event, claimed_at) values (%s, %s, %s, %s, %s)
           on conflict (scope, id, window_start, event) do update set claimed_at = excluded.claimed_at
           where n.told_at is null and abs(excluded.claimed_at - n.claimed_at) > %s""",
        (notice.scope, notice.id, notice.window_start, notice.event, now, patience_seconds),
    )
    return cursor.rowcount > 0


async def confirm_notice(db: AsyncConnection, notice: Notice, now: float) -> None:
    """It was told."""
    await db.execute(
        "update notices set told_at = %s where scope = %s and id = %s and window_start = %s and event = %s",
        (now, notice.scope, notice.id, notice.window_start, notice.event),
    )


async def read_labels(db: AsyncConnection) -> list[dict[str, Any]]:
    """All counts of labelled verdicts."""
    cursor = await db.execute("select judge, version, kind, place, truth, source, labels from judge_labels")
    return [dict(zip(_LABEL, row, strict=True)) for row in await cursor.fetchall()]


def _as_json(value: Mapping[str, Any]) -> str:
    """As text; half of a surrogate pair, which is no UTF-8, is escaped."""
    try:
        return _encode(value).decode()
    except UnicodeEncodeError:
        return json.dumps(value, default=float)


def _storable(value: Any) -> Any:
    """PostgreSQL's text holds no NUL and no half of a surrogate pair."""
    if (isinstance(value, str) and not value.isascii()) or (isinstance(value, str) and "\0" in value):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    return value


def _shown(row: Sequence[Any]) -> dict[str, Any]:
    named = dict(zip(_RUN, row, strict=True))
    key, nanodollars = named.pop("key_id"), named.pop("nanodollars")
    return {**named, "key": key, "usd": None if nanodollars is None else nanodollars / 1e9}
