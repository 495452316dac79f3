"""What a process knows of the money of its accounts without asking the disk: for headers, never for a decision."""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from cachetools import TTLCache

from router.ledger.ledger import Account, Standing, Watch
from router.ledger.statements import money
from router.ledger.windows import current_end

FRESH_SECONDS = 0.9
"""How long it is believed that nobody else (another worker, an admin) changed an account."""


@dataclass(frozen=True, slots=True)
class Change:
    """Money that a queued statement will move."""

    account: Account
    spent: int = 0
    reserved: int = 0


class KnownStandings:
    """Standings as of the last commit plus the queued changes; used by the event loop and the writer thread."""

    def __init__(self, now: Callable[[], float], told: Watch = lambda account, standings: None) -> None:
        self._now = now
        self._told = told
        self._lock = threading.Lock()
        self._known: TTLCache[Account, tuple[Standing, ...]] = TTLCache(10_000, FRESH_SECONDS)
        self._queued: dict[Account, tuple[int, int]] = {}
        self._done: list[Change] = []

    def queue(self, change: Change) -> None:
        """A statement was queued."""
        with self._lock:
            spent, reserved = self._queued.get(change.account, (0, 0))
            self._queued[change.account] = (spent + change.spent, reserved + change.reserved)

    def done(self, change: Change) -> None:
        """It was carried out, in the writer's transaction."""
        self._done.append(change)

    def undone(self) -> None:
        """The transaction was rolled back: what was carried out in it was not."""
        self._done = []

    def refresh(self, db: sqlite3.Connection) -> None:
        """After a commit: reads each touched account once, and forgets what was queued for it."""
        if not self._done:
            return
        changes, self._done = self._done, []
        fresh = {account: money.read_standings(db, account, self._now()) for account in {c.account for c in changes}}
        with self._lock:
            self._known.update(fresh)
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
            spent, reserved = self._queued.get(account, (0, 0))
        if known is None or any(s.resets_at != current_end(s.window, self._now()) for s in known):
            return None
        return tuple(replace(s, spent=s.spent + spent, reserved=max(0, s.reserved + reserved)) for s in known)

    def put(self, account: Account, standings: tuple[Standing, ...]) -> None:
        """What was read."""
        with self._lock:
            self._known[account] = standings
