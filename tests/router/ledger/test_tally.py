"""Counters summed over a transaction are what they would be if each act had written them by itself."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from action_model.prices import Usage
from router.errors import BudgetExceeded, BudgetReserved
from router.ledger.ledger import Account, Charge, Line, Reservation
from router.ledger.migrations import MIGRATIONS
from router.ledger.statements import money
from router.ledger.statements.tally import Tally

NOW = 1_790_000_000.0
DAY_SECONDS = 86_400
ACCOUNTS = (Account("search", "k1"), Account("search", "k2"), Account("", "k1"), Account("chat", ""))


@dataclass(frozen=True)
class Act:
    """Of one attempt: held, settled or given back; by whom, how much, on which day, and whether a commit follows."""

    kind: str
    attempt: int
    account: Account
    nanodollars: int
    day: int
    ends: bool

    @property
    def attempt_id(self) -> str:
        return f"a{self.attempt}"


acts = st.builds(
    Act,
    st.sampled_from(["hold", "hold", "settle", "release"]),
    st.integers(0, 7),
    st.sampled_from(ACCOUNTS),
    st.integers(0, 400),
    st.integers(0, 1),
    st.booleans(),
)


@contextmanager
def books() -> Iterator[sqlite3.Connection]:
    """A ledger in memory in which team and key have limits."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    try:
        MIGRATIONS.apply(Database(db))
        db.execute(
            "insert into budgets values ('team', 'search', 'day', 1000, null), ('key', 'k1', 'total', 700, null)"
        )
        yield db
    finally:
        db.close()


def act_out(db: sqlite3.Connection, act: Act, by: "Tally | Singly") -> str:
    """Carries out one act; how it went."""
    now = NOW + act.day * DAY_SECONDS
    if act.kind == "settle":
        by.settle(db, Charge(act.attempt_id, act.nanodollars, Usage(1, 1)), now)
    elif act.kind == "release":
        by.release(db, [act.attempt_id])
    elif db.execute("select 1 from lines where attempt_id = ?", (act.attempt_id,)).fetchone() is None:
        line = Line(act.attempt_id, "a/small", act.nanodollars)
        try:
            by.hold(db, Reservation("r", "run", act.account, (line,)), money.Owner("me", now))
        except (BudgetExceeded, BudgetReserved) as error:
            return f"{type(error).__name__}: {error}"
    return "done"


class Singly:
    """Every act writes its own counters."""

    hold = staticmethod(money.reserve)
    settle = staticmethod(money.settle)
    release = staticmethod(money.release)

    def write(self, db: sqlite3.Connection) -> None:
        """They are written."""


def carried_out(acts: Sequence[Act], by: Tally | Singly) -> object:
    """How each act went, and how the books stand then."""
    with books() as db:
        told = []
        for act in acts:
            told.append(act_out(db, act, by))
            if act.ends:
                by.write(db)
        by.write(db)
        counters = db.execute("select * from counters order by 1, 2, 3").fetchall()
        return told, counters, db.execute("select attempt_id, state, nanodollars from lines order by 1").fetchall()


@given(st.lists(acts, max_size=30))
def test_summed_counters_are_those_of_acts_written_one_by_one(acts: list[Act]) -> None:
    assert carried_out(acts, Tally()) == carried_out(acts, Singly())


@given(st.lists(acts, max_size=30), st.sampled_from(ACCOUNTS), st.integers(0, 1))
def test_a_standing_before_the_counters_are_written_is_the_one_after(
    acts: list[Act], account: Account, day: int
) -> None:
    with books() as db:
        tally, now = Tally(), NOW + day * DAY_SECONDS
        for act in acts:
            act_out(db, act, tally)
        told = tally.standings(db, account, now)
        tally.write(db)
        assert told == money.read_standings(db, account, now)
