"""Runs that outlive their request, over a socket: listed, cancelled, watched, told by webhook, kept over a restart."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from router.runs.ticket import Ticket
from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import Served, serving, settings_for

pytestmark = pytest.mark.anyio
RUNS = "/v1/maestro/runs"
SHORT = [{"name": "short", "description": "Answer in at most 3 words", "is_mandatory": True}]
SLOW = Scripted("Short and kind", behaviour="slow", seconds=30.0)


async def ask(proxy: Served, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    url = proxy.origin + path
    async with aiohttp.ClientSession() as session, session.request(method, url, json=body, headers=named) as answer:
        return answer.status, await answer.json()


async def ended(proxy: Served, run_id: str) -> Any:
    async with asyncio.timeout(20):
        while True:
            _, run = await ask(proxy, "GET", f"{RUNS}/{run_id}")
            if run["status"] != "in_progress":
                return run
            await asyncio.sleep(0.01)


async def begin(proxy: Served, **more: Any) -> str:
    status, run = await ask(proxy, "POST", RUNS, {"input": "Say it.", "requirements": SHORT, **more})
    assert status == 200, run
    return str(run["id"])


async def events_of(proxy: Served, run_id: str, **headers: str) -> list[tuple[str, str, Any]]:
    """All events to the end of the stream: id, name, data."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    url = f"{proxy.origin}{RUNS}/{run_id}/events"
    async with aiohttp.ClientSession() as session, session.get(url, headers=named) as answer:
        return read_events((await answer.read()).decode())


def read_events(text: str) -> list[tuple[str, str, Any]]:
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "id" in fields:
            found.append((fields["id"], fields["event"], json.loads(fields["data"])))
    return found


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[Served]:
    async with FakeUpstream(Scripted("Short and kind")) as fake, serving(settings_for(fake, tmp_path)) as served:
        yield served


async def test_runs_are_listed_by_pages_newest_first(proxy: Served) -> None:
    made = [await begin(proxy) for _ in range(3)]
    for run_id in made:
        await ended(proxy, run_id)
    _, first = await ask(proxy, "GET", f"{RUNS}?limit=2")
    assert [run["id"] for run in first["data"]] == [made[2], made[1]]
    assert (first["has_more"], first["last_id"]) == (True, made[1])
    _, second = await ask(proxy, "GET", f"{RUNS}?limit=2&after={first['last_id']}&status=completed")
    assert ([run["id"] for run in second["data"]], second["has_more"]) == ([made[0]], False)
    assert (await ask(proxy, "GET", f"{RUNS}?limit=0"))[0] == 400


async def test_a_finished_run_is_deleted(proxy: Served) -> None:
    run_id = await begin(proxy)
    await ended(proxy, run_id)
    assert (await ask(proxy, "DELETE", f"{RUNS}/{run_id}"))[1]["deleted"] is True
    assert (await ask(proxy, "GET", RUNS))[1]["data"] == []


async def test_a_cancelled_run_ends_its_calls_and_settles(tmp_path: Path) -> None:
    async with FakeUpstream(SLOW) as fake, serving(settings_for(fake, tmp_path)) as proxy:
        run_id = await begin(proxy)
        await fake.wait_until(lambda fake: fake.live == 1)
        assert (await ask(proxy, "DELETE", f"{RUNS}/{run_id}"))[0] == 409
        status, run = await ask(proxy, "POST", f"{RUNS}/{run_id}/cancel")
        await fake.wait_until(lambda fake: fake.live == 0)
        again = await ask(proxy, "POST", f"{RUNS}/{run_id}/cancel")
        await proxy.house.rooms.ledger.flush()
        assert not await proxy.house.rooms.ledger.check()
    assert (status, run["status"], run["error"]["code"]) == (200, "failed", "cancelled")
    assert again[1]["status"] == "failed"


async def test_one_key_makes_one_run_and_other_words_are_refused(proxy: Served) -> None:
    body = {"input": "Say it."}
    made = await asyncio.gather(*(ask(proxy, "POST", RUNS, body, idempotency_key="one") for _ in range(5)))
    assert len({run["id"] for _, run in made}) == 1
    assert (await ask(proxy, "POST", f"/studio{RUNS}", body, idempotency_key="one"))[1]["id"] == made[0][1]["id"]
    status, said = await ask(proxy, "POST", RUNS, {"input": "Say that."}, idempotency_key="one")
    assert (status, said["error"]["code"]) == (422, "idempotency_key_reused")


async def test_events_are_told_in_order_and_taken_up_again(proxy: Served) -> None:
    run_id = await begin(proxy)
    told = await events_of(proxy, run_id)
    names = [name for _, name, _ in told]
    assert names == ["run.created", "wave.started", "candidate.finished", "candidate.checked", "run.completed"]
    assert [number for number, _, _ in told] == ["1", "2", "3", "4", "5"]
    assert told[-1][2]["run"]["result"] == "Short and kind"
    later = await events_of(proxy, run_id, last_event_id="3")
    assert later == told[3:]
    assert await events_of(proxy, run_id, last_event_id="5") == []


async def test_a_run_is_streamed_as_it_is_made(proxy: Served) -> None:
    body = {"input": "Say it.", "requirements": SHORT, "stream": True}
    async with aiohttp.ClientSession() as session, session.post(proxy.origin + RUNS, json=body) as answer:
        told = read_events((await answer.read()).decode())
        run_id = answer.headers["x-maestro-run-id"]
    assert told[-1][1] == "run.completed"
    assert (await ended(proxy, run_id))["result"] == "Short and kind"


@asynccontextmanager
async def receiver(statuses: list[int]) -> AsyncIterator[tuple[str, "asyncio.Queue[tuple[Any, bytes]]"]]:
    """A server that takes webhooks, answering these statuses in turn."""
    heard: asyncio.Queue[tuple[Any, bytes]] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        await heard.put((request.headers.copy(), await request.read()))
        return web.Response(status=statuses.pop(0) if statuses else 200)

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook", heard
    finally:
        await runner.cleanup()


async def test_a_webhook_is_signed_and_sent_until_it_is_taken(tmp_path: Path) -> None:
    secret = "whsec_" + base64.b64encode(b"k" * 24).decode()
    webhooks = {"hosts": ["127.0.0.1"]}
    async with (
        FakeUpstream(Scripted("Short and kind")) as fake,
        receiver([500]) as (url, heard),
        serving(settings_for(fake, tmp_path, webhooks=webhooks)) as proxy,
    ):
        run_id = await begin(proxy, webhook={"url": url, "secret": secret})
        async with asyncio.timeout(20):
            (_, _), (headers, body) = await heard.get(), await heard.get()
    told = json.loads(body)
    assert (told["type"], told["data"]["id"]) == ("maestro.run.completed", run_id)
    assert told["data"]["result"] == "Short and kind"
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(b"k" * 24, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


async def test_a_webhook_that_was_due_when_the_process_ended_is_sent_by_the_next(tmp_path: Path) -> None:
    webhooks = {"hosts": ["127.0.0.1"]}
    async with FakeUpstream(Scripted("Short and kind")) as fake, receiver([500, 500]) as (url, heard):
        settings = settings_for(fake, tmp_path, webhooks=webhooks)
        async with asyncio.timeout(30):
            async with serving(settings) as proxy:
                await begin(proxy, webhook={"url": url, "secret": "s"})
                first = await heard.get()
            async with serving(settings):
                second = await heard.get()
    assert first[0]["webhook-id"] == second[0]["webhook-id"]


@pytest.mark.parametrize(
    ("webhook", "param"),
    [
        ({"url": "http://example.com/x"}, "webhook.secret"),
        ({"url": "ftp://example.com/x", "secret": "s"}, "webhook.url"),
        ({"url": "http://example.com/x", "secret": "whsec_?"}, "webhook.secret"),
        (5, "webhook"),
    ],
)
async def test_a_webhook_that_cannot_work_is_refused(proxy: Served, webhook: Any, param: str) -> None:
    status, said = await ask(proxy, "POST", RUNS, {"input": "x", "webhook": webhook})
    assert (status, said["error"]["param"]) == (400, param)


async def test_an_interrupted_run_is_begun_anew_where_texts_may_be_stored(tmp_path: Path) -> None:
    answers = [SLOW, Scripted("Short and kind")]
    async with FakeUpstream(answers) as fake:
        settings = settings_for(fake, tmp_path, runs={"resume": True})
        async with serving(settings) as proxy:
            run_id = await begin(proxy, include=["requirements_result"])
            await fake.wait_until(lambda fake: fake.live == 1)
        async with serving(settings) as proxy:
            run = await ended(proxy, run_id)
            names = [name for _, name, _ in await events_of(proxy, run_id)]
            stored = await proxy.house.desk.tickets.find(run_id)
            assert not await proxy.house.rooms.ledger.check()
    assert (run["status"], run["result"], run["requirements_result"]["score"]) == ("completed", "Short and kind", 1.0)
    assert "run.resumed" in names
    assert names[-1] == "run.completed"
    assert isinstance(stored, Ticket)
    assert stored.request is None


async def test_else_it_has_failed_with_its_spend_settled_and_its_request_was_never_stored(tmp_path: Path) -> None:
    async with FakeUpstream(SLOW) as fake:
        settings = settings_for(fake, tmp_path)
        async with serving(settings) as proxy:
            run_id = await begin(proxy, input="A secret question.")
            await fake.wait_until(lambda fake: fake.live == 1)
        async with serving(settings) as proxy:
            run = await ended(proxy, run_id)
            assert not await proxy.house.rooms.ledger.check()
    assert run["status"] == "failed"
    assert "interrupted" in run["error"]["message"]
    assert b"A secret question." not in (tmp_path / "maestro.db").read_bytes()


async def test_a_result_is_kept_over_a_restart_until_it_expires(tmp_path: Path) -> None:
    async with FakeUpstream(Scripted("Short and kind")) as fake:
        async with serving(settings_for(fake, tmp_path)) as proxy:
            run_id = await begin(proxy)
            await ended(proxy, run_id)
        async with serving(settings_for(fake, tmp_path)) as proxy:
            assert (await ask(proxy, "GET", f"{RUNS}/{run_id}"))[1]["result"] == "Short and kind"
            tickets = proxy.house.desk.tickets
            await proxy.house.rooms.ledger.writer.do(
                lambda db: db.execute("update tickets set expires_at = 1").rowcount
            )
            assert await tickets.forget_expired() == 1
            assert (await ask(proxy, "GET", RUNS))[1]["data"] == []


async def test_every_worker_of_a_ledger_sees_watches_and_cancels_a_run(tmp_path: Path) -> None:
    async with FakeUpstream(SLOW) as fake:
        settings = settings_for(fake, tmp_path)
        async with serving(settings) as here, serving(settings) as there:
            run_id = await begin(here)
            await fake.wait_until(lambda fake: fake.live == 1)
            watching = asyncio.create_task(events_of(there, run_id))
            assert (await ask(there, "GET", RUNS))[1]["data"][0]["id"] == run_id
            assert (await ask(there, "POST", f"{RUNS}/{run_id}/cancel"))[1]["error"]["code"] == "cancelled"
            assert (await watching)[-1][1] == "run.cancelled"
            await fake.wait_until(lambda fake: fake.live == 0)
