"""The database goes away and comes back, a worker falls silent, a clock is wrong: no money is lost or spent twice."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable

import psycopg
import pytest

from action_model.prices import Usage
from router.errors import Unavailable
from router.ledger.accounts import Team
from router.ledger.ledger import Account, Charge, Line, Reservation
from router.ledger.postgres.ledger import PostgresLedger
from scripts.postgres_server import PostgresServer

pytestmark = pytest.mark.anyio
ACCOUNT = Account("search", "key-1")


def line(nanodollars: int) -> Line:
    return Line(uuid.uuid4().hex, "a/small", nanodollars)


def charge(held: Reservation, nanodollars: int) -> Charge:
    return Charge(held.lines[0].attempt_id, nanodollars, Usage(7, 3))


async def money(ledger: PostgresLedger) -> tuple[int, int]:
    await ledger.flush()
    await asyncio.sleep(0)
    rows = {row["team"]: row for row in await ledger.accounts.list_teams()}
    return round(rows["search"]["spent_usd"] * 1e9), round(rows["search"]["reserved_usd"] * 1e9)


@pytest.fixture
async def ledger(new_database: Callable[[], str]) -> AsyncIterator[PostgresLedger]:
    opened = PostgresLedger(new_database())
    await opened.start()
    await opened.accounts.put_team(Team("search", 1000, "total"), "test")
    yield opened
    await opened.close()


async def test_a_killed_database_refuses_new_work_and_forgets_nothing() -> None:
    with PostgresServer() as server:
        ledger = PostgresLedger(server.url)
        await ledger.start()
        await ledger.accounts.put_team(Team("search", 1000, "total"), "test")
        held = await ledger.reserve("run", ACCOUNT, [line(400)])
        await asyncio.to_thread(server.kill)
        with pytest.raises(Unavailable):
            await ledger.reserve("run", ACCOUNT, [line(10)])
        await ledger.settle(held, charge(held, 250))
        await ledger.record_run("run", ACCOUNT, {"score": 1.0})
        await asyncio.to_thread(server.start)
        async with asyncio.timeout(30):
            await ledger.flush()
        assert await money(ledger) == (250, 0)
        assert await ledger.find_run("run") is not None
        assert await ledger.check() == []
        await ledger.close()


async def test_a_hold_that_nobody_heard_of_is_given_back(ledger: PostgresLedger) -> None:
    with psycopg.connect(ledger.url, autocommit=True) as other:
        other.execute("begin")
        other.execute("lock table lines in exclusive mode")
        waiting = asyncio.create_task(ledger.reserve("run", ACCOUNT, [line(400)]))
        await asyncio.to_thread(cut_who_waits, ledger.url)
        with pytest.raises(Unavailable):
            await waiting
        other.execute("commit")
    assert await money(ledger) == (0, 0)
    await ledger.reserve("run", ACCOUNT, [line(1000)])
    assert await money(ledger) == (0, 1000)


def cut_who_waits(url: str) -> None:
    """Ends the connection that waits for a lock, as soon as one does."""
    until = time.monotonic() + 10
    with psycopg.connect(url, autocommit=True) as other:
        while not other.execute("select pg_terminate_backend(pid) from pg_locks where not granted").rowcount:
            assert time.monotonic() < until


async def test_what_an_older_connection_still_carries_is_refused(ledger: PostgresLedger) -> None:
    batch = json.dumps({"scopes": [], "adopt": [], "settle": [], "release": [], "reserve": [], "lines": []})
    with psycopg.connect(ledger.url, autocommit=True) as other:
        row = other.execute("select epoch from owners where id = %s", (ledger.owner,)).fetchone()
        assert row is not None
        with pytest.raises(psycopg.DatabaseError, match="epoch"):
            other.execute("select maestro_apply(%s, %s, null, %s::json)", (ledger.owner, row[0] - 1, batch))


async def test_a_silent_worker_is_charged_at_worst_case_until_it_speaks_again(ledger: PostgresLedger) -> None:
    held = await ledger.reserve("run", ACCOUNT, [line(400)])
    with psycopg.connect(ledger.url, autocommit=True) as other:
        beat = other.execute("select alive_at from owners where id = %s", (ledger.owner,)).fetchone()
        assert beat is not None
        other.execute("select maestro_bury(%s, %s, null)", (ledger.owner, beat[0]))
    assert (await money(ledger), (await ledger.totals())["estimated_calls"]) == ((400, 0), 1)
    await ledger.settle(held, charge(held, 650))
    assert (await money(ledger), (await ledger.totals())["estimated_calls"]) == ((650, 0), 0)
    await ledger.settle(held, charge(held, 5))
    assert await money(ledger) == (650, 0)
    assert await ledger.check() == []


async def test_a_worker_that_spoke_meanwhile_is_left_alone(ledger: PostgresLedger) -> None:
    await ledger.reserve("run", ACCOUNT, [line(400)])
    with psycopg.connect(ledger.url, autocommit=True) as other:
        other.execute("select maestro_bury(%s, %s, null)", (ledger.owner, 1.0))
    assert await money(ledger) == (0, 400)


async def test_workers_of_one_team_never_pass_its_limit_together(ledger: PostgresLedger) -> None:
    others = [PostgresLedger(ledger.url) for _ in range(2)]
    for other in others:
        await other.start()

    async def ask(asked: PostgresLedger) -> int:
        try:
            held = await asked.reserve("run", ACCOUNT, [line(100)])
        except Exception as refusal:  # noqa: BLE001 - which refusal it is, the contract tests say
            assert "budget" in str(refusal)
            return 0
        await asked.settle(held, charge(held, 100))
        return 1

    served = await asyncio.gather(*(ask([ledger, *others][number % 3]) for number in range(90)))
    for other in others:
        await other.close()
    assert sum(served) == 10
    assert await money(ledger) == (1000, 0)
    assert await ledger.check() == []


async def test_text_that_the_database_cannot_hold_harms_nobody(ledger: PostgresLedger) -> None:
    held = await ledger.reserve("run\0", ACCOUNT, [Line("attempt\0"[:-1], "a/\ud800small", 10)])
    await ledger.settle(held, charge(held, 10))
    await ledger.record_run("run-2", ACCOUNT, {"text": "half of a pair \ud800 and nothing \0"})
    assert await ledger.find_run("run-2") is not None
    assert await money(ledger) == (10, 0)
    with pytest.raises(Unavailable):
        await ledger.reserve("run", ACCOUNT, [line(10**19)])
    assert await money(ledger) == (10, 0)
