"""What expires is gone when its time has come, whoever looks; a use puts it off."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from router.errors import BadRequest
from router.tools.documents.library import Library, entry_for
from router.tools.documents.sqlite import SqliteDatabase
from router.tools.documents.values import Chunking, Lookup, StoredFile, VectorStore

pytestmark = pytest.mark.anyio
DAY = 86_400


class Clock:
    """Time that moves when told."""

    def __init__(self) -> None:
        self.seconds = time.time()

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[tuple[Library, Clock]]:
    clock = Clock()
    library = Library(SqliteDatabase(tmp_path / "documents.db"), now=clock)
    yield library, clock
    await library.close()


async def filed(library: Library, clock: Clock) -> tuple[StoredFile, VectorStore]:
    """A file that ends in a minute, in a store, ready to be found."""
    file = await library.add_file("t", "a.txt", b"moon and tide", "assistants", expires_at=int(clock()) + 60)
    store = await library.add_store("t", "s", {}, None)
    entry = entry_for(store, file.id, clock(), {}, Chunking())
    library._store.add_entries(store, [entry], "me", None)
    library.add_text(store, entry, "moon and tide")
    return file, store


async def test_a_file_past_its_end_is_gone_with_its_chunks(kept: tuple[Library, Clock]) -> None:
    library, clock = kept
    file, store = await filed(library, clock)
    assert [hit.file for hit in await library.search(store, Lookup("moon"))] == [file.id]
    clock.seconds += 61
    assert await library.find_file("t", file.id) is None
    assert await library.list_files("t") == []
    assert await library.search(store, Lookup("moon")) == []


async def test_a_search_after_a_files_end_does_not_find_it_even_if_nobody_looked(kept: tuple[Library, Clock]) -> None:
    library, clock = kept
    _, store = await filed(library, clock)
    clock.seconds += 61
    assert await library.search(store, Lookup("moon")) == []


async def test_a_store_expires_after_days_without_use_and_a_search_puts_it_off(kept: tuple[Library, Clock]) -> None:
    library, clock = kept
    made = await library.add_store("t", "s", {}, 2)
    clock.seconds += 1.5 * DAY
    store = await library.find_store("t", made.id)
    assert store is not None
    await library.search(store, Lookup("moon"))
    clock.seconds += 1.5 * DAY
    used = await library.find_store("t", made.id)
    assert used is not None
    assert not used.is_expired(clock())
    clock.seconds += DAY
    gone = await library.find_store("t", made.id)
    assert gone is not None
    assert gone.is_expired(clock())
    for refused in (library.search(gone, Lookup("moon")), library.add_entries(gone, [])):
        with pytest.raises(BadRequest) as told:
            await refused
        assert told.value.code == "vector_store_expired"
