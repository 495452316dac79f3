"""What a worker knows of the money of its accounts without asking the database: for headers, never for a decision."""

from collections.abc import Callable, Sequence

from cachetools import LRUCache, TTLCache
from msgspec.structs import replace

from router.ledger.known import FRESH_SECONDS, Change
from router.ledger.ledger import Account, Standing, Watch
from router.ledger.postgres.moves import Applied, Move, Place, Settle
from router.ledger.windows import current_end


class Known:
    """Standings as of the last batch plus what is queued; used on the event loop only."""

    def __init__(self, now: Callable[[], float], told: Watch) -> None:
        self._now = now
        self._told = told
        self._known: TTLCache[Account, tuple[Standing, ...]] = TTLCache(10_000, FRESH_SECONDS)
        self._last: LRUCache[Place, Standing] = LRUCache(100_000)
        self._queued: dict[Place, tuple[int, int]] = {}

    def queue(self, change: Change, sign: int = 1) -> None:
        """A charge was queued, or (sign -1) is durable."""
        for place in _places(change.account):
            spent, reserved = self._queued.get(place, (0, 0))
            left = (spent + sign * change.spent, reserved + sign * change.reserved)
            self._queued[place] = left
            if left == (0, 0):
                del self._queued[place]

    def refresh(self, moves: Sequence[Move], applied: Applied) -> None:
        """After a batch."""
        for move in moves:
            if isinstance(move, Settle):
                self.queue(move.change, -1)
        self._last.update(applied.standings)
        for account in {move.account for move in moves}:
            standings = applied.of(account)
            self._known[account] = standings
            self._told(account, standings)

    def get(self, account: Account) -> Sequence[Standing] | None:
        """The account's money with what is queued; None if it is not known, or its window has ended."""
        known = self._known.get(account)
        if known is None or any(s.resets_at != current_end(s.window, self._now()) for s in known):
            return None
        return tuple(map(self._with_queued, known))

    def last(self, account: Account) -> Sequence[Standing] | None:
        """As `get`, however long ago it was heard; a window that has ended since is empty. None if it never was."""
        found = [self._last.get(place) for place in _places(account)]
        standings = [standing for standing in found if standing is not None]
        return [self._with_queued(self._in_window(s)) for s in standings] if len(standings) == len(found) else None

    def _in_window(self, standing: Standing) -> Standing:
        end = current_end(standing.window, self._now())
        return standing if standing.resets_at == end else replace(standing, spent=0, reserved=0, resets_at=end)

    def _with_queued(self, standing: Standing) -> Standing:
        spent, reserved = self._queued.get((standing.scope, standing.id), (0, 0))
        return replace(standing, spent=standing.spent + spent, reserved=max(0, standing.reserved + reserved))


def _places(account: Account) -> Sequence[Place]:
    return [(scope, name) for scope, name in (("team", account.team), ("key", account.key_id)) if name]
