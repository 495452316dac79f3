"""What every route shares: settings, the gate, counters, and the rooms once they are built."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from proxy.answers.scores import money_headers
from proxy.assembly import Rooms
from proxy.auth import Door
from proxy.exchange import RequestIds
from proxy.runs.desk import Desk
from proxy.serving.gate import Gate
from proxy.serving.metrics import Metrics
from proxy.settings import Settings
from proxy.telemetry.export import Export, start_export
from proxy.telemetry.requests_log import RequestLog
from router.errors import Unavailable
from router.ledger.ledger import Account
from router.ledger.rates import RateLimits
from router.task import Caller

UNLIMITED = (None, None)


@dataclass(slots=True)
class House:
    """Built once in `create_app`; `rooms` are there between start and stop."""

    settings: Settings
    gate: Gate = field(default_factory=Gate)
    metrics: Metrics = field(default_factory=Metrics)
    ids: RequestIds = field(default_factory=RequestIds)
    direct: dict[str, Callable[..., Awaitable[None]]] = field(default_factory=dict)
    open_desk: Desk | None = None
    built: Rooms | None = None
    door: Door | None = None
    problem: str | None = None
    reread: Callable[[], Settings] | None = None
    log: RequestLog | None = None
    export: Export | None = None

    @property
    def rooms(self) -> Rooms:
        """The rooms. Raises Unavailable before the start and after the end."""
        if self.built is None:
            raise Unavailable("The server is starting.")
        return self.built

    @property
    def desk(self) -> Desk:
        """Work that outlives its request, and what is stored of teams. Raises Unavailable as above."""
        if self.open_desk is None:
            raise Unavailable("The server is starting.")
        return self.open_desk

    def open(self, rooms: Rooms) -> None:
        """The rooms are ready."""
        self.built, self.door = rooms, Door(rooms.registry)
        rooms.dispatcher.observers.append(self.metrics.runs.observe)
        if self.settings.telemetry.log_requests:
            self.log = RequestLog(self.settings.telemetry.log_format)
            rooms.dispatcher.observers.append(self.log.observe)
        if self.settings.telemetry.otel:
            self.export = start_export()
            rooms.dispatcher.observers.append(self.export.observe)

    async def close(self) -> None:
        """The rooms are about to close. What is left to export goes out meanwhile, on a thread."""
        self.built = self.door = None
        if self.log is not None:
            self.log.flush()
        if self.export is not None:
            await asyncio.to_thread(self.export.close)

    async def admit(self, headers: Mapping[str, str], team: str | None) -> Caller:
        """Who asks. Raises Unauthenticated, Forbidden, Unavailable."""
        if self.door is None:
            raise Unavailable("The server is starting.")
        return await self.door.admit(headers, team)

    def rate(self, caller: Caller) -> Mapping[str, str]:
        """Takes one request from the caller's rate limits; the headers that tell what is left. Raises RateLimited."""
        if caller.rate == UNLIMITED and caller.key_rate == UNLIMITED:
            return {}
        account = Account(caller.team, caller.key_id)
        return self.rooms.rates.admit(account, RateLimits(*caller.rate), RateLimits(*caller.key_rate))

    async def money(self, caller: Caller) -> Mapping[str, str]:
        """The headers that tell how the caller's money stands; none where nobody can say."""
        try:
            return money_headers(await self.rooms.ledger.standings(Account(caller.team, caller.key_id)))
        except Unavailable:
            return {}

    @property
    def most_body_bytes(self) -> int:
        """The largest body we read."""
        return int(self.settings.server.max_body_mb * 2**20)

    def now(self) -> float:
        """Unix seconds."""
        return time.time()
