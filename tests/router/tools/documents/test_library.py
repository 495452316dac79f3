"""What a document store promises, on SQLite and on a real PostgreSQL: files, stores, entries, and what is found."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from router.ledger.postgres.ledger import PostgresLedger
from router.tools.documents.database import Database
from router.tools.documents.library import Library, entry_for
from router.tools.documents.sqlite import SqliteDatabase
from router.tools.documents.values import Chunking, Hit, Lookup, VectorStore

pytestmark = pytest.mark.anyio
TEXTS = {
    "tides.md": "# Tides\n\nThe moon pulls the sea, so the tide rises twice a day.",
    "cheese.md": "# Cheese\n\nMilk curdles into cheese when rennet is added to it.",
    "bees.md": "# Bees\n\nBees dance to show each other where the food is.",
    "cafe.md": "# Cafés\n\nA naïve waiter serves crème brûlée to foo_bar at 3.5 degrees.",
}


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Callable[[], Database]]:
    """Opens the same database, any number of times."""
    if request.param == "sqlite":
        yield lambda: SqliteDatabase(tmp_path / "documents.db")
        return
    from router.tools.documents.postgres import PostgresDatabase

    url = request.getfixturevalue("new_database")()
    ledger = PostgresLedger(url)
    await ledger.start()
    yield lambda: PostgresDatabase(url)
    await ledger.close()


@pytest.fixture
async def library(database: Callable[[], Database]) -> AsyncIterator[Library]:
    opened = Library(database())
    await opened.start()
    yield opened
    await opened.close()


async def filled(library: Library, texts: dict[str, str] = TEXTS, team: str = "t") -> VectorStore:
    store = await library.add_store(team, "science", {"about": "x"}, None)
    for name, text in texts.items():
        file = await library.add_file(team, name, text.encode(), "assistants")
        await library.add_entries(store, [entry_for(store, file.id, time.time(), {"name": name}, Chunking())])
    await indexed(library, store)
    return store


async def indexed(library: Library, store: VectorStore) -> None:
    async with asyncio.timeout(60):
        while any(entry.status == "in_progress" for entry in await library.list_entries(store)):
            await asyncio.gather(*library._tasks)


async def found(library: Library, store: VectorStore, query: str, **more: object) -> list[Hit]:
    return await library.search(store, Lookup(query, **more))  # type: ignore[arg-type]


async def test_files_and_stores_are_each_teams_own(library: Library) -> None:
    store = await filled(library)
    files = await library.list_files("t")
    assert [file.name for file in files] == list(TEXTS)
    assert await library.content(files[0]) == TEXTS["tides.md"].encode()
    assert (await library.find_file("other", files[0].id), await library.find_store("other", store.id)) == (None, None)
    shown = await library.find_store("t", store.id)
    assert shown is not None
    assert (shown.counts, shown.metadata, shown.usage_bytes > 0) == ({"completed": 4}, {"about": "x"}, True)
    assert [one.id for one in await library.list_stores("t")] == [store.id]
    entry = await library.find_entry(store, files[0].id)
    assert entry is not None
    assert (entry.status, entry.attributes, entry.chunking) == ("completed", {"name": "tides.md"}, Chunking())


@pytest.mark.parametrize("method", ["hybrid", "words", "vectors"])
async def test_the_best_chunk_comes_first(library: Library, method: str) -> None:
    store = await filled(library)
    for query, name in (("why does the sea rise?", "tides.md"), ("cheese from milk", "cheese.md")):
        hits = await found(library, store, query, method=method)
        assert (hits[0].name, hits[0].attributes) == (name, {"name": name})
        assert all(0 < hit.score <= 1.0 + 1e-6 for hit in hits)


@pytest.mark.parametrize(
    ("query", "name"),
    [("dancing", "bees.md"), ("cafe", "cafe.md"), ("CREME", "cafe.md"), ("foo_bar", "cafe.md"), ("3.5", "cafe.md")],
)
async def test_words_are_found_by_their_stem_without_marks_or_case(library: Library, query: str, name: str) -> None:
    store = await filled(library)
    hits = await found(library, store, query, method="words")
    assert [hit.name for hit in hits] == [name]
    assert await found(library, store, "zeppelin", method="words") == []
    assert await found(library, store, "?!' & | :*", method="words") == []


async def test_no_stores_words_weigh_in_another(library: Library) -> None:
    store = await filled(library, {"a.md": "An apple a day.", "b.md": "A pear a day, and a plum."})
    before = await found(library, store, "apple day", method="words")
    await filled(library, {f"{n}.md": f"An apple number {n}." for n in range(5)}, "other")
    assert await found(library, store, "apple day", method="words") == before


async def test_only_chosen_files_are_searched(library: Library) -> None:
    store = await filled(library)
    bees = next(file for file in await library.list_files("t") if file.name == "bees.md")
    for method in ("hybrid", "words", "vectors"):
        hits = await found(library, store, "the food of the moon", method=method, files=frozenset([bees.id]))
        assert {hit.name for hit in hits} == {"bees.md"}
        assert await found(library, store, "food", method=method, files=frozenset()) == []


async def test_what_is_taken_out_is_not_found_again(library: Library, database: Callable[[], Database]) -> None:
    store = await filled(library)
    other = Library(database())
    names = {file.name: file.id for file in await library.list_files("t")}
    assert (await found(other, store, "tide"))[0].name == "tides.md"
    assert await library.delete_entry(store, names["tides.md"])
    assert await library.delete_file("t", names["bees.md"])
    assert not await library.delete_file("t", names["bees.md"])
    for opened in (library, other):
        hits = await found(opened, store, "tide bees dance cheese")
        assert {hit.name for hit in hits} == {"cheese.md", "cafe.md"}
    assert [entry.file for entry in await library.list_entries(store)] == [names["cheese.md"], names["cafe.md"]]
    await library.delete_store(store)
    assert await library.find_store("t", store.id) is None
    assert {file.name for file in await library.list_files("t")} == {"tides.md", "cheese.md", "cafe.md"}
    await other.close()


async def test_a_file_put_in_again_is_indexed_anew(library: Library) -> None:
    store = await filled(library, {"a.md": "An apple a day."})
    file = (await library.list_files("t"))[0]
    await library.add_entries(store, [entry_for(store, file.id, time.time(), {"n": 2}, Chunking(100, 0))])
    await indexed(library, store)
    hits = await found(library, store, "apple")
    assert [(hit.name, hit.attributes) for hit in hits] == [("a.md", {"n": 2})]


async def test_a_cancelled_batch_is_not_indexed(library: Library) -> None:
    store = await library.add_store("t", "s", {}, None)
    file = await library.add_file("t", "a.md", b"An apple.", "assistants")
    await library.add_entries(store, [entry_for(store, file.id, time.time(), {}, Chunking())], "batch-1")
    await library.cancel_batch(store, "batch-1")
    await asyncio.gather(*library._tasks)
    assert await library.find_batch(store, "batch-1") is not None
    assert [e.status for e in await library.list_entries(store, "batch-1")] in (["cancelled"], ["completed"])


async def test_what_one_process_indexes_another_finds_at_once(
    library: Library, database: Callable[[], Database]
) -> None:
    other = Library(database())
    store = await filled(library)
    assert (await found(other, store, "tide"))[0].name == "tides.md"
    file = await other.add_file("t", "owls.md", b"Owls hunt at night without a sound.", "assistants")
    await other.add_entries(store, [entry_for(store, file.id, time.time(), {}, Chunking())])
    await indexed(other, store)
    assert (await found(library, store, "silent owls"))[0].name == "owls.md"
    await other.close()


async def test_what_a_dead_process_left_is_taken_up(library: Library, database: Callable[[], Database]) -> None:
    dead = Library(database(), owner="place/1/2/gone")
    store = await dead.add_store("t", "s", {}, None)
    file = await dead.add_file("t", "a.md", b"An apple a day.", "assistants")
    entry = entry_for(store, file.id, time.time() - 1000, {}, Chunking())
    dead._store.add_entries(store, [entry], dead._owner)
    await dead.close()
    await library._take_up()
    await indexed(library, store)
    assert [hit.name for hit in await found(library, store, "apple")] == ["a.md"]


async def test_bm25_is_the_same_on_both(tmp_path: Path, new_database: Callable[[], str]) -> None:
    """Words that the two stemmers know alike rank alike, to the last digits."""
    from router.tools.documents.postgres import PostgresDatabase

    url = new_database()
    ledger = PostgresLedger(url)
    await ledger.start()
    told = []
    for opened in (SqliteDatabase(tmp_path / "documents.db"), PostgresDatabase(url)):
        library = Library(opened)
        await library.start()
        store = await filled(
            library, {str(n): f"# Fruit {n}\n\n{'plum ' * (n % 4)}pear {'fig ' * n}" for n in range(9)}
        )
        ranked = opened.words.ranked(opened.db, store.number, ["plum", "fig", "fruit"], None, 9)
        names = {
            row[0]: row[1]
            for row in opened.db.execute("SELECT c.id, f.name FROM chunks c, files f WHERE f.id = c.file")
        }
        told.append({names[i]: score for i, score in ranked.items()})
        assert opened.words.matching(opened.db, store.number, ["plum", "fig", "nothing"], 5) == [5, 5, 0]
        await library.close()
    await ledger.close()
    assert told[1] == pytest.approx(told[0])
