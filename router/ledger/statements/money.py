"""The statements that move money, each run inside the writer's transaction. They check before they write."""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Literal

from router.errors import BudgetExceeded, BudgetReserved, Limit
from router.ledger.ledger import Account, Charge, Line, Reservation, Standing
from router.ledger.windows import window_end, window_start

Scope = Literal["team", "key"]
SCOPES: tuple[Scope, Scope] = ("team", "key")
STANDING = """
    select b.window, b.nanodollars, b.soft_limit, coalesce(c.spent, 0), coalesce(c.reserved, 0)
    from (select coalesce(w.window, 'total') as window, w.nanodollars, w.soft_limit,
                 case w.window when 'day' then ? when 'week' then ? when 'month' then ? else 0 end as start
          from (select 1) left join budgets w on w.scope = ? and w.id = ?) b
    left join counters c on c.scope = ? and c.id = ? and c.window_start = b.start"""
COUNT = """
    insert into counters (scope, id, window_start, spent, reserved) values (?, ?, ?, 0, ?)
    on conflict do update set reserved = reserved + excluded.reserved"""


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that holds lines, and the time."""

    id: str
    now: float


def read_standings(db: sqlite3.Connection, account: Account, now: float) -> tuple[Standing, ...]:
    """Team's and key's money in the window that holds `now`."""
    named = [(scope, name) for scope, name in zip(SCOPES, (account.team, account.key_id), strict=True) if name]
    starts = tuple(window_start(window, now) for window in ("day", "week", "month"))
    rows = [db.execute(STANDING, (*starts, scope, name, scope, name)).fetchone() for scope, name in named]
    return tuple(
        Standing(scope, name, window, limit, spent, reserved, window_end(window, window_start(window, now)), soft)
        for (scope, name), (window, limit, soft, spent, reserved) in zip(named, rows, strict=True)
    )


def reserve(db: sqlite3.Connection, reservation: Reservation, owner: Owner) -> None:
    """Holds the sum of the lines against team and key, or raises and holds nothing."""
    needed = sum(line.nanodollars for line in reservation.lines)
    standings = read_standings(db, reservation.account, owner.now)
    for standing in standings:
        _require(standing, needed)
    starts = {standing.scope: window_start(standing.window, owner.now) for standing in standings}
    db.executemany(COUNT, [(scope.scope, scope.id, starts[scope.scope], needed) for scope in standings])
    _insert(db, reservation, owner, starts)


def settle(db: sqlite3.Connection, charge: Charge, now: float) -> None:
    """Replaces a line's hold by its charge; a line settled before stays as it is."""
    row = db.execute(
        """update lines set state = 'settled', nanodollars = ?, input_tokens = ?, output_tokens = ?,
           cached_input_tokens = ?, cache_write_tokens = ?, reasoning_tokens = ?, audio_input_tokens = ?,
           audio_output_tokens = ?, image_input_tokens = ?, image_output_tokens = ?, is_estimated = ?, seconds = ?,
           price = ?, settled_at = ?
           where attempt_id = ? and state = 'open' returning team, key_id, team_window, key_window, held""",
        (
            charge.nanodollars,
            *astuple(charge.usage),
            int(charge.is_estimated),
            charge.seconds,
            json.dumps(dict(charge.price)) if charge.price else None,
            now,
            charge.attempt_id,
        ),
    ).fetchone()
    if row is not None:
        _move(db, row, charge.nanodollars)


def release(db: sqlite3.Connection, attempt_ids: Sequence[str]) -> None:
    """Gives back holds that were never billed: as if they had not been."""
    for attempt_id in attempt_ids:
        row = db.execute(
            "delete from lines where attempt_id = ? and state = 'open'"
            " returning team, key_id, team_window, key_window, held",
            (attempt_id,),
        ).fetchone()
        if row is not None:
            _move(db, row, 0)


def settle_orphans(db: sqlite3.Connection, owner: Owner, is_gone: Callable[[str, float], bool]) -> int:
    """Settles the open lines of processes that are gone at their worst case, flagged as estimated; how many."""
    holders = db.execute(
        """select distinct lines.owner, coalesce(owners.alive_at, 0) from lines
           left join owners on owners.id = lines.owner where lines.state = 'open' and lines.owner != ?""",
        (owner.id,),
    ).fetchall()
    gone = [name for name, alive_at in holders if is_gone(name, alive_at)]
    count = 0
    for name in gone:
        rows = db.execute(
            "select attempt_id, team, key_id, team_window, key_window, held from lines"
            " where owner = ? and state = 'open'",
            (name,),
        ).fetchall()
        for attempt_id, *row in rows:
            db.execute(
                "update lines set state = 'settled', nanodollars = held, is_estimated = 1, settled_at = ?"
                " where attempt_id = ?",
                (owner.now, attempt_id),
            )
            _move(db, tuple(row), row[-1])
        count += len(rows)
    return count


def _require(standing: Standing, needed: int) -> None:
    if standing.limit is None or standing.spent + standing.reserved + needed <= standing.limit:
        return
    limit = Limit(
        standing.scope,
        standing.id,
        standing.window,
        standing.limit,
        standing.spent,
        standing.reserved,
        standing.resets_at,
    )
    if standing.spent + needed <= standing.limit:
        raise BudgetReserved(
            f"The budget of {standing.scope} '{standing.id}' is held by requests in flight; try again soon.", limit
        )
    raise BudgetExceeded(f"The budget of {standing.scope} '{standing.id}' is spent.", limit)


def _insert(db: sqlite3.Connection, reservation: Reservation, owner: Owner, starts: Mapping[Scope, int]) -> None:
    account = reservation.account
    db.executemany(
        """insert into lines (attempt_id, reservation_id, run_id, team, key_id, model, purpose, technique, state,
           held, owner, reserved_at, team_window, key_window) values (?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?, ?, ?, ?)""",
        [_row(reservation, line, owner, starts, account) for line in reservation.lines],
    )


def _row(
    reservation: Reservation, line: Line, owner: Owner, starts: Mapping[Scope, int], account: Account
) -> tuple[object, ...]:
    return (
        line.attempt_id,
        reservation.id,
        reservation.run_id,
        account.team,
        account.key_id,
        line.model,
        line.purpose,
        line.technique,
        line.nanodollars,
        owner.id,
        owner.now,
        starts.get("team"),
        starts.get("key"),
    )


def _move(db: sqlite3.Connection, row: tuple[object, ...], nanodollars: int) -> None:
    """From reserved to spent, in the windows where the hold was made."""
    team, key_id, team_window, key_window, held = row
    scopes = (("team", team, team_window), ("key", key_id, key_window))
    db.executemany(
        "update counters set spent = spent + ?, reserved = reserved - ?"
        " where scope = ? and id = ? and window_start = ?",
        [(nanodollars, held, scope, name, start) for scope, name, start in scopes if name and start is not None],
    )
