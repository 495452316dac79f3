"""The admin routes over a socket, and what teams and keys see of them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest

from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import MESSAGES, Served, serving, settings_for

pytestmark = pytest.mark.anyio
ADMIN = {"Authorization": "Bearer admin-secret"}


@pytest.fixture
async def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setenv("MAESTRO_ADMIN_KEY", "admin-secret")
    script = Scripted("Hello there.", input_tokens=100, output_tokens=50)
    async with FakeUpstream(script) as fake, serving(settings_for(fake, tmp_path)) as served:
        yield served


async def ask(proxy: Served, method: str, path: str, body: Any = None, headers: Any = None) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session:
        url, said = proxy.origin + path, ADMIN if headers is None else headers
        async with session.request(method, url, json=body, headers=said) as answer:
            is_json = "json" in answer.headers.get("content-type", "")
            return answer.status, await (answer.json() if is_json else answer.text())


async def new_key(proxy: Served, team: dict[str, Any], **scopes: Any) -> dict[str, Any]:
    assert (await ask(proxy, "POST", "/admin/teams", {"name": "search", **team}))[0] == 200
    status, made = await ask(proxy, "POST", "/admin/keys", {"team": "search", **scopes})
    assert status == 200
    return dict(made)


async def chat(proxy: Served, key: str, **more: Any) -> Any:
    said: Any = {"model": "small", "messages": MESSAGES, "max_tokens": 60, **more}
    async with proxy.client(api_key=key) as client:
        return await client.chat.completions.with_raw_response.create(**said)


async def test_only_the_admin_key_opens_the_admin_routes(proxy: Served) -> None:
    assert (await ask(proxy, "GET", "/admin/teams", headers={}))[0] == 401
    assert (await ask(proxy, "GET", "/admin/teams", headers={"Authorization": "Bearer wrong"}))[0] == 401
    assert (await ask(proxy, "GET", "/admin/teams"))[0] == 200


async def test_a_bad_body_names_what_is_wrong(proxy: Served) -> None:
    status, said = await ask(proxy, "POST", "/admin/teams", {"name": "search", "budget": 5})
    assert status == 400
    assert "error" in said


async def test_a_team_spends_until_its_money_is_spent(proxy: Served) -> None:
    key = await new_key(proxy, {"budget_usd": 0.0007, "window": "day"})
    first = await chat(proxy, key["key"])
    assert first.headers["x-maestro-team"] == "search"
    assert float(first.headers["x-maestro-team-budget-limit-usd"]) == 0.0007
    await chat(proxy, key["key"])
    with pytest.raises(openai.RateLimitError) as refusal:
        for _ in range(3):
            await chat(proxy, key["key"])
    assert refusal.value.code in ("team_budget_exceeded", "budget_reserved")
    _, totals = await ask(proxy, "GET", "/admin/ledger/totals")
    assert totals["usd"] <= 0.0007
    _, books = await ask(proxy, "GET", "/admin/ledger/check")
    assert books == {"balanced": True, "discrepancies": []}


async def test_a_team_is_warned_from_its_soft_limit_on(proxy: Served) -> None:
    key = await new_key(proxy, {"budget_usd": 0.001, "soft_limit": 0.25})
    first = await chat(proxy, key["key"])
    await chat(proxy, key["key"])
    third = await chat(proxy, key["key"])
    assert third.headers["x-maestro-team-budget-warning"] == "more than 25% is spent"
    assert float(first.headers["x-maestro-team-budget-remaining-usd"]) < 0.001


async def test_a_rotated_key_takes_the_place_of_the_old_one(proxy: Served) -> None:
    key = await new_key(proxy, {})
    await chat(proxy, key["key"])
    _, rotated = await ask(proxy, "POST", f"/admin/keys/{key['id']}/rotate")
    await chat(proxy, rotated["key"])
    with pytest.raises(openai.AuthenticationError):
        await chat(proxy, key["key"])
    assert (await ask(proxy, "DELETE", f"/admin/keys/{key['id']}"))[0] == 200
    with pytest.raises(openai.AuthenticationError):
        await chat(proxy, rotated["key"])


async def test_requests_a_minute_are_limited_and_told(proxy: Served) -> None:
    key = await new_key(proxy, {"requests_per_minute": 2})
    first = await chat(proxy, key["key"])
    assert first.headers["x-ratelimit-limit-requests"] == "2"
    assert first.headers["x-ratelimit-remaining-requests"] == "1"
    await chat(proxy, key["key"])
    with pytest.raises(openai.RateLimitError) as refusal:
        await chat(proxy, key["key"])
    assert refusal.value.code == "rate_limit_exceeded"
    assert int(refusal.value.response.headers["retry-after"]) > 0


async def test_spend_is_told_by_team_and_model_as_json_and_csv(proxy: Served) -> None:
    key = await new_key(proxy, {})
    await chat(proxy, key["key"])
    _, rows = await ask(proxy, "GET", "/admin/spend?by=team,model")
    assert rows[0] | {"usd": 0} == {
        "team": "search",
        "model": "a/small",
        "calls": 1,
        "input_tokens": 100,
        "output_tokens": 50,
        "estimated_calls": 0,
        "usd": 0,
    }
    assert rows[0]["usd"] == pytest.approx(100e-6 + 50 * 4e-6)
    _, text = await ask(proxy, "GET", "/admin/spend?by=team", headers=ADMIN | {"Accept": "text/csv"})
    assert text.splitlines()[0] == "team,calls,input_tokens,output_tokens,estimated_calls,usd"
    assert (await ask(proxy, "GET", "/admin/spend?by=colour"))[0] == 400


async def test_every_act_is_in_the_audit_log(proxy: Served) -> None:
    key = await new_key(proxy, {})
    await ask(proxy, "DELETE", f"/admin/keys/{key['id']}")
    _, log = await ask(proxy, "GET", "/admin/audit")
    assert [row["act"] for row in log][:3] == ["revoke_key", "create_key", "put_team"]
    assert key["key"] not in str(log)
