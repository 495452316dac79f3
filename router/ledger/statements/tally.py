"""The money of one transaction: who stands how is read once, what moves is summed, and each counter is written once."""

import sqlite3
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from router.ledger.ledger import Account, Charge, Reservation, Standing
from router.ledger.statements import money
from router.ledger.windows import window_start

Place = tuple[money.Scope, str, int]
"""A counter: scope, id, and where its window starts."""


class Tally:
    """Moves money inside the writer's transaction; until `write`, the counters' rows lag behind.

    Nothing is written before a hold is refused, so a refusal leaves the transaction as it was.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[money.Scope, str], tuple[Standing, Place]] = {}
        self._moved: dict[Place, list[int]] = {}
        self._held: set[Place] = set()

    def hold(self, db: sqlite3.Connection, reservation: Reservation, owner: money.Owner) -> None:
        """Holds the sum of the lines against team and key, or raises and holds nothing."""
        needed = sum(line.nanodollars for line in reservation.lines)
        known = [self._find(db, scope, name, owner.now) for scope, name in _scopes(reservation.account)]
        for standing, place in known:
            if standing.limit is not None:
                money.require(self._now(standing, place), needed)
        starts: dict[money.Scope, int] = {}
        for standing, place in known:
            starts[standing.scope] = place[2]
        money.insert_lines(db, reservation, owner, starts)
        for _, place in known:
            self._move(place, 0, needed)
            self._held.add(place)

    def settle(self, db: sqlite3.Connection, charge: Charge, now: float) -> None:
        """Replaces a line's hold by its charge; a line settled before stays as it is."""
        row = money.settle_line(db, charge, now)
        if row is not None:
            self._move_line(row, charge.nanodollars)

    def release(self, db: sqlite3.Connection, attempt_ids: Sequence[str]) -> None:
        """Gives back holds that were never billed: as if they had not been."""
        for attempt_id in attempt_ids:
            row = money.delete_line(db, attempt_id)
            if row is not None:
                self._move_line(row, 0)

    def standings(self, db: sqlite3.Connection, account: Account, now: float) -> tuple[Standing, ...]:
        """Team's and key's money with what has moved."""
        found = (self._find(db, scope, name, now) for scope, name in _scopes(account))
        return tuple(self._now(standing, place) for standing, place in found)

    def write(self, db: sqlite3.Connection) -> None:
        """Brings the counters' rows up to date, and forgets what was read."""
        if self._moved:
            held, moved = self._held, self._moved
            db.executemany(money.COUNT, [(*place, *sums) for place, sums in moved.items() if place in held])
            db.executemany(
                money.MOVE, [(*sums, *place) for place, sums in moved.items() if place not in held and any(sums)]
            )
        self.clear()

    def clear(self) -> None:
        """Forgets everything: the transaction is over."""
        self._known, self._moved, self._held = {}, {}, set()

    def _find(self, db: sqlite3.Connection, scope: money.Scope, name: str, now: float) -> tuple[Standing, Place]:
        """A standing as its rows say; another window's is read anew."""
        found = self._known.get((scope, name))
        if found is not None and found[1][2] == window_start(found[0].window, now):
            return found
        standing = money.read_standing(db, scope, name, now)
        found = standing, (scope, name, window_start(standing.window, now))
        self._known[scope, name] = found
        return found

    def _now(self, standing: Standing, place: Place) -> Standing:
        moved = self._moved.get(place)
        if moved is None:
            return standing
        return replace(standing, spent=standing.spent + moved[0], reserved=standing.reserved + moved[1])

    def _move_line(self, row: money.LineRow, nanodollars: int) -> None:
        """From reserved to spent, in the windows where the hold was made."""
        team, key_id, team_window, key_window, held = row
        if team and team_window is not None:
            self._move(("team", team, team_window), nanodollars, -held)
        if key_id and key_window is not None:
            self._move(("key", key_id, key_window), nanodollars, -held)

    def _move(self, place: Place, spent: int, reserved: int) -> None:
        moved = self._moved.get(place)
        if moved is None:
            self._moved[place] = [spent, reserved]
        else:
            moved[0] += spent
            moved[1] += reserved


def _scopes(account: Account) -> Iterable[tuple[money.Scope, str]]:
    if account.team:
        yield "team", account.team
    if account.key_id:
        yield "key", account.key_id
