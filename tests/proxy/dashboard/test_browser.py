"""The dashboard as people use it: a real browser, a real proxy, real runs over a scripted upstream."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from router.ledger.accounts import KeyScopes
from scripts.fake_upstream import FakeUpstream
from tests.proxy.served import Served, serving, settings_for

pytestmark = pytest.mark.anyio

ADMIN = "admin-key-of-this-test"
PAGES = ("tradeoffs", "runs", "spend", "models", "playground")
SHORT = {"name": "short", "description": "At most 3 words", "is_mandatory": True}


@dataclass
class Visit:
    """A page that remembers whatever went wrong in it."""

    page: Page
    origin: str
    problems: list[str] = field(default_factory=list)

    async def go(self, path: str) -> None:
        answer = await self.page.goto(f"{self.origin}/dashboard/{path}")
        assert answer is not None and answer.status == 200, path

    async def log_in(self, key: str) -> None:
        await self.page.goto(f"{self.origin}/dashboard/tradeoffs")
        await self.page.get_by_label("Admin key or team key").fill(key)
        await self.page.get_by_role("button", name="Log in").click()


@contextlib.asynccontextmanager
async def visiting(browser: Browser, served: Served, **context: Any) -> AsyncIterator[Visit]:
    opened = await browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | context))
    page = await opened.new_page()
    visit = Visit(page, served.origin)
    page.on("console", lambda said: visit.problems.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: visit.problems.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(served.origin) else visit.problems.append(asked.url))
    try:
        yield visit
    finally:
        await opened.close()


@contextlib.asynccontextmanager
async def proxy(folder: Path, **more: Any) -> AsyncIterator[Served]:
    teams = {"search": {"budget_usd": 25.0}, "support": {"budget_usd": 1.0, "window": "day"}}
    async with FakeUpstream() as fake, serving(settings_for(fake, folder, teams=teams, **more)) as served:
        yield served


async def make_run(served: Served, key: str = "none", text: str = "Say hello.") -> str:
    async with served.client(api_key=key) as client:
        messages: Any = [{"role": "user", "content": text}]
        answer = await client.chat.completions.with_raw_response.create(
            model="maestro", messages=messages, extra_body={"requirements": [SHORT]}
        )
    return str(answer.headers["x-maestro-run-id"])


async def make_key(served: Served, team: str) -> str:
    return (await served.house.rooms.registry.create_key(team, KeyScopes(), "test")).secret


async def test_a_fresh_proxy_teaches_on_every_page_and_shows_the_frontier(browser: Browser, tmp_path: Path) -> None:
    async with proxy(tmp_path) as served, visiting(browser, served) as visit:
        for name in PAGES:
            await visit.go(name)
        await visit.go("tradeoffs")
        await expect(visit.page.locator("#by-usd .plot-container")).to_be_visible()
        await expect(visit.page.get_by_text("No outcome of such tasks is recorded yet")).to_be_visible()
        await visit.go("runs")
        await expect(visit.page.locator(".empty code")).to_contain_text("curl")
        assert visit.problems == []


async def test_runs_are_found_filtered_and_shown_as_trees(browser: Browser, tmp_path: Path) -> None:
    async with proxy(tmp_path) as served, visiting(browser, served) as visit:
        run_ids = [await make_run(served) for _ in range(3)]
        await visit.go("runs")
        await expect(visit.page.locator("tbody tr")).to_have_count(3)
        await visit.page.get_by_role("searchbox").fill(run_ids[1])
        await visit.page.get_by_role("button", name="Show").click()
        await expect(visit.page.locator("tbody tr")).to_have_count(1)
        await visit.page.get_by_role("link", name=run_ids[1]).click()
        await expect(visit.page.get_by_role("heading", name="Wave 0")).to_be_visible()
        await expect(visit.page.locator(".verdicts").first).to_contain_text("short")
        await expect(visit.page.locator("svg.bar")).to_have_count(1)
        await expect(visit.page.get_by_text("Texts are not stored")).to_be_visible()
        await visit.go("runs?score=part")
        await expect(visit.page.get_by_text("No run fits")).to_be_visible()
        assert visit.problems == []


async def test_texts_are_shown_only_where_they_are_stored(browser: Browser, tmp_path: Path) -> None:
    ledger = {"url": f"sqlite:///{tmp_path}/maestro.db", "store_texts": True}
    async with proxy(tmp_path, ledger=ledger) as served, visiting(browser, served) as visit:
        run_id = await make_run(served)
        await visit.go(f"runs/{run_id}")
        await expect(visit.page.locator(".candidate pre")).to_be_visible()


async def test_an_operating_point_that_is_set_is_obeyed_by_the_next_request(browser: Browser, tmp_path: Path) -> None:
    async with proxy(tmp_path) as served, visiting(browser, served) as visit:
        await visit.go("tradeoffs?team=search")
        slider = visit.page.get_by_label("From thrifty to thorough")
        await slider.focus()
        await slider.press("End")
        await expect(visit.page.locator("#preview")).to_contain_text("Predicted: success")
        await visit.page.get_by_label("A dollar costs").fill("0.5")
        await visit.page.get_by_label("A second costs").fill("0.0001")
        await visit.page.locator("#whose").select_option("search")
        await visit.page.get_by_role("button", name="Set operating point").click()
        await expect(visit.page.locator("#point tbody tr", has_text="search")).to_contain_text("operating point")
        assert (await chosen_model(served, "search"), await chosen_model(served, "support")) == ("a/big", "a/small")
        audit = await served.house.rooms.registry.read_audit(1)
        assert (audit[0]["act"], audit[0]["subject"], audit[0]["actor"]) == ("put_team", "search", "admin (dashboard)")
        assert visit.problems == []


async def test_the_servers_point_holds_for_teams_without_one(browser: Browser, tmp_path: Path) -> None:
    async with proxy(tmp_path) as served, visiting(browser, served) as visit:
        assert await chosen_model(served, "support") == "a/small"
        await visit.go("tradeoffs")
        await visit.page.get_by_label("A dollar costs").fill("0.5")
        await visit.page.get_by_label("A second costs").fill("0.0001")
        await visit.page.get_by_role("button", name="Set operating point").click()
        await expect(visit.page.locator("#point tbody tr").first).to_contain_text("operating point")
        assert await chosen_model(served, "support") == "a/big"
        await visit.page.get_by_role("button", name="Take it away").click()
        await expect(visit.page.locator("#point tbody tr").first).to_contain_text("effort low")


async def chosen_model(served: Served, team: str) -> str:
    """The model that a request of this team really went to."""
    async with served.client(default_headers={"x-maestro-team": team}) as client:
        messages: Any = [{"role": "user", "content": "Prove that there are infinitely many primes."}]
        answer = await client.chat.completions.with_raw_response.create(model="maestro", messages=messages)
    return str(answer.headers["x-maestro-model"])


async def test_the_playground_tells_a_run_live(browser: Browser, tmp_path: Path) -> None:
    async with proxy(tmp_path) as served, visiting(browser, served) as visit:
        await visit.go("playground")
        await visit.page.get_by_label("Prompt").fill("Say hello.")
        await visit.page.get_by_label("Requirements, one a line").fill("! At most 3 words")
        await expect(visit.page.locator("#curl")).to_contain_text('"is_mandatory": true')
        await expect(visit.page.locator("#python")).to_contain_text('is_mandatory": True')
        await visit.page.get_by_role("button", name="Run").click()
        live = visit.page.locator("#live li")
        await expect(live.filter(has_text="Wave 0")).to_be_visible()
        await expect(live.filter(has_text="Done.")).to_be_visible()
        await expect(visit.page.locator("#scores .met")).to_contain_text("At most 3 words")
        await visit.page.get_by_role("link", name="the run as a tree").click()
        await expect(visit.page.get_by_role("heading", name="Waves")).to_be_visible()
        assert visit.problems == []


async def test_keys_let_people_in_and_teams_see_their_own(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAESTRO_ADMIN_KEY", ADMIN)
    async with proxy(tmp_path) as served:
        search, support = await make_key(served, "search"), await make_key(served, "support")
        await asyncio.sleep(0)
        theirs, ours = await make_run(served, search), await make_run(served, support)
        async with visiting(browser, served) as visit:
            await visit.log_in("wrong")
            await expect(visit.page.get_by_role("alert")).to_contain_text("Incorrect")
            await visit.log_in(support)
            await visit.page.get_by_role("link", name="Runs").click()
            await expect(visit.page.get_by_text(ours)).to_be_visible()
            await expect(visit.page.get_by_text(theirs)).to_have_count(0)
            answer = await visit.page.goto(f"{served.origin}/dashboard/runs/{theirs}")
            assert answer is not None and answer.status == 404
            await visit.go("tradeoffs")
            await expect(visit.page.get_by_role("button", name="Set operating point")).to_have_count(0)
            await visit.page.get_by_role("button", name="Log out").click()
            await visit.log_in(ADMIN)
            await visit.page.get_by_role("link", name="Runs").click()
            await expect(visit.page.locator("tbody tr")).to_have_count(2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_every_page_is_accessible_and_fits(browser: Browser, tmp_path: Path, width: int, scheme: str) -> None:
    look = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme, "bypass_csp": True}
    async with proxy(tmp_path) as served, visiting(browser, served, **look) as visit:
        run_id = await make_run(served)
        for name in (*PAGES, f"runs/{run_id}"):
            await visit.go(name)
            found = (await Axe().run(visit.page)).response["violations"]
            assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == [], name
            spill = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert await visit.page.evaluate(spill) <= 0, name


async def test_the_theme_button_switches_and_is_remembered(browser: Browser, tmp_path: Path) -> None:
    async with proxy(tmp_path) as served, visiting(browser, served, color_scheme="light") as visit:
        await visit.go("models")
        await visit.page.keyboard.press("Tab")
        await expect(visit.page.get_by_role("link", name="Skip to the content")).to_be_focused()
        await visit.page.get_by_role("button", name="Switch between light and dark").click()
        await visit.go("spend")
        await expect(visit.page.locator("html")).to_have_attribute("data-theme", "dark")
