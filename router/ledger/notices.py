"""Tells operators, once a window, that a budget passed its soft limit or is spent."""

import asyncio
import contextlib
import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence

from action_model.prices import to_usd
from router.errors import MaestroError
from router.ledger.ledger import Account, Ledger, Notice, Standing
from router.ledger.webhook import Told, Webhook
from router.ledger.windows import window_start

logger = logging.getLogger("maestro.notices")
PATIENCE_SECONDS = 900.0
"""How long a process that took a notice may try to tell it, before another may."""
MOST_SEEN = 100_000
Seen = tuple[Notice, int | None, float | None]


def due(standings: Sequence[Standing], now: float) -> Iterator[tuple[Notice, Standing]]:
    """What this money calls for: a word at the soft limit, and one when all is spent."""
    for standing in standings:
        if standing.limit is None:
            continue
        start = int(window_start(standing.window, now))
        if standing.soft_limit is not None and standing.spent >= standing.soft_limit * standing.limit:
            yield Notice(standing.scope, standing.id, start, "soft_limit"), standing
        if standing.spent >= standing.limit:
            yield Notice(standing.scope, standing.id, start, "spent"), standing


class Notices:
    """Watches money as it moves. Opened and closed inside the event loop that delivers."""

    def __init__(self, webhook: Webhook, default_url: str | None = None, now: Callable[[], float] = time.time) -> None:
        self.webhook = webhook
        self._default_url = default_url
        self._now = now
        self._ledger: Ledger | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._seen: set[Seen] = set()
        self._telling: set[asyncio.Task[None]] = set()

    def open(self, ledger: Ledger) -> None:
        """Begins to tell; before that, money is only watched."""
        self._ledger, self._loop = ledger, asyncio.get_running_loop()

    def watch(self, account: Account, standings: Sequence[Standing]) -> None:
        """The ledger's `on_money`: from any thread, at once. What this process has seen costs one look."""
        if self._loop is None:
            return
        for notice, standing in due(standings, self._now()):
            seen = (notice, standing.limit, standing.soft_limit)
            if seen in self._seen:
                continue
            if len(self._seen) >= MOST_SEEN:
                self._seen.clear()
            self._seen.add(seen)
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: the next start will tell it
                self._loop.call_soon_threadsafe(self._begin, account, notice, standing)

    @property
    def telling(self) -> frozenset[asyncio.Task[None]]:
        """What is being told now."""
        return frozenset(self._telling)

    async def close(self) -> None:
        """Ends what is being told; another process, or the next start, will take it up."""
        self._loop = None
        for task in tuple(self._telling):
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)

    def _begin(self, account: Account, notice: Notice, standing: Standing) -> None:
        if self._loop is None:
            return
        task = self._loop.create_task(self._tell(account, notice, standing))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self, account: Account, notice: Notice, standing: Standing) -> None:
        assert self._ledger is not None
        spent, limit = to_usd(standing.spent), to_usd(standing.limit or 0)
        logger.warning("%s '%s' spent $%.4f of $%.4f (%s)", notice.scope, notice.id, spent, limit, notice.event)
        try:
            url = await self._url(self._ledger, account)
            if url is None or not await self._ledger.claim_notice(notice, PATIENCE_SECONDS):
                return
            if await self.webhook.deliver(told_of(account, notice, standing, url)):
                await self._ledger.confirm_notice(notice)
        except MaestroError as error:
            logger.error("a notice of %s '%s' waits: %s", notice.scope, notice.id, error.message)

    async def _url(self, ledger: Ledger, account: Account) -> str | None:
        team = await ledger.accounts.find_team(account.team)
        return (team or {}).get("webhook_url") or self._default_url


def told_of(account: Account, notice: Notice, standing: Standing, url: str) -> Told:
    """A notice as it is told: amounts in dollars, times in unix seconds."""
    name = f"{notice.scope}/{notice.id}/{notice.window_start}/{notice.event}/{standing.limit}/{standing.soft_limit}"
    data = {
        "scope": notice.scope,
        "id": notice.id,
        "team": account.team,
        "window": standing.window,
        "window_start": notice.window_start,
        "resets_at": standing.resets_at,
        "limit_usd": to_usd(standing.limit or 0),
        "spent_usd": to_usd(standing.spent),
        "reserved_usd": to_usd(standing.reserved),
        "soft_limit": standing.soft_limit,
    }
    return Told(f"msg_{hashlib.sha256(name.encode()).hexdigest()[:32]}", f"budget.{notice.event}", data, url)
