"""Values that cannot be stored harm nobody else; a changed window and a pruned ledger still balance."""

import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from action_model.prices import Usage
from router.errors import Unavailable
from router.ledger.accounts import KeyScopes, StoredBudget, Team
from router.ledger.ledger import Account, Charge, Line, Window
from router.ledger.registry import Registry
from router.ledger.sqlite import SqliteLedger
from router.ledger.statements import money
from router.ledger.statements.accounts import put_budget
from router.ledger.usage import MOST_TOKENS, read_usage
from tests.router.ledger.conftest import Clock

pytestmark = pytest.mark.anyio
ACCOUNT = Account("search", "key-1")
DAY_SECONDS = 86_400


def line(nanodollars: int) -> Line:
    return Line(uuid.uuid4().hex, "a/small", nanodollars)


async def spend(ledger: SqliteLedger, nanodollars: int) -> None:
    held = await ledger.reserve("run", ACCOUNT, [line(nanodollars)])
    await ledger.settle(held, Charge(held.lines[0].attempt_id, nanodollars, Usage(7, 3)))
    await ledger.flush()


async def set_window(ledger: SqliteLedger, window: Window, clock: Clock) -> None:
    budget = StoredBudget("team", "search", 10**9, window)
    await ledger.writer.do(lambda db: put_budget(db, budget, clock.now))


async def standing(ledger: SqliteLedger, clock: Clock) -> tuple[int, int]:
    now = (await ledger.writer.do(lambda db: money.read_standings(db, ACCOUNT, clock.now)))[0]
    return now.spent, now.reserved


async def test_a_hold_beyond_64_bits_is_refused_and_the_ledger_lives_on(ledger: SqliteLedger, clock: Clock) -> None:
    with pytest.raises(Unavailable):
        await ledger.reserve("run", ACCOUNT, [line(10**19)])
    await spend(ledger, 5)
    assert await standing(ledger, clock) == (5, 0)


async def test_a_charge_that_cannot_be_stored_keeps_its_hold(ledger: SqliteLedger, clock: Clock) -> None:
    held = await ledger.reserve("run", ACCOUNT, [line(10)])
    await ledger.settle(held, Charge(held.lines[0].attempt_id, 5, Usage(10**30, 1)))
    await spend(ledger, 5)
    assert await standing(ledger, clock) == (5, 10)


async def test_a_row_that_cannot_be_stored_does_not_stop_its_neighbours(ledger: SqliteLedger, clock: Clock) -> None:
    held = await ledger.reserve("run", ACCOUNT, [line(10)])
    await ledger.record_outcomes([{"run_id": "run"}])
    await ledger.settle(held, Charge(held.lines[0].attempt_id, 9, Usage(1, 1)))
    await spend(ledger, 5)
    assert await standing(ledger, clock) == (14, 0)
    assert [(s.spent, s.reserved) for s in await ledger.standings(ACCOUNT)] == [(14, 0), (14, 0)]


async def test_the_books_balance_after_windows_changed(ledger: SqliteLedger, clock: Clock) -> None:
    windows: tuple[Window, ...] = ("month", "day", "week", "total", "month")
    await spend(ledger, 10)
    await ledger.reserve("run", ACCOUNT, [line(3)])
    for window in windows:
        await set_window(ledger, window, clock)
        assert await standing(ledger, clock) == (10, 3)
        assert list(await ledger.check()) == []


async def test_what_was_pruned_still_counts_in_a_changed_window(ledger: SqliteLedger, clock: Clock) -> None:
    await set_window(ledger, "month", clock)
    await spend(ledger, 10)
    clock.now += 100 * DAY_SECONDS
    await ledger.prune(90)
    await set_window(ledger, "total", clock)
    assert await standing(ledger, clock) == (10, 0)
    assert list(await ledger.check()) == []


async def test_a_key_that_names_a_team_keeps_to_the_models_of_that_team(ledger: SqliteLedger) -> None:
    registry = Registry(ledger.accounts)
    await registry.put_team(Team("home"))
    await registry.put_team(Team("strict", defaults={"models": ["a/cheap"]}))
    key = await registry.create_key("home", KeyScopes(teams=("strict",)), "test")
    assert (await registry.authenticate(key.secret, "strict")).models == ("a/cheap",)
    assert (await registry.authenticate(key.secret)).models == ()


@given(st.sampled_from(["1e400", "1e30", str(MOST_TOKENS + 1), "-1"]))
def test_absurd_token_counts_are_nothing(count: str) -> None:
    assert read_usage(json.loads(f'{{"prompt_tokens": {count}}}')) is None
