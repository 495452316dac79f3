"""The statements behind stored runs, outcomes and notices."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from router.ledger.ledger import Account, Notice, RunQuery

_encode = msgspec.json.Encoder(enc_hook=float).encode
"""`enc_hook`: what is left are numpy's numbers."""
_OUTCOME = ("run_id", "action", "propensity", "success", "score", "output_tokens", "seconds")
_RUN = ("id", "team", "key_id", "created_at", "finish_reason", "model", "score", "nanodollars", "seconds")


def insert_run(db: sqlite3.Connection, run_id: str, account: Account, trace: Mapping[str, Any], now: float) -> None:
    """Stores a run's tree; a later word on the same run takes its place."""
    chosen = trace.get("chosen") or {}
    summary = (trace.get("finish_reason"), chosen.get("model"), trace.get("score"), trace.get("nanodollars"))
    db.execute(
        f"insert or replace into runs ({', '.join(_RUN)}, trace) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (run_id, account.team, account.key_id, now, *summary, trace.get("seconds"), _encode(trace).decode()),
    )


def find_run(db: sqlite3.Connection, run_id: str) -> dict[str, Any] | None:
    """A stored run's tree with its team and key, or None."""
    row = db.execute("select team, key_id, created_at, trace from runs where id = ?", (run_id,)).fetchone()
    if row is None:
        return None
    return {"team": row[0], "key_id": row[1], "created_at": row[2], **json.loads(row[3])}


def list_runs(db: sqlite3.Connection, query: RunQuery) -> list[dict[str, Any]]:
    """Runs without their trees, newest first."""
    bounds = {
        "team": query.team,
        "key": query.key_id,
        "model": query.model,
        "since": query.since,
        "before": query.before,
        "limit": query.limit,
    }
    rows = db.execute(
        f"""select {", ".join(_RUN)} from runs
            where (:team is null or team = :team) and (:key is null or key_id = :key)
            and (:model is null or model = :model) and (:since is null or created_at >= :since)
            and (:before is null or created_at < :before) order by created_at desc limit :limit""",
        bounds,
    ).fetchall()
    return [_shown(row) for row in rows]


def insert_outcomes(db: sqlite3.Connection, rows: Sequence[Mapping[str, Any]], now: float) -> None:
    """Stores rows to learn from."""
    db.executemany(
        f"insert into outcomes ({', '.join(_OUTCOME)}, created_at, row) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(*(row.get(name) for name in _OUTCOME), now, _encode(row).decode()) for row in rows],
    )


def claim_notice(db: sqlite3.Connection, notice: Notice, patience_seconds: float, now: float) -> bool:
    """Takes it if nobody has, or if who did has said nothing for so long."""
    name = (notice.scope, notice.id, notice.window_start, notice.event)
    return bool(
        db.execute(
            """insert into notices (scope, id, window_start, event, claimed_at) values (?, ?, ?, ?, ?)
               on conflict do update set claimed_at = excluded.claimed_at
               where told_at is null and abs(excluded.claimed_at - claimed_at) > ?""",
            (*name, now, patience_seconds),
        ).rowcount
    )


def confirm_notice(db: sqlite3.Connection, notice: Notice, now: float) -> None:
    """It was told."""
    db.execute(
        "update notices set told_at = ? where scope = ? and id = ? and window_start = ? and event = ?",
        (now, notice.scope, notice.id, notice.window_start, notice.event),
    )


def _shown(row: Sequence[Any]) -> dict[str, Any]:
    named = dict(zip(_RUN, row, strict=True))
    key, nanodollars = named.pop("key_id"), named.pop("nanodollars")
    return {**named, "key": key, "usd": None if nanodollars is None else nanodollars / 1e9}
