"""What a process knows of the money of its accounts without asking the disk: for headers, never for a decision."""

import math
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence

import msgspec

from router.ledger.ledger import Account, Standing, Watch
from router.ledger.statements.tally import Tally
from router.ledger.windows import window_start

FRESH_SECONDS = 0.9
"""How long it is believed that nobody else (another worker, an admin) changed an account."""
MOST_ACCOUNTS = 10_000


class Change(msgspec.Struct, frozen=True):
    """Money that a queued statement will move."""

    account: Account
    spent: int = 0
    reserved: int = 0


class _Known(msgspec.Struct, frozen=True):
    """An account's money; believed until `fresh_until` (of the steady clock), within its windows (unix seconds)."""

    standings: tuple[Standing, ...]
    fresh_until: float
    begins_at: float
    ends_at: float


class KnownStandings:
    """Standings as of the last commit plus the queued changes; used by the event loop and the writer thread.

    The writer's jobs move money through `tally`, and tell by `touched` and `done` what they carried out.
    """

    def __init__(self, now: Callable[[], float], told: Watch = lambda account, standings: None) -> None:
        self.tally = Tally()
        self._now = now
        self._told = told
        self._lock = threading.Lock()
        self._known: dict[Account, _Known] = {}
        self._queued: dict[Account, tuple[int, int]] = {}
        self._done: list[Change] = []
        self._touched: set[Account] = set()
        self._fresh: dict[Account, tuple[Standing, ...]] = {}

    def queue(self, change: Change) -> None:
        """A statement was queued."""
        with self._lock:
            spent, reserved = self._queued.get(change.account, (0, 0))
            self._queued[change.account] = (spent + change.spent, reserved + change.reserved)

    def touched(self, account: Account) -> None:
        """The writer's transaction moved money that was not queued here."""
        self._touched.add(account)

    def done(self, change: Change) -> None:
        """What was queued was carried out, in the writer's transaction."""
        self._touched.add(change.account)
        self._done.append(change)

    def write(self, db: sqlite3.Connection) -> None:
        """Somebody else will look at the counters, or change them."""
        self.tally.write(db)

    def conclude(self, db: sqlite3.Connection) -> None:
        """Notes how the accounts stand that were touched, and writes their counters."""
        now = self._now()
        for account in self._touched:
            self._fresh[account] = self.tally.standings(db, account, now)
        self.tally.write(db)

    def undone(self) -> None:
        """The transaction was rolled back: what was carried out in it was not."""
        self.tally.clear()
        self._done, self._touched, self._fresh = [], set(), {}

    def committed(self) -> None:
        """Believes what was noted, and forgets what was queued for it."""
        if not self._fresh:
            return
        changes, fresh = self._done, self._fresh
        self._done, self._touched, self._fresh = [], set(), {}
        with self._lock:
            for account, standings in fresh.items():
                self._remember(account, standings)
            for change in changes:
                spent, reserved = self._queued.get(change.account, (0, 0))
                left = (spent - change.spent, reserved - change.reserved)
                self._queued[change.account] = left
                if left == (0, 0):
                    del self._queued[change.account]
        for account, standings in fresh.items():
            self._told(account, standings)

    def get(self, account: Account) -> Sequence[Standing] | None:
        """The account's money with what is queued; None if it is not known, or its window has ended."""
        with self._lock:
            known = self._known.get(account)
            queued = self._queued.get(account)
        if known is None or time.monotonic() >= known.fresh_until:
            return None
        if not known.begins_at <= self._now() < known.ends_at:
            return None
        if queued is None:
            return known.standings
        spent, reserved = queued
        return tuple([_moved(standing, spent, reserved) for standing in known.standings])

    def put(self, account: Account, standings: tuple[Standing, ...]) -> None:
        """What was read."""
        with self._lock:
            self._remember(account, standings)

    def _remember(self, account: Account, standings: tuple[Standing, ...]) -> None:
        """The account that was heard of longest ago gives way."""
        now = self._now()
        begins_at = max((window_start(s.window, now) for s in standings), default=0)
        ends_at = min((s.resets_at for s in standings if s.resets_at is not None), default=math.inf)
        self._known.pop(account, None)
        self._known[account] = _Known(standings, time.monotonic() + FRESH_SECONDS, begins_at, ends_at)
        if len(self._known) > MOST_ACCOUNTS:
            del self._known[next(iter(self._known))]


def _moved(at: Standing, spent: int, reserved: int) -> Standing:
    """The standing with what is queued; `replace` takes three times as long."""
    left = max(0, at.reserved + reserved)
    return Standing(at.scope, at.id, at.window, at.limit, at.spent + spent, left, at.resets_at, at.soft_limit)
