"""AI21's own API: the shapes its SDK reads, over a socket."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import Served, serving, settings_for

pytestmark = pytest.mark.anyio


async def post(proxy: Served, body: Any, prefix: str = "/studio/v1") -> tuple[int, Any]:
    url = f"{proxy.origin}{prefix}/maestro/runs"
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
        return answer.status, await answer.json()


async def poll(proxy: Served, run_id: str, prefix: str = "/studio/v1") -> Any:
    async with aiohttp.ClientSession() as session, asyncio.timeout(20):
        while True:
            async with session.get(f"{proxy.origin}{prefix}/maestro/runs/{run_id}") as answer:
                run = await answer.json()
            if run["status"] != "in_progress":
                return run
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("prefix", ["/v1", "/studio/v1"])
async def test_a_run_is_told_at_once_and_found_when_it_is_done(tmp_path: Path, prefix: str) -> None:
    body = {
        "input": [{"role": "user", "content": "Say it."}],
        "system_prompt": "Be kind.",
        "requirements": [{"name": "short", "description": "Answer in at most 3 words", "is_mandatory": True}],
        "budget": "low",
        "include": ["requirements_result", "data_sources"],
    }
    async with FakeUpstream(Scripted("Short and kind")) as fake, serving(settings_for(fake, tmp_path)) as proxy:
        status, begun = await post(proxy, body, prefix)
        run = await poll(proxy, begun["id"], prefix)
        assert fake.requests[0].body["messages"][0]["content"].startswith("Be kind.")
    assert (status, begun["status"], begun["result"]) == (200, "in_progress", None)
    assert (run["status"], run["result"], run["error"]) == ("completed", "Short and kind", None)
    assert run["requirements_result"]["score"] == 1.0
    assert run["requirements_result"]["requirements"][0]["reason"]


async def test_a_plain_input_without_requirements_is_answered(tmp_path: Path) -> None:
    async with FakeUpstream(Scripted("Hello.")) as fake, serving(settings_for(fake, tmp_path)) as proxy:
        _, begun = await post(proxy, {"input": "Say hello."})
        run = await poll(proxy, begun["id"])
    assert (run["status"], run["result"], run["requirements_result"]) == ("completed", "Hello.", None)


async def test_a_run_that_fails_says_why(tmp_path: Path) -> None:
    async with FakeUpstream(Scripted(behaviour="error")) as fake, serving(settings_for(fake, tmp_path)) as proxy:
        _, begun = await post(proxy, {"input": "Say hello."})
        run = await poll(proxy, begun["id"])
    assert run["status"] == "failed"
    assert "upstream" in run["error"]["message"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "input"),
        ({"input": []}, "input"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
        ({"input": "x", "tools": [{"type": "mcp"}]}, "tools[0].server_label"),
        ({"input": "x", "budget": "huge"}, "budget"),
    ],
)
async def test_a_bad_run_is_refused_before_anything_is_spent(tmp_path: Path, body: Any, param: str) -> None:
    async with FakeUpstream() as fake, serving(settings_for(fake, tmp_path)) as proxy:
        status, said = await post(proxy, body)
        assert not fake.requests
    assert (status, said["error"]["param"]) == (400, param)
