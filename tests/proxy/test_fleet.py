"""Two proxies on one PostgreSQL: what one is told, the other obeys; and both outlive the database.

How soon it obeys is measured by `python -m scripts.bench_faults`: within a second where the machine is not busy.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest

from router.ledger.accounts import KeyScopes, Team
from scripts.fake_upstream import FakeUpstream, Scripted
from scripts.postgres_server import PostgresServer
from tests.proxy.served import MESSAGES, Served, serving, settings_for

pytestmark = pytest.mark.anyio
SCRIPT = Scripted("Hello there.", input_tokens=10, output_tokens=50)
CALL_USD = 10 * 1e-6 + 50 * 4e-6
ADMIN = {"Authorization": "Bearer admin-secret"}
Fleet = tuple[Served, Served]


@asynccontextmanager
async def fleet_on(url: str, fake: FakeUpstream, folder: Path, **ledger: Any) -> AsyncIterator[Fleet]:
    """Only the first has the further settings of the ledger."""
    said = {"url": url, "outage_file": str(folder / "outage.db")}
    async with (
        serving(settings_for(fake, folder, ledger={**said, **ledger})) as one,
        serving(settings_for(fake, folder, ledger=said | {"outage_file": "none.db"})) as two,
    ):
        yield one, two


@pytest.fixture
async def fake() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream(SCRIPT) as started:
        yield started


@pytest.fixture
async def fleet(
    tmp_path: Path, fake: FakeUpstream, new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Fleet]:
    monkeypatch.setenv("MAESTRO_ADMIN_KEY", "admin-secret")
    async with fleet_on(new_database(), fake, tmp_path) as proxies:
        yield proxies


async def new_key(proxy: Served, team: str = "search", usd: float | None = None) -> tuple[str, str]:
    registry = proxy.house.rooms.registry
    await registry.put_team(Team(team, None if usd is None else round(usd * 1e9), "total"))
    made = await registry.create_key(team, KeyScopes(), "test")
    return made.secret, made.id


async def ask(proxy: Served, method: str, path: str, body: Any = None, headers: Any = None) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, proxy.origin + path, json=body, headers=headers) as answer,
    ):
        return answer.status, await answer.json()


async def chat(proxy: Served, key: str) -> int:
    async with proxy.client(api_key=key) as client:
        try:
            await client.chat.completions.create(model="small", messages=MESSAGES, max_tokens=50)
        except openai.APIStatusError as error:
            return error.status_code
    return 200


async def is_served(proxy: Served, key: str) -> bool:
    return await chat(proxy, key) == 200


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(1500):
        if await holds():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came to hold")


async def test_a_key_that_one_revokes_opens_neither(fleet: Fleet) -> None:
    one, two = fleet
    key, key_id = await new_key(one)
    assert [await chat(proxy, key) for proxy in fleet] == [200, 200]
    assert (await ask(one, "DELETE", f"/admin/keys/{key_id}", headers=ADMIN))[0] in (200, 204)

    async def refused() -> bool:
        return await chat(two, key) == 401

    await until(refused)
    assert await chat(one, key) == 401


async def test_an_operating_point_set_at_one_is_the_others(fleet: Fleet) -> None:
    one, two = fleet
    await new_key(one)
    registry = two.house.rooms.registry
    assert await registry.point_of("search") is None
    for point in ({"usd": 0.5, "seconds": 0.01}, {"usd": 2.0, "seconds": 0.0}):
        status, said = await ask(one, "PATCH", "/admin/teams/search", {"operating_point": point}, ADMIN)
        assert status == 200, said

        async def obeyed(usd: float = point["usd"]) -> bool:
            found = await registry.point_of("search")
            return found is not None and found.usd == usd

        await until(obeyed)


async def test_a_run_begun_at_one_is_seen_and_cancelled_at_the_other(fleet: Fleet, fake: FakeUpstream) -> None:
    one, two = fleet
    fake._script = Scripted("Short", behaviour="slow", seconds=30.0)
    key, _ = await new_key(one)
    headers = {"Authorization": f"Bearer {key}"}
    _, begun = await ask(one, "POST", "/v1/maestro/runs", {"input": "Say hello."}, headers)
    path = f"/v1/maestro/runs/{begun['id']}"
    assert (await ask(two, "GET", path, headers=headers))[1]["status"] == "in_progress"
    assert (await ask(two, "POST", f"{path}/cancel", headers=headers))[0] == 200

    async def ended() -> bool:
        told = [(await ask(proxy, "GET", path, headers=headers))[1] for proxy in fleet]
        return all((run["error"] or {}).get("code") == "cancelled" for run in told)

    await until(ended)


async def test_a_file_given_to_one_is_found_by_the_other(fleet: Fleet) -> None:
    one, two = fleet
    key, _ = await new_key(one)
    async with one.client(api_key=key) as here, two.client(api_key=key) as there:
        store = await here.vector_stores.create(name="science")
        file = await here.files.create(file=("tides.md", b"The moon pulls the sea."), purpose="assistants")
        await here.vector_stores.files.create_and_poll(file.id, vector_store_id=store.id)
        found = await there.vector_stores.search(store.id, query="what moves the sea?")
        assert [hit.filename for hit in found.data] == ["tides.md"]
        assert (await there.files.content(file.id)).content == b"The moon pulls the sea."


async def test_a_team_is_served_for_what_is_allowed_while_the_database_is_away(
    tmp_path: Path, fake: FakeUpstream
) -> None:
    """One proxy allows what pays for 3.5 calls, the other nothing."""
    with PostgresServer() as server:
        async with fleet_on(server.url, fake, tmp_path, outage_usd=3.5 * CALL_USD) as fleet:
            lenient, strict = fleet
            key, _ = await new_key(lenient, usd=1.0)
            stranger, _ = await new_key(lenient, "strangers", usd=1.0)
            assert [await chat(proxy, key) for proxy in fleet] == [200, 200]
            for proxy in fleet:
                await proxy.house.rooms.ledger.flush()
            await asyncio.to_thread(server.kill)
            told = await asyncio.gather(*(chat(proxy, key) for proxy in fleet for _ in range(6)))
            assert told[6:] == [503] * 6
            told += [await chat(lenient, key) for _ in range(3)]
            assert told.count(200) == 3
            assert told.count(503) == 12
            assert [await chat(proxy, stranger) for proxy in fleet] == [503, 503]
            await asyncio.to_thread(server.start)
            await until(lambda: is_served(lenient, key))
            await until(lambda: is_served(strict, key))
            for proxy in fleet:
                await proxy.house.rooms.ledger.flush()
            totals = await strict.house.rooms.ledger.totals()
            assert (totals["calls"], totals["estimated_calls"]) == (2 + 3 + 2, 0)
            assert totals["usd"] == pytest.approx(7 * CALL_USD)
            assert await strict.house.rooms.ledger.check() == []
