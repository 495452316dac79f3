"""A team that passes its soft limit: a header on every answer, and one signed word to its webhook a window."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from router.ledger.accounts import KeyScopes, Team
from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import MESSAGES, Served, serving, settings_for

pytestmark = pytest.mark.anyio
SECRET = "a secret of the operator"
CALL_NANODOLLARS = 100_000 + 50 * 4_000


@dataclass
class Hook:
    """An operator's server: what it was told, and what it answers."""

    address: str = ""
    statuses: list[int] = field(default_factory=list)
    told: list[tuple[Any, bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.told.append((request.headers, await request.read()))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 204)


@asynccontextmanager
async def hooked() -> AsyncIterator[Hook]:
    hook, app = Hook(), web.Application()
    app.router.add_post("/hook", hook.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    hook.address = f"127.0.0.1:{runner.addresses[0][1]}"
    yield hook
    await runner.cleanup()


async def key_for(proxy: Served, hook: Hook, calls: float, soft_limit: float | None) -> str:
    registry = proxy.house.rooms.registry
    defaults = {"webhook_url": f"http://{hook.address}/hook"}
    await registry.put_team(Team("search", int(calls * CALL_NANODOLLARS), "day", soft_limit, defaults), "test")
    return (await registry.create_key("search", KeyScopes(), "test")).secret


async def call(proxy: Served, key: str) -> dict[str, str]:
    async with proxy.client(api_key=key) as client:
        raw = await client.chat.completions.with_raw_response.create(model="small", messages=MESSAGES, max_tokens=50)
        return dict(raw.headers)


async def told(proxy: Served) -> None:
    """Returns once all that was charged is durable, and all that this called for is told."""
    await proxy.house.rooms.ledger.flush()
    await asyncio.gather(*proxy.house.rooms.notices.telling)


@pytest.fixture
def fake() -> FakeUpstream:
    return FakeUpstream(Scripted("Hello.", input_tokens=100, output_tokens=50))


async def test_a_soft_limit_is_told_once_signed_and_again_when_all_is_spent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: FakeUpstream
) -> None:
    monkeypatch.setenv("MAESTRO_WEBHOOK_SECRET", SECRET)
    async with hooked() as hook, fake:
        settings = settings_for(fake, tmp_path, webhooks={"hosts": [hook.address]})
        async with serving(settings) as proxy:
            key = await key_for(proxy, hook, 4, 0.5)
            headers = [await call(proxy, key) for _ in range(2)]
            await told(proxy)
        async with serving(settings) as proxy:
            headers += [await call(proxy, key) for _ in range(2)]
            await told(proxy)
    assert "x-maestro-team-budget-warning" not in headers[0]
    assert "x-maestro-team-budget-warning" in headers[3]
    said = [json.loads(body) for _, body in hook.told]
    assert [word["type"] for word in said] == ["budget.soft_limit", "budget.spent"]
    assert (said[0]["data"]["id"], said[0]["data"]["spent_usd"], said[0]["data"]["limit_usd"]) == (
        "search",
        2 * CALL_NANODOLLARS / 1e9,
        4 * CALL_NANODOLLARS / 1e9,
    )
    for sent, body in hook.told:
        signed = f"{sent['webhook-id']}.{sent['webhook-timestamp']}.".encode() + body
        right = base64.b64encode(hmac.digest(SECRET.encode(), signed, hashlib.sha256)).decode()
        assert sent["webhook-signature"] == f"v1,{right}"


async def test_a_webhook_that_fails_is_told_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: FakeUpstream
) -> None:
    monkeypatch.setenv("MAESTRO_WEBHOOK_SECRET", SECRET)
    async with hooked() as hook, fake:
        hook.statuses = [500, 302]
        async with serving(settings_for(fake, tmp_path, webhooks={"hosts": [hook.address]})) as proxy:
            proxy.house.rooms.notices.webhook.pauses_seconds = (0.0, 0.01, 0.01)
            key = await key_for(proxy, hook, 4, 0.25)
            await call(proxy, key)
            await told(proxy)
    assert len({sent["webhook-id"] for sent, _ in hook.told}) == 1


async def test_a_webhook_in_a_private_network_is_not_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: FakeUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MAESTRO_WEBHOOK_SECRET", SECRET)
    async with hooked() as hook, fake, serving(settings_for(fake, tmp_path)) as proxy:
        proxy.house.rooms.notices.webhook.pauses_seconds = (0.0,)
        key = await key_for(proxy, hook, 4, 0.25)
        await call(proxy, key)
        await told(proxy)
    assert not hook.told
    assert "not a public address" in caplog.text
