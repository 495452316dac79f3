"""Profiles over a socket: a model name that brings requirements, budget and models with it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.profiles.clothe import with_profile
from router.task import Budget, Defaults, Requirement
from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import MESSAGES, Served, serving, settings_for
from tests.proxy.test_admin import ADMIN, ask, new_key

pytestmark = pytest.mark.anyio
CURT: Any = {
    "requirements": [{"name": "short", "description": "Answer in at most 3 words", "is_mandatory": True}],
    "budget": {"calls": 3, "effort": "medium"},
    "models": ["small"],
    "quality_threshold": 0.9,
}


@pytest.fixture
async def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setenv("MAESTRO_ADMIN_KEY", "admin-secret")
    settings = settings_for(FakeUpstream(), tmp_path)
    async with FakeUpstream(Scripted("Short and kind")) as fake:
        settings = settings_for(fake, tmp_path, aliases={"gpt-4": "maestro/curt"})
        async with serving(settings) as served:
            yield served


async def test_a_profile_is_a_model_of_its_team(proxy: Served) -> None:
    key = (await new_key(proxy, {}))["key"]
    assert (await ask(proxy, "PUT", "/admin/profiles/search/curt", CURT))[1]["version"] == 1
    async with proxy.client(api_key=key) as client:
        listed = [model.id async for model in client.models.list()]
        raw = await client.chat.completions.with_raw_response.create(model="maestro/curt", messages=MESSAGES)
        found = await client.models.retrieve("maestro/curt")
    answer = json.loads(raw.content)
    assert "maestro/curt" in listed
    assert found.id == "maestro/curt"
    assert raw.headers["x-maestro-profile"] == "curt@1"
    assert [one["name"] for one in answer["requirements_result"]["requirements"]] == ["short"]
    assert answer["maestro"]["budget"] == {"usd": None, "seconds": None, "calls": 3, "effort": "medium"}


async def test_another_team_neither_sees_nor_uses_it(proxy: Served) -> None:
    await new_key(proxy, {})
    await ask(proxy, "PUT", "/admin/profiles/search/curt", CURT)
    await ask(proxy, "POST", "/admin/teams", {"name": "other"})
    key = (await ask(proxy, "POST", "/admin/keys", {"team": "other"}))[1]["key"]
    async with proxy.client(api_key=key) as client:
        assert "maestro/curt" not in [model.id async for model in client.models.list()]
        with pytest.raises(openai.NotFoundError):
            await client.chat.completions.create(model="maestro/curt", messages=MESSAGES)


async def test_versions_are_kept_and_may_be_named(proxy: Served) -> None:
    key = (await new_key(proxy, {}))["key"]
    await ask(proxy, "PUT", "/admin/profiles/search/curt", CURT)
    await ask(proxy, "PUT", "/admin/profiles/search/curt", {"requirements": ["Use the word 'kind'"]})
    _, shown = await ask(proxy, "GET", "/admin/profiles/search/curt")
    assert (shown["version"], [one["version"] for one in shown["versions"]]) == (2, [2, 1])
    async with proxy.client(api_key=key) as client:
        for model, names in (("maestro/curt", ["use_the_word_kind"]), ("maestro/curt@1", ["short"])):
            answer = await client.chat.completions.create(model=model, messages=MESSAGES)
            result = answer.model_extra["requirements_result"]  # type: ignore[index]
            assert [one["name"] for one in result["requirements"]] == names
    assert (await ask(proxy, "DELETE", "/admin/profiles/search/curt"))[1]["deleted"] is True
    assert (await ask(proxy, "GET", "/admin/profiles/search/curt"))[0] == 404


async def test_an_alias_may_stand_for_a_profile_and_a_request_may_say_more(proxy: Served) -> None:
    key = (await new_key(proxy, {"requirements": ["At least 1 word"]}))["key"]
    await ask(proxy, "PUT", "/admin/profiles/search/curt", CURT)
    more = {"requirements": ["Use the word 'kind'"], "budget": {"calls": 2}}
    async with proxy.client(api_key=key) as client:
        answer = await client.chat.completions.create(model="gpt-4", messages=MESSAGES, extra_body=more)
    said: Any = answer.model_extra
    assert len(said["requirements_result"]["requirements"]) == 3
    assert (said["maestro"]["budget"]["calls"], said["maestro"]["budget"]["effort"]) == (2, "medium")


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/admin/profiles/search/curt", {"requirement": []}, "requirement"),
        ("/admin/profiles/search/curt", {"requirements": [{"check": {"type": "none"}}]}, "requirements"),
        ("/admin/profiles/search/cu%20rt", {}, "name"),
        ("/admin/profiles/nobody/curt", {}, "team"),
    ],
)
async def test_a_bad_profile_is_refused(proxy: Served, path: str, body: Any, param: str) -> None:
    await new_key(proxy, {})
    status, said = await ask(proxy, "PUT", path, body)
    assert status == 400
    assert str(said["error"]["param"]).startswith(param)


async def test_profiles_are_for_the_admin_key(proxy: Served) -> None:
    assert (await ask(proxy, "GET", "/admin/profiles", headers={}))[0] == 401
    assert (await ask(proxy, "GET", "/admin/profiles", headers=ADMIN)) == (200, [])


BUDGETS = st.builds(Budget, st.none() | st.just(1.0), st.none() | st.just(2.0), st.none() | st.just(3))
SAID = st.fixed_dictionaries(
    {},
    optional={
        "budget": st.sampled_from(["low", "high", {"usd": 5.0}, {"calls": 7, "effort": "medium"}]),
        "models": st.just(["a/b"]),
        "quality_threshold": st.floats(0, 1),
        "requirements": st.just([{"name": "one", "description": "Use the word 'kind'"}]),
    },
)


@given(BUDGETS, SAID)
def test_what_a_profile_says_wins_and_what_it_does_not_say_stays(budget: Budget, said: dict[str, Any]) -> None:
    before = Defaults(budget=budget, requirements=(Requirement("two", "x"),), models=("c/d",), quality_threshold=0.5)
    after = with_profile(before, said)
    told = said.get("budget", {}) if isinstance(said.get("budget"), dict) else {}
    assert after.budget is not None
    assert after.budget.usd == told.get("usd", budget.usd)
    assert after.budget.calls == told.get("calls", budget.calls)
    assert after.budget.seconds == budget.seconds
    assert after.models == tuple(said.get("models", before.models))
    assert after.quality_threshold == said.get("quality_threshold", 0.5)
    assert {one.name for one in after.requirements} == {"two"} | ({"one"} if "requirements" in said else set())
