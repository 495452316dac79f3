"""What is done to the fleet, and what came of it: `python -m scripts.bench_faults`."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import click

from router.ledger.registry import Registry
from scripts.bench_fleet import Fleet, line, open_fleet
from scripts.fake_upstream import FakeUpstream, Scripted

CALL_USD = 100e-6 + 50 * 4e-6
SCRIPT = Scripted(" ".join(["word"] * 50), input_tokens=100, output_tokens=50, seconds=0.1, chunk_seconds=0.04)
SKEWS = (0, 300, -300)
SETTLE_SECONDS = 40.0


async def books(fleet: Fleet, team: str) -> dict[str, object]:
    """What the ledger says of a team once nothing of it is held any more, or after a while."""
    until = time.monotonic() + SETTLE_SECONDS
    async with fleet.ledger() as ledger:
        while True:
            row = next(row for row in await ledger.accounts.list_teams() if row["team"] == team)
            if not row["reserved_usd"] or time.monotonic() > until:
                break
            await asyncio.sleep(0.5)
        wrong, totals = await ledger.check(), await ledger.totals()
    of_team = totals["teams"].get(team, {"calls": 0, "estimated_calls": 0})
    return {
        "charged_calls": of_team["calls"],
        "estimated_calls": of_team["estimated_calls"],
        "settled_usd": row["spent_usd"],
        "reserved_usd_after": row["reserved_usd"],
        "counters_wrong": len(wrong),
    }


async def persist(fleet: Fleet, key: str, **more: Any) -> int | str:
    """As a client does: asks again while money is only reserved."""
    status: int | str = 429
    for _ in range(60):
        status = await fleet.ask(key, **more)
        if status != 429:
            return status
        await asyncio.sleep(0.1 + random.random() * 0.2)
    return status


async def overspend(fleet: Fleet) -> None:
    """200 clients at once of a team that can pay for 20.4 calls, over all proxies, clocks off by five minutes."""
    cases: tuple[tuple[str, dict[str, Any]], ...] = (
        ("whole", {"max_tokens": 50}),
        ("streamed", {"max_tokens": 50, "stream": True}),
    )
    for name, more in cases:
        team, limit = f"over-{name}", 20.4 * CALL_USD
        key, _ = await fleet.make_key(team, limit)
        before = fleet.fake.billed_calls
        statuses = await asyncio.gather(*(persist(fleet, key, **more) for _ in range(200)))
        line(
            f"overspend, {name}, clocks {SKEWS} s",
            served=sum(status == 200 for status in statuses),
            billed=fleet.fake.billed_calls - before,
            limit_usd=limit,
            **await books(fleet, team),
        )


async def under_load(fleet: Fleet, team: str, seconds: float, act: Callable[[], Awaitable[None]]) -> Counter[int | str]:
    """Clients ask steadily; a second in, something is done."""
    key, _ = await fleet.make_key(team, None)
    until, told = time.monotonic() + seconds, Counter[int | str]()

    async def client(number: int) -> None:
        while time.monotonic() < until:
            status = await fleet.ask(key, max_tokens=50, stream=bool(number % 2))
            told[status] += 1
            if status != 200:
                await asyncio.sleep(0.2)

    async def act_later() -> None:
        await asyncio.sleep(1)
        await act()

    await asyncio.gather(act_later(), *(client(number) for number in range(16)))
    return told


async def faulted(fleet: Fleet, name: str, seconds: float, act: Callable[[], Awaitable[None]]) -> None:
    """One row: what clients saw, what the upstream billed, what was charged."""
    team = name.replace(" ", "-")
    before = fleet.fake.billed_calls, len(fleet.fake.requests)
    told = await under_load(fleet, team, seconds, act)
    said = await books(fleet, team)
    billed, reached = fleet.fake.billed_calls - before[0], len(fleet.fake.requests) - before[1]
    line(name, answers=dict(told), billed=billed, reached_upstream=reached, **said)


async def kill_proxy(fleet: Fleet) -> None:
    """`kill -9` of one proxy and its workers."""

    async def act() -> None:
        fleet.proxies[0].kill()

    await faulted(fleet, "kill -9 one proxy", 8, act)
    fleet.proxies[0].start(fleet.fake.base_url)
    await fleet.ready(fleet.proxies[0])


async def kill_database(fleet: Fleet) -> None:
    """`kill -9` of PostgreSQL; two seconds later it is back."""

    async def act() -> None:
        await asyncio.to_thread(fleet.database.kill)
        await asyncio.sleep(2)
        await asyncio.to_thread(fleet.database.start)

    await faulted(fleet, "kill -9 PostgreSQL and bring it back", 14, act)


async def cut_proxy(fleet: Fleet) -> None:
    """The wire between one proxy and the database goes dead for four seconds, without a word."""

    async def act() -> None:
        fleet.proxies[1].wire.cut()
        await asyncio.sleep(8)
        fleet.proxies[1].wire.mend()

    await faulted(fleet, "cut one proxy from PostgreSQL", 14, act)


async def revoke(fleet: Fleet) -> None:
    """How long after a revocation each proxy still serves the key."""
    key, key_id = await fleet.make_key("revoked", None)
    for proxy in fleet.proxies:
        for _ in range(4):
            await fleet.ask(key, proxy.origin, max_tokens=50)
    async with fleet.ledger() as ledger:
        await Registry(ledger.accounts).revoke_key(key_id, "benchmark")
    begun, last = time.monotonic(), 0.0
    while time.monotonic() - begun < 2.5:
        asked = time.monotonic() - begun
        statuses = await asyncio.gather(*(fleet.ask(key, proxy.origin, max_tokens=50) for proxy in fleet.proxies))
        last = asked if 200 in statuses else last
    line("revocation", last_request_served_began_seconds_after=round(last, 2), proxies=3, workers_each=2)


async def run_state(fleet: Fleet) -> None:
    """A run begun through one proxy is seen through the others."""
    key, _ = await fleet.make_key("runs", None)
    headers = {"Authorization": f"Bearer {key}"}
    url = f"{fleet.proxies[0].origin}/v1/maestro/runs"
    async with fleet.session.post(url, json={"input": "Say hello."}, headers=headers) as answer:
        run = await answer.json()
    begun = time.monotonic()
    seen = []
    for proxy in fleet.proxies[1:]:
        async with fleet.session.get(f"{proxy.origin}/v1/maestro/runs/{run['id']}", headers=headers) as answer:
            seen.append(answer.status)
    line("a run seen through the other proxies", statuses=seen, seconds=round(time.monotonic() - begun, 3))


async def roll(fleet: Fleet) -> None:
    """Every proxy is restarted in turn while streams of about two seconds run: none may break."""

    async def act() -> None:
        for proxy in fleet.proxies:
            assert proxy.process is not None
            proxy.terminate()
            await asyncio.to_thread(proxy.process.wait)
            proxy.start(fleet.fake.base_url)
            await fleet.ready(proxy)

    rolled = asyncio.Event()

    async def act_and_tell() -> None:
        await act()
        rolled.set()

    await faulted(fleet, "rolling restart of all three", 45, act_and_tell)


async def outage(fleet: Fleet) -> None:
    """PostgreSQL is killed for eight seconds, one proxy meanwhile: each proxy may spend what pays for 20.4 calls."""
    key, _ = await fleet.make_key("outage", None)
    for proxy in fleet.proxies:
        await asyncio.gather(*(fleet.ask(key, proxy.origin, max_tokens=50) for _ in range(32)))
    before = fleet.fake.billed_calls
    await asyncio.to_thread(fleet.database.kill)
    asked = asyncio.gather(*(ask_for(fleet, key, 8.0) for _ in range(16)))
    await asyncio.sleep(4)
    fleet.proxies[0].kill()
    told = sum(await asked, Counter[int | str]())
    billed, reached = fleet.fake.billed_calls - before, len(fleet.fake.requests) - before
    await asyncio.to_thread(fleet.database.start)
    fleet.proxies[0].start(fleet.fake.base_url)
    await fleet.ready(fleet.proxies[0])
    said = await books(fleet, "outage")
    line(
        "PostgreSQL away for 8 s, kill -9 of a proxy meanwhile",
        answers=dict(told),
        billed=billed,
        reached_upstream=reached,
        allowed_calls=20 * len(fleet.proxies),
        charged_before=before,
        **said,
    )


async def ask_for(fleet: Fleet, key: str, seconds: float) -> Counter[int | str]:
    """A client that asks one request after the other."""
    until, told = time.monotonic() + seconds, Counter[int | str]()
    while time.monotonic() < until:
        status = await fleet.ask(key, max_tokens=50)
        told[status] += 1
        if status != 200:
            await asyncio.sleep(0.1)
    return told


CASES = {
    "overspend": overspend,
    "revoke": revoke,
    "runs": run_state,
    "kill-proxy": kill_proxy,
    "kill-database": kill_database,
    "cut": cut_proxy,
    "roll": roll,
}
OUTAGE_CASES = {"outage": outage}


@click.command()
@click.option(
    "--case", "cases", multiple=True, type=click.Choice([*CASES, *OUTAGE_CASES]), help="Default: all, in order."
)
def command(cases: tuple[str, ...]) -> None:
    """Faults of a fleet of three proxies of two workers, behind HAProxy, on one PostgreSQL."""
    chosen = cases or (*CASES, *OUTAGE_CASES)
    asyncio.run(_run([CASES[name] for name in chosen if name in CASES], 0.0))
    asyncio.run(_run([OUTAGE_CASES[name] for name in chosen if name in OUTAGE_CASES], 20.4 * CALL_USD))


async def _run(cases: Sequence[Callable[[Fleet], Awaitable[None]]], outage_usd: float) -> None:
    if not cases:
        return
    async with FakeUpstream(SCRIPT) as fake, open_fleet(fake, SKEWS, outage_usd) as fleet:
        for case in cases:
            await case(fleet)


if __name__ == "__main__":
    command()
