"""How cost grows: CPU a request and memory against what a request, the settings and the ledger hold.

`python -m scripts.bench_growth messages|models|requirements|runs|keys|conversations|ready|workers`: the real server
pinned to one core; load and an upstream that answers at once on another, as in `bench_proxy`. Linux only (`/proc`).
"""

import asyncio
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from scripts.bench_proxy import (
    CASES,
    FILLER,
    MARK,
    Target,
    cpu_seconds,
    free_port,
    make_key,
    measure,
    process,
    wait_for,
)

SIZES = (1_000, 10_000, 100_000, 1_000_000, 5_000_000)
MODELS = (1, 10, 100, 500)
REQUIREMENTS = (0, 1, 4, 8, 16, 32)
RUNS = (0, 10_000, 100_000, 1_000_000)
KEYS = (1, 1_000, 10_000, 100_000)
TRACE = json.dumps({"finish_reason": "all_satisfied", "filler": "x" * 600})


@dataclass(frozen=True)
class Serving:
    """A worker under measurement."""

    target: Target
    pid: int
    ready_seconds: float

    def mib(self) -> float:
        """Memory that is resident now."""
        return resident_mib(self.pid)


def resident_mib(pid: int) -> float:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def write_config(folder: Path, port: int, upstream: str, models: int, workers: int) -> Path:
    """So many models at one upstream."""
    named = "".join(
        f'[[upstream.model]]\nname = "{"small" if i == 0 else f"model-{i}"}"\n'
        f"input_usd_per_mtok = {0.1 + i % 7}\noutput_usd_per_mtok = {0.4 + i % 9}\n"
        for i in range(models)
    )
    config = folder / "maestro.toml"
    config.write_text(
        f'[server]\nport = {port}\nworkers = {workers}\n[ledger]\nurl = "sqlite:///{folder}/maestro.db"\n'
        f'[telemetry]\nlog_level = "warning"\n'
        f'[[upstream]]\nname = "a"\nbase_url = "{upstream}"\nmax_parallel = 1000\n{named}'
    )
    return config


@contextmanager
def serving(models: int = 2, workers: int = 1, fill: Sequence[tuple[str, int]] = ()) -> Iterator[Serving]:
    """The real server on the first core, the upstream on the last; the ledger filled before it starts."""
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory()))
        key = asyncio.run(make_key(folder / "maestro.db"))
        for table, count in fill:
            fill_table(folder / "maestro.db", table, count)
        upstream_port, port = free_port(), free_port()
        exits.enter_context(process("-m", "scripts.bench_bare", "--port", str(upstream_port), core=cores[-1]))
        wait_for(upstream_port)
        config = write_config(folder, port, f"http://127.0.0.1:{upstream_port}/v1", models, workers)
        started = time.monotonic()
        main = ("-c", "from scripts.main import main; main()", "serve", "--config", str(config))
        ours = exits.enter_context(process(*main, core=cores[0]))
        if workers > 1:
            os.sched_setaffinity(ours.pid, set(cores))  # its workers, which it starts later, inherit that
        wait_for(port)
        ready = time.monotonic() - started
        os.sched_setaffinity(0, {cores[-1]})
        yield Serving(Target("maestro", f"http://127.0.0.1:{port}/v1", ours.pid, key), ours.pid, ready)
        os.sched_setaffinity(0, set(cores))


def fill_table(path: Path, table: str, count: int) -> None:
    """Rows as they are after so many requests, in the order in which they came."""
    names = "with recursive n(i) as (select 1 union all select i + 1 from n where i < ?)"
    made = "printf('%012x%020x', 1700000000000 + i * 1000, i)"
    statements = {
        "runs": (
            f"""{names} insert into runs select 'run-' || {made}, 'bench', 'key', 1.7e9 + i, 'all_satisfied', 'a/small',
                1.0, 1000, 0.5, '{TRACE}' from n""",
            f"""{names} insert into lines (attempt_id, reservation_id, run_id, team, key_id, model, purpose, technique,
                state, held, nanodollars, input_tokens, output_tokens, owner, reserved_at, settled_at)
                select {made}, 'r' || i, 'run-' || {made}, 'bench', 'key', 'a/small', 'generate', 'sample',
                'settled', 1000, 900, 10, 5, 'gone', 1.7e9 + i, 1.7e9 + i from n""",
            f"""{names} insert into outcomes (run_id, created_at, action, propensity, success, row) select
                'run-' || {made}, 1.7e9 + i, 'a/small', 1.0, 1.0, '{{}}' from n""",
        ),
        "keys": (
            f"""{names} insert into keys (id, hash, team, name, created_at, scopes) select {made},
                hex(randomblob(32)), 'bench', 'key ' || i, 1.7e9, '{{}}' from n""",
        ),
    }
    connection = sqlite3.connect(path)
    with connection:
        for statement in statements[table] if count else ():
            connection.execute(statement, (count,))
    connection.close()


def show(names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table in Markdown."""
    show_heads(names)
    for row in rows:
        show_row(row)


def show_heads(names: Sequence[str]) -> None:
    """Its first two lines."""
    click.echo(f"| {' | '.join(names)} |\n|{'---|' * len(names)}")


def show_row(row: Sequence[object]) -> None:
    """One more line."""
    click.echo(f"| {' | '.join(map(_shown, row))} |")


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def costs(worker: Serving, body: Mapping[str, Any], connections: int, seconds: float) -> tuple[float, float]:
    """CPU milliseconds a request, and p50 milliseconds. Raises RuntimeError if a request failed."""
    result = measure(worker.target, dict(body), connections, seconds)
    if result.errors:
        raise RuntimeError(f"{result.errors} requests failed")
    return result.cpu_ms, result.p50_ms


@click.group()
@click.option("--seconds", default=1.5, show_default=True, help="Of each measurement.")
@click.pass_context
def command(context: click.Context, seconds: float) -> None:
    """How cost grows with what a request, the settings and the ledger hold."""
    context.obj = seconds


@command.command()
@click.pass_obj
def messages(seconds: float) -> None:
    """The length of a message, 1 kB to 5 MB: a named model passed through, and `maestro`."""
    rows = []
    with serving() as worker:
        for size in SIZES:
            text = (MARK + FILLER * (size // len(FILLER) + 1))[:size]
            said = {"messages": [{"role": "user", "content": text}]}
            at_once, before = 8 if size < 1_000_000 else 2, worker.mib()
            relay, _ = costs(worker, {"model": "small"} | said, at_once, seconds)
            planned, _ = costs(worker, {"model": "maestro"} | said, at_once, seconds)
            rows.append((size, relay, planned, before, worker.mib()))
    show(("bytes", "relay CPU ms", "maestro CPU ms", "MiB at first", "MiB after"), rows)


@command.command()
@click.pass_obj
def models(seconds: float) -> None:
    """Models on offer, 1 to 500 (each with several actions)."""
    rows = []
    for count in MODELS:
        with serving(models=count) as worker:
            found = [costs(worker, CASES[case], 16, seconds)[0] for case in ("whole", "maestro", "requirements")]
            rows.append((count, *found, worker.ready_seconds, worker.mib()))
    names = ("models", "relay CPU ms", "maestro CPU ms", "three requirements CPU ms", "listens after s", "MiB")
    show(names, rows)


@command.command()
@click.pass_obj
def requirements(seconds: float) -> None:
    """Requirements that pass at once, 0 to 32."""
    rows = []
    with serving() as worker:
        for count in REQUIREMENTS:
            wanted = [f"At most {500 + i} words" for i in range(count)]
            cpu, p50 = costs(worker, {"model": "maestro", "requirements": wanted}, 16, seconds)
            rows.append((count, cpu, p50, worker.mib()))
    show(("requirements", "CPU ms", "p50 ms at 16", "MiB"), rows)


@command.command()
@click.option("--most", default=RUNS[-1], show_default=True)
@click.pass_obj
def runs(seconds: float, most: int) -> None:
    """Runs in the ledger, with their charges and outcomes, 0 to 1,000,000."""
    _ledger("runs", [count for count in RUNS if count <= most], seconds)


@command.command()
@click.pass_obj
def keys(seconds: float) -> None:
    """Keys, 1 to 100,000."""
    _ledger("keys", KEYS, seconds)


def _ledger(table: str, counts: Sequence[int], seconds: float) -> None:
    rows = []
    for count in counts:
        with serving(fill=[(table, count)]) as worker:
            found = [costs(worker, CASES[case], 64, seconds) for case in ("whole", "maestro", "requirements")]
            alone = costs(worker, CASES["whole"], 1, seconds)[1]
            rows.append((count, *(cpu for cpu, _ in found), alone, worker.ready_seconds, worker.mib()))
    cases = ("relay CPU ms", "maestro CPU ms", "three requirements CPU ms")
    show((table, *cases, "relay p50 ms alone", "listens after s", "MiB"), rows)


@command.command()
@click.option("--rounds", default=6, show_default=True)
@click.pass_obj
def conversations(seconds: float, rounds: int) -> None:
    """Memory after so many conversations with `maestro`, each another text."""
    rows: list[tuple[object, ...]] = []
    with serving() as worker:
        count = 0
        for _ in range(rounds):
            result = measure(worker.target, dict(CASES["maestro"]), 64, seconds)
            count += result.requests
            rows.append((count, worker.mib(), result.cpu_ms, result.p50_ms, result.errors))
    show(("conversations", "MiB", "CPU ms", "p50 ms", "errors"), rows)


@command.command()
@click.option("--rounds", default=5, show_default=True)
def ready(rounds: int) -> None:
    """From the start of the process until it listens and answers, without the local model."""
    rows = []
    for number in range(rounds):
        with serving() as worker:
            rows.append((number + 1, worker.ready_seconds, worker.mib()))
    show(("start", "ready after s", "MiB"), rows)


@command.command()
@click.option("--workers", "counts", multiple=True, type=int, default=(1, 2), show_default=True)
@click.pass_obj
def workers(seconds: float, counts: Sequence[int]) -> None:
    """Requests a second by the number of workers; one is pinned, several, load and upstream share all cores."""
    rows = []
    for count in counts:
        with serving(workers=count) as worker:
            time.sleep(5.0)  # until every worker serves
            family = (worker.pid, *children(worker.pid))
            os.sched_setaffinity(0, set(range(os.cpu_count() or 1)))
            before, started = [*map(cpu_seconds, family)], time.perf_counter()
            result = measure(worker.target, dict(CASES["whole"]), 64, seconds)
            took = time.perf_counter() - started
            used = [cpu_seconds(pid) - already for pid, already in zip(family, before, strict=True)]
            each, busiest = sum(used) / (result.per_second * took) * 1e3, max(used) / sum(used)
            figures = (sum(used) / took, busiest, each, result.p50_ms, result.p99_ms, result.errors)
            rows.append((count, result.per_second, *figures))
    heads = ("cores used by them", "the busiest one's share", "CPU ms a request", "p50 ms", "p99 ms", "errors")
    show(("workers", "req/s", *heads), rows)


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


if __name__ == "__main__":
    command()
