"""`/v1/batches` with the official client: files in and out, budgets, resuming, cancelling."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import MESSAGES, serving, settings_for
from tests.proxy.test_admin import new_key

pytestmark = pytest.mark.anyio
CHAT: Any = "/v1/chat/completions"


def row(name: str, **body: Any) -> dict[str, Any]:
    said = {"model": "maestro", "messages": MESSAGES, "requirements": ["At most 3 words"], **body}
    return {"custom_id": name, "method": "POST", "url": CHAT, "body": said}


async def begin(client: openai.AsyncOpenAI, rows: list[Any]) -> Any:
    data = "\n".join(map(json.dumps, rows)).encode()
    file = await client.files.create(file=("in.jsonl", data), purpose="batch")
    return await client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h")


async def until(client: openai.AsyncOpenAI, batch_id: str, holds: Callable[[Any], bool]) -> Any:
    async with asyncio.timeout(30):
        while True:
            batch = await client.batches.retrieve(batch_id)
            if holds(batch):
                return batch
            await asyncio.sleep(0.02)


def is_over(batch: Any) -> bool:
    return batch.status in ("completed", "failed", "cancelled", "expired")


async def rows_of(client: openai.AsyncOpenAI, file_id: str) -> list[Any]:
    return [json.loads(line) for line in (await client.files.content(file_id)).text.splitlines()]


async def test_a_batch_is_answered_in_a_file_and_what_failed_in_another(tmp_path: Path) -> None:
    rows = [*(row(f"r{i}") for i in range(5)), row("bad", model="nope")]
    async with (
        FakeUpstream(Scripted("Short and kind")) as fake,
        serving(settings_for(fake, tmp_path)) as proxy,
        proxy.client() as client,
    ):
        batch = await until(client, (await begin(client, rows)).id, is_over)
        good, bad = await rows_of(client, batch.output_file_id), await rows_of(client, batch.error_file_id)
        listed = [one.id async for one in client.batches.list(limit=1)]
    counts = batch.request_counts
    assert (batch.status, counts.total, counts.completed, counts.failed) == ("completed", 6, 5, 1)
    assert [one["custom_id"] for one in good] == [f"r{i}" for i in range(5)]
    assert good[0]["response"]["body"]["requirements_result"]["score"] == 1.0
    assert bad[0]["response"]["body"]["error"]["code"] == "model_not_found"
    assert listed == [batch.id]


async def test_a_file_that_cannot_be_run_fails_with_its_lines(tmp_path: Path) -> None:
    async with FakeUpstream() as fake, serving(settings_for(fake, tmp_path)) as proxy, proxy.client() as client:
        batch = await until(client, (await begin(client, [row("a"), row("a")])).id, is_over)
        assert not fake.requests
    assert (batch.status, batch.errors.data[0].code, batch.errors.data[0].line) == ("failed", "duplicate_custom_id", 2)


async def test_a_batch_stays_within_its_teams_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAESTRO_ADMIN_KEY", "admin-secret")
    script = Scripted("Hello there.", input_tokens=100, output_tokens=50)
    async with FakeUpstream(script) as fake, serving(settings_for(fake, tmp_path)) as proxy:
        key = (await new_key(proxy, {"budget_usd": 0.0007, "window": "day"}))["key"]
        async with proxy.client(api_key=key) as client:
            rows = [row(f"r{i}", model="small", requirements=None, max_tokens=60) for i in range(6)]
            batch = await until(client, (await begin(client, rows)).id, is_over)
            bad = await rows_of(client, batch.error_file_id)
        assert fake.billed_calls == batch.request_counts.completed == 2
    assert {one["response"]["status_code"] for one in bad} == {429}
    assert {one["response"]["body"]["error"]["code"] for one in bad} == {"team_budget_exceeded"}


async def test_a_batch_goes_on_after_a_restart_where_it_was(tmp_path: Path) -> None:
    answers = [Scripted("Short and kind"), Scripted("Short and kind"), Scripted("Short and kind", "slow", seconds=30)]
    async with FakeUpstream([*answers, Scripted("Short and kind")]) as fake:
        settings = settings_for(fake, tmp_path, runs={"batch_parallel": 1})
        async with serving(settings) as proxy, proxy.client() as client:
            batch_id = (await begin(client, [row(f"r{i}") for i in range(4)])).id
            await fake.wait_until(lambda fake: len(fake.requests) == 3, 20)
            await until(client, batch_id, lambda batch: batch.request_counts.completed == 2)
        async with serving(settings) as proxy, proxy.client() as client:
            batch = await until(client, batch_id, is_over)
            good = await rows_of(client, batch.output_file_id)
            assert not await proxy.house.rooms.ledger.check()
    assert (batch.status, batch.request_counts.completed, len(fake.requests)) == ("completed", 4, 5)
    assert [one["custom_id"] for one in good] == ["r0", "r1", "r2", "r3"]


async def test_a_cancelled_batch_keeps_what_was_answered(tmp_path: Path) -> None:
    answers = [Scripted("Short and kind"), Scripted("Short and kind", "slow", seconds=30)]
    async with (
        FakeUpstream(answers) as fake,
        serving(settings_for(fake, tmp_path, runs={"batch_parallel": 1})) as proxy,
        proxy.client() as client,
    ):
        batch_id = (await begin(client, [row(f"r{i}") for i in range(3)])).id
        await fake.wait_until(lambda fake: len(fake.requests) == 2, 20)
        assert (await client.batches.cancel(batch_id)).status in ("cancelling", "cancelled")
        batch = await until(client, batch_id, is_over)
        good, bad = await rows_of(client, batch.output_file_id), await rows_of(client, batch.error_file_id)
        with pytest.raises(openai.ConflictError):
            await client.batches.cancel(batch_id)
    assert batch.status == "cancelled"
    assert [one["custom_id"] for one in good] == ["r0"]
    assert {(one["custom_id"], one["error"]["code"]) for one in bad} == {
        ("r1", "batch_cancelled"),
        ("r2", "batch_cancelled"),
    }


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"endpoint": "/v1/images"}, "endpoint"),
        ({"completion_window": "soon"}, "completion_window"),
        ({"input_file_id": "file-none"}, "input_file_id"),
    ],
)
async def test_a_bad_batch_is_refused(tmp_path: Path, changes: Any, param: str) -> None:
    said = {"endpoint": CHAT, "completion_window": "24h", "input_file_id": "file-x", **changes}
    async with FakeUpstream() as fake, serving(settings_for(fake, tmp_path)) as proxy, proxy.client() as client:
        with pytest.raises(openai.BadRequestError) as error:
            await client.batches.create(**said)
    assert error.value.param == param
