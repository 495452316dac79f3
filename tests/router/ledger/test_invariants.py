"""The invariants of money, against a plain model: any order of waves, settlements, crashes, budgets and clocks.

A wave is held exactly when run, key and team all pay for it, and the error says which does not and why. What is spent
and reserved is at every moment what the model says, in the window each hold was made in; the books balance.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from action_model.prices import Price, Usage
from router.errors import BudgetExceeded, BudgetReserved, MaestroError, RunLimitReached
from router.ledger.accounts import KeyScopes, NewKey, StoredBudget, Team, new_secret
from router.ledger.ledger import Account, Ledger, Standing, Window
from router.ledger.owners import own_name
from router.ledger.purse import LineMeter, RunLimits, RunPurse
from router.ledger.sqlite import SqliteLedger
from router.ledger.statements import money
from router.ledger.windows import window_start
from router.upstreams.upstream import Model
from tests.router.ledger.conftest import Clock

T = TypeVar("T")
MODEL = Model("a", "small", "small", Price(1.0, 0.0))
NANODOLLARS_A_TOKEN = 1000
WINDOWS: tuple[Window, ...] = ("day", "week", "month", "total")
ACCOUNTS = (Account("red", "one"), Account("red", "two"), Account("blue", "one"))
LIMITS = st.integers(10, 60).map(lambda tokens: tokens * NANODOLLARS_A_TOKEN) | st.none()
HOURS = st.sampled_from([1, 7, 30, 24 * 8, 24 * 40])


@dataclass
class Row:
    """One line as the model sees it."""

    account: Account
    held: int
    windows: dict[str, int]
    charged: int | None = None
    settled_at: float | None = None
    is_given_back: bool = False

    def money(self) -> tuple[int, int]:
        if self.is_given_back:
            return 0, 0
        return (0, self.held) if self.charged is None else (self.charged, 0)


@dataclass
class Limits:
    """A budget as the model sees it."""

    nanodollars: int | None = None
    window: Window = "total"


@dataclass
class OpenRun:
    """A run and what it has begun."""

    purse: RunPurse
    account: Account
    limit: int | None
    held: list[Row] = field(default_factory=list)
    begun: list[tuple[LineMeter, Row]] = field(default_factory=list)
    ended: list[tuple[LineMeter, Row]] = field(default_factory=list)

    def spent_and_held(self) -> int:
        rows = [*self.held, *(row for _, row in (*self.begun, *self.ended))]
        return sum(sum(row.money()) for row in rows)


class Money(RuleBasedStateMachine):
    """Another backend takes part by its own `open_ledger`."""

    runs: Bundle[OpenRun] = Bundle("runs")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock(1_790_000_000.0)
        self.rows: list[Row] = []
        self.limits: dict[tuple[str, str], Limits] = {}
        self.ledger: Ledger = self.wait(self.open_ledger())

    async def open_ledger(self) -> Ledger:
        ledger = SqliteLedger(Path(self.folder.name) / "ledger.db", "normal", self.clock)
        await ledger.start()
        return ledger

    async def read_standings(self, account: Account) -> Sequence[Standing]:
        """As the next decision would see them."""
        assert isinstance(self.ledger, SqliteLedger)
        return await self.ledger.writer.do(lambda db: money.read_standings(db, account, self.clock.now))

    def wait(self, work: Awaitable[T]) -> T:
        async def whole() -> T:
            return await work

        return self.runner.run(whole())

    def teardown(self) -> None:
        self.wait(self.ledger.close())
        self.runner.close()
        self.folder.cleanup()

    @initialize(limit=LIMITS, window=st.sampled_from(WINDOWS))
    def make_teams_and_keys(self, limit: int | None, window: Window) -> None:
        """The key "one" may name both teams: its own budget holds over both."""
        for team in ("red", "blue"):
            self.wait(self.ledger.accounts.put_team(Team(team, limit, window), "test"))
            self.limits["team", team] = Limits(limit, window)
        for key in ("one", "two"):
            self.wait(self.ledger.accounts.insert_key(NewKey(key, "red", new_secret()), KeyScopes(), "test"))

    @rule(
        account=st.sampled_from(ACCOUNTS),
        scope=st.sampled_from(["team", "key"]),
        limit=LIMITS,
        window=st.sampled_from(WINDOWS),
    )
    def set_budget(self, account: Account, scope: Any, limit: int | None, window: Window) -> None:
        name = account.team if scope == "team" else account.key_id
        self.wait(self.ledger.accounts.put_budget(StoredBudget(scope, name, limit, window), "test"))
        before = self.limits.get((scope, name), Limits()).window
        self.limits[scope, name] = Limits(limit, window)
        start = int(window_start(window, self.clock.now))
        moved = self.rows if before != window else []
        for row in moved:
            is_recent = row.charged is None or (row.settled_at or 0) >= start
            if is_recent and not row.is_given_back and _owner(row, scope) == name:
                row.windows[scope] = start

    @rule(target=runs, account=st.sampled_from(ACCOUNTS), limit=LIMITS)
    def begin_run(self, account: Account, limit: int | None) -> OpenRun:
        purse = RunPurse(self.ledger, "run", account, RunLimits(limit), lambda: 0.0)
        return OpenRun(purse, account, limit)

    @rule(run=runs, tokens=st.lists(st.integers(1, 25), min_size=1, max_size=3))
    def hold_a_wave(self, run: OpenRun, tokens: list[int]) -> None:
        expected = self.refusal(run, sum(tokens) * NANODOLLARS_A_TOKEN)
        try:
            self.wait(run.purse.hold([(MODEL, Usage(count)) for count in tokens]))
        except MaestroError as error:
            assert type(error) is expected
            return
        assert expected is None
        for count in tokens:
            row = Row(run.account, count * NANODOLLARS_A_TOKEN, self.windows_now(run.account))
            run.held.append(row)
            self.rows.append(row)

    @rule(run=runs)
    def begin_attempts(self, run: OpenRun) -> None:
        while run.held:
            row = run.held.pop(0)
            meter = self.wait(run.purse.begin(MODEL, "generate", Usage(row.held // NANODOLLARS_A_TOKEN)))
            run.begun.append((meter, row))

    @rule(run=runs, tokens=st.none() | st.integers(0, 40))
    def settle(self, run: OpenRun, tokens: int | None) -> None:
        """At what was used, which may be more than was held; or as held, where nobody knows."""
        if run.begun:
            meter, row = run.begun.pop(0)
            self.wait(meter.settle(None if tokens is None else Usage(tokens), 0.1, "ok"))
            row.charged = row.held if tokens is None else tokens * NANODOLLARS_A_TOKEN
            row.settled_at = self.clock.now
            run.ended.append((meter, row))

    @rule(run=runs)
    def settle_again(self, run: OpenRun) -> None:
        for meter, _ in run.ended:
            self.wait(meter.settle(Usage(1_000_000), 0.1, "ok"))

    @rule(run=runs)
    def not_billed(self, run: OpenRun) -> None:
        if run.begun:
            meter, row = run.begun.pop(0)
            self.wait(meter.not_billed("refused"))
            row.is_given_back = True
            run.ended.append((meter, row))

    @rule(run=runs)
    def end_run(self, run: OpenRun) -> None:
        """Lines that no attempt took are given back; attempts under way go on."""
        self.wait(run.purse.close())
        for row in run.held:
            row.is_given_back = True
        run.held.clear()

    @rule(account=st.sampled_from(ACCOUNTS), tokens=st.lists(st.integers(0, 15), min_size=1, max_size=2))
    def a_process_dies_with_a_wave_under_way(self, account: Account, tokens: list[int]) -> None:
        """Its holds become charges at worst case as soon as a living process looks."""
        run = OpenRun(RunPurse(self.ledger, "run", account, RunLimits(), lambda: 0.0), account, None)
        if self.refusal(run, sum(tokens) * NANODOLLARS_A_TOKEN) is not None:
            return
        self.wait(self.die_holding(account, tokens))
        for count in tokens:
            held = count * NANODOLLARS_A_TOKEN
            self.rows.append(Row(account, held, self.windows_now(account), held, self.clock.now))

    async def die_holding(self, account: Account, tokens: list[int]) -> None:
        """A ledger of a process that is no more, and the next look of this one."""
        place, pid, _, nonce = own_name().split("/")
        path = Path(self.folder.name) / "ledger.db"
        dying = SqliteLedger(path, "normal", self.clock)
        dying._owner = f"{place}/{pid}/1/{nonce}"
        await dying.start()
        purse = RunPurse(dying, "run", account, RunLimits(), lambda: 0.0)
        await purse.hold([(MODEL, Usage(count)) for count in tokens])
        await dying.close()
        await (await self.open_ledger()).close()

    @rule(hours=HOURS)
    def time_passes(self, hours: float) -> None:
        self.clock.now += hours * 3600

    @rule(hours=HOURS)
    def the_clock_is_set_back(self, hours: float) -> None:
        self.clock.now -= hours * 3600

    @rule()
    def old_charges_are_archived(self) -> None:
        self.wait(self.ledger.flush())
        self.wait(self.ledger.prune(10))

    @invariant()
    def money_is_where_the_model_has_it(self) -> None:
        self.wait(self.ledger.flush())
        assert self.wait(self.ledger.check()) == []
        for account in ACCOUNTS:
            for standing in self.wait(self.read_standings(account)):
                limits = self.limits.get((standing.scope, standing.id), Limits())
                assert (standing.limit, standing.window) == (limits.nanodollars, limits.window)
                assert (standing.spent, standing.reserved) == self.counted(standing.scope, standing.id)

    def refusal(self, run: OpenRun, needed: int) -> type[MaestroError] | None:
        """Why the wave may not be held, by the model; None if it may."""
        if run.limit is not None and run.spent_and_held() + needed > run.limit:
            return RunLimitReached
        for scope, name in (("team", run.account.team), ("key", run.account.key_id)):
            limit = self.limits.get((scope, name), Limits()).nanodollars
            spent, reserved = self.counted(scope, name)
            if limit is not None and spent + reserved + needed > limit:
                return BudgetReserved if spent + needed <= limit else BudgetExceeded
        return None

    def windows_now(self, account: Account) -> dict[str, int]:
        named = (("team", account.team), ("key", account.key_id))
        return {
            scope: int(window_start(self.limits.get((scope, name), Limits()).window, self.clock.now))
            for scope, name in named
        }

    def counted(self, scope: str, name: str) -> tuple[int, int]:
        start = int(window_start(self.limits.get((scope, name), Limits()).window, self.clock.now))
        moneys = [row.money() for row in self.rows if _owner(row, scope) == name and row.windows[scope] == start]
        return sum(spent for spent, _ in moneys), sum(reserved for _, reserved in moneys)


def _owner(row: Row, scope: str) -> str:
    return row.account.team if scope == "team" else row.account.key_id


TestMoney = Money.TestCase
TestMoney.settings = settings(
    max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
