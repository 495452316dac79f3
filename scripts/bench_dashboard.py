"""How long the dashboard's pages take with many runs: `python -m scripts.bench_dashboard --runs 10000`."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import httpx

from action_model.prices import Usage
from proxy.app import create_app
from proxy.house import House
from proxy.serving.server import DrainingServer, configure
from proxy.settings import Settings
from router.efforts import EFFORTS
from router.ledger.ledger import Account, Charge, Ledger, Line

PAGES = ("tradeoffs", "runs", "runs?search=small&score=part", "runs/run-00000001", "spend", "models", "playground")
TEAMS = ("search", "support", "billing", "")


@click.command()
@click.option("--runs", default=10_000, show_default=True)
@click.option("--times", default=5, show_default=True, help="How often each page is asked for.")
def command(runs: int, times: int) -> None:
    """Fills a ledger with runs, outcomes and charges, serves it, and times every page."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_measure(Path(folder), runs, times))


async def _measure(folder: Path, runs: int, times: int) -> None:
    app = create_app(_settings(folder))
    server = DrainingServer(configure(_settings(folder), app), 1.0)
    serving = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    house: House = app.state.house
    await fill(house.rooms.ledger, runs, house.rooms.estimator.reading("What is this?"))
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/dashboard/", timeout=60) as client:
        for page in PAGES:
            took = [await _timed(client, page) for _ in range(times)]
            click.echo(f"{page:32} first {took[0]:6.0f} ms   median {statistics.median(took):6.0f} ms")
    server.should_exit = True
    await serving


async def _timed(client: httpx.AsyncClient, page: str) -> float:
    began = time.perf_counter()
    (await client.get(page)).raise_for_status()
    return 1000 * (time.perf_counter() - began)


def _settings(folder: Path) -> Settings:
    models = [
        {"name": "small", "input_usd_per_mtok": 0.1, "output_usd_per_mtok": 0.4},
        {"name": "big", "input_usd_per_mtok": 2.0, "output_usd_per_mtok": 8.0},
    ]
    upstream = {"name": "a", "base_url": "http://127.0.0.1:9/v1", "model": models}
    said = {"upstream": [upstream], "ledger": {"url": f"sqlite:///{folder}/m.db", "durability": "normal"}}
    teams = {name: {"budget_usd": 25.0} for name in TEAMS if name}
    return Settings.model_validate({**said, "teams": teams, "server": {"port": 0}})


async def fill(ledger: Ledger, runs: int, reading: Mapping[str, Any]) -> None:
    """Runs of two candidates each, with their outcomes and charges. `reading`: what an estimator keeps of a text."""
    for number in range(runs):
        team = TEAMS[number % len(TEAMS)]
        run_id = f"run-{number:08d}"
        await ledger.record_run(
            run_id, Account(team, ""), _trace(run_id, number) | {"request": _request(number, reading)}
        )
        await ledger.record_outcomes([_outcome(run_id, number, model) for model in ("a/small", "a/big")])
        line = Line(f"{run_id}-0", "a/small", 1_000_000)
        reservation = await ledger.reserve(run_id, Account(team, ""), [line])
        await ledger.settle(reservation, Charge(line.attempt_id, 400_000, Usage(120, 80)))
    await ledger.flush()


def _trace(run_id: str, number: int) -> dict[str, Any]:
    candidates = [_candidate(index, number) for index in range(2)]
    attempts = [
        {"model": c["model"], "purpose": "generate", "started_seconds": c["started_seconds"], "outcome": "ok"}
        | {"ended_seconds": c["ended_seconds"], "usd": c["usd"], "input_tokens": 120, "output_tokens": 80}
        for c in candidates
    ]
    predicted = {"success": 0.5 + 0.05 * (number % 10), "usd": 0.0005, "seconds": 1.5}
    wave = {"wave": 0, "reason": "wave 1 of up to 3", "value": 0.7, "actions": [], "alternatives": []}
    return {
        "id": run_id,
        "finish_reason": "all_satisfied" if number % 3 else "budget_exhausted",
        "score": 1.0 if number % 3 else 0.6,
        "chosen": {"candidate": "c0.0", "model": "a/small", "technique": "sample"},
        "waves": [wave],
        "candidates": candidates,
        "attempts": attempts,
        "predicted": predicted,
        "nanodollars": 400_000,
        "usd": 0.0004,
        "seconds": 1.2 + 0.1 * (number % 7),
        "problems": [],
    }


def _request(number: int, reading: Mapping[str, Any]) -> dict[str, Any]:
    """At the three efforts in turn, about all eight topics."""
    effort = list(EFFORTS.values())[number // 3 % len(EFFORTS)]
    demand = [1.0 if number // 9 >> place & 1 else -1.0 for place in range(3)]
    return {
        **reading,
        "demand": demand,
        "usd_value": effort.usd,
        "seconds_value": effort.seconds,
        "kinds": ["max_words"],
    }


def _candidate(index: int, number: int) -> dict[str, Any]:
    verdict = {"requirement": "short", "score": 1.0, "passed": True, "reason": "62 words, limit 80", "source": "check"}
    return {
        "id": f"c0.{index}",
        "action": "a/small:sample",
        "model": "a/small" if index == 0 else "a/big",
        "wave": 0,
        "score": 1.0 if number % 3 else 0.6,
        "verdicts": [{**verdict, "requirement": f"requirement {i}", "confidence": 1.0} for i in range(4)],
        "usd": 0.0002,
        "usage": {"input_tokens": 120, "output_tokens": 80},
        "started_seconds": 0.1 * index,
        "ended_seconds": 1.0,
    }


def _outcome(run_id: str, number: int, model: str) -> dict[str, Any]:
    said = {"run_id": run_id, "action": f"{model}:sample", "model": model, "technique": "sample", "usd": 0.0002}
    return {**said, "success": float(number % 3 > 0), "score": 1.0, "kinds": ["max_words"], "seconds": 1.1}


if __name__ == "__main__":
    command()
