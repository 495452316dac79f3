"""One run's money: waves are held at once, attempts begun and settled one by one, and the rest given back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from itertools import chain, repeat

import msgspec

from action_model.prices import Price, Usage
from router.errors import RunLimitReached
from router.ids import new_id
from router.ledger.ledger import Account, Charge, Line, Reservation, Till
from router.task import Attempt
from router.upstreams.upstream import Model, Outcome, Purpose


class RunLimits(msgspec.Struct, frozen=True):
    """What one run may spend: nanodollars and upstream calls, None = no limit."""

    nanodollars: int | None = None
    calls: int | None = None


class RunPurse:
    """The `Purse` of one run. Whoever opens it closes it."""

    def __init__(
        self, ledger: Till, run_id: str, account: Account, limits: RunLimits, clock: Callable[[], float]
    ) -> None:
        self._ledger = ledger
        self._run_id = run_id
        self._account = account
        self._limits = limits
        self._clock = clock
        self._started = clock()
        self._held: dict[str, tuple[Reservation, Line]] = {}
        self._free: list[str] = []
        self._attempts: list[Attempt] = []
        self._calls = 0

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every attempt that ended, in order of ending."""
        return tuple(self._attempts)

    @property
    def spent(self) -> int:
        """Nanodollars charged so far."""
        return sum(attempt.nanodollars for attempt in self._attempts)

    @property
    def usage(self) -> Usage:
        """Tokens of all attempts."""
        return sum((attempt.usage for attempt in self._attempts), Usage())

    @property
    def nanodollars_left(self) -> int | None:
        """What may still be held; None = no limit."""
        if self._limits.nanodollars is None:
            return None
        return max(0, self._limits.nanodollars - self.spent - self._held_sum())

    @property
    def calls_left(self) -> int | None:
        """How many calls may still begin; None = no limit."""
        return None if self._limits.calls is None else max(0, self._limits.calls - self._calls - len(self._free))

    async def hold(
        self, expected: Sequence[tuple[Model, Usage]], purpose: Purpose = "generate", techniques: Sequence[str] = ()
    ) -> None:
        """Holds a whole wave, all or nothing. Raises RunLimitReached, BudgetExceeded, BudgetReserved, Unavailable."""
        lines = [
            Line(new_id(), model.id, model.price.held_nanodollars(usage), purpose, technique)
            for (model, usage), technique in zip(expected, chain(techniques, repeat("sample")), strict=False)
        ]
        left, calls_left = self.nanodollars_left, self.calls_left
        if left is not None and sum(line.nanodollars for line in lines) > left:
            raise RunLimitReached("the budget of this request does not pay for one more call")
        if calls_left is not None and len(lines) > calls_left:
            raise RunLimitReached("this request may make no more calls")
        reservation = await self._ledger.reserve(self._run_id, self._account, lines)
        for line in lines:
            self._held[line.attempt_id] = (reservation, line)
            self._free.append(line.attempt_id)

    async def begin(self, model: Model, purpose: Purpose, expected: Usage) -> "LineMeter":
        """Takes a line held for this model and purpose, or holds one now."""
        attempt_id = self._take(model.id, purpose)
        if attempt_id is None:
            await self.hold([(model, expected)], purpose)
            attempt_id = self._take(model.id, purpose)
        assert attempt_id is not None
        self._calls += 1
        return LineMeter(self, model, *self._held[attempt_id], expected, self._clock() - self._started)

    async def close(self) -> None:
        """Gives back every line that no attempt took."""
        for attempt_id in self._free:
            reservation, _ = self._held.pop(attempt_id)
            await self._ledger.release(reservation, attempt_id)
        self._free.clear()

    async def give_back(self, line: Line, reservation: Reservation, attempt: Attempt) -> None:
        """An attempt that was not billed."""
        self._held.pop(line.attempt_id, None)
        self._attempts.append(attempt)
        await self._ledger.release(reservation, line.attempt_id)

    async def pay(self, line: Line, reservation: Reservation, attempt: Attempt, charge: Charge) -> None:
        """An attempt that was."""
        self._held.pop(line.attempt_id, None)
        self._attempts.append(attempt)
        await self._ledger.settle(reservation, charge)

    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self._started

    def _held_sum(self) -> int:
        return sum(line.nanodollars for _, line in self._held.values())

    def _take(self, model: str, purpose: Purpose) -> str | None:
        for attempt_id in self._free:
            line = self._held[attempt_id][1]
            if line.model == model and line.purpose == purpose:
                self._free.remove(attempt_id)
                return attempt_id
        return None


class LineMeter:
    """The `AttemptMeter` of one held line; settles once, later words are ignored."""

    def __init__(
        self,
        purse: RunPurse,
        model: Model,
        reservation: Reservation,
        line: Line,
        expected: Usage,
        started_seconds: float,
    ) -> None:
        self._purse = purse
        self._model = model
        self._reservation = reservation
        self._line = line
        self._expected = expected
        self._started_seconds = started_seconds
        self._ended = False

    async def settle(
        self,
        usage: Usage | None,
        seconds: float,
        outcome: Outcome,
        error: str | None = None,
        is_estimated: bool = False,
    ) -> None:
        """The real charge; `usage` None = nobody knows: charged as held, flagged as estimated, never zero."""
        if self._ended:
            return
        self._ended = True
        used = self._expected if usage is None else usage
        nanodollars = self._line.nanodollars if usage is None else self._model.price.nanodollars(usage, seconds)
        estimated = is_estimated or usage is None
        price = told_price(self._model.price)
        attempt = self._attempt(outcome, used, nanodollars, estimated, error)
        charge = Charge(self._line.attempt_id, nanodollars, used, estimated, seconds, price)
        await self._purse.pay(self._line, self._reservation, attempt, charge)

    async def not_billed(self, error: str) -> None:
        """Nothing was billed: the hold is given back."""
        if self._ended:
            return
        self._ended = True
        await self._purse.give_back(self._line, self._reservation, self._attempt("error", Usage(), 0, False, error))

    def _attempt(self, outcome: Outcome, usage: Usage, nanodollars: int, estimated: bool, error: str | None) -> Attempt:
        purpose: Purpose = "judge" if self._line.purpose == "judge" else "generate"
        return Attempt(
            self._line.attempt_id,
            self._model.id,
            purpose,
            self._started_seconds,
            self._purse.elapsed(),
            outcome,
            usage,
            nanodollars,
            estimated,
            error,
        )


@lru_cache(4096)
def told_price(price: Price) -> Mapping[str, float]:
    """The parts of a price that are set, as they are kept with a charge."""
    return {name: value for name, value in asdict(price).items() if isinstance(value, float) and value}
