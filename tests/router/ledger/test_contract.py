"""What every backend of the ledger promises."""

import asyncio
import uuid

import pytest

from action_model.prices import Usage
from router.errors import BadRequest, BudgetExceeded, BudgetReserved, Unauthenticated
from router.ledger.accounts import KeyScopes, Team
from router.ledger.ledger import Account, Charge, Ledger, Line, Reservation, Window
from router.ledger.registry import Registry
from tests.router.ledger.conftest import Clock

pytestmark = pytest.mark.anyio
ACCOUNT = Account("search", "key-1")
DAY_SECONDS = 86_400


@pytest.fixture
def ledger(any_ledger: Ledger) -> Ledger:
    return any_ledger


def line(nanodollars: int) -> Line:
    return Line(uuid.uuid4().hex, "a/small", nanodollars)


def charge(reservation: Reservation, nanodollars: int, index: int = 0) -> Charge:
    return Charge(reservation.lines[index].attempt_id, nanodollars, Usage(10, 5))


async def limit_team(ledger: Ledger, nanodollars: int, clock: Clock, window: Window = "day") -> None:
    await ledger.accounts.put_team(Team("search", nanodollars, window), "test")


async def money(ledger: Ledger) -> tuple[int, int]:
    await ledger.flush()
    standing = (await ledger.standings(ACCOUNT))[0]
    return standing.spent, standing.reserved


async def test_a_hold_becomes_its_charge(ledger: Ledger, clock: Clock) -> None:
    await limit_team(ledger, 1000, clock)
    reservation = await ledger.reserve("run", ACCOUNT, [line(400)])
    assert await money(ledger) == (0, 400)
    await ledger.settle(reservation, charge(reservation, 250))
    assert await money(ledger) == (250, 0)


async def test_settling_twice_charges_once(ledger: Ledger) -> None:
    reservation = await ledger.reserve("run", ACCOUNT, [line(400)])
    await ledger.settle(reservation, charge(reservation, 250))
    await ledger.settle(reservation, charge(reservation, 300))
    assert await money(ledger) == (250, 0)


async def test_a_release_gives_back_exactly_what_was_held(ledger: Ledger) -> None:
    reservation = await ledger.reserve("run", ACCOUNT, [line(400), line(70), line(5)])
    await ledger.settle(reservation, charge(reservation, 100))
    await ledger.release(reservation, reservation.lines[1].attempt_id)
    assert await money(ledger) == (100, 5)
    await ledger.release(reservation)
    assert await money(ledger) == (100, 0)


async def test_a_wave_is_held_whole_or_not_at_all(ledger: Ledger, clock: Clock) -> None:
    await limit_team(ledger, 1000, clock)
    with pytest.raises(BudgetExceeded):
        await ledger.reserve("run", ACCOUNT, [line(600), line(600)])
    assert await money(ledger) == (0, 0)


async def test_held_money_is_told_from_spent_money(ledger: Ledger, clock: Clock) -> None:
    await limit_team(ledger, 1000, clock)
    held = await ledger.reserve("run", ACCOUNT, [line(800)])
    with pytest.raises(BudgetReserved):
        await ledger.reserve("run", ACCOUNT, [line(500)])
    await ledger.settle(held, charge(held, 800))
    with pytest.raises(BudgetExceeded) as refusal:
        await ledger.reserve("run", ACCOUNT, [line(500)])
    assert (refusal.value.limit.limit, refusal.value.limit.spent) == (1000, 800)


async def test_concurrent_requests_never_pass_the_limit(ledger: Ledger, clock: Clock) -> None:
    await limit_team(ledger, 20_000, clock)

    async def request() -> bool:
        try:
            reservation = await ledger.reserve("run", ACCOUNT, [line(1000)])
        except BudgetReserved:
            return False
        await ledger.settle(reservation, charge(reservation, 1000))
        return True

    results = await asyncio.gather(*(request() for _ in range(200)), return_exceptions=True)
    assert sum(result is True for result in results) == 20
    assert await money(ledger) == (20_000, 0)


async def test_a_charge_above_its_hold_is_charged_and_later_requests_are_refused(ledger: Ledger, clock: Clock) -> None:
    await limit_team(ledger, 1000, clock)
    reservation = await ledger.reserve("run", ACCOUNT, [line(400)])
    await ledger.settle(reservation, charge(reservation, 1500))
    assert await money(ledger) == (1500, 0)
    with pytest.raises(BudgetExceeded):
        await ledger.reserve("run", ACCOUNT, [line(1)])


async def test_a_window_resets_by_itself_and_an_old_hold_is_charged_to_its_own(ledger: Ledger, clock: Clock) -> None:
    await limit_team(ledger, 1000, clock)
    held = await ledger.reserve("run", ACCOUNT, [line(900)])
    clock.now += DAY_SECONDS
    fresh = await ledger.reserve("run", ACCOUNT, [line(1000)])
    await ledger.settle(held, charge(held, 900))
    await ledger.settle(fresh, charge(fresh, 10))
    assert await money(ledger) == (10, 0)
    clock.now -= DAY_SECONDS
    assert await money(ledger) == (900, 0)


async def test_a_run_is_found_again(ledger: Ledger) -> None:
    await ledger.record_run("run-1", ACCOUNT, {"finish_reason": "all_satisfied", "score": 1.0})
    found = await ledger.find_run("run-1")
    assert found is not None
    assert (found["team"], found["score"]) == ("search", 1.0)
    assert await ledger.find_run("run-2") is None


async def test_totals_add_up_calls_tokens_and_dollars(ledger: Ledger) -> None:
    reservation = await ledger.reserve("run", ACCOUNT, [line(400), line(400)])
    await ledger.settle(reservation, charge(reservation, 1_000_000_000))
    await ledger.flush()
    totals = await ledger.totals()
    assert (totals["calls"], totals["input_tokens"], totals["output_tokens"], totals["usd"]) == (1, 10, 5, 1.0)
    assert totals["teams"]["search"]["usd"] == 1.0


async def test_labels_of_judges_add_up_and_stay(ledger: Ledger) -> None:
    row = {"judge": "a/j", "version": "2", "kind": "style", "place": 3, "truth": 1, "source": "check", "labels": 2.0}
    await ledger.add_labels([row, {**row, "truth": 0}])
    await ledger.add_labels([row])
    await ledger.flush()
    found = sorted(await ledger.read_labels(), key=lambda one: one["truth"])
    assert found == [{**row, "truth": 0}, {**row, "labels": 4.0}]


async def test_a_deleted_team_has_no_keys_and_no_budget_but_its_spend_stays(ledger: Ledger, clock: Clock) -> None:
    registry = Registry(ledger.accounts, clock)
    await limit_team(ledger, 1000, clock)
    key = await registry.create_key("search", KeyScopes(), "test")
    await registry.put_team(Team("other"), "test")
    other = await registry.create_key("other", KeyScopes(), "test")
    reservation = await ledger.reserve("run", ACCOUNT, [line(400), line(300)])
    await ledger.settle(reservation, charge(reservation, 250))
    await ledger.flush()
    assert await registry.delete_team("search", "test") == 1
    with pytest.raises(Unauthenticated):
        await registry.authenticate(key.secret)
    assert (await registry.authenticate(other.secret)).team == "other"
    assert [row["team"] for row in await ledger.accounts.list_teams()] == ["other"]
    assert {row["id"] for row in await ledger.accounts.list_budgets()} == {"other"}
    await ledger.settle(reservation, charge(reservation, 300, 1))
    assert (await money(ledger), (await ledger.totals())["teams"]["search"]["calls"]) == ((550, 0), 2)
    assert await ledger.check() == []
    await limit_team(ledger, 1000, clock)
    with pytest.raises(BudgetExceeded):
        await ledger.reserve("run", ACCOUNT, [line(451)])
    for name in ("nobody", "*"):
        with pytest.raises(BadRequest):
            await registry.delete_team(name, "test")
    assert (await ledger.accounts.read_audit())[1]["act"] == "delete_team"
