"""Keys on the surface: who is let in, for which team, and where a proxy without keys may listen."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest

from proxy.app import create_app
from proxy.auth import bearer_token, is_loopback
from proxy.settings import SettingsError
from router.errors import Unauthenticated
from router.ledger.accounts import KeyScopes, Team
from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import MESSAGES, Served, post, serving, settings_for


def test_bearer_tokens() -> None:
    assert bearer_token({}) is None
    assert bearer_token({"authorization": "bearer  abc "}) == "abc"
    for said in ("Basic abc", "abc", "Bearer " + "x" * 600):
        with pytest.raises(Unauthenticated):
            bearer_token({"authorization": said})


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("example.com", False),
        ("localhost.evil.example", False),
        ("", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[Served]:
    async with (
        FakeUpstream(Scripted(input_tokens=1000, output_tokens=10)) as fake,
        serving(settings_for(fake, tmp_path, teams={"search": {"budget_usd": 25.0}})) as served,
    ):
        yield served


async def key_of(proxy: Served, team: str, **scopes: Any) -> str:
    """A new key; the proxy looks again whether there are keys."""
    made = await proxy.house.rooms.registry.create_key(team, KeyScopes(**scopes), "test")
    proxy.house.open(proxy.house.rooms)
    return made.secret


@pytest.mark.anyio
async def test_once_there_is_a_key_every_paid_route_needs_one(proxy: Served) -> None:
    new = await key_of(proxy, "search")
    async with aiohttp.ClientSession() as session:
        for method, path in (
            ("POST", "/v1/chat/completions"),
            ("POST", "/v1/completions"),
            ("POST", "/v1/embeddings"),
            ("POST", "/v1/responses"),
            ("GET", "/v1/models"),
            ("GET", "/v1/models/small"),
            ("GET", "/v1/maestro/runs/x"),
            ("GET", "/studio/v1/maestro/runs/x"),
        ):
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic x"}):
                async with session.request(method, proxy.origin + path, headers=headers, json={}) as answer:
                    error = (await answer.json())["error"]
                    assert (answer.status, error["code"]) == (401, "invalid_api_key"), path
                    assert "wrong" not in str(error)
        for path in ("/healthz", "/readyz", "/metrics"):
            async with session.get(proxy.origin + path) as answer:
                assert answer.status == 200
    async with proxy.client(api_key=new) as client:
        assert await client.models.list()
    async with proxy.client(api_key="wrong") as client:
        with pytest.raises(openai.AuthenticationError):
            await client.models.list()


@pytest.mark.anyio
async def test_the_teams_money_is_told_and_then_spent(proxy: Served) -> None:
    registry = proxy.house.rooms.registry
    await registry.put_team(Team("poor", nanodollars=2_000_000, window="month"))
    new = await key_of(proxy, "poor")
    async with proxy.client(api_key=new) as client:
        raw = await client.chat.completions.with_raw_response.create(model="small", messages=MESSAGES, max_tokens=50)
        assert raw.headers["x-maestro-team"] == "poor"
        assert float(raw.headers["x-maestro-team-budget-limit-usd"]) == 0.002
        assert float(raw.headers["x-maestro-team-budget-remaining-usd"]) < 0.002
        assert int(raw.headers["x-maestro-team-budget-reset"]) > 0
        with pytest.raises(openai.RateLimitError) as caught:
            for _ in range(3):
                await client.chat.completions.create(model="small", messages=MESSAGES, max_tokens=50)
    assert caught.value.code == "team_budget_exceeded"
    assert caught.value.type == "insufficient_quota"
    assert caught.value.response.headers["x-should-retry"] == "false"
    error: Any = caught.value.body
    assert error["maestro"]["id"] == "poor"
    assert error["maestro"]["limit_usd"] == 0.002
    assert error["maestro"]["spent_usd"] > 0


@pytest.mark.anyio
async def test_a_key_may_name_only_its_teams(proxy: Served) -> None:
    registry = proxy.house.rooms.registry
    await registry.put_team(Team("ads"))
    new = await key_of(proxy, "search", teams=("ads",))
    body = {"model": "small", "messages": MESSAGES}
    key = {"Authorization": f"Bearer {new}"}
    async with aiohttp.ClientSession() as session:
        url = f"{proxy.base_url}/chat/completions"
        for named, team in (({}, "search"), ({"X-Maestro-Team": "ads"}, "ads")):
            status, _, headers = await post(session, url, body, {**key, **named})
            assert (status, headers["x-maestro-team"]) == (200, team)
        status, _, headers = await post(session, url, {**body, "metadata": {"maestro_team": "ads"}}, key)
        assert (status, headers["x-maestro-team"]) == (200, "ads")
        status, answer, _ = await post(session, url, body, {**key, "X-Maestro-Team": "other"})
        assert (status, answer["error"]["code"]) == (403, "forbidden")


@pytest.mark.anyio
async def test_a_key_sees_and_uses_only_its_models(proxy: Served) -> None:
    new = await key_of(proxy, "search", models=("a/small",))
    async with proxy.client(api_key=new) as client:
        names = [model.id for model in (await client.models.list()).data]
        assert "small" in names
        assert "big" not in names
        with pytest.raises(openai.NotFoundError):
            await client.chat.completions.create(model="big", messages=MESSAGES)
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("big")
        answer: Any = await client.chat.completions.create(model="maestro", messages=MESSAGES)
        assert answer.maestro["chosen"]["model"] == "a/small"


@pytest.mark.anyio
async def test_a_run_is_found_by_its_team_only(proxy: Served) -> None:
    registry = proxy.house.rooms.registry
    await registry.put_team(Team("ads"))
    mine = await key_of(proxy, "search")
    theirs = await key_of(proxy, "ads")
    async with proxy.client(api_key=mine) as client:
        answer: Any = await client.chat.completions.create(
            model="maestro", messages=MESSAGES, extra_body={"requirements": ["At most 9 words"]}
        )
    run = answer.maestro["run_id"]
    async with aiohttp.ClientSession() as session:
        for key, status in ((mine, 200), (theirs, 404)):
            for prefix in ("/v1", "/studio/v1"):
                headers = {"Authorization": f"Bearer {key}"}
                async with session.get(f"{proxy.origin}{prefix}/maestro/runs/{run}", headers=headers) as found:
                    assert found.status == status


@pytest.mark.anyio
async def test_an_exposed_proxy_without_keys_does_not_start(tmp_path: Path) -> None:
    async with FakeUpstream() as fake:
        settings = settings_for(fake, tmp_path, server={"host": "0.0.0.0", "port": 0})
        app = create_app(settings)
        with pytest.raises(ExceptionGroup) as caught:
            async with app.lifespan():
                pass
        assert caught.group_contains(SettingsError, match="no API key")
        assert "no API key" in app.state.house.problem
