"""While the database is away a team may spend what the settings allow, and not a nanodollar of it is forgotten."""

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from action_model.prices import Usage
from router.errors import BudgetExceeded, Unauthenticated, Unavailable
from router.ledger.accounts import KeyScopes, Team
from router.ledger.ledger import Account, Charge, Line, Reservation
from router.ledger.postgres.ledger import PostgresLedger
from router.ledger.postgres.moves import Batch, Release, Reserve
from router.ledger.postgres.outage import OutageBooks
from router.ledger.registry import Registry
from scripts.postgres_server import PostgresServer

pytestmark = pytest.mark.anyio
ACCOUNT = Account("search", "key-1")
MOST = 500


def line(nanodollars: int) -> Line:
    return Line(uuid.uuid4().hex, "a/small", nanodollars)


def charge(held: Reservation, nanodollars: int) -> Charge:
    return Charge(held.lines[0].attempt_id, nanodollars, Usage(7, 3), price={"input_usd_per_mtok": 1.0})


def new_ledger(server: PostgresServer, folder: Path) -> PostgresLedger:
    return PostgresLedger(server.url, outage=OutageBooks(folder / "outage.db", MOST))


async def spend(ledger: PostgresLedger, nanodollars: int, account: Account = ACCOUNT) -> None:
    held = await ledger.reserve("run", account, [line(nanodollars)])
    await ledger.settle(held, charge(held, nanodollars))


async def money(ledger: PostgresLedger, team: str = "search") -> tuple[int, int]:
    await ledger.flush()
    rows = {row["team"]: row for row in await ledger.accounts.list_teams()}
    return round(rows[team]["spent_usd"] * 1e9), round(rows[team]["reserved_usd"] * 1e9)


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as started:
        yield started


@pytest.fixture
async def ledger(server: PostgresServer, tmp_path: Path) -> AsyncIterator[PostgresLedger]:
    """Of a proxy that has seen its team."""
    opened = new_ledger(server, tmp_path)
    await opened.start()
    await opened.accounts.put_team(Team("search", 10_000, "total"), "test")
    await spend(opened, 100)
    await opened.flush()
    yield opened
    await opened.close()


async def kill(server: PostgresServer, ledger: PostgresLedger) -> None:
    """Returns once the ledger has lost a batch to it."""
    await asyncio.to_thread(server.kill)
    await lose_a_batch(ledger)


async def lose_a_batch(ledger: PostgresLedger) -> None:
    with pytest.raises(Unavailable):
        await ledger.reserve("run", Account(uuid.uuid4().hex), [line(1)])


async def test_a_team_spends_what_is_allowed_and_all_of_it_is_booked(
    server: PostgresServer, ledger: PostgresLedger
) -> None:
    before = await ledger.reserve("run", ACCOUNT, [line(1000)])
    await kill(server, ledger)
    await spend(ledger, 200)
    held = await ledger.reserve("run", ACCOUNT, [line(250)])
    with pytest.raises(Unavailable, match="meanwhile"):
        await ledger.reserve("run", ACCOUNT, [line(51)])
    given_back = await ledger.reserve("run", ACCOUNT, [line(50)])
    await ledger.release(given_back)
    with pytest.raises(Unavailable, match="nothing is known"):
        await ledger.reserve("run", Account("search", "never-seen"), [line(1)])
    with pytest.raises(Unavailable, match="no team"):
        await ledger.reserve("run", Account(), [line(1)])
    at = (await ledger.standings(ACCOUNT))[0]
    assert (at.spent, at.reserved) == (300, 1250)
    await ledger.settle(before, charge(before, 900))
    await asyncio.to_thread(server.start)
    async with asyncio.timeout(30):
        assert await money(ledger) == (100 + 200 + 900, 250)
    await ledger.settle(held, charge(held, 240))
    assert await money(ledger) == (100 + 200 + 900 + 240, 0)
    totals = await ledger.totals()
    assert (totals["calls"], totals["estimated_calls"], totals["input_tokens"]) == (4, 0, 28)
    assert await ledger.check() == []

    await kill(server, ledger)
    await spend(ledger, MOST)
    await asyncio.to_thread(server.start)
    async with asyncio.timeout(30):
        assert await money(ledger) == (100 + 200 + 900 + 240 + MOST, 0)
    assert await ledger.check() == []


async def test_what_was_left_when_last_heard_of_is_the_limit_where_it_is_less(
    server: PostgresServer, ledger: PostgresLedger
) -> None:
    await ledger.accounts.put_team(Team("poor", 300, "total"), "test")
    poor = Account("poor")
    await spend(ledger, 200, poor)
    await ledger.flush()
    await kill(server, ledger)
    await spend(ledger, 60, poor)
    with pytest.raises(BudgetExceeded):
        await spend(ledger, 41, poor)
    await spend(ledger, 40, poor)
    await asyncio.to_thread(server.start)
    async with asyncio.timeout(30):
        assert await money(ledger, "poor") == (300, 0)


async def test_workers_of_a_proxy_share_what_is_allowed(
    server: PostgresServer, ledger: PostgresLedger, tmp_path: Path
) -> None:
    sibling = new_ledger(server, tmp_path)
    await sibling.start()
    await spend(sibling, 100)
    await kill(server, ledger)
    await lose_a_batch(sibling)
    results = await asyncio.gather(
        *(spend([ledger, sibling][number % 2], 50) for number in range(40)), return_exceptions=True
    )
    assert sum(result is None for result in results) == MOST // 50
    await asyncio.to_thread(server.start)
    async with asyncio.timeout(30):
        await sibling.flush()
        assert await money(ledger) == (200 + MOST, 0)
    assert (await ledger.totals())["calls"] == 2 + MOST // 50
    assert await ledger.check() == []
    await sibling.close()


DIES = """
import asyncio, os, sys
from pathlib import Path
from router.errors import Unavailable
from router.ledger.postgres.ledger import PostgresLedger
from router.ledger.postgres.outage import OutageBooks
from tests.router.ledger.postgres.test_outage import ACCOUNT, MOST, charge, line, spend

async def main():
    ledger = PostgresLedger(sys.argv[1], outage=OutageBooks(Path(sys.argv[2]), MOST))
    await ledger.start()
    await spend(ledger, 10)
    await ledger.flush()
    print("started", flush=True)
    sys.stdin.readline()
    await spend(ledger, 300)
    await ledger.reserve("run", ACCOUNT, [line(77)])
    print("spent", flush=True)
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""


async def test_a_proxy_that_is_killed_meanwhile_forgets_nothing(
    server: PostgresServer, ledger: PostgresLedger, tmp_path: Path
) -> None:
    words = [sys.executable, "-c", DIES, server.url, str(tmp_path / "other.db")]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*words, stdin=pipe, stdout=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    assert await process.stdout.readline() == b"started\n"
    await kill(server, ledger)
    process.stdin.write(b"go\n")
    assert await process.stdout.readline() == b"spent\n"
    await process.wait()
    await asyncio.to_thread(server.start)
    for _ in range(2):
        again = PostgresLedger(server.url, outage=OutageBooks(tmp_path / "other.db", 0))
        await again.start()
        await again.close()
    assert await money(ledger) == (100 + 10 + 300 + 77, 0)
    totals = await ledger.totals()
    assert (totals["calls"], totals["estimated_calls"]) == (4, 1)
    assert await ledger.check() == []


async def test_keys_that_were_known_open_while_the_database_is_away(
    server: PostgresServer, ledger: PostgresLedger
) -> None:
    strict, lenient = Registry(ledger.accounts), Registry(ledger.accounts, outlives_outage=True)
    used, unused = [await strict.create_key("search", KeyScopes(), "test") for _ in range(2)]
    revoked = await strict.create_key("search", KeyScopes(), "test")
    await strict.revoke_key(revoked.id, "test")
    for registry in (strict, lenient):
        assert (await registry.authenticate(used.secret)).key_id == used.id
        with pytest.raises(Unauthenticated):
            await registry.authenticate(revoked.secret)
    await kill(server, ledger)
    for registry in (strict, lenient):
        registry._known.clear()
        registry._unknown.clear()
    assert (await lenient.authenticate(used.secret)).key_id == used.id
    for registry, key in ((lenient, unused), (lenient, revoked), (strict, used)):
        with pytest.raises(Unavailable):
            await registry.authenticate(key.secret)
    await asyncio.to_thread(server.start)


def test_a_hold_brought_in_after_it_was_given_back_is_held() -> None:
    held = Reservation("r", "run", ACCOUNT, (line(1),))
    back = Release(ACCOUNT, (held.lines[0].attempt_id,))
    adopted = Reserve(held, is_forced=True)
    assert '"release":[]' in Batch([back, adopted]).encode()
    assert held.lines[0].attempt_id in Batch([adopted, back]).encode().split('"release":')[1].split("]")[0]
