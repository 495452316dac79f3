"""The ledger's interface: reserve before, settle after, and never lose a charge. Money is integer nanodollars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from action_model.prices import Usage

Window = Literal["day", "week", "month", "total"]


@dataclass(frozen=True, slots=True)
class Account:
    """Who pays: a team and a key of it. An empty id has no limit and is still recorded."""

    team: str = ""
    key_id: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One attempt's hold: what it may cost at worst."""

    attempt_id: str
    model: str
    nanodollars: int
    purpose: str = "generate"
    technique: str = "sample"


@dataclass(frozen=True, slots=True)
class Reservation:
    """A set of lines held at once, all or nothing."""

    id: str
    run_id: str
    account: Account
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Charge:
    """What an attempt really cost, replacing its hold. `price` is the price used, kept with the row."""

    attempt_id: str
    nanodollars: int
    usage: Usage
    is_estimated: bool = False
    seconds: float = 0.0
    price: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """A team's or key's money now: limit None = unlimited; `resets_at` unix seconds, None = never.

    `soft_limit` is the share of the limit (0..1) from which callers are warned.
    """

    scope: Literal["team", "key"]
    id: str
    window: Window
    limit: int | None
    spent: int
    reserved: int
    resets_at: float | None
    soft_limit: float | None = None


class Ledger(Protocol):
    """Durable money. Two backends stand behind one contract test.

    `reserve` raises BudgetExceeded, BudgetReserved, or Unavailable (locked, full disk); after it returns the hold
    outlives a crash of this process. `settle` never loses a charge: it retries until durable or raises Unavailable
    once the process ends. Settling one attempt twice changes nothing.
    """

    async def reserve(self, run_id: str, account: Account, lines: Sequence[Line]) -> Reservation:
        """Holds the sum of the lines against team and key, atomically, or raises and holds nothing."""
        ...

    async def settle(self, reservation: Reservation, charge: Charge) -> None:
        """Replaces one line's hold by its charge."""
        ...

    async def release(self, reservation: Reservation, attempt_id: str | None = None) -> None:
        """Gives back one line, or every line not settled: nothing of it was sent, or nothing of it was billed."""
        ...

    async def standings(self, account: Account) -> Sequence[Standing]:
        """Team's and key's money now: for headers. Served from memory; no disk read on the hot path."""
        ...

    async def record_run(self, run_id: str, account: Account, trace: Mapping[str, Any]) -> None:
        """Stores a run's tree (JSON), for `GET /v1/maestro/runs/{id}` and the visualiser. May be batched."""
        ...

    async def find_run(self, run_id: str) -> Mapping[str, Any] | None:
        """A stored run, or None."""
        ...

    async def record_outcomes(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Stores rows to learn from. May be batched."""
        ...

    async def close(self) -> None:
        """Flushes and closes."""
        ...
