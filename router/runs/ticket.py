"""Work that outlives its request (a run, a batch) as it is stored: a ticket, and the log of what was told of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from router.ledger.ledger import Account

Kind = Literal["run", "batch"]
Status = Literal["open", "completed", "failed", "cancelled", "expired"]
NOBODY = ""
"""The owner of a ticket that its process has put back: whoever comes first takes it up."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One piece of work. Times in unix seconds.

    `request` is what is needed to begin it anew, as far as the operator lets it be kept; `caller` who asked, as JSON;
    `shown` what its client sees of it. `tries` counts how often a process has taken it up.
    """

    id: str
    kind: Kind
    account: Account
    created_at: float
    expires_at: float
    status: Status = "open"
    owner: str = NOBODY
    request: str | None = None
    caller: str = "{}"
    shown: Mapping[str, Any] = field(default_factory=dict)
    cancel_at: float | None = None
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Once:
    """An idempotency key, and what its request said: the same key with other words is refused."""

    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Told:
    """One entry of a ticket's log; `number` counts from 1."""

    number: int
    at: float
    kind: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Hook:
    """Whom to tell of a ticket's end. `due_at` is the next attempt, in unix seconds."""

    id: str
    url: str
    secret: str = field(repr=False)
    event: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    tries: int = 0


@dataclass(frozen=True, slots=True)
class End:
    """How a ticket ended, and whom to tell."""

    status: Status
    shown: Mapping[str, Any]
    hook: Hook | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Which tickets to list: of one kind and team (None: all), newest first unless `ascending`, after one of them."""

    kind: Kind
    team: str | None = None
    after: str | None = None
    limit: int = 20
    ascending: bool = False
    status: Status | None = None


class Tickets(Protocol):
    """Where tickets are kept, seen by every process of one ledger. All raise Unavailable where it cannot be reached."""

    @property
    def owner(self) -> str:
        """This process, as the ledger knows it."""
        ...

    async def put(self, ticket: Ticket, once: Once | None = None) -> Ticket:
        """Stores it durably, or finds the one that the same key made before. Raises KeyReused for other words."""
        ...

    async def find(self, ticket_id: str) -> Ticket | None:
        """A ticket, or None."""
        ...

    async def list_page(self, page: Page) -> Sequence[Ticket]:
        """Tickets in order."""
        ...

    async def show(self, ticket_id: str, shown: Mapping[str, Any]) -> None:
        """Changes what is shown of an open ticket of this process."""
        ...

    async def ask_cancel(self, ticket_id: str) -> None:
        """Asks whoever carries it out to stop."""
        ...

    async def finish(self, ticket: Ticket, end: End) -> bool:
        """Ends an open ticket of this process: at once its log closes, its request goes, its webhook is due.

        False if it is no longer this process's.
        """
        ...

    async def open_tickets(self) -> Sequence[tuple[Ticket, float]]:
        """All that are open, each with the last heartbeat of its owner (0: never heard of)."""
        ...

    async def claim(self, ticket: Ticket) -> bool:
        """Takes a ticket from its owner for this process; False if another was quicker."""
        ...

    async def put_back(self, ticket: Ticket) -> None:
        """Gives an open ticket of this process to whoever comes first."""
        ...

    def tell(self, ticket_id: str, kind: str, data: Mapping[str, Any]) -> None:
        """Queues an entry of its log."""
        ...

    async def read_log(self, ticket_id: str, after: int = 0, limit: int = 1000) -> Sequence[Told]:
        """Entries after one of them."""
        ...

    async def forget_log(self, ticket_id: str, kind: str) -> None:
        """Forgets a ticket's entries of one kind."""
        ...

    async def delete(self, ticket_id: str) -> None:
        """Forgets a ticket that is not open, and its log."""
        ...

    async def forget_expired(self) -> int:
        """Forgets what has expired; how many."""
        ...

    async def spent(self, run_id: str) -> tuple[int, int]:
        """Nanodollars charged or held, and calls, of a run so far."""
        ...

    async def due_hooks(self, patience_seconds: float) -> Sequence[Hook]:
        """Takes the webhooks that are due; another process may take them again after that time."""
        ...

    async def close_hook(self, hook_id: str, next_at: float | None) -> None:
        """It was told or is given up (None), or is due again then."""
        ...
