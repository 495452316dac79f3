"""All layers together, over scripted upstreams: what is asked, what is paid, what is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import pytest

from action_model.prices import Price, Usage
from router.errors import (
    UnknownModel,
    UpstreamBusy,
    UpstreamError,
    UpstreamFailed,
    UpstreamLost,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnauthorized,
)
from router.upstreams.pool import Pool, UpstreamSpec, build_pool
from router.upstreams.transport import Address
from router.upstreams.upstream import Call, Model, Outcome, Purpose
from scripts.fake_upstream import FakeUpstream, Scripted

pytestmark = pytest.mark.anyio
SMALL = Model("a", "small", "small-2026", Price(1.0, 2.0))


@dataclass
class Ledger:
    """A purse that writes down what the layers tell it."""

    begun: int = 0
    settled: list[tuple[Usage | None, Outcome, bool]] = field(default_factory=list)
    returned: int = 0

    async def begin(self, model: Model, purpose: Purpose, expected: Usage) -> "Ledger":
        self.begun += 1
        return self

    async def settle(
        self,
        usage: Usage | None,
        seconds: float,
        outcome: Outcome,
        error: str | None = None,
        is_estimated: bool = False,
    ) -> None:
        self.settled.append((usage, outcome, is_estimated))

    async def not_billed(self, error: str) -> None:
        self.returned += 1


@asynccontextmanager
async def pool_of(fakes: Sequence[FakeUpstream], models: Sequence[Model], **address: Any) -> AsyncIterator[Pool]:
    specs = [
        UpstreamSpec(Address(model.upstream, fake.base_url, **address), (model,), slots=4, retries=1)
        for fake, model in zip(fakes, models, strict=True)
    ]
    pool = build_pool(specs)
    try:
        yield pool
    finally:
        await pool.close()


def call(purse: Ledger, model: Model = SMALL, **changes: Any) -> Call:
    body: dict[str, Any] = {"model": "small", "messages": [{"role": "user", "content": "Hi"}], "x_unknown": {"kept": 1}}
    if changes.get("stream"):
        body["stream"] = True
    return msgspec.structs.replace(
        Call(model, "/chat/completions", json.dumps(body).encode(), purse, Usage(10, 20)), **changes
    )


async def read(pool: Pool, asked: Call) -> bytes:
    async with pool.open(asked) as stream:
        return b"".join([event async for event in stream.events()])


async def test_only_the_models_name_changes_on_the_way() -> None:
    purse = Ledger()
    async with FakeUpstream(Scripted(output_tokens=7)) as fake, pool_of([fake], [SMALL]) as pool:
        reply = await pool.send(call(purse))
        assert fake.requests[0].body == {**json.loads(call(purse).body), "model": "small-2026"}
    assert (reply.usage.output_tokens, purse.begun, purse.settled) == (7, 1, [(reply.usage, "ok", False)])


@pytest.mark.parametrize(
    ("behaviour", "error", "attempts", "is_charged"),
    [
        ("error", UpstreamFailed, 2, False),
        ("rejected", UpstreamRejected, 1, False),
        ("unauthorized", UpstreamUnauthorized, 1, False),
        ("malformed", UpstreamFailed, 1, True),
        ("html", UpstreamFailed, 1, True),
        ("empty", UpstreamFailed, 1, True),
        ("wrong_type", UpstreamFailed, 1, True),
        ("truncated", UpstreamFailed, 1, True),
    ],
)
async def test_a_fault_is_told_apart_and_paid_only_if_it_may_be_billed(
    behaviour: Any, error: type[UpstreamError], attempts: int, is_charged: bool
) -> None:
    purse = Ledger()
    async with FakeUpstream(Scripted(behaviour=behaviour)) as fake, pool_of([fake], [SMALL]) as pool:
        with pytest.raises(error):
            await pool.send(call(purse))
        assert len(fake.requests) == attempts
    assert (len(purse.settled), purse.returned) == ((1, 0) if is_charged else (0, attempts))


async def test_a_busy_upstream_is_asked_again_when_it_said() -> None:
    script = [Scripted(behaviour="busy", retry_after="0.01"), Scripted("there")]
    async with FakeUpstream(script) as fake, pool_of([fake], [SMALL]) as pool:
        assert b"there" in (await pool.send(call(Ledger()))).body
        assert len(fake.requests) == 2


async def test_a_busy_upstream_that_wants_long_is_not_waited_for() -> None:
    async with FakeUpstream(Scripted(behaviour="busy", retry_after="3600")) as fake, pool_of([fake], [SMALL]) as pool:
        with pytest.raises(UpstreamBusy) as refusal:
            await pool.send(call(Ledger()))
        assert len(fake.requests) == 1
    assert refusal.value.answer is not None
    assert refusal.value.answer.headers["retry-after"] == "3600"


async def test_a_fallback_answers_and_never_loops() -> None:
    first = replace(SMALL, fallbacks=("b/other",))
    second = Model("b", "other", "other", Price(1.0, 2.0), fallbacks=("a/small",))
    bad, good = FakeUpstream(Scripted(behaviour="error")), FakeUpstream(Scripted("saved"))
    async with bad, good, pool_of([bad, good], [first, second]) as pool:
        reply = await pool.send(call(Ledger(), first, attempts=4))
        assert (reply.model.id, len(good.requests)) == ("b/other", 1)
    bad, worse = FakeUpstream(Scripted(behaviour="error")), FakeUpstream(Scripted(behaviour="error"))
    async with bad, worse, pool_of([bad, worse], [first, second]) as pool:
        with pytest.raises(UpstreamFailed):
            await pool.send(call(Ledger(), first, attempts=4))
        assert len(bad.requests) + len(worse.requests) <= 4


async def test_attempts_are_bounded_over_retries_and_fallbacks() -> None:
    async with FakeUpstream(Scripted(behaviour="error")) as fake, pool_of([fake], [SMALL]) as pool:
        with pytest.raises(UpstreamFailed):
            await pool.send(call(Ledger(), attempts=1))
        assert len(fake.requests) == 1


async def test_the_deadline_ends_a_call_that_hangs_and_it_is_charged_as_held() -> None:
    purse = Ledger()
    async with FakeUpstream(Scripted(behaviour="hang")) as fake, pool_of([fake], [SMALL]) as pool:
        with pytest.raises(UpstreamTimeout):
            await pool.send(call(purse, deadline=asyncio.get_running_loop().time() + 0.1))
        await fake.wait_until(lambda f: f.live == 0)
    assert purse.settled == [(None, "error", False)] or purse.settled[0][1] == "cancelled"


async def test_no_upstream_at_all_is_not_paid() -> None:
    purse = Ledger()
    async with FakeUpstream() as fake:
        address = fake.base_url
    spec = UpstreamSpec(Address("a", address), (SMALL,), retries=0)
    pool = build_pool([spec])
    with pytest.raises(UpstreamLost):
        await pool.send(call(purse))
    await pool.close()
    assert (purse.settled, purse.returned) == ([], 1)


async def test_our_own_wish_for_usage_is_not_seen_by_the_client() -> None:
    purse = Ledger()
    async with FakeUpstream(Scripted("one two")) as fake, pool_of([fake], [SMALL]) as pool:
        seen = await read(pool, call(purse, stream=True))
        assert fake.requests[0].body["stream_options"] == {"include_usage": True}
    assert b"usage" not in seen
    assert seen.endswith(b"data: [DONE]\n\n")
    assert purse.settled[0][1:] == ("ok", False)


@pytest.mark.parametrize("behaviour", ["cut", "truncated", "error_in_stream"])
async def test_a_stream_that_breaks_off_never_ends_cleanly(behaviour: Any) -> None:
    purse = Ledger()
    async with FakeUpstream(Scripted("one two three four", behaviour)) as fake, pool_of([fake], [SMALL]) as pool:
        with pytest.raises(UpstreamError):
            await read(pool, call(purse, stream=True))
    assert [outcome for _, outcome, _ in purse.settled] == ["error"]


@pytest.mark.parametrize("behaviour", ["json_to_stream", "html", "error", "empty"])
async def test_what_goes_wrong_before_the_first_event_is_raised_on_opening(behaviour: Any) -> None:
    async with FakeUpstream(Scripted(behaviour=behaviour)) as fake, pool_of([fake], [SMALL]) as pool:
        with pytest.raises(UpstreamError):
            async with pool.open(call(Ledger(), stream=True)):
                pytest.fail("it opened")


async def test_a_stream_left_early_is_cancelled_and_costs_what_came() -> None:
    purse = Ledger()
    script = Scripted("one two three four five six", chunk_seconds=0.02)
    async with FakeUpstream(script) as fake, pool_of([fake], [SMALL]) as pool:
        async with pool.open(call(purse, stream=True)) as stream:
            events = stream.events()
            for _ in range(3):
                await anext(events)
        await fake.wait_until(lambda f: f.live == 0)
    (usage, outcome, is_estimated) = purse.settled[0]
    assert usage is not None
    assert (outcome, is_estimated) == ("cancelled", True)
    assert 0 < usage.output_tokens < 10


async def test_a_key_that_an_upstream_repeats_is_taken_out() -> None:
    script = Scripted(body=b'{"error": {"message": "bad sk-very-secret"}}', status=422)
    async with FakeUpstream(script) as fake, pool_of([fake], [SMALL], api_key="sk-very-secret") as pool:
        with pytest.raises(UpstreamRejected) as refusal:
            await pool.send(call(Ledger()))
        assert fake.requests[0].headers["Authorization"] == "Bearer sk-very-secret"
    assert refusal.value.answer is not None
    assert b"very-secret" not in refusal.value.answer.body


async def test_a_model_is_found_by_id_or_name_and_an_unknown_one_refused() -> None:
    async with FakeUpstream() as fake, pool_of([fake], [SMALL]) as pool:
        assert pool.find("a/small") is pool.find("small")
        with pytest.raises(UnknownModel):
            pool.find("other")


async def test_a_model_that_was_repriced_is_paid_at_the_new_price_by_whoever_still_holds_the_old_one() -> None:
    async with FakeUpstream(Scripted("Hi.")) as fake, pool_of([fake], [SMALL]) as pool:
        dearer = replace(SMALL, price=Price(10.0, 20.0))
        other = replace(SMALL, upstream="elsewhere")
        address = Address("a", fake.base_url)
        pool.reprice([UpstreamSpec(address, (dearer,)), UpstreamSpec(replace(address, name="elsewhere"), (other,))])
        reply = await pool.send(call(Ledger()))
        assert reply.model.price == dearer.price
        assert list(pool.models) == ["a/small"]
