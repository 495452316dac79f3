"""The ledger's interface: reserve before, settle after, and never lose a charge. Money is integer nanodollars."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from action_model.prices import Usage

if TYPE_CHECKING:
    from router.ledger.accounts import Accounts

Window = Literal["day", "week", "month", "total"]


class Account(msgspec.Struct, frozen=True):
    """Who pays: a team and a key of it. An empty id has no limit and is still recorded."""

    team: str = ""
    key_id: str = ""


class Line(msgspec.Struct, frozen=True):
    """One attempt's hold: what it may cost at worst."""

    attempt_id: str
    model: str
    nanodollars: int
    purpose: str = "generate"
    technique: str = "sample"


class Reservation(msgspec.Struct, frozen=True):
    """A set of lines held at once, all or nothing."""

    id: str
    run_id: str
    account: Account
    lines: tuple[Line, ...]


class Charge(msgspec.Struct, frozen=True):
    """What an attempt really cost, replacing its hold. `price` is the price used, kept with the row."""

    attempt_id: str
    nanodollars: int
    usage: Usage
    is_estimated: bool = False
    seconds: float = 0.0
    price: Mapping[str, float] = {}


class Standing(msgspec.Struct, frozen=True):
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


@dataclass(frozen=True, slots=True)
class Spend:
    """Which charges to sum, and by which of `DIMENSIONS`. `since` and `until` are UTC days, both within."""

    by: tuple[str, ...] = ("team",)
    since: str | None = None
    until: str | None = None
    team: str | None = None
    key_id: str | None = None


DIMENSIONS = ("team", "key", "model", "purpose", "technique", "day")


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which stored runs: newest first, created from `since` to before `before` (unix seconds)."""

    team: str | None = None
    key_id: str | None = None
    model: str | None = None
    since: float | None = None
    before: float | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class OutcomeQuery:
    """Which outcomes: those after an id, of a team, since a time (unix seconds); `newest`: the latest `limit` of them,
    not the first."""

    after: int = 0
    team: str | None = None
    since: float | None = None
    limit: int = 500
    newest: bool = False


@dataclass(frozen=True, slots=True)
class Topic:
    """One of the kinds of text that a checkpoint tells apart: their demand, in the numbers of `basis`, lies on the same
    sides; `number` as `action_model.online.cluster_of` gives it."""

    basis: str
    number: int


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A counter (spent, reserved) that does not agree with the sum of its rows, in nanodollars."""

    scope: str
    id: str
    window_start: int
    counted: tuple[int, int]
    summed: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell an operator once a window: a budget passed its soft limit, or is spent."""

    scope: Literal["team", "key"]
    id: str
    window_start: int
    event: Literal["soft_limit", "spent"]


Watch = Callable[[Account, Sequence[Standing]], None]
"""Told how an account stands after its money moved; called from any thread, it returns at once and never raises."""


class Till(Protocol):
    """The part of a ledger that a run needs: holds, charges, and what came of it.

    `reserve` raises BudgetExceeded, BudgetReserved, or Unavailable (locked, full disk); after it returns the hold
    outlives a crash of this process. `settle` never loses a charge: it retries until durable or raises Unavailable
    once the process ends. Settling one attempt twice changes nothing. `settle` and `release` take the word before they
    first wait, so that a caller who is cancelled in them loses nothing.
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

    async def record_outcomes(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Stores rows to learn from. May be batched."""
        ...


class Ledger(Till, Protocol):
    """Durable money. Two backends stand behind one contract test."""

    @property
    def accounts(self) -> "Accounts":
        """Teams, keys and budgets, in the same store."""
        ...

    async def start(self) -> None:
        """Brings the schema forward, settles what a killed process left, begins the heartbeat. Raises Unavailable."""
        ...

    async def find_run(self, run_id: str) -> Mapping[str, Any] | None:
        """A stored run, or None."""
        ...

    async def list_runs(self, query: RunQuery) -> Sequence[Mapping[str, Any]]:
        """Stored runs, newest first, as {id, team, key, created_at, finish_reason, model, score, usd, seconds}."""
        ...

    async def add_labels(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Queues counts of labelled verdicts of judges {judge, version, kind, place, truth, source, labels}, summed."""
        ...

    async def read_labels(self) -> Sequence[Mapping[str, Any]]:
        """All those counts. Raises Unavailable."""
        ...

    async def outcome_sums(
        self, team: str | None, topic: Topic | None = None, limit: int = 50_000
    ) -> Sequence[Mapping[str, Any]]:
        """Sums per action and cluster of tasks (`free`, `checked`, `judged`) of the latest outcomes.

        {action, model, technique, cluster, tries, validated, satisfied, usd, usd_squares, seconds, seconds_squares}
        """
        ...

    async def plan_sums(self, team: str | None, limit: int = 5_000) -> Sequence[Mapping[str, Any]]:
        """Sums of the latest whole runs per operating point, cluster and topic (None: not known) of tasks.

        {usd_value, seconds_value, cluster, basis, topic, tries, validated, satisfied, usd, usd_squares, seconds,
        seconds_squares}
        """
        ...

    async def outcomes(self, query: OutcomeQuery) -> Sequence[Mapping[str, Any]]:
        """Rows to learn from, oldest first: {id, created_at, team, request, alternatives} and what was recorded.

        `request` is what the run kept of its request, `alternatives` what its first wave was chosen from; {} and []
        of a run that was forgotten.
        """
        ...

    async def predictions(self, team: str | None, limit: int = 2_000) -> Sequence[Mapping[str, Any]]:
        """The latest runs {created_at, team, model, score, usd, seconds, success, usd_predicted, seconds_predicted}."""
        ...

    async def totals(self) -> Mapping[str, Any]:
        """Sums over all settled and estimated charges: calls, tokens, usd, estimated calls, and the same by team."""
        ...

    async def spend(self, query: Spend) -> Sequence[Mapping[str, Any]]:
        """Rows {each of `by`, calls, input_tokens, output_tokens, estimated_calls, usd}, in order of `by`.

        Raises BadRequest for an unknown dimension.
        """
        ...

    async def list_charges(self, query: Spend, limit: int = 10_000) -> Sequence[Mapping[str, Any]]:
        """The settled lines themselves (not those pruned), newest first; `by` is not looked at."""
        ...

    async def check(self) -> Sequence[Discrepancy]:
        """Counters that differ from their rows; none: charges + open holds + remaining = limit, per window."""
        ...

    async def prune(self, keep_days: int) -> Mapping[str, int]:
        """Archives charges as daily sums, and forgets runs, outcomes and audit entries, older than that; how many."""
        ...

    async def vacuum(self) -> None:
        """Gives the space of what was forgotten back to the system."""
        ...

    async def claim_notice(self, notice: Notice, patience_seconds: float) -> bool:
        """May this process tell it now? True for one process only, until `patience_seconds` passed without a word."""
        ...

    async def confirm_notice(self, notice: Notice) -> None:
        """It was told: nobody will claim it again."""
        ...

    async def flush(self) -> None:
        """Returns once everything queued before is durable."""
        ...

    async def close(self) -> None:
        """Flushes and closes."""
        ...
