"""Files and vector stores with the official client, over real sockets."""

import io
import time
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest

from router.ledger.accounts import KeyScopes, Team
from scripts.fake_upstream import FakeUpstream
from tests.proxy.served import Served, serving, settings_for

pytestmark = pytest.mark.anyio
TIDES = b"# Tides\n\nThe moon pulls the sea, so the tide rises twice a day.\n\n# Cheese\n\nMilk curdles into cheese."


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with FakeUpstream() as fake, serving(settings_for(fake, tmp_path)) as running:
        yield running


def docx_bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"0" * 250_000_000)
    return packed.getvalue()


async def test_a_file_is_kept_listed_read_and_deleted(served: Served) -> None:
    async with served.client() as client:
        made = await client.files.create(file=("tides.md", TIDES), purpose="assistants")
        assert (made.bytes, made.filename, made.status) == (len(TIDES), "tides.md", "processed")
        assert (await client.files.retrieve(made.id)).id == made.id
        assert (await client.files.content(made.id)).content == TIDES
        assert [file.id async for file in client.files.list(purpose="assistants")] == [made.id]
        assert (await client.files.delete(made.id)).deleted
        with pytest.raises(openai.NotFoundError):
            await client.files.retrieve(made.id)


async def test_a_file_with_an_expiry_says_when(served: Served) -> None:
    async with served.client() as client:
        made = await client.files.create(
            file=("a.txt", b"hello"), purpose="user_data", expires_after={"anchor": "created_at", "seconds": 3600}
        )
        assert made.expires_at is not None
        assert abs(made.expires_at - time.time() - 3600) < 60


async def test_a_store_is_searched_by_meaning_words_and_attributes(served: Served) -> None:
    async with served.client() as client:
        store = await client.vector_stores.create(name="science")
        for name, year, data in (("tides.md", 2020, TIDES), ("bees.txt", 2024, b"Bees dance to show where food is.")):
            file = await client.files.create(file=(name, data), purpose="assistants")
            done = await client.vector_stores.files.create_and_poll(
                file.id, vector_store_id=store.id, attributes={"year": year}, poll_interval_ms=50
            )
            assert done.status == "completed", done.last_error
        found = await client.vector_stores.search(store.id, query="why does the sea level change?")
        assert found.data[0].filename == "tides.md"
        assert "moon" in found.data[0].content[0].text
        assert 0 < found.data[0].score <= 1
        late = await client.vector_stores.search(
            store.id, query="the moon and the sea", filters={"type": "gte", "key": "year", "value": 2022}
        )
        assert {hit.filename for hit in late.data} <= {"bees.txt"}
        listed = await client.vector_stores.retrieve(store.id)
        assert (listed.file_counts.completed, listed.status) == (2, "completed")


async def test_a_batch_tells_what_failed_and_why(served: Served) -> None:
    hostile = {"bomb.docx": docx_bomb(), "broken.pdf": b"%PDF-1.7 nothing", "binary.bin": b"\0\1\2" * 99}
    async with served.client() as client:
        store = await client.vector_stores.create(name="mixed")
        files = [await client.files.create(file=(n, d), purpose="assistants") for n, d in hostile.items()]
        good = await client.files.create(file=("tides.md", TIDES), purpose="assistants")
        batch = await client.vector_stores.file_batches.create_and_poll(
            store.id, file_ids=[*(file.id for file in files), good.id], poll_interval_ms=50
        )
        assert (batch.file_counts.completed, batch.file_counts.failed, batch.status) == (1, 3, "completed")
        bad = [e async for e in client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id)]
        errors = {e.id: e.last_error for e in bad if e.status == "failed"}
        assert "200 MB" in errors[files[0].id].message  # type: ignore[union-attr]
        assert errors[files[2].id].code == "unsupported_file"  # type: ignore[union-attr]


async def test_a_store_is_changed_emptied_and_deleted(served: Served) -> None:
    async with served.client() as client:
        file = await client.files.create(file=("tides.md", TIDES), purpose="assistants")
        store = await client.vector_stores.create(name="a", file_ids=[file.id], metadata={"k": "v"})
        changed = await client.vector_stores.update(
            store.id, name="b", expires_after={"anchor": "last_active_at", "days": 2}
        )
        assert (changed.name, changed.metadata) == ("b", {"k": "v"})
        await client.vector_stores.files.poll(file.id, vector_store_id=store.id, poll_interval_ms=50)
        assert (await client.vector_stores.files.delete(file.id, vector_store_id=store.id)).deleted
        assert (await client.vector_stores.search(store.id, query="moon")).data == []
        assert (await client.vector_stores.delete(store.id)).deleted
        assert [s.id async for s in client.vector_stores.list()] == []
        assert (await client.files.retrieve(file.id)).id == file.id


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"expires_after": {"anchor": "last_active_at", "days": 0}}, "expires_after.days"),
        ({"metadata": {"k": ["v"]}}, "metadata.k"),
        ({"file_ids": "x"}, "file_ids"),
        ({"nmae": "x"}, "nmae"),
    ],
)
async def test_a_bad_store_is_refused_by_name(served: Served, change: Any, param: str) -> None:
    async with served.client() as client:
        with pytest.raises(openai.BadRequestError) as told:
            await client.vector_stores.create(extra_body=change)
        assert told.value.param == param


async def test_another_team_never_sees_a_file_or_a_store(served: Served) -> None:
    registry = served.house.rooms.registry
    keys = {}
    for name in ("red", "blue"):
        await registry.put_team(Team(name))
        keys[name] = (await registry.create_key(name, KeyScopes(), "test")).secret
    async with served.client(api_key=keys["red"]) as red, served.client(api_key=keys["blue"]) as blue:
        file = await red.files.create(file=("tides.md", TIDES), purpose="assistants")
        store = await red.vector_stores.create(name="a", file_ids=[file.id])
        assert [f.id async for f in blue.files.list()] == [s.id async for s in blue.vector_stores.list()] == []
        other = await blue.vector_stores.create(name="b")
        for attempt in (
            blue.files.retrieve(file.id),
            blue.files.content(file.id),
            blue.files.delete(file.id),
            blue.vector_stores.retrieve(store.id),
            blue.vector_stores.search(store.id, query="moon"),
            blue.vector_stores.files.create(other.id, file_id=file.id),
            blue.vector_stores.delete(store.id),
        ):
            with pytest.raises(openai.NotFoundError):
                await attempt
