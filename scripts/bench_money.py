"""Money under concurrency and crashes: the real server over the fake upstream. `python -m scripts.bench_money`."""

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import click

from action_model.prices import Usage, to_nanodollars
from router.ledger.accounts import KeyScopes, Team
from router.ledger.ledger import Account, Charge, Line
from router.ledger.registry import Registry
from router.ledger.sqlite import SqliteLedger
from scripts.fake_upstream import FakeUpstream, Scripted

CALL_USD = 100e-6 + 50 * 4e-6
MESSAGES = [{"role": "user", "content": "Say hello. " * 36}]


@click.group()
def command() -> None:
    """Measures the promises about money."""


@contextlib.asynccontextmanager
async def proxy(
    folder: Path, fake: FakeUpstream, workers: int = 1
) -> AsyncIterator[tuple[str, subprocess.Popen[bytes]]]:
    """`maestro serve` as a process, and its origin; killed at the end."""
    port = 20_000 + random.randrange(20_000)
    config = folder / "maestro.toml"
    config.write_text(
        f'[server]\nport = {port}\nworkers = {workers}\n[ledger]\nurl = "sqlite:///{folder}/maestro.db"\n'
        f'[[upstream]]\nname = "a"\nbase_url = "{fake.base_url}"\nretries = 0\n  [[upstream.model]]\n  name = "small"\n'
        "  input_usd_per_mtok = 1.0\n  output_usd_per_mtok = 4.0\n",
        "utf-8",
    )
    log_file = open(folder / "proxy.log", "ab")  # noqa: SIM115, ASYNC230, PTH123 - the process keeps it
    process = subprocess.Popen(  # noqa: ASYNC220 - killed by its process group, which asyncio does not offer
        [Path(sys.executable).with_name("maestro"), "serve", "--config", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=log_file,
        start_new_session=True,
    )
    try:
        await ready(f"http://127.0.0.1:{port}", process, folder / "proxy.log")
        yield f"http://127.0.0.1:{port}", process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.to_thread(process.wait)
        log_file.close()


async def ready(origin: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Returns once /readyz answers 200."""
    async with aiohttp.ClientSession() as session:
        for _ in range(2400):
            if process.poll() is not None:
                raise click.ClickException(f"the proxy ended: {await asyncio.to_thread(log.read_text)}")
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"{origin}/readyz") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.05)
    raise click.ClickException("the proxy did not become ready")


async def make_key(folder: Path, budget_usd: float | None) -> str:
    """A key of the team "search" with this budget."""
    ledger = SqliteLedger(folder / "maestro.db")
    await ledger.start()
    registry = Registry(ledger.accounts)
    await registry.put_team(Team("search", None if budget_usd is None else to_nanodollars(budget_usd), "total"))
    new = await registry.create_key("search", KeyScopes(), "benchmark")
    await ledger.close()
    return new.secret


async def request(session: aiohttp.ClientSession, origin: str, key: str, **more: Any) -> int | str:
    """The status of one chat request, read to its end; "cut" if the connection broke."""
    body = {"model": "small", "messages": MESSAGES, **more}
    headers = {"Authorization": f"Bearer {key}"}
    try:
        async with session.post(f"{origin}/v1/chat/completions", json=body, headers=headers) as answer:
            await answer.read()
            return answer.status
    except aiohttp.ClientError:
        return "cut"


async def books_of(folder: Path) -> tuple[dict[str, Any], int]:
    """Totals, and how many counters disagree with their rows."""
    ledger = SqliteLedger(folder / "maestro.db")
    await ledger.start()
    totals, wrong = await ledger.totals(), await ledger.check()
    await ledger.close()
    return dict(totals), len(wrong)


@command.command()
def overspend() -> None:
    """200 concurrent requests of a team that can pay for about 20: whole, streamed, with and without max_tokens."""
    cases: list[tuple[str, dict[str, Any], int]] = [
        ("whole, max_tokens", {"max_tokens": 50}, 50),
        ("whole, no max_tokens", {}, 50),
        ("streamed, max_tokens", {"max_tokens": 50, "stream": True}, 50),
        ("streamed, no max_tokens", {"stream": True}, 50),
        ("whole, max_tokens 50, the provider bills 500", {"max_tokens": 50}, 500),
        ("streamed, no max_tokens, the provider bills 5000", {"stream": True}, 5000),
    ]
    for name, more, billed in cases:
        for workers in (1, 2):
            click.echo(json.dumps({"case": name, "workers": workers, **asyncio.run(_overspend(more, billed, workers))}))


async def _overspend(more: dict[str, Any], billed_tokens: int, workers: int) -> dict[str, Any]:
    limit = 20.4 * CALL_USD
    script = Scripted(" ".join(["word"] * 50), input_tokens=100, output_tokens=billed_tokens, seconds=0.02)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with FakeUpstream(script) as fake, proxy(folder, fake, workers) as (origin, _):
            key = await make_key(folder, limit)
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
                statuses = await asyncio.gather(*(_persist(session, origin, key, more) for _ in range(200)))
                later = await request(session, origin, key, **more)
            billed = fake.billed_calls
        totals, wrong = await books_of(folder)
    return {
        "served": sum(status == 200 for status in statuses),
        "billed_by_upstream": billed,
        "limit_usd": limit,
        "settled_usd": totals["usd"],
        "excess_in_calls": round(max(0.0, totals["usd"] - limit) / (100e-6 + billed_tokens * 4e-6), 2),
        "a_later_request": later,
        "counters_wrong": wrong,
    }


async def _persist(session: aiohttp.ClientSession, origin: str, key: str, more: dict[str, Any]) -> int | str:
    """As a client does: asks again while money is only reserved."""
    for _ in range(40):
        status = await request(session, origin, key, **more)
        if status != 429:
            return status
        await asyncio.sleep(0.05 + random.random() * 0.1)
    return 429


@command.command()
@click.option("--rounds", default=20, show_default=True)
def kill(rounds: int) -> None:
    """`kill -9` under load, again and again: what the upstream billed is charged, nothing twice, nothing leaks."""
    click.echo(json.dumps(asyncio.run(_kill(rounds))))


async def _kill(rounds: int) -> dict[str, Any]:
    answered = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        key = await make_key(folder, None)
        script = Scripted("one two three", input_tokens=100, output_tokens=50, seconds=0.3, chunk_seconds=0.05)
        async with FakeUpstream(script) as fake:
            for _ in range(rounds):
                async with proxy(folder, fake) as (origin, process):
                    answered += await _load_until_killed(origin, key, process)
            billed = (fake.billed_calls, len(fake.requests))
        totals, wrong = await books_of(folder)
        open_lines = await _open_lines(folder)
    return {
        "rounds": rounds,
        "answered": answered,
        "billed_by_upstream": billed[0],
        "reached_upstream": billed[1],
        "charged_calls": totals["calls"],
        "estimated_calls": totals["estimated_calls"],
        "covers_all_billed": totals["calls"] >= billed[0],
        "open_reservations": open_lines,
        "counters_wrong": wrong,
    }


async def _load_until_killed(origin: str, key: str, process: subprocess.Popen[bytes]) -> int:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        tasks = [
            asyncio.create_task(request(session, origin, key, max_tokens=50, stream=bool(i % 2))) for i in range(60)
        ]
        await asyncio.sleep(0.1 + random.random() * 0.9)
        os.killpg(process.pid, signal.SIGKILL)
        return sum(status == 200 for status in await asyncio.gather(*tasks))


async def _open_lines(folder: Path) -> int:
    ledger = SqliteLedger(folder / "maestro.db")
    await ledger.start()
    query = "select count(*) from lines where state = 'open'"
    count = await ledger.writer.do(lambda db: db.execute(query).fetchone()[0])
    await ledger.close()
    return int(count)


@command.command()
@click.option("--pairs", default=20_000, show_default=True)
@click.option("--teams", default=1, show_default=True)
def pairs(pairs: int, teams: int) -> None:
    """Reserve+settle pairs a second with synchronous=FULL, and the time of one pair at low load."""
    click.echo(json.dumps(asyncio.run(_pairs(pairs, teams))))


async def _pairs(count: int, teams: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        ledger = SqliteLedger(Path(name) / "maestro.db")
        await ledger.start()
        accounts = [Account(f"team{i}", f"key{i}") for i in range(teams)]

        async def pair(account: Account) -> None:
            reservation = await ledger.reserve("run", account, [Line(uuid.uuid4().hex, "a/small", 1000)])
            await ledger.settle(reservation, Charge(reservation.lines[0].attempt_id, 900, Usage(10, 5)))

        async def many(worker: int) -> None:
            for _ in range(count // 256):
                await pair(accounts[worker % teams])

        started, used = time.perf_counter(), time.process_time()
        await asyncio.gather(*(many(worker) for worker in range(256)))
        await ledger.flush()
        made = (count // 256) * 256
        rate, cpu = made / (time.perf_counter() - started), (time.process_time() - used) / made
        single = []
        for _ in range(200):
            begun = time.perf_counter()
            await pair(accounts[0])
            single.append(time.perf_counter() - begun)
        await ledger.close()
    return {
        "pairs_per_second": round(rate),
        "cpu_microseconds_a_pair": round(cpu * 1e6, 1),
        "teams": teams,
        "p50_ms_alone": round(sorted(single)[100] * 1e3, 3),
    }


@command.command()
@click.option("--processes", default=4, show_default=True)
@click.option("--pairs", default=3_000, show_default=True, help="Of each process.")
def shared(processes: int, pairs: int) -> None:
    """Several processes write one file at the same time: nobody is refused, and the books balance."""
    click.echo(json.dumps(asyncio.run(_shared(processes, pairs))))


async def _shared(processes: int, pairs: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        started = time.perf_counter()
        words = (sys.executable, "-m", "scripts.bench_money", "one-writer", name, str(pairs))
        codes = [await p.wait() for p in [await asyncio.create_subprocess_exec(*words) for _ in range(processes)]]
        seconds = time.perf_counter() - started
        totals, wrong = await books_of(Path(name))
    return {
        "ended_well": codes.count(0),
        "pairs": totals["calls"],
        "seconds": round(seconds, 1),
        "counters_wrong": wrong,
    }


@command.command(hidden=True)
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("pairs", type=int)
def one_writer(folder: Path, pairs: int) -> None:
    """One of the processes: 50 at once. It fails at the first refusal."""

    async def act() -> None:
        ledger = SqliteLedger(folder / "maestro.db")
        await ledger.start()

        async def some() -> None:
            for _ in range(pairs // 50):
                held = await ledger.reserve("run", Account("team", "key"), [Line(uuid.uuid4().hex, "a/small", 1000)])
                await ledger.settle(held, Charge(held.lines[0].attempt_id, 900, Usage(10, 5)))

        await asyncio.gather(*(some() for _ in range(50)))
        await ledger.close()

    asyncio.run(act())


if __name__ == "__main__":
    command()
