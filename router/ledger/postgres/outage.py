"""What may still be spent while the database is away: holds and charges in a file beside the proxy, until it is back.

The file is an embedded ledger's, so every hold is durable before a byte leaves, whatever queued up is one commit, and
what a killed worker held is charged at worst case. All workers of a proxy share it: the most is the proxy's, not each
worker's.
"""

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from action_model.prices import Usage
from router.errors import BudgetExceeded, Limit, Unavailable
from router.ledger import owners
from router.ledger.ledger import Account, Charge, Line, Reservation, Standing
from router.ledger.statements import money
from router.ledger.sums import USAGE
from router.ledger.writer import Writer

_BEAT = "insert into owners values (?, ?) on conflict do update set alive_at = excluded.alive_at"
_KEPT = (
    *("attempt_id", "reservation_id", "run_id", "team", "key_id", "model", "purpose", "technique", "held", "state"),
    *("nanodollars", "is_estimated", "seconds", "price", *USAGE),
)
_READ = f"select {', '.join(_KEPT)} from lines where owner = ? or state = 'settled'"


@dataclass(frozen=True, slots=True)
class Kept:
    """One attempt of the file: its hold, and its charge if it has ended."""

    reservation: Reservation
    charge: Charge | None

    @property
    def attempt_id(self) -> str:
        """Its only line's."""
        return self.reservation.lines[0].attempt_id


class OutageBooks:
    """The file. At most `nanodollars` of each team are spent or held in it at any time."""

    def __init__(self, path: Path, nanodollars: int) -> None:
        self.owner = owners.own_name()
        self._nanodollars = nanodollars
        self._writer = Writer(path)
        self._lookout = owners.Lookout()

    def start(self) -> None:
        """Opens the file. Blocks. Raises Unavailable."""
        self._writer.start()

    def close(self) -> None:
        """Writes what is queued, and closes. Blocks."""
        self._writer.close()

    async def hold(self, reservation: Reservation, known: Sequence[Standing]) -> None:
        """Holds the lines within the most, and within what was left of the account's limits when last heard of.

        Raises BudgetExceeded where such a limit is spent, Unavailable where the most is, or the account has no team.
        """
        if not reservation.account.team:
            raise Unavailable("the ledger's database is away, and this request is no team's")
        await self._writer.do(lambda db: self._hold(db, reservation, known))

    def settle(self, charge: Charge) -> None:
        """Queued at once, tried until it is durable."""
        self._writer.keep(lambda db: money.settle(db, charge, time.time()))

    def release(self, attempt_ids: Sequence[str]) -> None:
        """Queued at once, tried until it is durable."""
        self._writer.keep(lambda db: money.release(db, attempt_ids))

    async def added(self, account: Account, known: Sequence[Standing]) -> Sequence[Standing]:
        """How the account stands with what is spent and held in the file."""
        rows = await self._writer.do(lambda db: money.read_standings(db, account, time.time()))
        here = {row.scope: row for row in rows}
        return [
            replace(at, spent=at.spent + here[at.scope].spent, reserved=at.reserved + here[at.scope].reserved)
            for at in known
        ]

    async def beat(self) -> None:
        """Says that this worker is there, to those who cannot see it."""
        await self._writer.do(lambda db: db.execute(_BEAT, (self.owner, time.time())))

    async def read(self) -> list[Kept]:
        """Our own lines, and every charge: what workers that are gone held is charged at worst case first."""
        return await self._writer.do(self._read)

    async def forget(self, attempt_ids: Sequence[str]) -> None:
        """Charges that the database has."""
        await self._writer.do(lambda db: _forget(db, attempt_ids))

    def _hold(self, db: sqlite3.Connection, reservation: Reservation, known: Sequence[Standing]) -> None:
        now, needed = time.time(), sum(line.nanodollars for line in reservation.lines)
        here = {row.scope: row.spent + row.reserved for row in money.read_standings(db, reservation.account, now)}
        for standing in known:
            _require_limit(standing, here.get(standing.scope, 0), needed)
        if here["team"] + needed > self._nanodollars:
            raise Unavailable("the ledger's database is away, and what this team may spend meanwhile is spent or held")
        db.execute(_BEAT, (self.owner, now))
        money.reserve(db, reservation, money.Owner(self.owner, now))

    def _read(self, db: sqlite3.Connection) -> list[Kept]:
        money.settle_orphans(db, money.Owner(self.owner, time.time()), self._lookout.is_gone)
        return [_kept(row) for row in db.execute(_READ, (self.owner,)).fetchall()]


def _require_limit(standing: Standing, here: int, needed: int) -> None:
    spent = standing.spent + here
    if standing.limit is None or spent + standing.reserved + needed <= standing.limit:
        return
    limit = Limit(
        standing.scope, standing.id, standing.window, standing.limit, spent, standing.reserved, standing.resets_at
    )
    raise BudgetExceeded(f"The budget of {standing.scope} '{standing.id}' is spent, as far as is known.", limit)


def _forget(db: sqlite3.Connection, attempt_ids: Sequence[str]) -> None:
    for attempt_id in attempt_ids:
        row = db.execute(
            "delete from lines where attempt_id = ? and state = 'settled' returning team, key_id, nanodollars",
            (attempt_id,),
        ).fetchone()
        if row is None:
            continue
        db.executemany(
            "update counters set spent = spent - ? where scope = ? and id = ?",
            [(row[2], "team", row[0]), (row[2], "key", row[1])],
        )


def _kept(values: Sequence[Any]) -> Kept:
    row = dict(zip(_KEPT, values, strict=True))
    line = Line(row["attempt_id"], row["model"], row["held"], row["purpose"], row["technique"])
    account = Account(row["team"], row["key_id"])
    reservation = Reservation(row["reservation_id"], row["run_id"], account, (line,))
    if row["state"] != "settled":
        return Kept(reservation, None)
    usage = Usage(*(row[name] or 0 for name in USAGE))
    estimated, seconds, price = bool(row["is_estimated"]), row["seconds"] or 0.0, json.loads(row["price"] or "{}")
    return Kept(reservation, Charge(line.attempt_id, row["nanodollars"], usage, estimated, seconds, price))
