"""`maestro migrate`: everything is moved, the books balance on both sides, and nothing is moved twice."""

from collections.abc import Callable
from pathlib import Path

import pytest

from action_model.prices import Usage
from router.errors import BadRequest
from router.ledger.accounts import KeyScopes, Team
from router.ledger.ledger import Account, Charge, Ledger, Line, Spend
from router.ledger.postgres.ledger import PostgresLedger
from router.ledger.registry import Registry
from router.ledger.sqlite import SqliteLedger
from router.tools.documents.library import Library
from router.tools.documents.postgres import PostgresDatabase
from router.tools.documents.sqlite import SqliteDatabase
from router.tools.documents.values import Lookup
from scripts.migrate import move_files, move_ledger
from tests.router.tools.documents.test_library import TEXTS, filled

pytestmark = pytest.mark.anyio
ACCOUNT = Account("search", "key-1")


async def spend(ledger: Ledger, nanodollars: int) -> None:
    held = await ledger.reserve("run-1", ACCOUNT, [Line(f"attempt-{nanodollars}", "a/small", nanodollars)])
    await ledger.settle(held, Charge(held.lines[0].attempt_id, nanodollars, Usage(7, 3), price={"input": 1.0}))
    await ledger.flush()


async def test_a_ledger_is_moved_whole_and_spending_goes_on(tmp_path: Path, new_database: Callable[[], str]) -> None:
    path, url = tmp_path / "ledger.db", new_database()
    source = SqliteLedger(path)
    await source.start()
    registry = Registry(source.accounts)
    await registry.put_team(Team("search", 1000, "total", 0.5, {"effort": "high"}))
    key = await registry.create_key("search", KeyScopes(nanodollars=900), "test")
    await spend(source, 300)
    await source.record_run("run-1", ACCOUNT, {"finish_reason": "all_satisfied", "text": "a\0b"})
    await source.flush()
    spent = await source.spend(Spend(("team", "model", "day")))
    await source.close()

    moved = await move_ledger(path, url)
    assert (moved["lines"], moved["runs"], moved["keys"], moved["balanced"]) == (1, 1, 1, True)
    target = PostgresLedger(url)
    await target.start()
    assert await target.spend(Spend(("team", "model", "day"))) == spent
    assert (await Registry(target.accounts).authenticate(key.secret)).team == "search"
    await spend(target, 200)
    standing = (await target.standings(ACCOUNT))[0]
    assert (standing.spent, standing.limit) == (500, 1000)
    found = await target.find_run("run-1")
    assert found is not None
    assert found["text"] == "a\0b"
    assert await target.check() == []
    await target.close()


async def test_nothing_is_moved_into_a_ledger_that_has_rows(tmp_path: Path, new_database: Callable[[], str]) -> None:
    path, url = tmp_path / "ledger.db", new_database()
    source = SqliteLedger(path)
    await source.start()
    await spend(source, 300)
    await source.close()
    await move_ledger(path, url)
    with pytest.raises(BadRequest, match="not empty"):
        await move_ledger(path, url)


async def test_documents_are_moved_and_found_again(tmp_path: Path, new_database: Callable[[], str]) -> None:
    path, url = tmp_path / "documents.db", new_database()
    target = PostgresLedger(url)
    await target.start()
    library = Library(SqliteDatabase(path))
    store = await filled(library)
    files = await library.list_files("t")
    before = await library.search(store, Lookup("cheese from milk", method="words"))
    await library.close()
    assert move_files(tmp_path / "none.db", url) == {}
    moved = move_files(path, url)
    assert (moved["files"], moved["stores"], moved["entries"], moved["chunks"]) == (4, 1, 4, 4)
    with pytest.raises(BadRequest, match="not empty"):
        move_files(path, url)
    again = Library(PostgresDatabase(url))
    found = await again.find_store("t", store.id)
    assert found is not None
    assert (found.counts, await again.list_files("t")) == ({"completed": 4}, files)
    assert await again.content(files[0]) == TEXTS["tides.md"].encode()
    after = await again.search(found, Lookup("cheese from milk", method="words"))
    assert [hit.name for hit in after] == [hit.name for hit in before]
    assert after[0].score == pytest.approx(before[0].score)
    assert (await again.search(await filled(again), Lookup("dancing bees")))[0].name == "bees.md"
    await again.close()
    await target.close()
