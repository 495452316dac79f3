"""The library: each team's files and vector stores; indexes in the background, searches, forgets what has expired."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from action_model.features import embed
from router.errors import BadRequest, TooLarge, Unavailable
from router.ids import new_id
from router.ledger.owners import is_gone, own_name
from router.tools.documents.chunks import cut
from router.tools.documents.convert import ConvertLimits, Unreadable, convert
from router.tools.documents.database import Database
from router.tools.documents.filters import Matches
from router.tools.documents.index import ChunkIndex
from router.tools.documents.store import DocumentStore
from router.tools.documents.values import Chunking, Entry, Hit, Lookup, StoredFile, VectorStore

MOST_CONVERSIONS = 2
TOUCH_SECONDS = 60
LOOK_SECONDS = 30


class Library:
    """Open it inside an event loop; whoever opens it closes it. All answers are of the team that asks."""

    def __init__(
        self,
        database: Database,
        limits: ConvertLimits | None = None,
        most_team_bytes: int = 2 * 2**30,
        now: Callable[[], float] = time.time,
        owner: str | None = None,
    ) -> None:
        self._limits = limits or ConvertLimits()
        self._most_team_bytes = most_team_bytes
        self._now = now
        self._owner = owner or own_name()
        self._store = DocumentStore(database)
        self._index = ChunkIndex(self._store, embed)
        self._slots = asyncio.Semaphore(MOST_CONVERSIONS)
        self._tasks: set[asyncio.Task[None]] = set()
        self._lookout: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Takes up what an ended process left unfinished, now and whenever one ends."""
        await self._take_up()
        self._lookout = asyncio.create_task(self._look_again())

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            with contextlib.suppress(Unavailable):
                await self._take_up()

    async def _take_up(self) -> None:
        for team, store_id, file, owner, created_at in await asyncio.to_thread(self._store.unfinished):
            store = await self.find_store(team, store_id)
            if store is not None and owner != self._owner and is_gone(owner, created_at):
                await asyncio.to_thread(self._store.own, self._owner, store, file)
                self._begin(store, [file])

    async def close(self) -> None:
        """Stops indexing; what is unfinished is taken up by the next start."""
        tasks = [*self._tasks, *([self._lookout] if self._lookout else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(self._store.close)

    # Files

    async def add_file(self, team: str, name: str, data: bytes, purpose: str, **more: Any) -> StoredFile:
        """Keeps a file; `expires_at` and `labels` may be given. Raises BadRequest, TooLarge."""
        if not data:
            raise BadRequest("The file is empty.", "file", "invalid_file")
        if await asyncio.to_thread(self._store.team_bytes, team) + len(data) > self._most_team_bytes:
            raise TooLarge(f"The files of this team may take {self._most_team_bytes >> 20} MB.", "file")
        file = StoredFile(f"file-{new_id()[:24]}", team, name, purpose, len(data), int(self._now()), **more)
        await asyncio.to_thread(self._store.add_file, file, data)
        return file

    async def find_file(self, team: str, name: str) -> StoredFile | None:
        """The team's file; one past its end is deleted, and gone."""
        await self._forget_files()
        return await asyncio.to_thread(self._store.find_file, team, name)

    async def list_files(self, team: str, purpose: str | None = None) -> list[StoredFile]:
        """The team's files, the newest last."""
        await self._forget_files()
        return await asyncio.to_thread(self._store.list_files, team, purpose)

    async def content(self, file: StoredFile) -> bytes:
        """A file's bytes."""
        return await asyncio.to_thread(self._store.content, file.id)

    async def delete_file(self, team: str, name: str) -> bool:
        """Deletes it everywhere; false if there was none."""
        return await asyncio.to_thread(self._store.delete_file, team, name)

    async def _forget_files(self) -> None:
        for file in await asyncio.to_thread(self._store.expired_files, self._now()):
            await asyncio.to_thread(self._store.delete_file, file.team, file.id)

    # Vector stores

    async def add_store(
        self, team: str, name: str, metadata: Mapping[str, Any], expire_days: int | None
    ) -> VectorStore:
        """A new vector store."""
        now = int(self._now())
        made = VectorStore(f"vs_{new_id()[:24]}", 0, team, name, now, now, metadata, expire_days)
        return await asyncio.to_thread(self._store.add_store, made)

    async def find_store(self, team: str, name: str) -> VectorStore | None:
        """The team's vector store; an expired one has lost its chunks."""
        found = await asyncio.to_thread(self._store.find_store, team, name)
        return None if found is None else await self._aged(found)

    async def list_stores(self, team: str) -> list[VectorStore]:
        """The team's vector stores, the newest last."""
        return [await self._aged(store) for store in await asyncio.to_thread(self._store.list_stores, team)]

    async def change_store(self, store: VectorStore) -> VectorStore:
        """Sets name, metadata and expiry."""
        await asyncio.to_thread(self._store.change_store, store)
        return store

    async def delete_store(self, store: VectorStore) -> None:
        """Deletes it; its files stay."""
        await asyncio.to_thread(self._store.delete_store, store)

    async def _aged(self, store: VectorStore) -> VectorStore:
        """An expired store forgets what it held; it can still be looked at."""
        if not store.is_expired(self._now()) or not store.counts:
            return store
        for entry in await self.list_entries(store):
            await self.delete_entry(store, entry.file)
        return replace(store, counts={}, usage_bytes=0)

    # Entries

    async def add_entries(self, store: VectorStore, wanted: Sequence[Entry], batch: str | None = None) -> None:
        """Puts files into a store and begins to index them. Raises BadRequest for an expired store."""
        if store.is_expired(self._now()):
            raise BadRequest(f"The vector store '{store.id}' has expired.", "vector_store_id", "vector_store_expired")
        await asyncio.to_thread(self._store.add_entries, store, wanted, self._owner, batch)
        await self._touch(store)
        self._begin(store, [entry.file for entry in wanted])

    async def find_entry(self, store: VectorStore, file: str) -> Entry | None:
        """A file's entry in a store."""
        return await asyncio.to_thread(self._store.find_entry, store, file)

    async def list_entries(self, store: VectorStore, batch: str | None = None) -> list[Entry]:
        """A store's entries, or those of a batch, the newest last."""
        return await asyncio.to_thread(self._store.list_entries, store, batch)

    async def set_attributes(self, store: VectorStore, file: str, attributes: Mapping[str, Any]) -> None:
        """Sets a file's attributes."""
        await asyncio.to_thread(self._store.set_attributes, store, file, attributes)

    async def delete_entry(self, store: VectorStore, file: str) -> bool:
        """Takes a file out of a store; false if it was not there."""
        return await asyncio.to_thread(self._store.delete_entry, store, file)

    async def find_batch(self, store: VectorStore, batch: str) -> tuple[int, bool] | None:
        """When a batch was made, and whether it was cancelled."""
        return await asyncio.to_thread(self._store.find_batch, store, batch)

    async def cancel_batch(self, store: VectorStore, batch: str) -> None:
        """Stops what is not yet indexed."""
        await asyncio.to_thread(self._store.cancel_batch, store, batch)

    async def text(self, file: StoredFile) -> str:
        """A file as text. Raises Unreadable."""
        async with self._slots:
            return await convert(file.name, await self.content(file), self._limits)

    # Indexing and searching

    def _begin(self, store: VectorStore, files: Sequence[str]) -> None:
        task = asyncio.create_task(self._index_all(store, files))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _index_all(self, store: VectorStore, files: Sequence[str]) -> None:
        async with asyncio.TaskGroup() as group:
            for file in files:
                group.create_task(self._index_one(store, file))

    async def _index_one(self, store: VectorStore, name: str) -> None:
        """Converts, cuts and indexes one file; whatever is wrong with it is kept with its entry."""
        file = await asyncio.to_thread(self._store.find_file, store.team, name)
        entry = await self.find_entry(store, name)
        if file is None or entry is None or entry.status != "in_progress":
            return
        try:
            text = await self.text(file)
        except Unreadable as error:
            await asyncio.to_thread(self._store.fail_entry, store, name, error.code, error.message)
            return
        await asyncio.to_thread(self.add_text, store, entry, text)

    def add_text(self, store: VectorStore, entry: Entry, text: str) -> None:
        """Cuts and indexes a text. Blocks."""
        self._index.add(store, entry, cut(text, entry.chunking))

    async def search(self, store: VectorStore, lookup: Lookup, matches: Matches | None = None) -> list[Hit]:
        """The best chunks of a store, of files that match. Raises BadRequest for an expired store."""
        if store.is_expired(self._now()):
            raise BadRequest(f"The vector store '{store.id}' has expired.", "vector_store_id", "vector_store_expired")
        if matches is not None:
            lookup = replace(lookup, files=await self._matching(store, matches, lookup.files))
        await self._forget_files()
        await self._touch(store)
        return await asyncio.to_thread(self._index.search, store, lookup)

    async def _matching(self, store: VectorStore, matches: Matches, within: frozenset[str] | None) -> frozenset[str]:
        labels = {file.id: file.labels for file in await self.list_files(store.team)}
        return frozenset(
            entry.file
            for entry in await self.list_entries(store)
            if (within is None or entry.file in within) and matches(entry.attributes, labels.get(entry.file, ()))
        )

    async def _touch(self, store: VectorStore) -> None:
        """A use puts off the expiry."""
        now = int(self._now())
        if store.expire_days is not None and now - store.last_active_at >= TOUCH_SECONDS:
            await asyncio.to_thread(self._store.change_store, replace(store, last_active_at=now))


def entry_for(store: VectorStore, file: str, now: float, attributes: Mapping[str, Any], chunking: Chunking) -> Entry:
    """A new entry, in progress."""
    return Entry(store.id, file, "in_progress", int(now), attributes, chunking)
