"""What a worker knows of the money of its accounts without asking the database: for headers, never for a decision."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from cachetools import TTLCache

from router.ledger.known import FRESH_SECONDS, Change
from router.ledger.ledger import Account, Standing, Watch
from router.ledger.postgres.moves import Applied, Move, Settle
from router.ledger.windows import current_end


class Known:
    """Standings as of the last batch plus what is queued; used on the event loop only."""

    def __init__(self, now: Callable[[], float], told: Watch) -> None:
        self._now = now
        self._told = told
        self._known: TTLCache[Account, tuple[Standing, ...]] = TTLCache(10_000, FRESH_SECONDS)
        self._queued: dict[Account, tuple[int, int]] = {}

    def queue(self, change: Change, sign: int = 1) -> None:
        """A charge was queued, or (sign -1) is durable."""
        spent, reserved = self._queued.get(change.account, (0, 0))
        left = (spent + sign * change.spent, reserved + sign * change.reserved)
        self._queued[change.account] = left
        if left == (0, 0):
            del self._queued[change.account]

    def refresh(self, moves: Sequence[Move], applied: Applied) -> None:
        """After a batch."""
        for move in moves:
            if isinstance(move, Settle):
                self.queue(move.change, -1)
        for account in {move.account for move in moves}:
            standings = applied.of(account)
            self._known[account] = standings
            self._told(account, standings)

    def get(self, account: Account) -> Sequence[Standing] | None:
        """The account's money with what is queued; None if it is not known, or its window has ended."""
        known = self._known.get(account)
        spent, reserved = self._queued.get(account, (0, 0))
        if known is None or any(s.resets_at != current_end(s.window, self._now()) for s in known):
            return None
        return tuple(replace(s, spent=s.spent + spent, reserved=max(0, s.reserved + reserved)) for s in known)
