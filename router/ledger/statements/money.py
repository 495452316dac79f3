"""The statements that move money, each run inside the writer's transaction. They check before they write."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Literal

import msgspec

from action_model.prices import Usage
from router.errors import BudgetExceeded, BudgetReserved, Limit
from router.ledger.ledger import Account, Charge, Reservation, Standing
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
    insert into counters (scope, id, window_start, spent, reserved) values (?, ?, ?, ?, ?)
    on conflict do update set spent = spent + excluded.spent, reserved = reserved + excluded.reserved"""
MOVE = """
    update counters set spent = spent + ?, reserved = reserved + ? where scope = ? and id = ? and window_start = ?"""
INSERT = """
    insert into lines (attempt_id, reservation_id, run_id, team, key_id, model, purpose, technique, state,
    held, owner, reserved_at, team_window, key_window) values (?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?, ?, ?, ?)"""
SETTLE = """
    update lines set state = 'settled', nanodollars = ?, input_tokens = ?, output_tokens = ?,
    cached_input_tokens = ?, cache_write_tokens = ?, reasoning_tokens = ?, audio_input_tokens = ?,
    audio_output_tokens = ?, image_input_tokens = ?, image_output_tokens = ?, is_estimated = ?, seconds = ?,
    price = ?, settled_at = ?
    where attempt_id = ? and state = 'open' returning team, key_id, team_window, key_window, held"""
DELETE = """
    delete from lines where attempt_id = ? and state = 'open'
    returning team, key_id, team_window, key_window, held"""
LineRow = tuple[str, str, int | None, int | None, int]
"""Of a line: team, key, where their windows began, and what was held."""

_tokens = attrgetter(*Usage.__struct_fields__)


class Owner(msgspec.Struct, frozen=True):
    """The process that holds lines, and the time."""

    id: str
    now: float


def read_standings(db: sqlite3.Connection, account: Account, now: float) -> tuple[Standing, ...]:
    """Team's and key's money in the window that holds `now`."""
    named = zip(SCOPES, (account.team, account.key_id), strict=True)
    return tuple(read_standing(db, scope, name, now) for scope, name in named if name)


def read_standing(db: sqlite3.Connection, scope: Scope, name: str, now: float) -> Standing:
    """A team's or key's money in the window that holds `now`."""
    starts = (window_start("day", now), window_start("week", now), window_start("month", now))
    window, limit, soft, spent, reserved = db.execute(STANDING, (*starts, scope, name, scope, name)).fetchone()
    return Standing(scope, name, window, limit, spent, reserved, window_end(window, window_start(window, now)), soft)


def reserve(db: sqlite3.Connection, reservation: Reservation, owner: Owner) -> None:
    """Holds the sum of the lines against team and key, or raises and holds nothing."""
    needed = sum(line.nanodollars for line in reservation.lines)
    standings = read_standings(db, reservation.account, owner.now)
    for standing in standings:
        require(standing, needed)
    starts = {standing.scope: window_start(standing.window, owner.now) for standing in standings}
    db.executemany(COUNT, [(scope.scope, scope.id, starts[scope.scope], 0, needed) for scope in standings])
    insert_lines(db, reservation, owner, starts)


def settle(db: sqlite3.Connection, charge: Charge, now: float) -> None:
    """Replaces a line's hold by its charge; a line settled before stays as it is."""
    row = settle_line(db, charge, now)
    if row is not None:
        _move(db, row, charge.nanodollars)


def settle_line(db: sqlite3.Connection, charge: Charge, now: float) -> LineRow | None:
    """The same without its counters; None if the line was not open."""
    price = msgspec.json.encode(charge.price).decode() if charge.price else None
    said = (int(charge.is_estimated), charge.seconds, price, now, charge.attempt_id)
    row: LineRow | None = db.execute(SETTLE, (charge.nanodollars, *_tokens(charge.usage), *said)).fetchone()
    return row


def release(db: sqlite3.Connection, attempt_ids: Sequence[str]) -> None:
    """Gives back holds that were never billed: as if they had not been."""
    for attempt_id in attempt_ids:
        row = delete_line(db, attempt_id)
        if row is not None:
            _move(db, row, 0)


def delete_line(db: sqlite3.Connection, attempt_id: str) -> LineRow | None:
    """The same without its counters; None if the line was not open."""
    row: LineRow | None = db.execute(DELETE, (attempt_id,)).fetchone()
    return row


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
            _move(db, (row[0], row[1], row[2], row[3], row[4]), row[4])
        count += len(rows)
    return count


def require(standing: Standing, needed: int) -> None:
    """Raises BudgetReserved or BudgetExceeded where the limit does not leave so much."""
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


def insert_lines(db: sqlite3.Connection, reservation: Reservation, owner: Owner, starts: Mapping[Scope, int]) -> None:
    """Open lines, without their counters."""
    account, team_window, key_window = reservation.account, starts.get("team"), starts.get("key")
    for line in reservation.lines:
        named = (line.attempt_id, reservation.id, reservation.run_id, account.team, account.key_id)
        made = (line.model, line.purpose, line.technique, line.nanodollars)
        db.execute(INSERT, (*named, *made, owner.id, owner.now, team_window, key_window))


def _move(db: sqlite3.Connection, row: LineRow, nanodollars: int) -> None:
    """From reserved to spent, in the windows where the hold was made."""
    team, key_id, team_window, key_window, held = row
    scopes = (("team", team, team_window), ("key", key_id, key_window))
    db.executemany(
        MOVE, [(nanodollars, -held, scope, name, start) for scope, name, start in scopes if name and start is not None]
    )
