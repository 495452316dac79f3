"""Several proxies on one PostgreSQL: `python -m scripts.bench_scale pairs|faults`."""

import asyncio
import json
import multiprocessing
import time
import uuid
from concurrent.futures import ProcessPoolExecutor

import click

from action_model.prices import Usage
from router.ledger.ledger import Account, Charge, Line
from router.ledger.postgres.ledger import PostgresLedger
from scripts.postgres_server import PostgresServer

CALLERS = 256


@click.group()
def command() -> None:
    """Measures the promises of more than one machine."""


@command.command()
@click.option("--seconds", default=8.0, show_default=True)
@click.option("--most", default=4, show_default=True, help="Workers (processes), from 1 to this, doubled each time.")
def pairs(seconds: float, most: int) -> None:
    """Durable reserve+settle pairs a second, for one hot team and for many, by the number of workers."""
    workers = [1 << n for n in range(most.bit_length()) if 1 << n <= most]
    for teams in (1, 1000):
        for count in workers:
            with PostgresServer() as server:
                click.echo(json.dumps(_measure(server, teams, count, seconds)))


def _measure(server: PostgresServer, teams: int, count: int, seconds: float) -> dict[str, object]:
    url = server.url
    asyncio.run(_prepare(url))
    used = server.cpu_seconds()
    with ProcessPoolExecutor(count, multiprocessing.get_context("spawn")) as pool:
        begin = time.time() + 6
        rates = list(pool.map(_work, [(url, teams, seconds, begin)] * count))
    used = server.cpu_seconds() - used
    done = max(1, sum(pairs for pairs, _, _ in rates))
    totals, wrong = asyncio.run(_books(url))
    return {
        "teams": teams,
        "workers": count,
        "pairs_per_second": round(done / seconds),
        "pair_p50_ms": round(max(middle for _, middle, _ in rates) * 1e3, 1),
        "worker_cpu_us_per_pair": round(sum(cpu for _, _, cpu in rates) / done * 1e6),
        "database_cpu_us_per_pair": round(used / done * 1e6),
        "charged": totals,
        "counters_wrong": wrong,
    }


async def _prepare(url: str) -> None:
    ledger = PostgresLedger(url)
    await ledger.start()
    await ledger.close()


async def _books(url: str) -> tuple[int, int]:
    ledger = PostgresLedger(url)
    await ledger.start()
    totals, wrong = await ledger.totals(), await ledger.check()
    await ledger.close()
    return totals["calls"], len(wrong)


def _work(told: tuple[str, int, float, float]) -> tuple[int, float, float]:
    """Pairs done in the time, the median seconds of one, CPU seconds of this process."""
    return asyncio.run(_drive(*told))


async def _drive(url: str, teams: int, seconds: float, begin: float) -> tuple[int, float, float]:
    ledger = PostgresLedger(url)
    await ledger.start()
    await asyncio.sleep(max(0.0, begin - time.time()))
    until, took, cpu = time.monotonic() + seconds, list[float](), time.process_time()

    async def caller(number: int) -> None:
        account = Account(f"team{number % teams}", f"key{number % teams}")
        while (started := time.monotonic()) < until:
            held = await ledger.reserve("run", account, [Line(uuid.uuid4().hex, "a/small", 1000)])
            await ledger.settle(held, Charge(held.lines[0].attempt_id, 900, Usage(10, 5)))
            took.append(time.monotonic() - started)
            number += CALLERS

    await asyncio.gather(*(caller(number) for number in range(CALLERS)))
    await ledger.flush()
    cpu = time.process_time() - cpu
    await ledger.close()
    return len(took), sorted(took)[len(took) // 2], cpu


if __name__ == "__main__":
    command()
