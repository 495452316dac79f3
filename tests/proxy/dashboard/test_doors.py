"""Cookies, forms and headers of the dashboard, without a browser."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dashboard.sessions import COOKIE, Session, Throttle, opened, sealed
from scripts.fake_upstream import FakeUpstream
from tests.proxy.served import Served, serving, settings_for

pytestmark = pytest.mark.anyio
KEY = "the-admin-key"


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setenv("MAESTRO_ADMIN_KEY", KEY)
    async with FakeUpstream() as fake, serving(settings_for(fake, tmp_path, teams={"search": {}})) as running:
        yield running


@pytest.fixture
async def client(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"{served.origin}/dashboard") as opened_client:
        yield opened_client


async def log_in(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/login", data={"key": KEY})


async def test_without_a_session_every_page_leads_to_the_login(client: httpx.AsyncClient) -> None:
    for path in ("/", "/tradeoffs", "/runs", "/runs/run-1", "/spend", "/models", "/playground"):
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/login"), path


async def test_the_cookie_is_closed_to_scripts_and_other_sites(client: httpx.AsyncClient) -> None:
    cookie = (await log_in(client)).headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and KEY not in cookie
    elsewhere = await client.post("/login", data={"key": KEY}, headers={"host": "maestro.example"})
    assert "Secure" in elsewhere.headers["set-cookie"]


async def test_pages_allow_nothing_from_outside_and_nothing_inline(client: httpx.AsyncClient) -> None:
    await log_in(client)
    answer = await client.get("/tradeoffs")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert "style=" not in answer.text and "<style" not in answer.text and "onclick" not in answer.text
    own = f"{client.base_url.scheme}://{client.base_url.netloc.decode()}"
    assert f"curl {own}/v1/" in answer.text
    assert "http://" not in answer.text.replace(own, "")


async def test_a_form_of_another_site_or_session_sets_nothing(client: httpx.AsyncClient, served: Served) -> None:
    await log_in(client)
    form = {"usd": "1", "seconds": "0.1", "whose": "search", "word": "guessed"}
    guessed = await client.post("/tradeoffs/point", data=form)
    foreign = await client.post("/tradeoffs/point", data=form, headers={"origin": "https://evil.example"})
    cross = await client.post("/login", data={"key": KEY}, headers={"sec-fetch-site": "cross-site"})
    assert (guessed.status_code, foreign.status_code, cross.status_code) == (403, 403, 401)
    assert "operating_point" not in (await served.house.rooms.registry.find_team("search") or {})


async def test_a_session_ends_with_its_admin_key(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    await log_in(client)
    assert (await client.get("/spend")).status_code == 200
    monkeypatch.setenv("MAESTRO_ADMIN_KEY", "another")
    assert (await client.get("/spend")).status_code == 303


async def test_many_wrong_keys_shut_the_door_for_a_while(client: httpx.AsyncClient) -> None:
    for _ in range(10):
        assert (await client.post("/login", data={"key": "wrong"})).status_code == 401
    assert (await log_in(client)).status_code == 401
    assert not Throttle().is_shut(0.0)


async def test_static_files_are_only_those_that_are_there(client: httpx.AsyncClient) -> None:
    assert (await client.get("/static/charts.js")).headers["content-type"].startswith("text/javascript")
    assert (await client.get("/static/..%2fframe.py")).status_code == 404


@given(st.text(), st.binary(min_size=1))
def test_no_other_cookie_opens(value: str, secret: bytes) -> None:
    assert opened(value, secret, 0.0) is None


def test_a_cookie_opens_with_its_own_secret_until_it_expires() -> None:
    session = Session("team", "hash", "nonce", 100.0)
    cookie = sealed(session, b"secret")
    assert opened(cookie, b"secret", 99.0) == session
    assert opened(cookie, b"secret", 101.0) is None and opened(cookie, b"other", 99.0) is None
    assert COOKIE == "maestro_session"
