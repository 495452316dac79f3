import uuid

import pytest

from action_model.prices import Usage
from router.errors import BadRequest
from router.ledger.ledger import Account, Charge, Line, Spend
from router.ledger.sqlite import SqliteLedger
from tests.router.ledger.conftest import Clock

pytestmark = pytest.mark.anyio
DAY_SECONDS = 86_400


async def spend_once(ledger: SqliteLedger, team: str, nanodollars: int) -> None:
    reservation = await ledger.reserve("run", Account(team, ""), [Line(uuid.uuid4().hex, "a/small", nanodollars)])
    await ledger.settle(reservation, Charge(reservation.lines[0].attempt_id, nanodollars, Usage(7, 3)))


async def test_pruning_keeps_the_sums_and_the_books_balance(ledger: SqliteLedger, clock: Clock) -> None:
    await spend_once(ledger, "search", 100)
    await spend_once(ledger, "search", 50)
    clock.now += 100 * DAY_SECONDS
    await spend_once(ledger, "ads", 25)
    await ledger.flush()
    before = await ledger.totals()
    counts = await ledger.prune(90)
    assert counts["lines"] == 2
    assert await ledger.totals() == before
    assert list(await ledger.check()) == []
    rows = await ledger.spend(Spend(("team", "day")))
    assert [(row["team"], row["calls"]) for row in rows] == [("ads", 1), ("search", 2)]


async def test_a_counter_that_was_tampered_with_is_found(ledger: SqliteLedger) -> None:
    await spend_once(ledger, "search", 100)
    await ledger.writer.do(lambda db: db.execute("update counters set spent = spent + 1").rowcount)
    found = list(await ledger.check())
    assert [(row.id, row.counted[0] - row.summed[0]) for row in found] == [("search", 1)]


async def test_an_unknown_dimension_is_a_bad_request(ledger: SqliteLedger) -> None:
    with pytest.raises(BadRequest):
        await ledger.spend(Spend(("team; drop table lines",)))
