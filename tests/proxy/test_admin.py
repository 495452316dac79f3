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


@pytest.mark.parametrize("worth", ["1e999", "-1", "NaN", "1e13"])
async def test_an_operating_point_is_two_numbers_that_can_be_reckoned_with(proxy: Served, worth: str) -> None:
    async with aiohttp.ClientSession() as session:
        body = f'{{"name": "search", "operating_point": {{"usd": 1.0, "seconds": {worth}}}}}'
        headers = {**ADMIN, "content-type": "application/json"}
        async with session.post(f"{proxy.origin}/admin/teams", data=body, headers=headers) as answer:
            assert answer.status == 400, await answer.text()


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


async def test_a_team_is_changed_in_part_and_values_are_taken_away(proxy: Served) -> None:
    await new_key(proxy, {"budget_usd": 5.0, "effort": "high", "requirements": ["At most 50 words"]})
    changes = {"soft_limit": 0.5, "effort": None, "operating_point": {"usd": 20.0, "seconds": 0.01}}
    status, said = await ask(proxy, "PATCH", "/admin/teams/search", changes)
    assert status == 200
    assert (said["budget_usd"], said["soft_limit"], said["operating_point"]["usd"]) == (5.0, 0.5, 20.0)
    _, rows = await ask(proxy, "GET", "/admin/teams")
    assert "effort" not in rows[0]["defaults"]
    assert rows[0]["defaults"]["requirements"][0]["name"] == "at_most_50_words"
    for wrong in ({"budget": 5}, {"window": "year"}, {"webhook_url": "file:///etc/passwd"}, {"requirements": [""]}):
        status, said = await ask(proxy, "PATCH", "/admin/teams/search", wrong)
        assert (status, said["error"]["param"].split("[")[0]) == (400, next(iter(wrong)))


async def test_the_defaults_of_a_team_hold_where_a_request_says_nothing(proxy: Served) -> None:
    terms = {"requirements": [{"name": "short", "description": "At most 9 words", "is_mandatory": True}]}
    key = await new_key(proxy, {**terms, "quality_threshold": 0.7, "run_usd": 0.02, "effort": "high"})
    answer = (await chat(proxy, key["key"], model="maestro")).parse()
    assert answer.requirements_result["requirements"][0]["name"] == "short"
    assert answer.maestro["budget"] == {"usd": 0.02, "seconds": None, "calls": None, "effort": "high"}
    louder = (await chat(proxy, key["key"], model="maestro", extra_headers={"X-Maestro-Effort": "low"})).parse()
    assert louder.maestro["budget"]["effort"] == "low"


async def test_a_request_can_only_lower_what_its_key_and_team_allow(proxy: Served) -> None:
    for team, scopes in (({"max_run_usd": 0.0002}, {}), ({}, {"max_run_usd": 0.0002})):
        key = await new_key(proxy, team, **scopes)
        for headers in ({}, {"X-Maestro-Budget-Usd": "5"}, {"X-Maestro-Budget-Usd": "0.0001"}):
            with pytest.raises(openai.BadRequestError) as refusal:
                await chat(proxy, key["key"], extra_headers=headers)
            assert (refusal.value.code, refusal.value.param) == ("budget_too_small", "budget")
    key = await new_key(proxy, {"max_run_usd": 0.001})
    answer = (await chat(proxy, key["key"], model="maestro", extra_headers={"X-Maestro-Budget-Usd": "5"})).parse()
    assert answer.maestro["budget"]["usd"] == 0.001


async def test_a_key_uses_no_model_that_its_team_may_not(proxy: Served) -> None:
    key = await new_key(proxy, {"models": ["small"]}, models=["a/small", "a/big"])
    await chat(proxy, key["key"])
    with pytest.raises(openai.NotFoundError):
        await chat(proxy, key["key"], model="big")


async def test_keys_have_budgets_and_rates_of_their_own_and_every_answer_tells(proxy: Served) -> None:
    key = await new_key(proxy, {"budget_usd": 1.0}, budget_usd=0.0007, window="day", requests_per_minute=3)
    first = await chat(proxy, key["key"])
    async with proxy.client(api_key=key["key"]) as client:
        said: Any = {"model": "small", "messages": MESSAGES, "max_tokens": 60, "stream": True}
        raw = await client.chat.completions.with_raw_response.create(**said)
        async for _ in raw.parse():
            pass
    with pytest.raises(openai.RateLimitError) as spent:
        await chat(proxy, key["key"])
    assert spent.value.code == "key_budget_exceeded"
    with pytest.raises(openai.RateLimitError) as limited:
        await chat(proxy, key["key"])
    assert limited.value.code == "rate_limit_exceeded"
    for headers in (first.headers, raw.headers, spent.value.response.headers, limited.value.response.headers):
        assert headers["x-maestro-team-budget-limit-usd"] == "1.000000000"
        assert headers["x-maestro-key-budget-limit-usd"] == "0.000700000"
        assert float(headers["x-maestro-key-budget-remaining-usd"]) < 0.0007
        assert int(headers["x-maestro-key-budget-reset"]) > 0
        assert headers["x-ratelimit-limit-requests"] == "3"
    assert limited.value.response.headers["x-ratelimit-remaining-requests"] == "0"


async def test_answers_that_cost_nothing_tell_what_is_left_too(proxy: Served) -> None:
    key = await new_key(proxy, {"budget_usd": 1.0})
    plan = await chat(proxy, key["key"], model="maestro", extra_body={"dry_run": True})
    async with proxy.client(api_key=key["key"]) as client:
        models = await client.models.with_raw_response.list()
    for headers in (plan.headers, models.headers):
        assert headers["x-maestro-team-budget-remaining-usd"] == "1.000000000"


async def test_budgets_are_listed_set_and_cleared(proxy: Served) -> None:
    key = await new_key(proxy, {"budget_usd": 1.0})
    await chat(proxy, key["key"])
    path = f"/admin/budgets/key/{key['id']}"
    assert (await ask(proxy, "PUT", path, {"budget_usd": 0.0001, "window": "week"}))[0] == 200
    with pytest.raises(openai.RateLimitError) as refusal:
        await chat(proxy, key["key"])
    assert refusal.value.code == "key_budget_exceeded"
    _, rows = await ask(proxy, "GET", "/admin/budgets")
    assert [(row["scope"], row["limit_usd"]) for row in rows] == [("team", 1.0), ("key", 0.0001)]
    assert rows[1]["spent_usd"] == pytest.approx(100e-6 + 50 * 4e-6)
    assert (await ask(proxy, "DELETE", path))[0] == 200
    await chat(proxy, key["key"])
    assert (await ask(proxy, "PUT", "/admin/budgets/team/nobody", {}))[0] == 400
    assert (await ask(proxy, "PUT", "/admin/budgets/planet/earth", {}))[0] == 400


async def test_charges_runs_and_lists_are_exported(proxy: Served) -> None:
    key = await new_key(proxy, {"budget_usd": 1.0}, name="=1+1")
    run = (await chat(proxy, key["key"], model="maestro")).headers["x-maestro-run-id"]
    await proxy.house.rooms.ledger.flush()
    _, charges = await ask(proxy, "GET", f"/admin/charges?team=search&key={key['id']}")
    assert (charges[0]["run_id"], charges[0]["price"]["input_usd_per_mtok"]) == (run, 1.0)
    _, runs = await ask(proxy, "GET", "/admin/runs?team=search&limit=5")
    assert [row["id"] for row in runs] == [run]
    assert (await ask(proxy, "GET", "/admin/runs?limit=many"))[0] == 400
    for path in ("teams", "keys", "budgets", "charges", "runs", "audit", "spend?by=team,key,model,technique,day"):
        mark = "&" if "?" in path else "?"
        status, text = await ask(proxy, "GET", f"/admin/{path}{mark}format=csv")
        assert status == 200
        assert len(text.splitlines()) >= 2, path
        if path == "keys":
            assert "'=1+1" in text


async def test_the_books_are_checked_pruned_and_made_smaller(proxy: Served) -> None:
    key = await new_key(proxy, {})
    await chat(proxy, key["key"])
    await proxy.house.rooms.ledger.flush()
    status, counts = await ask(proxy, "POST", "/admin/ledger/prune", {"keep_days": 0})
    assert (status, counts["lines"]) == (200, 1)
    assert (await ask(proxy, "POST", "/admin/ledger/vacuum"))[0] == 200
    assert (await ask(proxy, "GET", "/admin/ledger/check"))[1]["balanced"]
    _, rows = await ask(proxy, "GET", "/admin/spend?by=key")
    assert (rows[0]["key"], rows[0]["calls"]) == (key["id"], 1)


async def test_a_team_is_deleted_with_its_keys(proxy: Served) -> None:
    key = await new_key(proxy, {"budget_usd": 1.0})
    status, said = await ask(proxy, "DELETE", "/admin/teams/search")
    assert (status, said) == (200, {"team": "search", "deleted": True, "keys_ended": 1})
    with pytest.raises(openai.AuthenticationError):
        await chat(proxy, key["key"])
    assert (await ask(proxy, "DELETE", "/admin/teams/search"))[0] == 400
