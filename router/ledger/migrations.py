"""The schema, as an ordered list of migrations: forward only; a released one is never changed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hidden(module: str) -> Iterator[None]:
    """Inside the block `module` cannot be imported, unless it is loaded already."""
    is_hidden = module not in sys.modules
    if is_hidden:
        sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if is_hidden:
            del sys.modules[module]


# sqlite-utils loads pandas where it is installed, for a part of it that we do not use: half a second.
with hidden("pandas"):
    from sqlite_utils import Database, Migrations

__all__ = ["MIGRATIONS", "Database"]

MIGRATIONS = Migrations("maestro")


@MIGRATIONS()
def m001_money(db: Database) -> None:
    """Lines of money, counters per window, and the processes that hold lines."""
    db.execute(
        """create table lines (
            attempt_id text primary key, reservation_id text not null, run_id text not null,
            team text not null, key_id text not null, model text not null, purpose text not null,
            technique text not null, state text not null, held integer not null, nanodollars integer,
            input_tokens integer, output_tokens integer, cached_input_tokens integer, cache_write_tokens integer,
            reasoning_tokens integer, audio_input_tokens integer, audio_output_tokens integer,
            is_estimated integer not null default 0, seconds real, price text, owner text not null,
            reserved_at real not null, settled_at real, team_window integer, key_window integer
        ) without rowid"""
    )
    db.execute("create index open_lines on lines (owner) where state = 'open'")
    db.execute("create index lines_by_time on lines (settled_at) where state = 'settled'")
    db.execute("create index lines_by_run on lines (run_id)")
    db.execute(
        """create table counters (
            scope text not null, id text not null, window_start integer not null,
            spent integer not null default 0, reserved integer not null default 0,
            primary key (scope, id, window_start)
        ) without rowid"""
    )
    db.execute(
        """create table budgets (
            scope text not null, id text not null, window text not null, nanodollars integer, soft_limit real,
            primary key (scope, id)
        ) without rowid"""
    )
    db.execute("create table owners (id text primary key, alive_at real not null) without rowid")


@MIGRATIONS()
def m002_teams_and_keys(db: Database) -> None:
    """Who may spend, and the audit log of who said so."""
    db.execute(
        "create table teams (id text primary key, created_at real not null, defaults text not null) without rowid"
    )
    db.execute(
        """create table keys (
            id text primary key, hash text not null unique, team text not null, name text not null default '',
            created_at real not null, expires_at real, revoked_at real, scopes text not null
        ) without rowid"""
    )
    db.execute(
        "create table audit (at real not null, actor text not null, act text not null, subject text, detail text)"
    )


@MIGRATIONS()
def m003_runs_and_outcomes(db: Database) -> None:
    """What runs did, and the rows to learn from."""
    db.execute(
        """create table runs (
            id text primary key, team text not null, key_id text not null, created_at real not null,
            finish_reason text, model text, score real, nanodollars integer, seconds real, trace text not null
        ) without rowid"""
    )
    db.execute("create index runs_by_time on runs (created_at)")
    db.execute("create index runs_by_team on runs (team, created_at)")
    db.execute(
        """create table outcomes (
            id integer primary key, run_id text not null, created_at real not null, action text not null,
            propensity real, success real, score real, output_tokens integer, seconds real, row text not null
        )"""
    )
    db.execute("create index outcomes_by_run on outcomes (run_id)")


@MIGRATIONS()
def m004_archive(db: Database) -> None:
    """Sums of charges whose lines were pruned: the books still balance, and reports still see them."""
    db.execute(
        """create table archive (
            day text not null, team text not null, key_id text not null, model text not null, purpose text not null,
            technique text not null, team_window integer, key_window integer, calls integer not null,
            input_tokens integer not null, output_tokens integer not null, nanodollars integer not null,
            estimated_calls integer not null
        )"""
    )
    db.execute("create index archive_by_day on archive (day)")
    db.execute("create index audit_by_time on audit (at)")


@MIGRATIONS()
def m005_notices(db: Database) -> None:
    """What operators were told, once a window."""
    db.execute(
        """create table notices (
            scope text not null, id text not null, window_start integer not null, event text not null,
            claimed_at real not null, told_at real, primary key (scope, id, window_start, event)
        ) without rowid"""
    )


@MIGRATIONS()
def m006_judge_labels(db: Database) -> None:
    """Labelled verdicts of judges, counted: what their error rates are computed from."""
    db.execute(
        """create table judge_labels (
            judge text not null, version text not null, kind text not null, place integer not null,
            truth integer not null, source text not null, labels real not null,
            primary key (judge, version, kind, place, truth, source)
        ) without rowid"""
    )


@MIGRATIONS()
def m007_image_tokens(db: Database) -> None:
    """Tokens of images, which some models charge at a price of their own."""
    db.execute("alter table lines add column image_input_tokens integer")
    db.execute("alter table lines add column image_output_tokens integer")


@MIGRATIONS()
def m008_background_work(db: Database) -> None:
    """Runs and batches that outlive their requests, what was told of them, and the webhooks still to be sent."""
    db.execute(
        """create table tickets (
            id text primary key, kind text not null, team text not null, key_id text not null,
            created_at real not null, expires_at real not null, status text not null, owner text not null,
            request text, caller text not null, shown text not null, cancel_at real, tries integer not null,
            once text, fingerprint text
        ) without rowid"""
    )
    db.execute("create unique index tickets_once on tickets (kind, team, key_id, once) where once is not null")
    db.execute("create index tickets_by_team on tickets (kind, team, created_at)")
    db.execute("create index tickets_by_expiry on tickets (expires_at)")
    db.execute("create index open_tickets on tickets (owner) where status = 'open'")
    db.execute(
        """create table ticket_log (
            ticket_id text not null, number integer not null, at real not null, kind text not null, data text not null,
            primary key (ticket_id, number)
        ) without rowid"""
    )
    db.execute(
        """create table hooks (
            id text primary key, url text not null, secret text not null, event text not null, data text not null,
            tries integer not null, due_at real not null
        ) without rowid"""
    )


@MIGRATIONS()
def m009_profiles_agents_and_feedback(db: Database) -> None:
    """Named configurations of teams in all their versions, and late words on answers."""
    db.execute(
        """create table configs (
            kind text not null, team text not null, name text not null, version integer not null, said text not null,
            created_at real not null, actor text not null, primary key (kind, team, name, version)
        ) without rowid"""
    )
    db.execute(
        """create table feedback (
            id text primary key, run_id text not null, team text not null, key_id text not null,
            created_at real not null, said text not null
        ) without rowid"""
    )
    db.execute("create index feedback_by_run on feedback (run_id, created_at)")
