"""A ledger that cannot be written, and providers that bill beyond the hold: nothing is lost, nothing begun unpaid."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from router.ledger.accounts import KeyScopes, Team
from router.ledger.ledger import Account
from router.ledger.sqlite import SqliteLedger
from router.ledger.writer import connect
from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import MESSAGES, Served, serving, settings_for

pytestmark = pytest.mark.anyio
CALL_USD = 100e-6 + 50 * 4e-6


PLAIN = Scripted("Hello.", input_tokens=100, output_tokens=50)


class Provider(FakeUpstream):
    """Answers as it is told to now."""

    def __init__(self) -> None:
        self.now = PLAIN
        super().__init__(lambda _: self.now)


@pytest.fixture
async def fake() -> AsyncIterator[Provider]:
    provider = Provider()
    async with provider:
        yield provider


@pytest.fixture
async def proxy(fake: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setattr("router.ledger.writer.BUSY_SECONDS", 0.05)
    async with serving(settings_for(fake, tmp_path)) as served:
        yield served


async def key_of(proxy: Served, usd: float | None = None) -> str:
    registry = proxy.house.rooms.registry
    await registry.put_team(Team("search", None if usd is None else int(usd * 1e9), "day"), "test")
    return (await registry.create_key("search", KeyScopes(), "test")).secret


async def chat(proxy: Served, key: str, **more: Any) -> Any:
    said: Any = {"model": "small", "messages": MESSAGES, "max_tokens": 50, **more}
    async with proxy.client(api_key=key) as client:
        return await client.chat.completions.create(**said)


@contextlib.contextmanager
def full_disk(proxy: Served) -> Iterator[None]:
    """SQLite's own word for a full disk, on the one connection that writes."""
    writer = proxy.house.rooms.ledger.writer
    writer.keep(lambda db: db.execute(f"pragma max_page_count = {db.execute('pragma page_count').fetchone()[0]}"))
    try:
        yield
    finally:
        writer.keep(lambda db: db.execute("pragma max_page_count = 1000000"))


@contextlib.contextmanager
def locked(proxy: Served) -> Iterator[None]:
    """Another process that writes without end."""
    ledger = proxy.house.rooms.ledger
    assert isinstance(ledger, SqliteLedger)
    with contextlib.closing(connect(ledger.path)) as other:
        other.execute("begin immediate")
        try:
            yield
        finally:
            other.execute("rollback")


@pytest.mark.parametrize("fault", [full_disk, locked])
async def test_new_paid_work_is_refused_with_503_and_what_is_under_way_is_charged(
    proxy: Served, fake: Provider, fault: Any
) -> None:
    gate = asyncio.Event()
    fake.now = Scripted("Hello.", input_tokens=100, output_tokens=50, gate=gate)
    key = await key_of(proxy)
    under_way = asyncio.create_task(chat(proxy, key))
    await fake.wait_until(lambda it: it.live == 1)
    fake.now = PLAIN
    served = 0
    with fault(proxy):
        with pytest.raises(openai.InternalServerError) as refusal:
            while served < 500:
                await chat(proxy, key)
                served += 1
        assert refusal.value.status_code == 503
        assert refusal.value.response.headers["retry-after"] == "1"
        gate.set()
        await under_way
        assert len(fake.requests) == served + 1
    ledger = proxy.house.rooms.ledger
    await ledger.flush()
    totals = await ledger.totals()
    assert (totals["calls"], totals["estimated_calls"]) == (served + 1, 0)
    assert totals["usd"] == pytest.approx((served + 1) * CALL_USD)
    assert await ledger.check() == []
    await chat(proxy, key)


async def test_what_a_provider_bills_beyond_the_hold_is_charged_and_ends_the_budget(
    proxy: Served, fake: Provider
) -> None:
    """40 at once; each writes 100 times what is held. What was held at the same time is the most that can go wrong."""
    fake.now = Scripted("Hello.", input_tokens=100, output_tokens=5000, seconds=0.05)
    least_hold, limit = 50 * 4_000, 10 * 50 * 4_000
    key = await key_of(proxy, limit / 1e9)
    answers = await asyncio.gather(*(chat(proxy, key) for _ in range(40)), return_exceptions=True)
    served = sum(not isinstance(answer, Exception) for answer in answers)
    assert 5 <= served <= limit // least_hold
    await proxy.house.rooms.ledger.flush()
    standing = (await proxy.house.rooms.ledger.standings(Account("search", "")))[0]
    assert standing.spent == served * (100_000 + 5000 * 4_000)
    with pytest.raises(openai.RateLimitError) as refusal:
        await chat(proxy, key)
    assert refusal.value.code == "team_budget_exceeded"
    assert float(refusal.value.response.headers["x-maestro-team-budget-remaining-usd"]) == 0.0


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_without_usage_is_counted_from_what_came(proxy: Served, fake: Provider, stream: bool) -> None:
    text = " ".join(["word"] * 40)
    fake.now = Scripted(text, behaviour="no_usage")
    key = await key_of(proxy)
    async with proxy.client(api_key=key) as client:
        said: Any = {"model": "small", "messages": MESSAGES, "stream": stream}
        answer = await client.chat.completions.create(**said)
        if stream:
            assert all(not chunk.usage for chunk in [chunk async for chunk in answer])
    await proxy.house.rooms.ledger.flush()
    totals = await proxy.house.rooms.ledger.totals()
    assert (totals["calls"], totals["estimated_calls"]) == (1, 1)
    assert 30 <= totals["output_tokens"] <= 60
    assert totals["input_tokens"] > 0
