"""What the embedded ledger costs as it grows, with `synchronous=FULL`: `python -m scripts.bench_ledger`."""

import asyncio
import tempfile
import time
from pathlib import Path

import click
import uvloop

from action_model.prices import Usage
from router.ids import new_id
from router.ledger.ledger import Account, Charge, Line
from router.ledger.sqlite import SqliteLedger
from scripts.bench_growth import RUNS, fill_table, show
from scripts.bench_proxy import make_key

ACCOUNT = Account("bench", "key")
TRACE = {"score": 1.0, "filler": "x" * 600}


@click.command()
@click.option("--runs", "counts", multiple=True, type=int, default=RUNS, show_default=True, help="Stored before.")
@click.option("--seconds", default=4.0, show_default=True)
@click.option("--callers", default=64, show_default=True)
def command(counts: tuple[int, ...], seconds: float, callers: int) -> None:
    """A hold, its charge and a stored run: how many a second, and CPU of each, by the runs stored before."""
    show(
        ("runs before", "MiB after", "starts in s", "a second", "CPU µs each"),
        [uvloop.run(_measure(count, seconds, callers)) for count in counts],
    )


async def _measure(count: int, seconds: float, callers: int) -> tuple[int, int, float, int, int]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "maestro.db"
        await make_key(path)
        fill_table(path, "runs", count)
        begun = time.perf_counter()
        ledger = SqliteLedger(path)
        await ledger.start()
        start_seconds = time.perf_counter() - begun
        begun, used = time.perf_counter(), time.process_time()
        made = sum(await asyncio.gather(*(_call(ledger, time.monotonic() + seconds) for _ in range(callers))))
        await ledger.flush()
        took, used = time.perf_counter() - begun, time.process_time() - used
        await ledger.close()
        size = path.stat().st_size >> 20
    return count, size, start_seconds, round(made / took), round(used / made * 1e6)


async def _call(ledger: SqliteLedger, until: float) -> int:
    """One caller, one request after another; how many."""
    made = 0
    while time.monotonic() < until:
        run_id = f"run-{new_id()}"
        held = await ledger.reserve(run_id, ACCOUNT, [Line(new_id(), "a/small", 1000)])
        await ledger.settle(held, Charge(held.lines[0].attempt_id, 900, Usage(10, 5)))
        await ledger.record_run(run_id, ACCOUNT, TRACE)
        made += 1
    return made


if __name__ == "__main__":
    command()
