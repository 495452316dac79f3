"""Prices and teams change while the server runs; charges keep the price they were made at."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest

from proxy.app import create_app
from proxy.serving.server import DrainingServer, configure
from proxy.settings import Settings, SettingsError
from router.ledger.ledger import Spend
from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import MESSAGES, Served, settings_for, started

pytestmark = pytest.mark.anyio
ADMIN = {"Authorization": "Bearer admin-secret"}


class File:
    """The settings file: what is read now."""

    def __init__(self, fake: FakeUpstream, folder: Path) -> None:
        self.fake, self.folder = fake, folder
        self.usd_per_mtok: dict[str, float] = {"small": 1.0}
        self.teams: dict[str, Any] = {}
        self.is_broken = False

    def __call__(self) -> Settings:
        if self.is_broken:
            raise SettingsError("maestro.toml: not valid TOML")
        settings = settings_for(self.fake, self.folder, teams=self.teams)
        models = tuple(
            {"name": name, "input_usd_per_mtok": usd, "output_usd_per_mtok": usd}
            for name, usd in self.usd_per_mtok.items()
        )
        upstream = {**settings.upstream[0].model_dump(), "model": models}
        return Settings.model_validate({**settings.model_dump(), "upstream": [upstream]})


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[File]:
    async with FakeUpstream(Scripted("Hello.", input_tokens=100, output_tokens=100)) as fake:
        yield File(fake, tmp_path)


@pytest.fixture
async def proxy(file: File, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setenv("MAESTRO_ADMIN_KEY", "admin-secret")
    settings = file()
    app = create_app(settings, file)
    server = DrainingServer(configure(settings, app), 5)
    task = asyncio.create_task(server._serve())
    await started(server, task)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Served(app.state.house, server, f"http://127.0.0.1:{port}")
    server.should_exit = True
    await task


async def cost(proxy: Served, **more: Any) -> float:
    said: dict[str, Any] = {"model": "small", "messages": MESSAGES, **more}
    async with proxy.client() as client:
        raw = await client.chat.completions.with_raw_response.create(**said)
    return float(raw.headers["x-maestro-cost-usd"])


async def reload(proxy: Served) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{proxy.origin}/admin/reload", headers=ADMIN) as answer,
    ):
        return answer.status, await answer.json()


async def test_a_new_price_holds_from_the_next_call_on_and_history_keeps_the_old(proxy: Served, file: File) -> None:
    assert await cost(proxy) == pytest.approx(200e-6)
    file.usd_per_mtok = {"small": 3.0, "new": 1.0}
    file.teams = {"search": {"budget_usd": 5.0}}
    status, told = await reload(proxy)
    assert (status, told["changed_models"]) == (200, ["a/new", "a/small"])
    assert await cost(proxy) == pytest.approx(600e-6)
    assert await cost(proxy, model="new") == pytest.approx(200e-6)
    await proxy.house.rooms.ledger.flush()
    charges = await proxy.house.rooms.ledger.list_charges(Spend())
    by_price = {row["price"]["input_usd_per_mtok"]: row["usd"] for row in charges if row["model"] == "a/small"}
    assert by_price == {1.0: pytest.approx(200e-6), 3.0: pytest.approx(600e-6)}
    assert [row["team"] for row in await proxy.house.rooms.registry.list_teams()] == ["search"]
    with pytest.raises(openai.NotFoundError):
        await cost(proxy, model="big")


async def test_wrong_settings_change_nothing(proxy: Served, file: File) -> None:
    file.is_broken = True
    status, told = await reload(proxy)
    assert status == 400
    assert "not valid TOML" in told["error"]["message"]
    assert await cost(proxy) == pytest.approx(200e-6)


async def test_sighup_reads_the_settings_again(proxy: Served, file: File) -> None:
    file.usd_per_mtok = {"small": 2.0}
    os.kill(os.getpid(), signal.SIGHUP)
    async with asyncio.timeout(10):
        while await cost(proxy) != pytest.approx(400e-6):
            pass
